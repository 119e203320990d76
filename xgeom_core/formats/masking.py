"""Which pixels count: sentinels, masks and saturation, in one place for every format.

Detectors mark gaps and dead pixels by values that cannot be counts. The rules, by type of pixel:

- unsigned integers: the type's maximum, and in 32 and 64 bits also the maximum minus one (Dectris
  marks gaps with the first and dead pixels with the second). If the header states that very value as
  its saturation, the pixels are saturated instead. Exception: an 8-bit image of nothing but 0 and 255
  is a binary picture and stays whole.
- signed integers: negative values, and the maximum in 32 and 64 bits.
- floats: whatever is not finite, negative values that mark, and 2**32 - 1 (a converted gap).
- booleans: none.

Negative values *mark* (gaps, dead pixels) when they are at most three different whole numbers, such
as -1 and -2. An image with more of them has had a pedestal or a background taken off: its small
negative values are measurements and stay. In such an image only values far below all others (at most
-10, and more than twice as low as the next) mark, and, where the others are fractions, exactly -1
and -2.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolImage = NDArray[np.bool_]

_MOST_MARKS = 3  # different negative whole numbers that are still marks: -1, -2 and one more
_HIGHEST_FAR_MARK = -10
_WIDE_BITS = 32  # from here on the top of the range is out of reach of real counts


def mask_counts(
    raw: NDArray[Any],
    *,
    saturation: float | None = None,
    bad: BoolImage | None = None,
) -> tuple[NDArray[np.float32], BoolImage, BoolImage]:
    """Turn stored pixels into counts and say which of them can be trusted.

    Parameters
    ----------
    raw : ndarray, shape (slow, fast)
        Pixels as stored: boolean, integer or float.
    saturation : float, optional
        Counts at and above which a pixel is saturated.
    bad : ndarray of bool, shape (slow, fast), optional
        True where the file itself calls a pixel bad.

    Returns
    -------
    data : ndarray of float32, shape (slow, fast)
        Counts; 0 where the pixel is masked or saturated.
    valid, saturated : ndarray of bool, shape (slow, fast)
        As in `xgeom_core.frame.Frame`.
    """
    marked = _sentinels(raw, saturation)
    if bad is not None:
        marked = bad | marked
    saturated = np.zeros(raw.shape, dtype=bool)
    if saturation is not None and raw.dtype.kind != "b":
        with np.errstate(invalid="ignore"):
            saturated = (raw >= saturation) & ~marked
    valid = ~(marked | saturated)
    with np.errstate(over="ignore", invalid="ignore"):
        data = raw.astype(np.float32)
    data[~valid] = 0.0
    return data, valid, saturated


def _sentinels(raw: NDArray[Any], saturation: float | None) -> BoolImage:
    """True where a pixel holds a value that cannot be a count."""
    kind = raw.dtype.kind
    if kind == "u":
        return _at_top(raw, saturation)
    if kind == "i":
        marked = _negative_marks(raw)
        return marked | _at_top(raw, saturation) if raw.dtype.itemsize * 8 >= _WIDE_BITS else marked
    if kind == "f":
        with np.errstate(over="ignore"):
            finite = np.isfinite(raw.astype(np.float32))  # a double beyond float32 is no count either
            converted_gap: BoolImage = raw == raw.dtype.type(2**32 - 1)
        return ~finite | _negative_marks(raw) | converted_gap
    return np.zeros(raw.shape, dtype=bool)


def _at_top(raw: NDArray[Any], saturation: float | None) -> BoolImage:
    """True at the top of an integer type's range, unless that is the stated saturation."""
    top = np.iinfo(raw.dtype).max
    if saturation == top:
        return np.zeros(raw.shape, dtype=bool)
    wide = raw.dtype.itemsize * 8 >= _WIDE_BITS
    marked: BoolImage = raw >= top - 1 if wide and raw.dtype.kind == "u" else raw == top
    if raw.dtype == np.uint8 and marked.any() and bool(np.all(marked | (raw == 0))):
        return np.zeros(raw.shape, dtype=bool)
    return marked


def _negative_marks(raw: NDArray[Any]) -> BoolImage:
    """True where a negative value marks a pixel instead of measuring it; see the module's top."""
    with np.errstate(invalid="ignore"):
        negative: BoolImage = (raw < 0) & np.isfinite(raw)
    if not negative.any():
        return negative
    values = raw[negative]
    whole = values == np.floor(values)
    all_whole = bool(whole.all())
    distinct = np.unique(values[whole]).astype(np.float64)
    if all_whole and len(distinct) <= _MOST_MARKS:
        return negative
    marks = [] if all_whole else [value for value in distinct if value in (-1.0, -2.0)]
    others = distinct if all_whole else np.append(distinct, values[~whole].min())
    marks += _far_below(distinct, np.unique(others))
    marked = np.zeros(raw.shape, dtype=bool)
    for mark in marks:
        marked |= raw == raw.dtype.type(mark)
    return marked


def _far_below(candidates: NDArray[np.float64], values: NDArray[np.float64]) -> list[float]:
    """The candidates at the low end of sorted ``values`` that stand far apart from the rest."""
    marks: list[float] = []
    for lowest, following in pairwise(values):
        if lowest > _HIGHEST_FAR_MARK or lowest >= 2 * following or lowest not in candidates:
            break
        marks.append(float(lowest))
    return marks
