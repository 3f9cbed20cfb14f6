"""The cheapest way to make a month's images: own cards by the hour of the week, hosted overflow, and what decides."""
