"""Answers for every frame of a run: the table, its plots, the runner."""
