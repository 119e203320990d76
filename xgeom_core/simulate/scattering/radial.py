"""The radial terms of a background added up, in counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.scattering.background import Background

# The rise towards the beam lies inside; the rings whose crest counts_per_mm2 means lie outside.
RING_SIDE = 0.15


def radial_sum(background: Background, s: FloatArray) -> FloatArray:
    """Sum of the radial terms at ``s`` (1/Å), in units of the crest of the water ring."""
    terms: list[Callable[[FloatArray], FloatArray]] = [
        term
        for term in (background.water, background.protein, background.small_angle, background.air)
        if term is not None
    ]
    terms.extend(background.plastics)
    return np.asarray(sum((term(s) for term in terms), np.zeros_like(s)))


def per_mm2(background: Background, wavelength_A: float) -> float:
    """Counts per mm^2 that one unit of the radial terms stands for.

    Notes
    -----
    ``counts_per_mm2`` is reached where the radial sum times the azimuthal mean of the polarization
    factor times the solid angle (``cos^3 2theta``) is largest, at 0.15 to 1 per Å and within 60
    degrees, on an untilted detector.
    """
    top = min(2.0 / wavelength_A * np.sin(np.radians(30.0)), 1.0)
    s = np.linspace(min(RING_SIDE, 0.5 * top), top, 512)
    cosine = 1.0 - 0.5 * (s * wavelength_A) ** 2
    # The mean over the azimuth of f kx^2 + (1 - f) ky^2 is sin^2 / 2, whatever f.
    seen = (radial_sum(background, s) * 0.5 * (1.0 + cosine**2) + background.fluorescence) * cosine**3
    crest = float(seen.max())
    return background.counts_per_mm2 / crest if crest > 0 else background.counts_per_mm2
