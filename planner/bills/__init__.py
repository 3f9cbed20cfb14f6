"""Bills: usage and spend exports of vendors and gateways, read as demand and as today's cost."""
