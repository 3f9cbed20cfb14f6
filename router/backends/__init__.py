"""Places that make images: one file each, each speaking one vendor's protocol. See `protocol` for what they share."""
