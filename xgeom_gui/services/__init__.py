"""Work that must not block the window: reading, predicting, training; results come by signal."""
