"""Actuals: what a month of the router's books came to, in the formats that finance reads."""
