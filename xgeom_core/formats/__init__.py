"""One module or package a format: what its files state of the geometry, and the images they hold."""
