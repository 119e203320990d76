"""What scripts and notebooks use; `xgeom_core` itself lists the names."""
