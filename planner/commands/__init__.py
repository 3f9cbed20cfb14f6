"""One file for each command of `planner`."""
