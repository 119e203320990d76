"""Images packed as by CCP4 and the Mar345 ("PCK"): differences to a mean of neighbors, in blocks of bits.

The blocks are those of CBF's packing. A pixel's difference is to the pixel before it, and from the second row
on to the mean of that one and the three above, as if rows went on where the last one ends. fabio's decoder
writes beyond its memory where a file is damaged; this one cannot.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from xgeom_core.formats.cbf.packing import offsets

_START = re.compile(rb"\nCCP4 packed image, X: (\d{4}), Y: (\d{4})\n")
_WIDTHS = (0, 4, 5, 6, 7, 8, 16, 32)


def unpack(data: bytes) -> NDArray[np.uint32] | None:
    """The image in a packed stream, wherever it starts; None if there is none or it ends early.

    Parameters
    ----------
    data : bytes
        From any place before the line that starts the stream.

    Returns
    -------
    ndarray of uint32, shape (slow, fast)
        Counts up to 65535; larger ones stand elsewhere in a file.
    """
    start = _START.search(data)
    if start is None:
        return None
    fast, slow = int(start.group(1)), int(start.group(2))
    found = offsets(data[start.end() :], _WIDTHS, fast * slow, np.dtype(np.int32))
    if fast < 2 or slow == 0 or len(found) < fast * slow:
        return None
    return _summed(found.astype(np.int64).reshape(slow, fast))


def _summed(differences: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Pixels from differences: numbers of 16 bits with a sign, whose sums wrap around."""
    slow, fast = differences.shape
    flat = np.zeros(slow * fast, dtype=np.int64)
    flat[:fast] = (np.cumsum(differences[0]) + 0x8000 & 0xFFFF) - 0x8000
    for row in range(1, slow):
        start, (first, *others) = row * fast, differences[row].tolist()
        before = int(flat[start - 1])
        if row > 1:  # below the first row this pixel alone has no three above it
            before = int((before + flat[start - fast - 1 : start - fast + 2].sum() + 2) / 4)
        before = (first + before + 0x8000 & 0xFFFF) - 0x8000
        line = [before]
        flat[start] = before  # the last of the row is next to it, as if rows went on
        above = flat[start - fast : start + 1]
        for difference, three in zip(
            others, (above[:-2] + above[1:-1] + above[2:] + 2).tolist(), strict=True
        ):
            four = before + three
            mean = four >> 2 if four >= 0 else -(-four >> 2)  # towards zero
            before = (difference + mean + 0x8000 & 0xFFFF) - 0x8000
            line.append(before)
        flat[start : start + fast] = line
    return (flat & 0xFFFF).astype(np.uint32).reshape(slow, fast)
