"""The monthly plan: what a scenario costs month by month, how sure that is, and what it commits to."""
