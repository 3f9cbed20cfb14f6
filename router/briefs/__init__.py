"""How a prompt is read, part by part: words, quotes, cues, fields, negations, layout. `router.brief` reads it."""
