"""From what was found to one answer."""
