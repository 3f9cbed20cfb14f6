"""What it will cost: money, demand, GPUs and uncertainty."""
