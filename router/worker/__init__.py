"""Our own Flux 2 behind the OpenAI Images API: a queue, one pipeline on one card, and its seconds and joules."""
