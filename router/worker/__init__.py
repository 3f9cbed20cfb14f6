"""Our own Flux 2: so far what is asked of it, the words it is loaded by, and pipelines with random weights."""
