"""Center of mass of the background, in a window that follows the answer."""

from __future__ import annotations

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing, scatter
from xgeom_core.predict.classical.canvas import Canvas, is_flat, make_canvas, masked_mean
from xgeom_core.predict.classical.registry import Start

NAME = "center-of-mass"
WHEN = (
    "works when the intensity falls off evenly around a beam well inside the panel; within 1-5% of the side"
)
_PASSES = 15
# Polarization, shadows and tilts of a few degrees move a center of mass by about this share of the side.
_SYSTEMATIC_SHARE = 0.008
# Levels, as quantiles of the smoothed counts, above which counts weigh; their answers' scatter is the error.
_LEVELS = (0.05, 0.3, 0.6)


def center_of_mass(frame: Frame, start: Start = None) -> Estimate:
    """Center of mass of the spot-free counts; see `WHEN`. The start is not needed."""
    canvas = make_canvas(frame)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable for a center of mass.")
    if is_flat(canvas):
        return nothing(NAME, frame, "The background is flat, so its center of mass is that of the panel.")
    filled = masked_mean(canvas.image**2, canvas.known, canvas.side / 40.0)
    found = np.array([_at_level(canvas, filled, quantile) for quantile in _LEVELS])
    middle = np.median(found, axis=0)
    native = np.array([canvas.native(point) for point in found])
    covariance = scatter(native, np.array(canvas.native(middle)))
    covariance += np.eye(2) * (_SYSTEMATIC_SHARE * max(frame.shape)) ** 2
    return answer(NAME, frame, canvas.native(middle), covariance)


def _at_level(canvas: Canvas, smooth: FloatArray, quantile: float) -> FloatArray:
    """Center of mass of what rises above a level.

    The window is the largest circle about the present center that lies on the panel: a window cut
    off on one side would pull the center to the other.
    """
    height, width = canvas.shape
    weight = np.clip(smooth - np.quantile(smooth[canvas.known], quantile), 0.0, None)
    x = np.arange(width) + 0.5
    y = (np.arange(height) + 0.5)[:, None]
    center = np.array([width / 2.0, height / 2.0])
    for _ in range(_PASSES):
        room = min(center[0], width - center[0], center[1], height - center[1])
        reach = max(room, canvas.side / 6.0)
        inside = weight * ((x - center[0]) ** 2 + (y - center[1]) ** 2 < reach**2)
        total = float(inside.sum())
        if total <= 0:
            break
        new = np.array([float((inside * x).sum()), float((inside * y).sum())]) / total
        moved = float(np.hypot(*(new - center)))
        # A center of mass in a window lags behind; going twice as far gets there sooner.
        center = np.clip(center + 1.7 * (new - center), 1.0, [width - 1.0, height - 1.0])
        if moved < 0.02:
            break
    return center
