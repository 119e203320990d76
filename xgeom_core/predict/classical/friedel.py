"""Friedel pairs: reflections hkl and -h-k-l lie opposite each other, so pairs share a midpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.registry import Start
from xgeom_core.predict.spots.find import find_spots

NAME = "friedel"
WHEN = "works on many spots at low angle or wide rocking, with the beam well inside the panel"
_MOST_SPOTS = 400
_LEAST_SPOTS = 16
# Two spots of a pair differ by partiality, but hardly by more than this factor.
_RATIO = 5.0
# A midpoint counts as shared within this share of the longer side (a 2527-px frame: 2.5 px).
_SHARED_SHARE = 0.001
_LEAST_EXCESS = 6.0
# Friedel pairs come in numbers: so many, and this share of the spots.
_LEAST_PAIRS = 8
_PAIRED_SHARE = 0.1
# Another midpoint nearly as popular is a rival: lattices have them half a row away.
_RIVAL_SHARE = 0.6


def friedel(frame: Frame, start: Start = None) -> Estimate:
    """The midpoint that most pairs of spots share; see `WHEN`. The start only breaks ties."""
    spots = find_spots(frame, most=_MOST_SPOTS)
    if len(spots) < _LEAST_SPOTS:
        return nothing(NAME, frame, f"Only {len(spots)} spots: too few for pairs.")
    strength = np.log(np.maximum(spots.counts, 1e-3))
    middle, angle = _midpoints(np.stack([spots.x, spots.y], axis=1), strength)
    if len(middle) < _LEAST_SPOTS:
        return nothing(NAME, frame, "Hardly any two spots are alike enough to be a pair.")
    cell = max(_SHARED_SHARE * max(frame.shape), 1.0)
    score, origin = _popularity(middle, cell)
    peaks = _peaks(score)
    if not len(peaks):
        return nothing(NAME, frame, "No midpoint is shared by more pairs of spots than chance would have it.")
    places = (peaks[:, 1::-1] + 0.5) * cell + origin
    heights = peaks[:, 2]
    first = 0
    if start is not None:
        close = heights > _RIVAL_SHARE * heights[0]
        first = int(np.argmin(np.where(close, np.hypot(*(places - np.array(start)).T), np.inf)))
    center, covariance, near = _refined(middle, places[first], cell)
    # Spots along a streak or the edge of a gap pair up too, but all in one direction.
    doubt = _doubt(heights, places, near, len(spots)) or _one_sided(angle[near])
    return answer(NAME, frame, (float(center[0]), float(center[1])), covariance, doubt)


def _doubt(heights: FloatArray, places: FloatArray, near: NDArray[np.intp], spots: int) -> str:
    if heights[0] < _LEAST_EXCESS or len(near) < max(_LEAST_PAIRS, _PAIRED_SHARE * spots):
        return "No midpoint is shared by clearly more pairs of spots than chance would have it."
    rivals = int(np.sum(heights[1:] > _RIVAL_SHARE * heights[0]))
    if rivals:
        far = float(np.hypot(*(places[1] - places[0])))
        return (
            f"{rivals + 1} midpoints are shared by about equally many pairs; the next is {far:.0f} px away."
        )
    return ""


def _midpoints(places: FloatArray, strength: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Midpoints and directions (0 to 1 for half a turn) of all pairs of about equal strength."""
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


def _peaks(score: FloatArray, most: int = 8) -> FloatArray:
    """Rows ``(row, column, height)`` of the highest local maxima, highest first."""
    top = (score == ndimage.maximum_filter(score, size=5)) & (score > 2.0)
    rows, columns = np.nonzero(top)
    order = np.argsort(score[rows, columns])[::-1][:most]
    return np.stack([rows[order], columns[order], score[rows[order], columns[order]]], axis=1).astype(float)


def _refined(
    middle: FloatArray, place: FloatArray, cell: float
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Median of the midpoints near a peak, its covariance, and which they are."""
    tree = cKDTree(middle)
    center, reach, near = place.astype(np.float64), 2.5 * cell, np.empty(0, dtype=np.intp)
    for _ in range(6):
        near = np.array(tree.query_ball_point(center, reach), dtype=np.intp)
        if len(near) < 3:
            break
        center, reach = np.median(middle[near], axis=0), max(0.8 * reach, 1.2 * cell)
    if len(near) < 3:
        return center, np.eye(2) * cell**2, near
    # The Ewald sphere bends pairs away from opposite: the whole width is the error, not its mean's.
    spread = 1.4826 * np.median(np.abs(middle[near] - center), axis=0)
    return center, np.diag(np.maximum(spread, 0.3 * cell) ** 2), near


def _one_sided(angle: FloatArray) -> str:
    """Why pairs whose directions crowd together are not believed; "" if they do not."""
    fullest = int(np.bincount((angle * 8).astype(int) % 8, minlength=8).max())
    if fullest > 0.5 * len(angle):
        return "Most of the pairs lie along one line: a streak or an edge, not a pattern."
    return ""
