"""What is wrong with one particular detector: gains, hot and dead pixels, lines and modules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.simulate.detectors.coverage import BoolImage, FloatImage, Placing, windows
from xgeom_core.simulate.detectors.layouts import Layout

# Dead pixels and lines show where a frame's pixels are about the native ones; in larger ones the
# neighbors that were pooled with them speak for them.
_SHOWS_SINGLE_PIXELS = 0.7
_DEAD_MARKED = 0.8  # share of dead pixels and lines that files know of
# With fewer modules nobody would go on measuring after the loss of one.
_MANY_PANELS = 4
_HOT_LEAST, _HOT_MOST = 10.0, 30_000.0


@dataclass(frozen=True)
class Faults:
    """Flaws of a detector; where they are follows from the seed, so they stay from frame to frame.

    Parameters
    ----------
    gain_sigma : float
        Standard deviation of the panels' gains about 1.
    seam : float
        Share of the light that is lost within `SEAM_MM` of the seams between tiles.
    hot, dead : float
        Share of the native pixels that count far too much, and that count nothing.
    dead_lines : int
        Number of columns or rows of a chip that count nothing.
    dead_areas : int
        Number of modules or chips that count nothing.
    seed : int
        Decides the places.
    """

    gain_sigma: float = 0.0
    seam: float = 0.0
    hot: float = 0.0
    dead: float = 0.0
    dead_lines: int = 0
    dead_areas: int = 0
    seed: int = 0


SEAM_MM = 0.15


@dataclass(frozen=True)
class FaultMap:
    """The flaws in the pixels of a frame.

    Parameters
    ----------
    gain : ndarray of float32, shape (slow, fast), or None
        What each pixel's reading is multiplied with; None where it is 1 everywhere.
    dead : list of tuple
        ``(window, marked)`` of what counts nothing; marked where the file says so.
    hot : ndarray, shape (n, 2)
        Rows and columns of hot pixels.
    hot_counts : ndarray, shape (n,)
        What they add.
    """

    gain: FloatImage | None
    dead: tuple[tuple[tuple[slice, slice], bool], ...]
    hot: NDArray[np.int64]
    hot_counts: NDArray[np.int64]


def fault_map(faults: Faults, layout: Layout, placing: Placing) -> FaultMap:
    """Where a detector's flaws lie in a frame."""
    # One generator for each kind, so that more of one does not move another.
    streams = [np.random.default_rng([faults.seed, number]) for number in range(4)]
    gain = _gain(faults, layout, placing, streams[0])
    dead = _dead_areas(faults, layout, placing, streams[1])
    if placing.scale >= _SHOWS_SINGLE_PIXELS:
        dead += _dead_pixels(faults, layout, placing, streams[2])
    hot = _places(faults.hot, layout, placing, streams[3])
    counts = np.exp(streams[3].uniform(np.log(_HOT_LEAST), np.log(_HOT_MOST), len(hot)))
    return FaultMap(gain, tuple(dead), hot, counts.astype(np.int64))


def blind(known: BoolImage, counts: NDArray[np.int32], faults: FaultMap, marks: bool) -> None:
    """Let what is dead read 0, and be unknown where the file marks it; in place."""
    for window, marked in faults.dead:
        counts[window] = 0
        if marked and marks:
            known[window] = False


def _gain(faults: Faults, layout: Layout, placing: Placing, rng: np.random.Generator) -> FloatImage | None:
    if faults.gain_sigma == 0.0 and faults.seam == 0.0:
        return None
    gain = np.ones(placing.shape, dtype=np.float32)
    steps = np.exp(rng.normal(0.0, faults.gain_sigma, len(layout.panels)))
    for window, step in zip(windows(layout, placing), steps, strict=True):
        gain[window] *= np.float32(step)
    if faults.seam > 0.0:
        _darken_seams(gain, faults.seam, layout, placing)
    return gain


def _darken_seams(gain: FloatImage, depth: float, layout: Layout, placing: Placing) -> None:
    """Take light from the pixels on either side of a seam, as much as of them lies within reach."""
    reach = SEAM_MM / layout.pixel_mm
    for axis in (0, 1):
        for seam in sorted({panel[axis] for panel in layout.panels} - {0}):
            low, high = placing.span(axis, seam - reach, seam + reach)
            pixels = np.arange(int(low), int(np.ceil(high)))
            share = np.clip(np.minimum(pixels + 1, high) - np.maximum(pixels, low), 0.0, 1.0)
            factor = (1.0 - depth * share).astype(np.float32)
            if axis == 0:
                gain[:, pixels] *= factor
            else:
                gain[pixels] *= factor[:, None]


def _dead_areas(
    faults: Faults, layout: Layout, placing: Placing, rng: np.random.Generator
) -> list[tuple[tuple[slice, slice], bool]]:
    """Whole modules, or single chips of them (a module carries two rows of four or eight)."""
    areas = []
    for _ in range(faults.dead_areas):
        x0, y0, x1, y1 = layout.panels[int(rng.integers(len(layout.panels)))]
        chips = 8 if (x1 - x0) > 2 * (y1 - y0) else 4
        column, row = int(rng.integers(chips)), int(rng.integers(2))
        if rng.random() < 0.6 or len(layout.panels) < _MANY_PANELS:
            wide, high = (x1 - x0) / chips, (y1 - y0) / 2
            rectangle = (
                x0 + column * wide,
                y0 + row * high,
                x0 + (column + 1) * wide,
                y0 + (row + 1) * high,
            )
        else:
            rectangle = (x0, y0, x1, y1)
        areas.append((placing.window(rectangle), True))
    return areas


def _dead_pixels(
    faults: Faults, layout: Layout, placing: Placing, rng: np.random.Generator
) -> list[tuple[tuple[slice, slice], bool]]:
    found = []
    for row, column in _places(faults.dead, layout, placing, rng):
        marked = bool(rng.random() < _DEAD_MARKED)
        found.append(((slice(row, row + 1), slice(column, column + 1)), marked))
    line: tuple[float, float, float, float]
    for _ in range(faults.dead_lines):
        x0, y0, x1, y1 = layout.panels[int(rng.integers(len(layout.panels)))]
        half = int(rng.integers(2))
        if rng.random() < 0.5:
            x = int(rng.integers(x0, x1))
            line = (x, y0 + half * (y1 - y0) / 2, x + 1, y0 + (half + 1) * (y1 - y0) / 2)
        else:
            y = int(rng.integers(y0, y1))
            line = (x0 + half * (x1 - x0) / 2, y, x0 + (half + 1) * (x1 - x0) / 2, y + 1)
        found.append((placing.window(line), bool(rng.random() < _DEAD_MARKED)))
    return found


def _places(share: float, layout: Layout, placing: Placing, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows and columns of the frame's pixels that hold randomly chosen native ones, shape (n, 2)."""
    number = int(rng.poisson(share * layout.size[0] * layout.size[1]))
    native = rng.random((number, 2)) * layout.size
    column = np.floor(placing.corner[0] + placing.scale * native[:, 0]).astype(np.int64)
    row = np.floor(placing.corner[1] + placing.scale * native[:, 1]).astype(np.int64)
    on = (row >= 0) & (column >= 0) & (row < placing.shape[0]) & (column < placing.shape[1])
    return np.stack([row[on], column[on]], axis=1)
