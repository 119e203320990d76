"""The other geometry under which the arcs of rings agree nearly as well.

Rays at one angle to the beam meet a tilted detector in an ellipse, and the same ellipse stands for the
opposite tilt about another center. Only rings of different radii tell the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Detector, sight
from xgeom_core.predict.background.ring_arcs import Arcs
from xgeom_core.predict.background.ring_solve import ArcFit, Solution, derivatives, fit_arcs

_CENTER_STEPS, _MIRROR_STEPS = 3, 12
# Solutions so near each other (in their error bars) are one.
_APART = 3.0


@dataclass(frozen=True, eq=False)
class Mirror:
    """The other geometry under which the arcs nearly agree.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center in native px, tilt in radians.
    worse : float
        By how much its misfit (chi squared) is larger; negative where it is the better one.
    """

    theta: FloatArray
    worse: float


def mirrored(
    arcs: Arcs, found: Solution, theta: FloatArray, detector: Detector, base: FloatArray, start: FloatArray
) -> Mirror | None:
    """The solution of opposite tilt, from the arcs as they were measured at the first.

    Parameters
    ----------
    arcs : Arcs
        At `theta`.
    found : Solution
        There, small.
    theta : ndarray, shape (4,)
    detector : Detector
    base, start : ndarray, shape (4, 4) and (4,)
        Prior precision of the geometry and its middle.

    Returns
    -------
    Mirror or None
        None where there is but one solution.
    """
    shift = arcs.pull / arcs.info - sight(arcs.x, arcs.y, theta, detector).rho
    weight = arcs.info * found.share / (found.scatter**2 * found.larger)

    def solved_at(at: FloatArray, held: FloatArray) -> tuple[ArcFit | None, float]:
        look = sight(arcs.x, arcs.y, at, detector)
        prior = np.column_stack([base + held, base @ (start - at)])
        solved = fit_arcs(
            arcs, derivatives(arcs, look.d_rho.T), shift + look.rho, weight, prior, found.shift_px
        )
        return solved, np.inf if solved is None else solved.chi2 + float((start - at) @ base @ (start - at))

    present = theta + found.change
    other = present * np.array([1.0, 1.0, -1.0, -1.0])
    tilt_fixed, least = np.diag([0.0, 0.0, 1e15, 1e15]), np.inf
    for step in range(_CENTER_STEPS + _MIRROR_STEPS):
        solved, misfit = solved_at(other, (step < _CENTER_STEPS) * tilt_fixed)
        if solved is None:
            return None
        if step >= _CENTER_STEPS:
            if misfit > least - 1e-3:
                break
            least = misfit
        other = other + solved.at[:4]
    off = other - present
    if off @ np.linalg.solve(found.covariance, off) < _APART**2:
        return None
    return Mirror(other, least - solved_at(present, 0.0 * tilt_fixed)[1])
