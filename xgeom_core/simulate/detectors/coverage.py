"""Where a layout's panels come to lie in the pixels of a frame.

A frame of any number of pixels shows the same detector: its pixels are then larger or smaller than
the native ones, and some of them lie partly in a gap. Such a pixel counts as known where at least
`LEAST_SHARE` of it is sensitive, and then holds what a whole pixel would: prediction treats the
partly measured blocks of real frames the same way (it divides their sum by the share measured).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.simulate.detectors.layouts import Layout

BoolImage = NDArray[np.bool_]
FloatImage = NDArray[np.float32]

# The same as in `xgeom_core.predict.network`, so that gaps look as wide in training as in prediction.
LEAST_SHARE = 0.3


@dataclass(frozen=True)
class Placing:
    """How native pixels map to a frame's: ``frame = corner + scale * native``.

    Parameters
    ----------
    shape : tuple of int
        Of the frame, ``(slow, fast)``.
    scale : float
        Frame pixels per native pixel, at most 1 where the frame is pooled.
    corner : tuple of float
        Outer corner ``(x, y)`` of the layout in frame pixels.
    """

    shape: tuple[int, int]
    scale: float
    corner: tuple[float, float]

    def span(self, axis: int, start: float, end: float) -> tuple[float, float]:
        """Frame coordinates of a native interval along an axis (0: x), cut to the frame."""
        length = float(self.shape[1 - axis])
        low, high = (self.corner[axis] + self.scale * edge for edge in (start, end))
        return min(max(low, 0.0), length), min(max(high, 0.0), length)

    def window(self, rectangle: tuple[float, float, float, float]) -> tuple[slice, slice]:
        """Frame pixels ``[rows, columns]`` nearest to a native rectangle ``(x0, y0, x1, y1)``."""
        x0, x1 = self.span(0, rectangle[0], rectangle[2])
        y0, y1 = self.span(1, rectangle[1], rectangle[3])
        return slice(round(y0), round(y1)), slice(round(x0), round(x1))


def place(layout: Layout, shape: tuple[int, int], fill: float = 1.0) -> Placing:
    """A layout in the middle of a frame.

    Parameters
    ----------
    layout : Layout
    shape : tuple of int
        ``(slow, fast)`` in pixels.
    fill : float
        Share of the frame's longer side that the layout's longer side covers.
    """
    scale = max(shape) * fill / max(layout.size)
    spare = (shape[1] - scale * layout.size[0], shape[0] - scale * layout.size[1])
    corner = (spare[0] / 2.0, spare[1] / 2.0)
    if scale == 1.0:
        # Native pixels: gaps must fall exactly on pixels.
        corner = (float(spare[0] // 2), float(spare[1] // 2))
    return Placing(shape, scale, corner)


def sensitive(layout: Layout, placing: Placing, gaps: bool = True) -> BoolImage:
    """True where at least `LEAST_SHARE` of a frame's pixel is sensitive.

    Parameters
    ----------
    layout : Layout
    placing : Placing
    gaps : bool
        False fills the gaps: the whole rectangle about all panels is then sensitive.

    Returns
    -------
    ndarray of bool, shape ``placing.shape``
    """
    panels = layout.panels if gaps else ((0, 0, *layout.size),)
    area = np.zeros(placing.shape, dtype=np.float32)
    for panel in panels:
        rows, down = _overlap(placing, 1, panel[1], panel[3])
        columns, across = _overlap(placing, 0, panel[0], panel[2])
        area[rows, columns] += down[:, None] * across
    known = area >= np.float32(LEAST_SHARE)
    if layout.diameter_px:
        known &= _disk(layout, placing)
    return np.asarray(known)


def windows(layout: Layout, placing: Placing) -> Iterator[tuple[slice, slice]]:
    """Frame pixels of each panel, as ``image[window]``; seams and gaps are split between neighbors."""
    for panel in layout.panels:
        yield placing.window(panel)


def _overlap(placing: Placing, axis: int, start: int, end: int) -> tuple[slice, FloatImage]:
    """Pixels that an interval touches, and the share of each that it covers."""
    low, high = placing.span(axis, start, end)
    first, last = int(np.floor(low)), int(np.ceil(high))
    edges = np.clip(np.arange(first, last + 1), low, high)
    return slice(first, last), np.diff(edges).astype(np.float32)


def _disk(layout: Layout, placing: Placing) -> BoolImage:
    """True within the round sensitive area."""
    height, width = placing.shape
    middle = [placing.corner[axis] + placing.scale * layout.size[axis] / 2.0 for axis in (0, 1)]
    x = np.arange(width) + 0.5 - middle[0]
    y = np.arange(height) + 0.5 - middle[1]
    radius = placing.scale * layout.diameter_px / 2.0
    return np.asarray(x * x <= (radius * radius - y * y)[:, None])
