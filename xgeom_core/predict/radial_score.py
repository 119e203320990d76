"""How sharp the rings of a frame are about a center: a score to watch while a center is moved.

About the true center every ring of equal scattering angle is equally bright, up to noise and slow
changes. About a wrong one each ring mixes radii, and the counts on it scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray, Geometry, Pooling
from xgeom_core.metadata import Metadata
from xgeom_core.predict.noise_scale import in_counts

# The longer side of the picture that is scored.
_SIDE_PX = 480
_LEAST_SHARE = 0.5
_LEAST_PIXELS = 200
_SPOT_MEDIANS = 4.0


@dataclass(frozen=True, eq=False)
class RingImage:
    """A frame made small, without spots, ready to be scored again and again.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Square roots of the mean counts of the pixels used: their noise is the same everywhere.
    x, y : ndarray, shape (n,)
        Native coordinates of these pixels.
    metadata : Metadata
    side_px : int
        Longer side of the frame in native px.
    step_px : int
        Native pixels per pixel.
    """

    values: FloatArray
    x: FloatArray
    y: FloatArray
    metadata: Metadata
    side_px: int
    step_px: int


def ring_image(frame: Frame) -> RingImage | None:
    """Make a frame ready to be scored; None if too little of it is left."""
    factor = max(1, round(max(frame.shape) / _SIDE_PX))
    pooled = pool(in_counts(frame), factor)
    known = pooled.weight >= _LEAST_SHARE * factor**2
    mean = np.divide(pooled.counts, pooled.weight, out=np.zeros_like(pooled.counts), where=known)
    root = np.sqrt(np.maximum(mean, 0.0))
    used = known & ~_spots(root, known)
    rows, columns = np.nonzero(used)
    if len(rows) < _LEAST_PIXELS:
        return None
    x, y = _centers(columns, rows, pooled.pooling)
    return RingImage(root[used].astype(np.float64), x, y, frame.metadata, max(frame.shape), factor)


def sharpness(
    image: RingImage, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None = None
) -> float:
    """Share of what varies over the frame that rings about a center account for.

    Parameters
    ----------
    image : RingImage
    center_px : tuple of float
        Native ``(x, y)``, corner origin.
    tilt_deg : tuple of float, optional
        ``(pitch, yaw)``; without distance or pixel size in the metadata it is not used.

    Returns
    -------
    float
        1 if all pixels of a ring are equally bright, 0 if rings explain nothing. Compare scores of
        one frame only.
    """
    radius = _radius(image, center_px, tilt_deg) / image.step_px
    low = np.floor(radius).astype(np.int64)
    part = radius - low
    # A profile linear between its nodes has no steps, so the score is smooth in the center.
    size = int(low.max()) + 2
    weight = np.bincount(low, 1.0 - part, size) + np.bincount(low + 1, part, size)
    total = np.bincount(low, (1.0 - part) * image.values, size)
    total += np.bincount(low + 1, part * image.values, size)
    profile = np.divide(total, weight, out=np.zeros(size), where=weight > 0)
    left = image.values - ((1.0 - part) * profile[low] + part * profile[low + 1])
    spread = float(np.var(image.values))
    return float(np.clip(1.0 - np.mean(left**2) / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _radius(
    image: RingImage, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None
) -> FloatArray:
    """``D tan(two_theta)`` in native px, or the plain distance where the geometry is unknown."""
    meta = image.metadata
    fast, slow = meta.pixel_mm or (1.0, 1.0)
    if meta.distance_mm is None or tilt_deg is None:
        return np.hypot(image.x - center_px[0], (image.y - center_px[1]) * slow / fast)
    geometry = Geometry(center_px, meta.distance_mm, (fast, slow), None, *tilt_deg)
    lab = geometry.to_lab(image.x, image.y)
    ahead = np.maximum(lab[..., 2], 1e-3 * meta.distance_mm)
    radius = meta.distance_mm / fast * np.hypot(lab[..., 0], lab[..., 1]) / ahead
    return np.minimum(radius, 4.0 * image.side_px)


def _spots(root: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels well above the median of their surroundings."""
    median = ndimage.median_filter(np.where(known, root, np.float32(0.0)), 7)
    off = np.abs(root - median)[known]
    scale = 1.4826 * float(np.median(off)) if off.size else 0.0
    return np.asarray(root - median > _SPOT_MEDIANS * max(scale, 1e-6))


def _centers(
    columns: NDArray[np.int64], rows: NDArray[np.int64], pooling: Pooling
) -> tuple[FloatArray, FloatArray]:
    factor, (x0, y0) = pooling.factor, pooling.offset
    return np.asarray((columns + 0.5) * factor + x0), np.asarray((rows + 0.5) * factor + y0)
