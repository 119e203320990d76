"""What is drawn of a frame: a max-pooled pyramid, the mask as codes, and a steady contrast.

Pure numpy, so that the reader thread can prepare everything before the window sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame

_Number = TypeVar("_Number", bound=np.number[Any])

FACTORS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Native pixels per drawn pixel; fine steps keep the drawn pixels between 1 and 1.5 screen pixels."""

_PARENT = {2: 1, 3: 1, 4: 2, 6: 3, 8: 4, 12: 6, 16: 8}

MASKED, SATURATED = np.uint8(1), np.uint8(2)
"""Codes of pixels that are painted over; 0 shows the counts."""

_LOW_PERCENT, _HIGH_PERCENT, _LOG_HIGH_PERCENT = 1.0, 99.7, 99.99


@dataclass(frozen=True)
class Contrast:
    """Counts drawn white and black, ``(low, high)``, for the linear and the logarithmic scale."""

    linear: tuple[float, float]
    logarithmic: tuple[float, float]

    def resembles(self, other: Contrast, ratio: float = 1.6) -> bool:
        """Whether two contrasts are so close that changing between them would only flicker."""
        mine, theirs = self.linear[1] - self.linear[0], other.linear[1] - other.linear[0]
        return theirs / ratio <= mine <= theirs * ratio


@dataclass(frozen=True, eq=False)
class PictureLevel:
    """A frame at one scale.

    Parameters
    ----------
    factor : int
        Native pixels per pixel of this level along each axis.
    counts : ndarray of float32, shape (slow, fast)
        Largest count in each block: an average would hide small spots.
    codes : ndarray of uint8, shape (slow, fast)
        `MASKED`, `SATURATED` or 0.
    contrast : Contrast
        From this level's own valid pixels, since the maximum over a block lifts the background.
    log_counts : ndarray of float32 or None
        ``log1p(counts)``, made when the logarithmic scale is wanted.
    """

    factor: int
    counts: NDArray[np.float32]
    codes: NDArray[np.uint8]
    contrast: Contrast
    log_counts: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame at all scales, from native to coarse."""

    shape: tuple[int, int]
    levels: tuple[PictureLevel, ...]

    def level_for(self, native_per_screen_pixel: float) -> PictureLevel:
        """The finest level whose pixels are no smaller than a screen pixel, so that none is skipped."""
        for level in self.levels:
            if level.factor >= native_per_screen_pixel * 0.98:
                return level
        return self.levels[-1]

    @property
    def has_log(self) -> bool:
        """Whether the logarithms have been made."""
        return self.levels[0].log_counts is not None

    def with_log(self) -> Picture:
        """The same picture with the logarithms made."""
        if self.has_log:
            return self
        return replace(
            self, levels=tuple(replace(level, log_counts=np.log1p(level.counts)) for level in self.levels)
        )


def make_picture(frame: Frame) -> Picture:
    """Prepare a frame for drawing (about 0.1 s for six megapixels)."""
    shown = frame.valid | frame.saturated
    counts = {1: np.where(shown, np.maximum(frame.data, 0), np.float32(0)).astype(np.float32, copy=False)}
    masked = {1: (~shown).astype(np.uint16)}
    saturated = {1: frame.saturated.astype(np.uint8)}
    for factor, parent in _PARENT.items():
        ratio = factor // parent
        counts[factor] = _pool(counts[parent], ratio, np.maximum)
        masked[factor] = _pool(masked[parent], ratio, np.add)
        saturated[factor] = _pool(saturated[parent], ratio, np.maximum)
    levels = []
    for factor in FACTORS:
        codes = _codes(masked[factor], saturated[factor], factor)
        levels.append(PictureLevel(factor, counts[factor], codes, contrast_of(counts[factor], codes)))
    return Picture(frame.shape, tuple(levels))


def contrast_of(counts: NDArray[np.float32], codes: NDArray[np.uint8]) -> Contrast:
    """Contrast from percentiles of the pixels that are neither masked nor saturated.

    Parameters
    ----------
    counts, codes : ndarray, shape (slow, fast)
        See `PictureLevel`.
    """
    # Every fourth pixel along each axis is plenty for a percentile, and 16 times faster.
    step = 4 if min(counts.shape) >= 256 else 1
    sample = counts[::step, ::step][codes[::step, ::step] == 0]
    if sample.size == 0:
        return Contrast((0.0, 1.0), (0.0, 1.0))
    low, middle, high, log_high = np.percentile(
        sample, (_LOW_PERCENT, 50.0, _HIGH_PERCENT, _LOG_HIGH_PERCENT)
    )
    # With few photons the percentile falls within the noise of counting, which would then be drawn
    # as black as spots; but never beyond the brightest pixel, for frames of 0 and 1.
    noise_top = middle + 5.0 * np.sqrt(max(middle, 0.0)) + 4.0
    high = max(high, min(noise_top, float(sample.max())))
    if high <= low:
        high = low + 1.0
    log_high = max(log_high, high, low + 1e-6)
    return Contrast((float(low), float(high)), (float(np.log1p(max(low, 0.0))), float(np.log1p(log_high))))


def _codes(masked: NDArray[np.uint16], saturated: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Codes of blocks: saturated if any pixel is, masked if half of them are.

    Half, because gaps between modules are narrower than the blocks of a frame zoomed out: with
    "all" they would vanish, with "any" they would swell.
    """
    codes = (2 * masked >= factor**2).astype(np.uint8) * MASKED
    codes[saturated > 0] = SATURATED
    return codes


def _pool(image: NDArray[_Number], factor: int, combine: np.ufunc) -> NDArray[_Number]:
    """Combine blocks of an image, the last ones being padded with 0."""
    height, width = image.shape
    rows, columns = -(-height // factor), -(-width // factor)
    if (height, width) != (rows * factor, columns * factor):
        image = np.pad(image, ((0, rows * factor - height), (0, columns * factor - width)))
    pooled = image[::factor, ::factor].copy()
    for i in range(factor):
        for j in range(factor):
            if i or j:
                combine(pooled, image[i::factor, j::factor], out=pooled)
    return pooled
