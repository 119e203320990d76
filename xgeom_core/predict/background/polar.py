"""Polar cells for sharp rings: narrow in radius, wide in azimuth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray, detector_axes
from xgeom_core.predict.background.cells import Cells
from xgeom_core.predict.background.detector_model import Detector, radii
from xgeom_core.predict.background.masks import Mask, widened
from xgeom_core.predict.background.panels import panel_shares

SECTORS = 72
_CLIP = 5.0
_LOOSE = 0.15
_LEAST_PIXELS = 3


@dataclass(frozen=True, eq=False)
class PolarGrid:
    """Cells in radius and azimuth about a geometry.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center in native px, tilt in radians.
    detector : Detector
    width : float
        Of a ring in native px.
    sectors, rings : int
    """

    theta: FloatArray
    detector: Detector
    width: float
    sectors: int
    rings: int

    def angles(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float32]:
        """Azimuth about the beam as a share of a turn, 0 to 1; x and y broadcast."""
        fast, slow, _ = detector_axes(*np.degrees(self.theta[2:4]))
        u = x - np.float32(self.theta[0])
        v = (y - np.float32(self.theta[1])) * np.float32(self.detector.aspect)
        turn = np.arctan2(v * np.float32(slow[1]), u * np.float32(fast[0]) + v * np.float32(slow[0]))
        turn *= np.float32(0.5 / np.pi)
        turn += np.float32(0.5)
        return np.asarray(turn, dtype=np.float32)

    def index(self, rho: NDArray[Any], turn: NDArray[Any]) -> NDArray[np.int32]:
        """Flat index of the cell of pixels."""
        ring = np.minimum((rho * np.float32(1.0 / self.width)).astype(np.int32), self.rings - 1)
        sector = np.minimum((turn * np.float32(self.sectors)).astype(np.int32), self.sectors - 1)
        return np.asarray(sector * self.rings + ring, dtype=np.int32)

    def pixels_at(self, rho: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Native pixel coordinates of radii and azimuths."""
        fast, slow, normal = detector_axes(*np.degrees(self.theta[2:4]))
        angle = (turn - 0.5) * 2.0 * np.pi
        distance = self.detector.distance_px
        ray = np.stack([rho * np.cos(angle), rho * np.sin(angle), np.full_like(rho, distance)], axis=-1)
        hit = ray * (distance * normal[2] / (ray @ normal))[:, None]
        hit[:, 2] -= distance
        return self.theta[0] + hit @ fast, self.theta[1] + hit @ slow / self.detector.aspect


@dataclass(frozen=True, eq=False)
class PolarPixels:
    """Used pixels of a pooled frame with their place on a polar grid, all of shape (n,)."""

    grid: PolarGrid
    at: tuple[NDArray[np.int64], NDArray[np.int64]]
    counts: NDArray[np.float32]
    rho: NDArray[Any]
    turn: NDArray[Any]
    cell: NDArray[np.int32]


def polar_pixels(
    pooled: PooledFrame,
    use: Mask,
    theta: FloatArray,
    detector: Detector,
    width: float,
    sectors: int = SECTORS,
) -> PolarPixels:
    """Lay pixels on a polar grid.

    Parameters
    ----------
    pooled : PooledFrame
    use : ndarray of bool
        Pixels that count.
    theta : ndarray, shape (4,)
    detector : Detector
    width : float
        Of a ring in native px.
    sectors : int
    """
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    rows, columns = np.nonzero(use)
    x = (columns.astype(np.float32) + np.float32(0.5)) * np.float32(factor) + np.float32(x0)
    y = (rows.astype(np.float32) + np.float32(0.5)) * np.float32(factor) + np.float32(y0)
    rho = radii(x, y, theta[:4], detector)
    far = float(rho.max()) if rho.size else 1.0
    grid = PolarGrid(theta[:4].copy(), detector, width, sectors, int(far / width) + 1)
    turn = grid.angles(x, y)
    return PolarPixels(grid, (rows, columns), pooled.counts[rows, columns], rho, turn, grid.index(rho, turn))


def polar_spots(pixels: PolarPixels) -> NDArray[np.bool_]:
    """Pixels far above the mean of their cell, shape (n,)."""
    found = np.zeros(len(pixels.counts), dtype=bool)
    size = pixels.grid.sectors * pixels.grid.rings
    for _ in range(3):
        keep = ~found
        number = np.bincount(pixels.cell[keep], minlength=size)
        mean = np.bincount(pixels.cell[keep], weights=pixels.counts[keep], minlength=size) / np.maximum(
            number, 1
        )
        limit = mean + _CLIP * np.sqrt(np.maximum(mean, 0.0) + 1.0 + (_LOOSE * mean) ** 2)
        above = pixels.counts > limit[pixels.cell]
        more = int(above.sum()) - int(found.sum())
        found = above
        if more <= 0.0005 * found.size:
            break
    return found


def polar_spot_mask(pixels: PolarPixels, shape: tuple[int, int]) -> Mask:
    """`polar_spots` as a mask of the pooled frame, with a rim."""
    mask = np.zeros(shape, dtype=bool)
    mask[pixels.at] = polar_spots(pixels)
    return widened(mask)


def polar_cells(pixels: PolarPixels, panel: NDArray[np.int64] | None = None) -> Cells:
    """Cells of a polar grid; each stands at the mean radius and azimuth of its pixels.

    Parameters
    ----------
    pixels : PolarPixels
    panel : ndarray of int64, optional
        Module of each pixel of the pooled frame.
    """
    grid = pixels.grid
    size = grid.sectors * grid.rings
    number = np.bincount(pixels.cell, minlength=size)
    place = np.flatnonzero(number >= _LEAST_PIXELS)
    count = number[place].astype(np.float64)
    rho = np.bincount(pixels.cell, weights=pixels.rho, minlength=size)[place] / count
    turn = np.bincount(pixels.cell, weights=pixels.turn, minlength=size)[place] / count
    counts = np.bincount(pixels.cell, weights=pixels.counts, minlength=size)[place].astype(np.float64)
    x, y = grid.pixels_at(rho, turn)
    shares = (
        None if panel is None else panel_shares(pixels.cell.astype(np.int64), panel[pixels.at], place, size)
    )
    return Cells(x, y, count, counts, place, (grid.sectors, grid.rings), 0, shares)
