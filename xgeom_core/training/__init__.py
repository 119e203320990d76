"""Training: configuration, data, loop, events."""
