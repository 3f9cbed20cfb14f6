"""Requests whose answer is fetched later: accepted, run, taken up again after a crash, and shown."""
