"""xgeom_core: loaders, simulator, models, training, prediction and the command line. Knows no Qt."""

__version__ = "0.1.0"
