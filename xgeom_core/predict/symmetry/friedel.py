"""Friedel pairs: reflections hkl and -h-k-l lie opposite each other, so pairs share a midpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.spots.spot_list import Spots
from xgeom_core.predict.symmetry.witness import Witness

SOURCE = "Friedel pairs"
_MOST_SPOTS, _LEAST_SPOTS = 400, 16
# Two spots of a pair differ by partiality, but hardly by more than this factor.
_RATIO = 5.0
# A midpoint counts as shared within this share of the longer side (a 2527-px frame: 2.5 px).
_SHARED_SHARE = 0.001
# Friedel pairs come in numbers: more midpoints than chance (standard deviations), so many, this share of
# the spots.
_LEAST_HEIGHT, _LEAST_PAIRS, _PAIRED_SHARE = 6.0, 8, 0.1
# Lattices have rivals half a row away; spots along a streak or the edge of a gap pair up too, in one
# direction.
_MOST_SECOND, _MOST_ONE_SIDED = 0.6, 0.5


def find_friedel(spots: Spots) -> Witness | None:
    """The midpoint that most pairs of spots of about the same strength share.

    Parameters
    ----------
    spots : Spots
        The strongest first.

    Returns
    -------
    Witness or None
        Diagnostics: ``height``, natural logarithm of the excess of midpoints there in standard deviations;
        ``second``, the next highest excess over it; ``paired``, number of pairs over that of spots;
        ``one_sided``, share of the pairs in the fullest eighth of half a turn.
    """
    spots = spots.take(slice(_MOST_SPOTS))
    if len(spots) < _LEAST_SPOTS:
        return None
    middle, angle = _midpoints(spots)
    if len(middle) < _LEAST_SPOTS:
        return None
    cell = max(_SHARED_SHARE * max(spots.shape), 1.0)
    score, origin = _popularity(middle, cell)
    peak = score == ndimage.maximum_filter(score, size=5)
    heights = np.sort(score[peak])[::-1]
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    center, covariance, near = _refined(middle, (np.array([column, row]) + 0.5) * cell + origin, cell)
    if heights[0] < _LEAST_HEIGHT or len(near) < max(_LEAST_PAIRS, _PAIRED_SHARE * len(spots)):
        return None
    second = max(float(heights[1] / heights[0]), 0.0) if len(heights) > 1 else 0.0
    fullest = int(np.bincount((angle[near] * 8).astype(int) % 8, minlength=8).max()) / len(near)
    if second > _MOST_SECOND or fullest > _MOST_ONE_SIDED:
        return None
    diagnostics = {"height": float(np.log(heights[0])), "second": second, "one_sided": fullest}
    diagnostics["paired"] = len(near) / len(spots)
    return Witness(SOURCE, (float(center[0]), float(center[1])), covariance, diagnostics)


def _midpoints(spots: Spots) -> tuple[FloatArray, FloatArray]:
    """Midpoints and directions (0 to 1 for half a turn) of all pairs of about equal strength."""
    places, strength = np.stack([spots.x, spots.y], axis=1), np.log(np.maximum(spots.counts, 1e-3))
    one, other = np.triu_indices(len(places), 1)
    alike = np.abs(strength[one] - strength[other]) < np.log(_RATIO)
    one, other = one[alike], other[alike]
    apart = places[one] - places[other]
    return 0.5 * (places[one] + places[other]), np.arctan2(apart[:, 1], apart[:, 0]) / np.pi % 1.0


def _popularity(middle: FloatArray, cell: float) -> tuple[FloatArray, FloatArray]:
    """Excess of midpoints per cell over the smooth expectation, in standard deviations."""
    origin = middle.min(axis=0)
    index = ((middle - origin) / cell).astype(int)
    columns, rows = index.max(axis=0) + 1
    votes = np.bincount(index[:, 1] * columns + index[:, 0], minlength=rows * columns).reshape(rows, columns)
    # Peaks are taken over a Gaussian of one cell, against one of twelve.
    near = ndimage.gaussian_filter(votes.astype(np.float64), 1.0, mode="constant")
    wide = ndimage.gaussian_filter(near, 12.0, mode="constant")
    area = 4.0 * np.pi
    return (near - wide) * area / np.sqrt(wide * area + 1.0), origin


def _refined(
    middle: FloatArray, place: FloatArray, cell: float
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Median of the midpoints near a peak, its covariance, and which they are."""
    tree = cKDTree(middle)
    center, reach, near = place.astype(np.float64), 2.5 * cell, np.empty(0, dtype=np.intp)
    for _ in range(6):
        near = np.array(tree.query_ball_point(center, reach), dtype=np.intp)
        if len(near) < 3:
            return center, np.eye(2) * cell**2, near
        center, reach = np.median(middle[near], axis=0), max(0.8 * reach, 1.2 * cell)
    # The Ewald sphere bends pairs away from opposite: the whole width is the error, not its mean's.
    spread = 1.4826 * np.median(np.abs(middle[near] - center), axis=0)
    return center, np.diag(np.maximum(spread, 0.3 * cell) ** 2), near
