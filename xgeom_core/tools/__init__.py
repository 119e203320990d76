"""Other programs: what they found, what they need, running them, and why they differ.

One module per program; ``registry.py`` lists them all.
"""
