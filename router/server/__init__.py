"""The OpenAI-compatible server over one router. See `app`."""
