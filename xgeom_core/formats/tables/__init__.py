"""Tables of centers: CSV, JSON and columns of text."""
