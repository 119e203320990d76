"""Radial profiles by azimuth about a geometry: where they disagree, the geometry is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.errors import GeometryError
from xgeom_core.geometry import FloatArray, Geometry, Pooling
from xgeom_core.metadata import Metadata
from xgeom_core.predict.classical.canvas import Canvas
from xgeom_core.predict.classical.polar import SECTORS, cut

# Sectors drawn; each is the mean of several of the finer ones.
SHOWN = 9
_SMOOTH_BINS = 1.5


@dataclass(frozen=True, eq=False)
class SectorProfiles:
    """Profiles of azimuth sectors about one geometry.

    Parameters
    ----------
    radius_px : ndarray, shape (m,)
        ``D tan(two_theta)`` in native px.
    azimuth_deg : ndarray, shape (SHOWN,)
        Middle of each sector, from +x (right) towards +y (down).
    profile : ndarray, shape (SHOWN, m)
        Mean counts of a native pixel; NaN where not seen.
    leveled : ndarray, shape (SHOWN, m)
        The same divided by a smooth curve that makes it as bright as the mean: what is left shows
        where features lie, not how bright they are.
    mean : ndarray, shape (m,)
        Over the sectors; NaN where none was seen.
    shift_px, sigma_px : ndarray, shape (SHOWN,)
        By how much the features of a sector lie farther out than in the mean, native px; NaN where
        it cannot be told.
    """

    radius_px: FloatArray
    azimuth_deg: FloatArray
    profile: FloatArray
    leveled: FloatArray
    mean: FloatArray
    shift_px: FloatArray
    sigma_px: FloatArray


def sector_profiles(
    image: FloatArray,
    used: NDArray[np.bool_],
    pooling: Pooling,
    meta: Metadata,
    center_px: tuple[float, float],
    tilt_deg: tuple[float, float] | None,
) -> SectorProfiles | None:
    """Cut the used pixels of an image into sectors; None if too little is left.

    Parameters
    ----------
    image : ndarray
        Mean counts of a native pixel.
    used : ndarray of bool
        Pixels that count.
    pooling : Pooling
        From the image's pixels to native ones.
    meta : Metadata
        Without distance or pixel size a middling distance is assumed, and no tilt.
    center_px : tuple of float
        Native ``(x, y)``.
    tilt_deg : tuple of float or None
    """
    factor = pooling.factor
    counts = np.where(used & np.isfinite(image), image, 0.0) * factor**2
    canvas = Canvas(np.empty(0), used, np.clip(counts, 0.0, None), pooling)
    try:
        geometry = _geometry(meta, canvas, center_px, tilt_deg)
    except GeometryError:
        return None
    with np.errstate(all="ignore"):
        polar = cut(canvas, geometry)
    # Bins that hardly any sector sees would draw spikes.
    seen = polar.seen & (polar.seen.sum(axis=0) >= SECTORS // 8)
    if not seen.any():
        return None
    group = np.arange(SECTORS) // (SECTORS // SHOWN)
    number = np.array([seen[group == k].sum(axis=0) for k in range(SHOWN)])
    total = np.array([np.where(seen, polar.profile, 0.0)[group == k].sum(axis=0) for k in range(SHOWN)])
    root = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    error = 0.6 / np.sqrt(np.maximum(number * np.maximum(polar.radius / 30.0, 1.0), 1.0))
    mean = np.divide(
        total.sum(axis=0),
        number.sum(axis=0),
        out=np.full(len(polar.radius), np.nan),
        where=number.sum(axis=0) > 0,
    )
    shift, sigma = _shifts(root, error, mean)
    azimuth = np.degrees([polar.azimuth[group == k].mean() for k in range(SHOWN)])
    return SectorProfiles(
        polar.radius * factor,
        azimuth,
        root**2 / factor**2,
        _leveled(root, mean) ** 2 / factor**2,
        mean**2 / factor**2,
        shift * factor,
        sigma * factor,
    )


def _geometry(
    meta: Metadata, canvas: Canvas, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None
) -> Geometry:
    center = canvas.pooling.to_pooled(center_px)
    if meta.distance_mm is None or meta.pixel_mm is None:
        fast, slow = meta.pixel_mm or (1.0, 1.0)
        return Geometry(center, canvas.side * fast, (fast, slow))
    factor = canvas.pooling.factor
    pixel = (meta.pixel_mm[0] * factor, meta.pixel_mm[1] * factor)
    pitch, yaw = tilt_deg or (0.0, 0.0)
    return Geometry(center, meta.distance_mm, pixel, None, pitch, yaw)


def _leveled(root: FloatArray, mean: FloatArray) -> FloatArray:
    """Each sector divided by a parabola through its ratio to the mean."""
    place = np.linspace(-1.0, 1.0, len(mean))
    out = np.full(root.shape, np.nan)
    for k, row in enumerate(root):
        seen = np.isfinite(row) & np.isfinite(mean)
        if seen.sum() < _LEAST_BINS or not mean[seen].any():
            continue
        # Weighted by the mean: ratios of faint parts are noise.
        curve = np.polyfit(place[seen], row[seen] / np.maximum(mean[seen], 0.05), 2, w=mean[seen] + 1e-6)
        filled = np.interp(place, place[seen], row[seen])
        quiet = ndimage.gaussian_filter1d(filled, _SMOOTH_BINS, mode="nearest")
        out[k] = np.where(seen, quiet / np.maximum(np.polyval(curve, place), 0.05), np.nan)
    return out


def _shifts(root: FloatArray, error: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shift of each sector against the mean, height, level and slope being free."""
    known = np.isfinite(mean)
    place = np.arange(len(mean), dtype=np.float64)
    filled = np.interp(place, place[known], mean[known])
    smooth = ndimage.gaussian_filter1d(filled, _SMOOTH_BINS, mode="nearest")
    slope = np.gradient(smooth)
    course = place / max(len(mean) - 1, 1) - 0.5
    columns = np.stack([smooth, np.ones_like(course), course, -slope], axis=1)
    shift, sigma = np.full(len(root), np.nan), np.full(len(root), np.nan)
    for k in range(len(root)):
        seen = np.isfinite(root[k])
        if seen.sum() < _LEAST_BINS:
            continue
        weight = 1.0 / error[k][seen]
        design = columns[seen] * weight[:, None]
        normal = design.T @ design
        inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
        solution = inverse @ (design.T @ (root[k][seen] * weight))
        height = solution[0]
        if height > 0.2 and inverse[3, 3] > 0:
            left = (root[k][seen] - columns[seen] @ solution) * weight
            scale = max(1.0, float(left @ left) / max(len(left) - 4, 1))
            shift[k] = solution[3] / height
            sigma[k] = np.sqrt(inverse[3, 3] * scale) / height
    return shift, sigma


_LEAST_BINS = 25
