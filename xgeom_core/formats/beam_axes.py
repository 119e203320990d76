"""A flat detector by the beam's direction in its own axes: what PONI and Fit2D files amount to."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import Geometry, from_vectors


def from_beam(
    start_mm: tuple[float, float, float],
    signs: tuple[int, int],
    beam: tuple[float, float, float],
    pixel_mm: tuple[float, float],
    wavelength_A: float | None = None,
) -> Geometry:
    """The geometry of an image on a detector whose axes are the frame.

    Parameters
    ----------
    start_mm : tuple of float
        Outer corner of the image's first pixel from the sample, along (detector fast, detector slow,
        normal away from the sample), in mm.
    signs : tuple of int
        1 or -1: whether the image's fast and slow axis run with or against the detector's.
    beam : tuple of float
        Unit vector of the beam along the same three axes.
    pixel_mm : tuple of float
        Pixel size ``(fast, slow)``.

    Notes
    -----
    The frame may be left-handed: the center and two-theta of every pixel depend only on lengths and on
    angles with the beam.
    """
    fast = np.array([float(signs[0]), 0.0, 0.0])
    slow = np.array([0.0, float(signs[1]), 0.0])
    return from_vectors(np.array(start_mm), fast, slow, np.array(beam), pixel_mm, wavelength_A)


def beam_of(geometry: Geometry) -> tuple[float, float, float]:
    """The beam along the image's fast axis, slow axis and normal: ``(-sinY, sinP cosY, cosP cosY)``."""
    fast, slow, normal = geometry.axes()
    return float(fast[2]), float(slow[2]), float(normal[2])
