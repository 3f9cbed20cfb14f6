"""Past or drawn traffic through the router's own decide and flow, in event time that reads no clock."""
