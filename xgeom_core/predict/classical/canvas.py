"""What the classical methods look at: a frame summed to a few hundred pixels, spots clipped, gaps known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray, Pooling

# Longer side in pixels; a center is found to a tenth of a pixel of it and better.
SIDE_PX = 410
# A block of which less than this share was measured counts as unknown.
_LEAST_SHARE = 0.6
_LEAST_PIXELS = 500
# Spots are cut off at this many standard deviations above their surroundings.
_CLIP_SIGMA = 4.0
_MEDIAN_PX = 7
# Water, air and powder vary by more than this over a detector, relative to the median and to the noise.
_LEAST_CONTRAST = 0.3
_LEAST_SIGNAL = 10.0


@dataclass(frozen=True, eq=False)
class Canvas:
    """A pooled frame prepared for looking.

    Parameters
    ----------
    image : ndarray, shape (slow, fast)
        Square root of counts per block, with spots clipped if so asked; its noise is near 1/2 wherever
        there are counts. Unknown pixels hold a smooth guess, or 0 where nothing was clipped.
    known : ndarray of bool, shape (slow, fast)
        True where the block was measured.
    counts : ndarray, shape (slow, fast)
        Counts per whole block, scaled up where part of it was masked; 0 where unknown.
    pooling : Pooling
        The map to native pixels.
    """

    image: FloatArray
    known: NDArray[np.bool_]
    counts: FloatArray
    pooling: Pooling

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels ``(slow, fast)``."""
        return self.known.shape[0], self.known.shape[1]

    @property
    def side(self) -> int:
        """The longer side in pixels."""
        return max(self.known.shape)

    def native(self, center: tuple[float, float] | FloatArray) -> tuple[float, float]:
        """Native ``(x, y)`` of a point of the canvas (corner origin)."""
        x, y = self.pooling.to_native((float(center[0]), float(center[1])))
        return x, y


def make_canvas(frame: Frame, side_px: int = SIDE_PX, clip: bool = True) -> Canvas | None:
    """Prepare a frame; None if too few of its pixels are known.

    Parameters
    ----------
    frame : Frame
    side_px : int
        About so many pixels along the longer side.
    clip : bool
        Whether to clip spots, which takes most of the time.
    """
    factor = max(1, round(max(frame.shape) / side_px))
    pooled = pool(frame, factor)
    share = pooled.weight / factor**2
    known = (share >= _LEAST_SHARE) & np.isfinite(pooled.counts)
    if int(known.sum()) < _LEAST_PIXELS:
        return None
    counts = np.divide(pooled.counts, share, out=np.zeros_like(pooled.counts), where=known)
    counts = np.clip(counts.astype(np.float64), 0.0, None)
    image = _without_spots(counts, known) if clip else np.sqrt(counts)
    return Canvas(image, known, counts, pooled.pooling)


def _without_spots(counts: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    # Fill first: a median over zeros in gaps would cut the background beside them.
    filled = np.where(known, counts, masked_mean(counts, known, 2.0 * _MEDIAN_PX))
    middle = ndimage.median_filter(filled, size=_MEDIAN_PX, mode="nearest")
    # Where fewer than one photon is expected, the median is 0 and one photon is no spot.
    clipped = np.minimum(filled, middle + _CLIP_SIGMA * np.sqrt(middle + 1.0))
    return np.asarray(np.sqrt(clipped))


def masked_mean(image: FloatArray, known: NDArray[np.bool_], sigma: float) -> FloatArray:
    """Gaussian mean of the known pixels only; the overall mean where none is near."""
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, mode="constant", truncate=3.0)
    total = ndimage.gaussian_filter(np.where(known, image, 0.0), sigma, mode="constant", truncate=3.0)
    overall = float(image[known].mean()) if known.any() else 0.0
    near = weight > 1e-3
    return np.asarray(np.divide(total, weight, out=np.full_like(total, overall), where=near))


def is_flat(canvas: Canvas) -> bool:
    """Whether the background varies too little to point anywhere."""
    relative, signal = contrast_of(canvas)
    return relative < _LEAST_CONTRAST or signal < _LEAST_SIGNAL


def contrast_of(canvas: Canvas) -> tuple[float, float]:
    """How much the smooth background varies.

    Returns
    -------
    relative : float
        Spread of the middle 80% of the smoothed counts relative to their median.
    signal : float
        The same spread in units of its own counting noise.
    """
    sigma = canvas.side / 50.0
    smooth = masked_mean(canvas.image, canvas.known, sigma)[canvas.known]
    low, middle, high = np.percentile(smooth[:: max(1, smooth.size // 20000)], [10, 50, 90])
    noise = 0.5 / (2.0 * np.sqrt(np.pi) * sigma)
    # The image is a square root, so its relative spread is half that of the counts.
    return float(2.0 * (high - low) / max(middle, 1e-9)), float((high - low) / noise)
