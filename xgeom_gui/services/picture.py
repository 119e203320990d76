"""What is drawn of a frame: a max-pooled pyramid of 16-bit codes with a histogram of each level.

Pure numpy, so that the reader thread can prepare everything before the window sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_gui.services.coding import GAP, HOT, MASKED, PAINTED, SATURATED, TOP, Codes, Coding, coding_for
from xgeom_gui.services.hot_pixels import find_hot

_Number = TypeVar("_Number", bound=np.number[Any])

FACTORS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Native pixels per drawn pixel; fine steps keep the drawn pixels between 1 and 1.5 screen pixels."""

_PARENT = {2: 1, 3: 1, 4: 2, 6: 3, 8: 4, 12: 6, 16: 8}
# Kinds of masked pixels by rank; the higher rank names a block.
_KINDS = np.array([0, MASKED, GAP, PAINTED], dtype=np.uint16)
_MASKED_RANK, _GAP_RANK, _PAINTED_RANK = (np.uint8(rank) for rank in (1, 2, 3))
_MANY = 256


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often each count occurs among the pixels drawn by their counts.

    Parameters
    ----------
    counts : ndarray of float64
        Different counts, rising.
    pixels : ndarray of int64
        How many sampled pixels have them.
    """

    counts: NDArray[np.float64]
    pixels: NDArray[np.int64]
    total: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", np.cumsum(self.pixels))

    def percentile(self, percent: float) -> float:
        """Counts that so many percent of the pixels do not exceed; 0 without any pixel."""
        if self.counts.size == 0:
            return 0.0
        place = np.searchsorted(self.total, percent / 100.0 * self.total[-1])
        return float(self.counts[min(int(place), self.counts.size - 1)])


@dataclass(frozen=True, eq=False)
class PictureLevel:
    """A frame at one scale.

    Parameters
    ----------
    factor : int
        Native pixels per pixel of this level along each axis.
    codes : ndarray of uint16, shape (slow, fast)
        Code of the largest count in each block (an average would hide small spots), or one of
        `xgeom_gui.services.coding.SPECIAL`.
    histogram : Histogram
        Of this level's own pixels, since the maximum over a block lifts the background.
    """

    factor: int
    codes: Codes
    histogram: Histogram


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame at all scales, from native to coarse.

    Parameters
    ----------
    shape : tuple of int
        Native pixels ``(slow, fast)``.
    coding : Coding
        What the codes mean.
    levels : tuple of PictureLevel
    tally : dict of int to int
        Native pixels of each special code.
    """

    shape: tuple[int, int]
    coding: Coding
    levels: tuple[PictureLevel, ...]
    tally: dict[int, int] = field(default_factory=dict)

    def level_for(self, native_per_screen_pixel: float) -> int:
        """Number of the finest level whose pixels are no smaller than a screen pixel: none is skipped."""
        for number, level in enumerate(self.levels):
            if level.factor >= native_per_screen_pixel * 0.98:
                return number
        return len(self.levels) - 1


def make_picture(frame: Frame, painted: NDArray[np.bool_] | None = None) -> Picture:
    """Prepare a frame for drawing (about 0.1 s for six megapixels).

    Parameters
    ----------
    frame : Frame
    painted : ndarray of bool, shape (slow, fast), optional
        Pixels that the user has masked; they are not valid in the frame either.
    """
    shown = frame.valid | frame.saturated
    coding = coding_for(frame.data, shown)
    native = coding.encode(frame.data)
    native[~shown] = 0
    hot = find_hot(frame.data, frame.valid)
    native[hot[:, 0], hot[:, 1]] = HOT
    native[frame.saturated] = SATURATED
    ranks = _ranks(shown, painted)
    tally = _tally(ranks, frame, len(hot))
    codes = {1: native}
    kinds = {1: ranks}
    masked: dict[int, NDArray[Any]] = {1: (ranks > 0).view(np.uint8)}
    for factor, parent in _PARENT.items():
        ratio = factor // parent
        codes[factor] = pooled(codes[parent], ratio, np.maximum)
        kinds[factor] = pooled(kinds[parent], ratio, np.maximum)
        # Up to nine pixels fit a byte; sums of sums need more.
        masked[factor] = pooled(masked[parent], ratio, np.add).astype(np.uint16, copy=False)
    levels = []
    for factor in FACTORS:
        image = _with_masked(codes[factor], kinds[factor], masked[factor], factor)
        levels.append(PictureLevel(factor, image, histogram_of(image, coding)))
    return Picture(frame.shape, coding, tuple(levels), tally)


def histogram_of(codes: Codes, coding: Coding) -> Histogram:
    """Histogram of the pixels that are neither masked nor saturated nor hot."""
    # Every fourth pixel along each axis is plenty for a percentile, and 16 times faster.
    step = 4 if min(codes.shape) >= _MANY else 1
    number = np.bincount(codes[::step, ::step].ravel(), minlength=TOP + 1)[: TOP + 1]
    found = np.flatnonzero(number)
    return Histogram(coding.decode(found.astype(np.uint16)), number[found])


def pooled(image: NDArray[_Number], factor: int, combine: np.ufunc) -> NDArray[_Number]:
    """Combine blocks of an image; the last ones may be smaller."""
    # Whole rows first: they lie together in memory, and columns are then fewer.
    by_rows = image[::factor].copy()
    for i in range(1, factor):
        part = image[i::factor]
        combine(by_rows[: len(part)], part, out=by_rows[: len(part)])
    result = by_rows[:, ::factor].copy()
    for i in range(1, factor):
        part = by_rows[:, i::factor]
        combine(result[:, : part.shape[1]], part, out=result[:, : part.shape[1]])
    return result


def _ranks(shown: NDArray[np.bool_], painted: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Rank of each masked pixel's kind; 0 where not masked. Rows and columns without a pixel are gaps."""
    ranks = (~shown).view(np.uint8)
    ranks[~shown.any(axis=1)] = _GAP_RANK
    ranks[:, ~shown.any(axis=0)] = _GAP_RANK
    if painted is not None:
        ranks[painted] = _PAINTED_RANK
    return ranks


def _tally(ranks: NDArray[np.uint8], frame: Frame, hot: int) -> dict[int, int]:
    return {
        MASKED: int(np.count_nonzero(ranks == _MASKED_RANK)),
        GAP: int(np.count_nonzero(ranks == _GAP_RANK)),
        PAINTED: int(np.count_nonzero(ranks == _PAINTED_RANK)),
        SATURATED: int(np.count_nonzero(frame.saturated)),
        HOT: hot,
    }


def _with_masked(codes: Codes, kinds: NDArray[np.uint8], masked: NDArray[Any], factor: int) -> Codes:
    """Codes with blocks painted over that are masked by half, unless a pixel of them is saturated.

    Half, because gaps between modules are narrower than the blocks of a frame zoomed out: with
    "all" they would vanish, with "any" they would swell.
    """
    over = (masked >= -(-(factor**2) // 2)) & (codes < HOT)
    result = codes.copy() if factor == 1 else codes
    result[over] = _KINDS[kinds[over]]
    return result
