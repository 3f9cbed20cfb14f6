"""A fleet of vendors, a router that is killed every few seconds, and what must hold all the same: `make soak`."""
