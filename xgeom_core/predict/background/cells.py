"""Cells: blocks of pixels summed into fat pixels, each with its own center of gravity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.panels import panel_shares

# Share of a pixel that must be seen when pixels are pooled further.
_SEEN_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Cells:
    """Fat pixels.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Center of gravity of the pixels used in each cell, native px, corner origin.
    pixels : ndarray, shape (n,)
        Number of pooled pixels used.
    counts : ndarray, shape (n,)
        Their counts.
    place : ndarray of int, shape (n,)
        Flat index of the cell in the grid of cells.
    grid : tuple of int
        Shape ``(slow, fast)`` of that grid.
    block : int
        Pooled pixels along a side of a cell.
    panels : csr_array, shape (n, PANELS), or None
        Share of each cell that lies on each module of the detector; None where there is one only.

    Notes
    -----
    To second order a square block sees the profile plus a constant times its Laplacian, which is as
    radial as the profile itself: on smooth background blocks lose nothing.
    """

    x: FloatArray
    y: FloatArray
    pixels: FloatArray
    counts: FloatArray
    place: NDArray[np.int64]
    grid: tuple[int, int]
    block: int
    panels: sparse.csr_array | None = None

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Cells:
        """The cells of a selection: a mask of shape (n,), or numbers in any order."""
        rows = np.flatnonzero(keep) if keep.dtype == bool else keep
        return Cells(
            self.x[keep],
            self.y[keep],
            self.pixels[keep],
            self.counts[keep],
            self.place[keep],
            self.grid,
            self.block,
            None if self.panels is None else self.panels[rows],
        )

    def image(self, values: NDArray[Any], fill: float = 0.0) -> FloatArray:
        """Values of the cells laid out on their grid, shape `grid`."""
        out = np.full(self.grid[0] * self.grid[1], fill)
        out[self.place] = values
        return out.reshape(self.grid)


def make_cells(
    pooled: PooledFrame,
    use: NDArray[np.bool_],
    block: int,
    least_share: float = 0.25,
    panel: NDArray[np.int64] | None = None,
) -> Cells:
    """Sum the used pixels of a pooled frame over blocks.

    Parameters
    ----------
    pooled : PooledFrame
    use : ndarray of bool, shape of the pooled frame
        Pixels that count.
    block : int
        Pooled pixels along a side of a block.
    least_share : float
        Blocks with a smaller share of used pixels are left out.
    panel : ndarray of int64, shape of the pooled frame, optional
        Module of each pixel; see `xgeom_core.predict.background.panels.panel_numbers`.
    """
    counts = block_sum(np.where(use, pooled.counts, np.float32(0.0)), block)
    pixels, lean_x, lean_y = _block_moments(use, block)
    rows, columns = pixels.shape
    place = np.flatnonzero(pixels.ravel() >= max(1.0, least_share * block * block))
    size = pixels.ravel()[place].astype(np.float64)
    shares = None
    if panel is not None:
        shares = _block_shares(use, panel, place, block)
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    x = (place % columns + 0.5) * block + lean_x.ravel()[place] / size
    y = (place // columns + 0.5) * block + lean_y.ravel()[place] / size
    return Cells(
        x * factor + x0,
        y * factor + y0,
        size,
        counts.ravel()[place].astype(np.float64),
        place,
        (rows, columns),
        block,
        shares,
    )


def _block_shares(
    use: NDArray[np.bool_], panel: NDArray[np.int64], place: NDArray[np.int64], block: int
) -> sparse.csr_array:
    """Share of each cell's used pixels on each module; see `panel_shares`.

    Nearly all cells lie on one module, and those are told from the least and largest number in them.
    """
    width = use.shape[1]
    columns = -(-width // block)
    least = _block_least(np.where(use, panel, 127).astype(np.int8), block)
    most = -_block_least(np.where(use, -panel, 127).astype(np.int8), block)
    several = (least != most) | (least < 0)
    wanted = np.zeros(several.size, dtype=bool)
    wanted[place] = True
    odd = several & wanted.reshape(several.shape)
    at = np.flatnonzero(use & spread_blocks(odd, block, use.shape))
    row, column = np.divmod(at, width)
    cell = row // block * columns + column // block
    mixed = np.flatnonzero(odd)
    rest = panel_shares(cell, panel.ravel()[at], mixed, several.size)
    number = np.full(several.size, 1, dtype=np.int64)
    number[mixed] = np.diff(rest.indptr)
    starts = np.concatenate([[0], np.cumsum(number[place])]).astype(np.int32)
    values, modules = np.ones(starts[-1]), np.empty(starts[-1], dtype=np.int32)
    from_rest = np.repeat(odd.ravel()[place], number[place])
    values[from_rest], modules[from_rest] = rest.data, rest.indices
    modules[~from_rest] = least.ravel()[place[~odd.ravel()[place]]]
    return sparse.csr_array((values, modules, starts), shape=(len(place), rest.shape[1]))


def _block_least(image: NDArray[np.int8], block: int) -> NDArray[np.int8]:
    """The least value in each square block."""
    by_rows = np.minimum.reduceat(image, np.arange(0, image.shape[0], block), axis=0)
    columns = -(-image.shape[1] // block)
    out = np.full((len(by_rows), columns), 127, dtype=np.int8)
    for i in range(block):
        strip = by_rows[:, i::block]
        part = out[:, : strip.shape[1]]
        np.minimum(part, strip, out=part)
    return out


def block_sum(image: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Sums over square blocks; the last ones are padded with zeros."""
    height, width = image.shape
    rows, columns = -(-height // block), -(-width // block)
    by_rows = np.zeros((rows, width), dtype=np.float32)
    for i in range(block):
        part = image[i::block]
        by_rows[: len(part)] += part
    total = np.zeros((rows, columns), dtype=np.float32)
    for i in range(block):
        strip = by_rows[:, i::block]
        total[:, : strip.shape[1]] += strip
    return total


def coarser(pooled: PooledFrame, use: NDArray[np.bool_], block: int) -> tuple[PooledFrame, NDArray[np.bool_]]:
    """A frame pooled further, counts of pixels not used made up for, and which of its pixels may be used."""
    number = block_sum(use.astype(np.float32), block)
    counts = block_sum(np.where(use, pooled.counts, np.float32(0.0)), block)
    counts *= np.float32(block * block) / np.maximum(number, np.float32(1.0))
    pooling = replace(pooled.pooling, factor=pooled.pooling.factor * block)
    return replace(
        pooled, counts=counts, weight=number, pooling=pooling
    ), number >= _SEEN_SHARE * block * block


def _block_moments(use: NDArray[np.bool_], block: int) -> tuple[NDArray[np.float32], ...]:
    """Number of used pixels in each block, and sums of how far right and down of its middle they lie."""
    height, width = use.shape
    rows, columns = -(-height // block), -(-width // block)
    # After all rows the sum over the sums so far has counted row i (block - i) times.
    by_rows, so_far = np.zeros((2, rows, width), dtype=np.float32)
    for i in range(block):
        part = use[i::block]
        by_rows[: len(part)] += part
        so_far += by_rows
    middle = np.float32((block - 1) / 2.0)
    down = (np.float32(block) - middle) * by_rows - so_far
    number, right, lean_y = np.zeros((3, rows, columns), dtype=np.float32)
    for i in range(block):
        strip = by_rows[:, i::block]
        number[:, : strip.shape[1]] += strip
        lean_y[:, : strip.shape[1]] += down[:, i::block]
        right += number
    return number, (np.float32(block) - middle) * number - right, lean_y


def spread_blocks(values: NDArray[Any], block: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Block values repeated onto the pixels of an image of a shape ``(slow, fast)``."""
    full = np.repeat(np.repeat(values, block, axis=1)[:, : shape[1]], block, axis=0)
    return full[: shape[0]]
