"""Rings as lines on the screen, in no more points than the eye can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QTransform

from xgeom_gui.state.rings import Ring

# The most that a line may stray from its curve, in pixels of the screen.
_ACCURACY_PX = 0.1
_STRIDES = (16, 8, 4, 2, 1)


@dataclass(frozen=True, eq=False)
class Line:
    """A ring on the screen.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pixels of the screen; NaN where the ring leaves the detector's plane.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]


def on_screen(ring: Ring, transform: QTransform, ratio: float) -> Line:
    """A ring as the view shows it.

    Parameters
    ----------
    ring : Ring
    transform : QTransform
        From native pixels to those of the device.
    ratio : float
        Pixels of the device for one of the screen.
    """
    stride = _stride(ring, math.sqrt(abs(transform.determinant())) / ratio)
    fast, slow = ring.x[::stride], ring.y[::stride]
    return Line(
        (transform.m11() * fast + transform.m21() * slow + transform.dx()) / ratio,
        (transform.m12() * fast + transform.m22() * slow + transform.dy()) / ratio,
    )


def _stride(ring: Ring, scale: float) -> int:
    """How many points can be passed over: a chord strays by its length squared over eight radii.

    For an open conic, whose points lie far apart at its ends, none are.
    """
    steps = len(ring.x) - 1
    quarters = ring.x[:: max(steps // 4, 1)], ring.y[:: max(steps // 4, 1)]
    reach = scale * max(float(np.ptp(along)) for along in quarters) / 2
    if not math.isfinite(reach):
        return 1
    for stride in _STRIDES:
        if steps % stride == 0 and reach * (math.pi * stride / max(steps, 1)) ** 2 / 2 <= _ACCURACY_PX:
            return stride
    return 1
