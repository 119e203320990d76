"""A detector of many panels as one image: which stored pixel shows where.

The canvas lies in the common plane of the panels, its fast axis along CrystFEL's +x and its slow one along
+y: seen from the source. A panel that is turned by so little that its edges stay within half a pixel is moved
as a whole, so that each of its pixels shows once; one that is turned further is drawn by the nearest pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import GeometryError
from xgeom_core.formats.crystfel.layout import Layout, Panels, in_plane
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import PanelPlace

GAP = -1
"""What stands in the index where no panel is."""

_MOST_PX = 100_000_000
_TURN_PX = 0.5
_SAME_SIZE = 0.02
_ROUNDS = 8


@dataclass(frozen=True)
class Storage:
    """Where a panel's pixels lie in a flattened frame: ``start + ss * slow + fs * fast``, its own ss, fs."""

    start: int
    fast: int
    slow: int


@dataclass(frozen=True, eq=False)
class Canvas:
    """The assembled image.

    Parameters
    ----------
    index : ndarray of int64, shape (slow, fast)
        Which number of a flattened frame shows here; `GAP` where none does.
    panel : ndarray of int32, shape (slow, fast)
        Of which panel; `GAP` where of none.
    layout : Layout
        Center and axes of the canvas.
    places : tuple of PanelPlace
        What is left of turns and parts of a pixel, exactly.
    """

    index: NDArray[np.int64]
    panel: NDArray[np.int32]
    layout: Layout
    places: tuple[PanelPlace, ...]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A panel on the canvas: its point ``(u, v)`` shows at ``corner + steps @ (u, v)``."""

    corner: FloatArray
    steps: FloatArray
    size: FloatArray

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest ``(x, y)``."""
        ends = self.corner + np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * self.size @ self.steps.T
        return ends.min(axis=0), ends.max(axis=0)


def assemble(
    panels: Panels, layout: Layout, storage: Sequence[Storage], names: Sequence[str], path: Path
) -> Canvas:
    """The canvas of a detector.

    Parameters
    ----------
    panels, layout : Panels, Layout
        From the geometry file.
    storage : sequence of Storage
        One a panel.
    names : sequence of str
        Of the panels.
    path : Path
        The geometry file, for messages.

    Raises
    ------
    GeometryError
        If the panels have pixels of different sizes, or lie too far apart for one image.
    """
    fast, slow = in_plane(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), layout.slope, path)
    exact = _exact(panels, layout, fast, slow, path)
    moved = [_moved(one) for one in exact]
    boxes = np.array([one.box for one in moved])
    part = _part([one.corner for one, turned in zip(moved, exact, strict=True) if one is not turned])
    origin = part + np.floor(boxes[:, 0].min(axis=0) - part - 1.0)
    width, height = (int(n) for n in np.ceil(boxes[:, 1].max(axis=0) - origin + 1.0))
    if width * height > _MOST_PX:
        raise GeometryError(
            f"{path} spreads its panels over {width} x {height} pixels: not put into one image."
        )
    index = np.full((height, width), GAP, dtype=np.int64)
    panel = np.full((height, width), GAP, dtype=np.int32)
    places = []
    for number, (one, turned) in enumerate(zip(moved, exact, strict=True)):
        whole = one if one is turned else replace(one, corner=np.round(one.corner - origin) + origin)
        shown = replace(whole, corner=whole.corner - origin)
        _draw(index, panel, shown, storage[number], number)
        places.append(_place(panels, number, names[number], shown))
    center = (float(-origin[0]), float(-origin[1]))
    return Canvas(index, panel, replace(layout, center_px=center, fast=fast, slow=slow), tuple(places))


def _exact(panels: Panels, layout: Layout, fast: FloatArray, slow: FloatArray, path: Path) -> list[_Placed]:
    """Every panel where it is, in px of the canvas from the beam."""
    across = np.stack([fast, slow])
    px = np.array(layout.pixel_mm)[:, None]
    found = []
    for corner, along, down, size in zip(panels.corner, panels.fast, panels.slow, panels.size, strict=True):
        steps = across @ np.stack([along, down], axis=1) / px
        if abs(np.sqrt(abs(np.linalg.det(steps))) - 1.0) > _SAME_SIZE:
            raise GeometryError(f"{path} has panels with pixels of different sizes: not put into one image.")
        found.append(_Placed(across @ (corner - (0.0, 0.0, layout.z_mm)) / px[:, 0], steps, size))
    return found


def _moved(panel: _Placed) -> _Placed:
    """The panel turned to whole axes about its middle, or as it is where that moves its edges too far."""
    straight = np.round(panel.steps)
    middle = panel.size / 2.0
    if not np.array_equal(np.abs(straight) @ np.ones(2), np.ones(2)) or abs(np.linalg.det(straight)) < 0.5:
        return panel
    # Steps of +-1 along two axes: the corner that moves most is one of two.
    ends = (panel.steps - straight) @ (np.array([[1.0, 1.0], [1.0, -1.0]]) * middle).T
    if np.abs(ends).max() > _TURN_PX:
        return panel
    return replace(panel, corner=panel.corner + (panel.steps - straight) @ middle, steps=straight)


def _part(corners: Sequence[FloatArray]) -> FloatArray:
    """Which part of a pixel the canvas begins at, so that rounding moves the panels by nothing on average.

    What rounding leaves must not move the center of all panels together, or rings would seem centered
    elsewhere than CrystFEL's origin.
    """
    if not corners:
        return np.zeros(2)
    all_of_them = np.array(corners)
    part = np.angle(np.exp(2j * np.pi * all_of_them).mean(axis=0)) / (2 * np.pi)
    for _ in range(_ROUNDS):
        part = part + ((all_of_them - part) - np.round(all_of_them - part)).mean(axis=0)
    return np.asarray(part, dtype=np.float64)


def _draw(
    index: NDArray[np.int64], panel: NDArray[np.int32], shown: _Placed, storage: Storage, number: int
) -> None:
    low, high = (np.floor(shown.box[0]), np.ceil(shown.box[1]))
    x0, y0 = (max(int(n), 0) for n in low)
    x1, y1 = min(int(high[0]), index.shape[1]), min(int(high[1]), index.shape[0])
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    points = np.stack([x - shown.corner[0], y - shown.corner[1]], axis=-1) @ np.linalg.inv(shown.steps).T
    u, v = (np.floor(points[..., axis]).astype(np.int64) for axis in (0, 1))
    inside = (u >= 0) & (u < shown.size[0]) & (v >= 0) & (v < shown.size[1])
    window = np.s_[y0:y1, x0:x1]
    index[window][inside] = (storage.start + v * storage.slow + u * storage.fast)[inside]
    panel[window][inside] = number


def _place(panels: Panels, number: int, name: str, shown: _Placed) -> PanelPlace:
    low, high = (np.round(side) for side in shown.box)
    back = np.linalg.inv(shown.steps)
    stored = np.stack([panels.fast[number], panels.slow[number]], axis=1)
    origin = panels.corner[number] + stored @ back @ (low - shown.corner)
    fast, slow = (step / np.linalg.norm(step) for step in (stored @ back).T)
    x, y = (int(n) for n in low)
    wide, tall = (int(n) for n in high - low)
    return PanelPlace(name, (x, y), (wide, tall), _vector(origin), _vector(fast), _vector(slow))


def _vector(numbers: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(n) for n in numbers)
    return x, y, z
