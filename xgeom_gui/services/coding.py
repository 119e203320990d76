"""Counts as 16-bit codes, so that any scale, contrast and color map is one look-up table.

A code is the top of the binary floating point number ``1 + (counts - base) / unit``: 32 octaves of
2,048 steps. Whole counts up to 2,047 keep their exact value, larger ones are off by less than 0.05 %.
Encoding costs an addition and a shift, a fifth of a logarithm, and the order of counts is kept: the
largest code of a block is the code of its largest count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16]

_ONE = 0x3F800000
"""Bits of the float32 number 1."""

_SHIFT = 12

TOP = 65_000
"""Largest code of counts."""

HOT, SATURATED, MASKED, GAP, PAINTED = 65_100, 65_200, 65_300, 65_400, 65_500
"""Codes of pixels with a color of their own; the first two win over counts when blocks are pooled."""

SPECIAL = (HOT, SATURATED, MASKED, GAP, PAINTED)

_FINE = 512.0


@dataclass(frozen=True)
class Coding:
    """How counts become codes.

    Parameters
    ----------
    base : float
        Counts of code 0; nothing lies below.
    unit : float
        Counts that the finest scale tells apart: 1 for whole counts.
    """

    base: float = 0.0
    unit: float = 1.0

    def encode(self, counts: NDArray[np.float32]) -> Codes:
        """Codes of counts, of the same shape."""
        if self == Coding():
            scaled = counts + np.float32(1)
        else:
            scaled = (counts - np.float32(self.base)) * np.float32(1.0 / self.unit) + np.float32(1)
        bits = scaled.view(np.int32)
        bits -= np.int32(_ONE)
        bits >>= _SHIFT
        np.clip(bits, 0, TOP, out=bits)
        return bits.astype(np.uint16)

    def decode(self, codes: Codes) -> NDArray[np.float64]:
        """Counts of codes (the lower edge of each step)."""
        bits = (codes.astype(np.int32) << _SHIFT) + np.int32(_ONE)
        return (bits.view(np.float32).astype(np.float64) - 1.0) * self.unit + self.base


def coding_for(counts: NDArray[np.float32], shown: NDArray[np.bool_]) -> Coding:
    """The coding that suits a frame: exact for whole counts, else fine enough for its noise.

    Parameters
    ----------
    counts : ndarray of float32, shape (slow, fast)
        0 where not shown.
    shown : ndarray of bool, shape (slow, fast)
        Pixels that are not masked.
    """
    lowest = min(float(counts.min()), 0.0)
    sample = counts[::8, ::8][shown[::8, ::8]]
    if sample.size == 0 or bool((sample == np.floor(sample)).all()):
        return Coding(lowest, 1.0)
    low, high = np.percentile(sample, (1.0, 99.7))
    return Coding(lowest, max(float(high - low) / _FINE, 1e-12))
