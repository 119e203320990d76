"""Panels of the training tab: composing jobs, watching and comparing them."""
