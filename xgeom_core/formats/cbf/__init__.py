"""CBF: mini-headers and imgCIF."""
