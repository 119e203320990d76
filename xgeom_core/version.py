"""The version, for those below `xgeom_core`'s own list of public names."""

__version__ = "0.1.0"
