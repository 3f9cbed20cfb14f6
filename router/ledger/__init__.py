"""The books: every request, every attempt, every micro-dollar, on disk before anything is paid for. See `protocol`."""
