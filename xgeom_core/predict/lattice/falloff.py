"""Bragg intensities fall off evenly about the true beam: weak evidence on where it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.fit import Fit
from xgeom_core.predict.lattice.model import Model, observed_rays

FloatArray = NDArray[np.float64]

# Absorption, shadows and an anisotropic crystal are lopsided too: count the evidence for less, up to a limit.
_WORTH = 0.6
_LIMIT = 4.0
_LEAST_SPOTS = 60


def falloff_evidence(fit: Fit, seen: list[Model], xy: FloatArray, counts: FloatArray) -> FloatArray:
    """Logarithm of the odds of each origin by how evenly the spots fade with resolution.

    Parameters
    ----------
    fit : Fit
        The lattice, with a free origin.
    seen : list of Model
        The lattice seen from each origin.
    xy : ndarray, shape (n, 2)
        Positions of the spots of the fit, px.
    counts : ndarray, shape (n,)
        Their counts.

    Returns
    -------
    ndarray, shape (len(seen),)
        0 for the best, negative for the others.

    Notes
    -----
    The logarithms of the counts are fitted with a quadratic in ``s^2`` (a B factor and more) and a
    linear term in the square of the distance from the Ewald sphere (partial recording).
    """
    used = fit.used & (counts > 0)
    count = int(used.sum())
    if count < _LEAST_SPOTS or not seen:
        return np.zeros(len(seen))
    level = np.log(counts[used])
    miss = fit.miss[used]
    off = np.minimum((miss / (1.4826 * np.median(np.abs(miss)))) ** 2, 9.0)
    likely = np.empty(len(seen))
    for number, model in enumerate(seen):
        rays = observed_rays(model.geometry, xy[used, 0], xy[used, 1])
        s2 = ((rays - np.array([0.0, 0.0, model.radius])) ** 2).sum(axis=1)
        design = np.stack([np.ones(count), s2, s2**2, off], axis=1)
        rest = level - design @ np.linalg.lstsq(design, level, rcond=None)[0]
        likely[number] = -0.5 * count * np.log(max(float((rest**2).mean()), 1e-6))
    return np.asarray(np.maximum(_WORTH * (likely - likely.max()), -_LIMIT))
