"""DIALS: experiment lists."""
