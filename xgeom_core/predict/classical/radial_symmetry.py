"""The point nearest to the lines along all gradients (the idea of Parthasarathy, Nature Methods 2012)."""

from __future__ import annotations

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.canvas import is_flat, make_canvas
from xgeom_core.predict.classical.gradients import Gradients, find_gradients
from xgeom_core.predict.classical.registry import Start
from xgeom_core.predict.statistics import jackknife, robust_sigma, solve_normal

NAME = "radial-symmetry"
WHEN = "works on any round background or ring, also from afar; shadows and slopes pull it"
_SIGMA_PX = 4.0
_LEAST_GRADIENTS = 60
_PASSES = 30
_SECTORS = 12


def radial_symmetry(frame: Frame, start: Start = None) -> Estimate:
    """Robust least-squares meeting point of the gradients' lines; see `WHEN`."""
    canvas = make_canvas(frame)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable to look for symmetry.")
    lines = find_gradients(canvas, _SIGMA_PX)
    if is_flat(canvas) or len(lines) < _LEAST_GRADIENTS:
        return nothing(NAME, frame, "The background is too flat or too faint to show where it falls off.")
    first = np.array(canvas.shape[::-1]) / 2.0
    if start is not None:
        first = np.array(canvas.pooling.to_pooled(start))
    center, covariance, wrong = meeting_point(lines, first, canvas.side)
    doubt = f"{100 * wrong:.0f}% of the gradients point elsewhere." if wrong > _MOST_WRONG else ""
    return answer(NAME, frame, canvas.native(center), covariance * canvas.pooling.factor**2, doubt)


# Gradients of noise meet anywhere within a third of the side; this many astray mean that nothing is round.
_MOST_WRONG = 0.6


def meeting_point(lines: Gradients, first: FloatArray, side: float) -> tuple[FloatArray, FloatArray, float]:
    """Where the lines along gradients meet.

    Parameters
    ----------
    lines : Gradients
    first : ndarray, shape (2,)
        A rough center in canvas px.
    side : float
        Longer side of the canvas.

    Returns
    -------
    center : ndarray, shape (2,)
    covariance : ndarray, shape (2, 2)
        From leaving out azimuth sectors in turn.
    wrong : float
        Share of the gradients that miss the center by more than a twelfth of the side.

    Notes
    -----
    A line's distance to the center is its direction error times its length; the direction error of
    a gradient is 1 / strength. Beyond a spread that shrinks with the scatter found, lines weigh as
    in a Cauchy distribution, so that a sixth of the lines may come from shadows.
    """
    center, spread = first.astype(np.float64), side / 6.0
    normals, rights = _sums(lines, center, spread)
    for number in range(_PASSES):
        solution, _ = solve_normal(np.sum(normals, axis=0), np.sum(rights, axis=0))
        moved, center = float(np.hypot(*(solution - center))), solution
        miss = _miss(lines, center)
        spread = max(0.7 * spread, min(spread, robust_sigma(miss)), 0.5)
        normals, rights = _sums(lines, center, spread)
        if moved < 1e-3 and number > 8:
            break
    covariance = jackknife(normals, rights, center)
    return center, covariance, float(np.mean(np.abs(_miss(lines, center)) > side / 12.0))


def _miss(lines: Gradients, center: FloatArray) -> FloatArray:
    """Signed distance from the center to each line (along its normal, ``(-v, u)``)."""
    return np.asarray(lines.u * (center[1] - lines.y) - lines.v * (center[0] - lines.x))


def _sums(lines: Gradients, center: FloatArray, spread: float) -> tuple[list[FloatArray], list[FloatArray]]:
    """Normal matrix and right-hand side of each azimuth sector."""
    along = np.hypot(lines.x - center[0], lines.y - center[1])
    variance = (along / lines.strength) ** 2 + spread**2
    weight = 1.0 / variance / (1.0 + _miss(lines, center) ** 2 / variance)
    rows = np.array([-lines.v, lines.u])
    target = lines.u * lines.y - lines.v * lines.x
    angle = np.arctan2(lines.y - center[1], lines.x - center[0])
    sector = np.minimum(((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int), _SECTORS - 1)
    normals, rights = [], []
    for number in range(_SECTORS):
        part = sector == number
        weighted = rows[:, part] * weight[part]
        normals.append(weighted @ rows[:, part].T)
        rights.append(weighted @ target[part])
    return normals, rights
