"""The radial fit in parts: `fit_radial` in `xgeom_core.predict.radial_fit` puts them together."""
