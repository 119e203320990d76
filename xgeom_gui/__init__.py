"""xgeom_gui: the window. Everything it knows of diffraction comes from xgeom_core."""
