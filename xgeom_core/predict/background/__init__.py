"""The radial fit in parts: `fit_radial` in `xgeom_core.predict.background.radial_fit` puts them together."""
