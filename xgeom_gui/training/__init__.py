"""The training tab: composing jobs, watching and comparing them."""
