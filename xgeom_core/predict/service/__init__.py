"""Prediction in a process of its own."""
