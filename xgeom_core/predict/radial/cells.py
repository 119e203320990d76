"""Cells: blocks of pixels summed into fat pixels, each with its own center of gravity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial.panels import panel_shares


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

    def take(self, keep: NDArray[np.bool_]) -> Cells:
        """The cells of a selection, shape (n,)."""
        return Cells(
            self.x[keep],
            self.y[keep],
            self.pixels[keep],
            self.counts[keep],
            self.place[keep],
            self.grid,
            self.block,
            None if self.panels is None else self.panels[np.flatnonzero(keep)],
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
        Module of each pixel; see `xgeom_core.predict.radial.panels.panel_numbers`.
    """
    weight = use.astype(np.float32)
    counts = block_sum(np.where(use, pooled.counts, np.float32(0.0)), block)
    pixels = block_sum(weight, block)
    rows, columns = pixels.shape
    height, width = use.shape
    middle = np.float32((block - 1) / 2.0)
    off_x = (np.arange(width, dtype=np.float32) % block) - middle
    off_y = (np.arange(height, dtype=np.float32) % block) - middle
    lean_x, lean_y = block_sum(weight * off_x, block), block_sum(weight * off_y[:, None], block)
    place = np.flatnonzero(pixels.ravel() >= max(1.0, least_share * block * block))
    size = pixels.ravel()[place].astype(np.float64)
    shares = None
    if panel is not None:
        cell = (np.arange(height)[:, None] // block) * columns + np.arange(width) // block
        shares = panel_shares(cell[use], panel[use], place, rows * columns)
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


def spread_blocks(values: NDArray[Any], block: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Block values repeated onto the pixels of an image of a shape ``(slow, fast)``."""
    full = np.repeat(np.repeat(values, block, axis=1)[:, : shape[1]], block, axis=0)
    return full[: shape[0]]
