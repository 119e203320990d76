"""Panels around the image, one per file."""
