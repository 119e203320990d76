"""A frame unrolled about a center: azimuth against radius, where a right center makes straight lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry

Point = tuple[float, float]

EMPTY = 0
"""Code of a place that no valid pixel tells of."""

_AZIMUTHS, _RADII = 360, 640
_QUICK_AZIMUTHS, _QUICK_RADII = 180, 400
# Samples (along azimuth, along radius) that are averaged in each place.
_SAMPLES, _QUICK_SAMPLES = (4, 2), (2, 1)
_WIDEST_RAD = np.radians(80.0)
_PERCENT = (1.0, 99.7)


@dataclass(frozen=True, eq=False)
class Cake:
    """What is drawn of it.

    Parameters
    ----------
    codes : ndarray of uint8, shape (azimuth, radius)
        1 to 255 on a logarithmic scale of counts, 0 where nothing is known; azimuth runs from 0 to 360
        degrees, from fast towards slow.
    farthest_px : float
        Radius at the end of the last column: in native px of an untilted detector at the same distance.
    geometry : Geometry or None
        About the center; None while distance or pixel size is unknown.
    """

    codes: NDArray[np.uint8]
    farthest_px: float
    geometry: Geometry | None


@dataclass(frozen=True, eq=False)
class CakeRequest:
    """A cake that is wanted."""

    frame: Frame
    center_px: Point
    geometry: Geometry | None
    quick: bool = False

    def make(self) -> Cake:
        """Unroll the frame."""
        counts, farthest = unrolled(self.frame, self.center_px, self.geometry, self.quick)
        return Cake(_codes(counts), farthest, self.geometry)


def unrolled(
    frame: Frame, center_px: Point, geometry: Geometry | None, quick: bool = False
) -> tuple[NDArray[np.float32], float]:
    """Mean counts against azimuth and radius; under tilt the radius is that of the true two-theta.

    Parameters
    ----------
    frame : Frame
    center_px : tuple of float
        Native ``(x, y)``, corner origin.
    geometry : Geometry or None
        About that center.
    quick : bool
        Coarser and with fewer samples: for following a drag.

    Returns
    -------
    counts : ndarray, shape (azimuth, radius)
        NaN where no valid pixel lies.
    farthest_px : float
        Radius of the farthest corner.
    """
    azimuths, radii = (_QUICK_AZIMUTHS, _QUICK_RADII) if quick else (_AZIMUTHS, _RADII)
    across, along = _QUICK_SAMPLES if quick else _SAMPLES
    farthest = _farthest(frame.shape, center_px, geometry)
    azimuth = _middles(azimuths * across, 2.0 * np.pi)
    radius = _middles(radii * along, farthest)
    x, y = _pixels(azimuth[:, None], radius[None, :], center_px, geometry)
    height, width = frame.shape
    with np.errstate(invalid="ignore"):
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        column, row = (np.where(inside, place, 0).astype(np.int32) for place in (x, y))
    good = inside & frame.valid[row, column]
    counts = np.where(good, frame.data[row, column], 0).astype(np.float32)
    shape = (azimuths, across, radii, along)
    weight = good.reshape(shape).sum(axis=(1, 3), dtype=np.float32)
    total = counts.reshape(shape).sum(axis=(1, 3))
    return np.where(weight > 0, total / np.maximum(weight, 1), np.float32(np.nan)), farthest


def _middles(number: int, end: float) -> NDArray[np.float64]:
    return np.asarray((np.arange(number, dtype=np.float64) + 0.5) * (end / number), dtype=np.float64)


def _pixels(
    azimuth: NDArray[np.float64], radius: NDArray[np.float64], center_px: Point, geometry: Geometry | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Native places of azimuths (radians) and radii; NaN for rays that never arrive."""
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    if geometry is None:
        return center_px[0] + radius * cos, center_px[1] + radius * sin
    tangent = radius * (geometry.pixel_mm[0] / geometry.distance_mm)
    rays = np.stack([tangent * cos, tangent * sin, np.ones(np.broadcast_shapes(cos.shape, radius.shape))], -1)
    return geometry.from_lab(rays)


def _farthest(shape: tuple[int, int], center_px: Point, geometry: Geometry | None) -> float:
    """Radius of the corner that is farthest from the beam."""
    x, y = np.array([0, shape[1], 0, shape[1]], float), np.array([0, 0, shape[0], shape[0]], float)
    if geometry is None:
        return float(np.hypot(x - center_px[0], y - center_px[1]).max())
    angle = min(float(geometry.two_theta(x, y).max()), _WIDEST_RAD)
    return float(np.tan(angle)) * geometry.distance_mm / geometry.pixel_mm[0]


def _codes(counts: NDArray[np.float32]) -> NDArray[np.uint8]:
    known = np.isfinite(counts)
    if not known.any():
        return np.zeros(counts.shape, dtype=np.uint8)
    values = np.log1p(np.maximum(np.where(known, counts, 0), 0))
    low, high = np.percentile(values[known], _PERCENT)
    place = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    return np.where(known, 1 + np.rint(254 * place), EMPTY).astype(np.uint8)
