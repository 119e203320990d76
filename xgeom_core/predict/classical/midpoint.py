"""Midpoints of the projections of rows and columns: the axes about which the image mirrors itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.canvas import is_flat, make_canvas
from xgeom_core.predict.classical.registry import Start
from xgeom_core.predict.symmetry.self_mirror import self_mirror

NAME = "midpoint"
WHEN = "works on round backgrounds with the beam in the middle half of the panel and little tilt; fast"
_BANDS = 20
# A tilt of a degree or two turns rings into ellipses and moves their center by about this share of the side.
_SYSTEMATIC_SHARE = 0.004
_LEAST_OVERLAP = 0.25
_LEAST_AGREEMENT = 0.35
_REACH_SHARE = 0.03


def midpoint(frame: Frame, start: Start = None) -> Estimate:
    """Mirror axes of projections; see `WHEN`. The start is not needed."""
    canvas = make_canvas(frame)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable for projections.")
    if is_flat(canvas):
        return nothing(NAME, frame, "The background is flat: its projections mirror themselves anywhere.")
    across = _axis(canvas.image, canvas.known)
    down = _axis(canvas.image.T, canvas.known.T)
    if across is None or down is None:
        return nothing(NAME, frame, "The projections have no midpoint: nothing in them mirrors itself.")
    factor = canvas.pooling.factor
    systematic = (_SYSTEMATIC_SHARE * max(frame.shape)) ** 2
    covariance = np.diag([(across[1] * factor) ** 2, (down[1] * factor) ** 2]) + systematic * np.eye(2)
    agreement = min(across[2], down[2])
    doubt = ""
    if agreement < _LEAST_AGREEMENT:
        doubt = "The projections hardly mirror themselves."
    return answer(NAME, frame, canvas.native((across[0], down[0])), covariance, doubt)


def _axis(image: FloatArray, known: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """Mirror axis across the columns, its error and the correlation; None if there is none.

    Notes
    -----
    A ring mirrors itself about its center in every band of rows, so bands are projected apart (one
    projection of a whole panel would wash the ring out) and vote together; leaving out bands in
    turn gives the error.
    """
    profile, seen = _projections(image, known)
    if not seen.any():
        return None
    overlap, covariance, variance = self_mirror(profile, seen, (1,))
    enough = overlap > _LEAST_OVERLAP * profile.shape[1]
    covariance, variance = np.where(enough, covariance, 0.0), np.where(enough, variance, 0.0)
    overlap = np.where(enough, overlap, 0.0)
    best = _peak(covariance.sum(axis=0), variance.sum(axis=0), overlap.sum(axis=0))
    if best is None:
        return None
    without = [
        _peak(
            np.delete(covariance, number, axis=0).sum(axis=0),
            np.delete(variance, number, axis=0).sum(axis=0),
            np.delete(overlap, number, axis=0).sum(axis=0),
        )
        for number in range(len(profile))
    ]
    off = np.array([row[0] for row in without if row is not None]) - best[0]
    sigma = float(np.sqrt((len(off) - 1) / max(len(off), 1) * np.sum(off**2))) if len(off) > 3 else np.inf
    return best[0], sigma, best[1]


def _projections(image: FloatArray, known: NDArray[np.bool_]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Mean of each column in each of `_BANDS` bands of rows, less the band's own mean."""
    edges = np.linspace(0, image.shape[0], _BANDS + 1).astype(int)
    counts = np.add.reduceat(known.astype(np.float64), edges[:-1], axis=0)
    totals = np.add.reduceat(np.where(known, image, 0.0), edges[:-1], axis=0)
    seen = counts > 0.5 * np.diff(edges)[:, None]
    profile = np.divide(totals, counts, out=np.zeros_like(totals), where=seen)
    mean = profile.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.where(seen, profile - mean[:, None], 0.0), seen


def _peak(covariance: FloatArray, variance: FloatArray, overlap: FloatArray) -> tuple[float, float] | None:
    """Coordinate of the best mirror axis (canvas px) and the correlation there."""
    allowed = overlap > 0.3 * overlap.max()
    agreement = np.where(allowed, covariance / np.maximum(variance, 1e-9), -1.0)
    if not allowed.any():
        return None
    score = np.clip(agreement, -1.0, 0.999) * np.sqrt(overlap)
    top = int(np.argmax(score))
    reach = max(3, int(_REACH_SHARE * len(agreement)))
    # Climb from the most significant axis to the best one beside it.
    near = np.arange(max(top - reach, 0), min(top + reach + 1, len(agreement)))
    top = int(near[np.argmax(agreement[near])])
    near = np.arange(max(top - reach, 0), min(top + reach + 1, len(agreement)))
    near = near[allowed[near]]
    if len(near) < 5:
        return None
    place = _vertex(agreement[near], near.astype(np.float64))
    if not abs(place - top) <= reach:
        return None
    return (place + 1.0) / 2.0, float(agreement[top])


def _vertex(values: FloatArray, places: FloatArray) -> float:
    """Place of the maximum of a parabola through values; NaN if they curve upwards."""
    middle = places.mean()
    curve, slope, _ = np.polyfit(places - middle, values, 2)
    return float(middle - slope / (2.0 * curve)) if curve < 0 else float("nan")
