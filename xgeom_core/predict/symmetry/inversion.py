"""Pairs of spots opposite each other about a center: reflections hkl and -h-k-l at low angle.

Near the beam the Ewald sphere is almost flat: where a reflection is recorded, its mate on the other side is
too, unless the sphere has curved away from it. Mates are equally strong, so weak ones are missing together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import logsumexp

from xgeom_core.predict.spot_list import Spots

FloatArray = NDArray[np.float64]

# Length of the scattering vector (1/Å) at which the sphere has curved away from most mates. It depends on
# mosaic spread, beam and cell, so all of these are tried.
_LENGTHS = (0.018, 0.03, 0.048)
_FARTHEST = 2.5
# Share of mates recorded next to the beam.
_RECORDED = 0.7
# Error of a spot against where the mate says (px per coordinate and spot), the least and the most, and by a
# tilt of 1-2 degrees that is not known (times radius squared over distance).
_SCATTER_PX, _MOST_SIGMA_PX, _TILT = 0.2, 0.6, 0.03
_LEAST_RADIUS_PX = 2.0
# The density of spots is counted within this share of the middle length.
_NEIGHBORS = 0.75
_REACH_SIGMA = 4.0


@dataclass(frozen=True, eq=False)
class Inversion:
    """What opposite pairs say of some centers.

    Parameters
    ----------
    log_likelihood : ndarray, shape (n,)
        Of each center, up to a constant; as counted, not yet made cautious.
    pairs : ndarray, shape (n,)
        Expected number of true pairs about each.
    """

    log_likelihood: FloatArray
    pairs: FloatArray


def inversion_evidence(spots: Spots, centers_px: FloatArray, px_per_inverse_A: float) -> Inversion:
    """Log likelihood of centers by the spots opposite each other about them.

    Parameters
    ----------
    spots : Spots
    centers_px : ndarray, shape (n, 2)
        ``(x, y)`` in native px.
    px_per_inverse_A : float
        ``wavelength * distance / pixel``: px on the detector per 1/Å near the beam.

    Returns
    -------
    Inversion

    Notes
    -----
    A mate lies at the mirror image of a spot with a chance that falls with the square of the length of the
    scattering vector; other spots lie there at the local density. A spot whose mirror image is live and
    empty counts against the center.
    """
    centers = np.asarray(centers_px, dtype=np.float64).reshape(-1, 2)
    reached = _Reach(spots, px_per_inverse_A)
    said = [reached.about(center) for center in centers]
    return Inversion(np.array([item[0] for item in said]), np.array([item[1] for item in said]))


class _Reach:
    """The spots of a frame, ready to be mirrored."""

    def __init__(self, spots: Spots, scale: float) -> None:
        self.scale = scale
        self.xy = np.stack([spots.x, spots.y], axis=1)
        self.sigma = np.minimum(spots.sigma_px, _MOST_SIGMA_PX)
        self.known = spots.known
        self.shape = spots.shape
        self.lengths = scale * np.array(_LENGTHS)
        radius = _NEIGHBORS * self.lengths[1]
        near = KDTree(self.xy).query_ball_point(self.xy, radius, return_length=True) if len(spots) else []
        self.density = np.asarray(near, dtype=np.float64) / (np.pi * radius**2)

    def about(self, center: FloatArray) -> tuple[float, float]:
        """Log likelihood and expected number of pairs."""
        away = self.xy - center
        radius = np.hypot(*away.T)
        near = np.flatnonzero((radius > _LEAST_RADIUS_PX) & (radius < _FARTHEST * self.lengths[-1]))
        if len(near) < 2:
            return 0.0, 0.0
        away, radius = away[near], radius[near]
        first, second, ratio = self._pairs(away, radius, near)
        live = self._live(center - away)
        likely, pairs = [], []
        for length in self.lengths:
            chance = _RECORDED * np.exp(-((radius / length) ** 2))
            odds = np.sqrt(chance[first] * chance[second]) * ratio
            likely.append(np.log1p(odds).sum() + 0.5 * (np.log1p(-chance) * live).sum())
            pairs.append((odds / (1.0 + odds)).sum())
        return float(logsumexp(likely) - np.log(len(likely))), float(pairs[int(np.argmax(likely))])

    def _pairs(
        self, away: FloatArray, radius: FloatArray, near: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Pairs that may be mates, and density there if they are against the density of all spots."""
        sigma = self.sigma[near]
        # The distance in px is about the scale: wavelengths are about 1 Å.
        tilted = (2.0 * _TILT * radius**2 / self.scale) ** 2
        reach = _REACH_SIGMA * np.sqrt(2.0 * (sigma.max() ** 2 + 2.0 * _SCATTER_PX**2) + tilted.max())
        close = KDTree(away).sparse_distance_matrix(KDTree(-away), reach, output_type="coo_matrix")
        once = close.row < close.col
        first, second, apart = close.row[once], close.col[once], close.data[once]
        variance = sigma[first] ** 2 + sigma[second] ** 2 + 4.0 * _SCATTER_PX**2 + tilted[first]
        crowd = np.maximum(self.density[near[first]], self.density[near[second]])
        peak = np.exp(-0.5 * apart**2 / variance) / (2.0 * np.pi * variance)
        return first, second, peak / crowd

    def _live(self, mirrored: FloatArray) -> NDArray[np.bool_]:
        """Whether a mate at each place would have been seen."""
        column, row = np.floor(mirrored).astype(np.int64).T
        height, width = self.shape
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        if self.known is not None:
            inside[inside] = self.known[row[inside], column[inside]]
        return np.asarray(inside)
