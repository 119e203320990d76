"""What the frames of a run say together."""
