"""Images packed as by CCP4 and the Mar345 ("PCK"): differences to a mean of neighbors, in blocks of bits.

A block starts with how many pixels it holds (a power of two) and how many bits each difference takes. A
pixel's difference is to the pixel before it, and from the second row on to the mean of that one and the
three above. fabio's decoder writes beyond its memory where a file is damaged; this one cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_START = re.compile(rb"\nCCP4 packed image( V2)?, X: (\d{4}), Y: (\d{4})\n")
# Bits of a block's two numbers, and what the second one means.
_FIRST = (3, (0, 4, 5, 6, 7, 8, 16, 32))
_SECOND = (4, (0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32))
_CHUNK = 2**18


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
    fast, slow = int(start.group(2)), int(start.group(3))
    width, sizes = _SECOND if start.group(1) else _FIRST
    stream = np.frombuffer(data, np.uint8, offset=start.end())
    counts, bits, places = _blocks(bytes(stream), width, sizes, fast * slow)
    if fast < 2 or slow == 0 or counts.sum() < fast * slow:
        return None
    differences = np.concatenate(list(_differences(stream, counts, bits, places)))
    return _summed(differences[: fast * slow].reshape(slow, fast))


def _blocks(
    stream: bytes, width: int, sizes: tuple[int, ...], wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of every block the number of pixels, bits a pixel and the first bit of its differences."""
    mask, end = 2**width - 1, 8 * len(stream)
    stream += b"\0"
    counts: list[int] = []
    bits: list[int] = []
    places: list[int] = []
    at = found = 0
    while found < wanted and at + 2 * width <= end:
        byte = at >> 3
        head = (stream[byte] | stream[byte + 1] << 8) >> (at & 7)
        count, size = 1 << (head & mask), sizes[head >> width & mask]
        at += 2 * width
        counts.append(count)
        bits.append(size)
        places.append(at)
        at += count * size
        found += count
    if at > end:  # the last block is not whole
        counts[-1:] = bits[-1:] = places[-1:] = []
    return np.array(counts, np.int64), np.array(bits, np.int64), np.array(places, np.int64)


def _differences(
    stream: NDArray[np.uint8], counts: NDArray[np.int64], bits: NDArray[np.int64], places: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """The differences of some blocks after the other; many at a time, not all, for the sake of memory."""
    padded = np.concatenate([stream, np.zeros(8, np.uint8)])
    ends = np.cumsum(counts)
    cuts = np.unique([0, *np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK)), len(counts)])
    for first, last in pairwise(cuts):
        count = counts[first:last]
        size, place = bits[first:last].repeat(count), places[first:last].repeat(count)
        at = place + size * (np.arange(count.sum()) - (np.cumsum(count) - count).repeat(count))
        value = np.zeros(len(at), dtype=np.int64)
        for number in range(5):
            value |= padded[(at >> 3) + number].astype(np.int64) << 8 * number
        value = value >> (at & 7) & ((1 << size) - 1)
        # The highest bit is the sign.
        yield value - ((value >> np.maximum(size - 1, 0) & 1) << size)


def _summed(differences: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Pixels from differences: numbers of 16 bits with a sign, whose sums wrap around."""
    slow, fast = differences.shape
    flat = np.zeros(slow * fast, dtype=np.int64)
    flat[:fast] = _signed(np.cumsum(differences[0]))
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


def _signed(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return (values + 0x8000 & 0xFFFF) - 0x8000
