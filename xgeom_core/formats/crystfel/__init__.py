"""CrystFEL: geometry files and streams."""
