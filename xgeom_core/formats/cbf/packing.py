"""The packed compressions of CBF (x-CBF_PACKED and x-CBF_PACKED_V2), unpacked.

Written from their description: section 3.3.2 of the CBFlib manual, and International Tables for
Crystallography G, 5.6.3.2. A stream of bits, the lowest of each byte first, holds blocks of 1 to 128 offsets,
those of a block of one number of bits. An offset is measured from the mean of up to four neighbors that came
before: the pixel on the left and the three above; at the ends of a row the two of them that are there.

What the description leaves open, files of CBFlib tell: neighbors are added up in the element's own signed
type, whose range they may leave, and the mean is rounded to the nearest, halves upwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 32
_WIDTHS = {1: (0, 4, 5, 6, 7, 8, 16), 2: (0, *range(3, 17))}
_FLAT_WIDTH = 65
_BLOCKS_AT_ONCE = 4096

Pixels = NDArray[np.signedinteger]


def unpack(data: bytes, version: int, fast: int, count: int, element_bytes: int, flat: bool) -> Pixels:
    """The pixels of a packed image.

    Parameters
    ----------
    data : bytes
        The section's data.
    version : {1, 2}
        Of the compression.
    fast, count : int
        Pixels of a row, and of the image.
    element_bytes : {1, 2, 4}
        Of a pixel.
    flat : bool
        Whether offsets are from the last pixel, rows or not, as programs before 2007 packed.

    Returns
    -------
    ndarray, shape (at most count,)
        Signed integers of ``element_bytes``, to be viewed as what they are; fewer than ``count`` if the data
        end early.
    """
    dtype = np.dtype(f"i{element_bytes}")
    widths = (*_WIDTHS[version], _FLAT_WIDTH if flat else 8 * element_bytes)
    count = min(count, int.from_bytes(data[:8], "little"))
    found = offsets(data[_HEADER_BYTES:], widths, count, dtype)
    if flat or len(found) < count:
        return np.cumsum(found, dtype=dtype)
    with np.errstate(over="ignore"):  # numbers come round, as in C
        _add_means(found, fast)
    return found


def offsets(stream: bytes, widths: tuple[int, ...], count: int, dtype: np.dtype[np.signedinteger]) -> Pixels:
    """The offsets, of those wider than their type the lower bits; fewer than ``count`` if the stream ends."""
    starts, numbers, sizes = _blocks(stream, widths, count)
    words = np.frombuffer(stream + bytes(16 - len(stream) % 4), "<u4")
    found = np.empty(int(numbers.sum()), dtype)
    done = 0
    for at in range(0, len(starts), _BLOCKS_AT_ONCE):
        some = slice(at, at + _BLOCKS_AT_ONCE)
        part = _signed(words, starts[some], numbers[some], sizes[some])
        found[done : done + len(part)] = part
        done += len(part)
    return found[:count]


def _signed(
    words: NDArray[np.uint32], starts: NDArray[np.int64], numbers: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The offsets of some blocks, of those wider than 32 bits the lower 32."""
    size = np.repeat(sizes, numbers)
    at = np.repeat(starts - (np.cumsum(numbers) - numbers) * sizes, numbers) + np.arange(size.size) * size
    word, shift = at >> 5, (at & 31).astype(np.uint64)
    bits = (words[word + 1].astype(np.uint64) << np.uint64(32) | words[word]) >> shift
    # To the top of 32 bits and back, so that the highest of its bits is an offset's sign.
    unused = np.maximum(32 - size, 0).astype(np.uint64)
    return (bits << unused).astype(np.uint32).view(np.int32) >> np.minimum(unused, 31).astype(np.int32)


def _blocks(
    stream: bytes, widths: tuple[int, ...], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First bit, number and width of the offsets of each block that is whole."""
    header_bits = 3 + (len(widths) - 1).bit_length()
    mask, end = (1 << header_bits) - 1, 8 * len(stream)
    number = [1 << (code & 7) for code in range(mask + 1)]
    step = [header_bits + number[code] * widths[code >> 3] for code in range(mask + 1)]
    starts, codes = [], []
    at = done = 0
    while done < count:
        byte = at >> 3
        code = int.from_bytes(stream[byte : byte + 2], "little") >> (at & 7) & mask
        starts.append(at)
        at += step[code]
        if at > end:
            starts.pop()
            break
        codes.append(code)
        done += number[code]
    code_of = np.array(codes, dtype=np.int64)
    sizes = np.array(widths, dtype=np.int64)[code_of >> 3]
    return np.array(starts, dtype=np.int64) + header_bits, 1 << (code_of & 7), sizes


def _add_means(pixels: Pixels, fast: int) -> None:
    """Add to each offset the mean of its neighbors, which are pixels by then; in place.

    A pixel needs those left of it and above, to one beyond it: all pixels of the same ``x + 2 y`` can be done
    at once, and lie ``fast - 2`` apart.
    """
    if fast < 3:
        raise ValueError("rows of one or two pixels have no such neighbors")
    rows, stride = len(pixels) // fast, fast - 2
    np.cumsum(pixels[:fast], dtype=pixels.dtype, out=pixels[:fast])
    for diagonal in range(2, fast + 2 * rows - 2):
        # The rows that have a pixel on this diagonal, the first being done already.
        top, bottom = max(1, (diagonal - fast + 2) // 2), min(rows - 1, diagonal // 2)
        first, last = diagonal + top * stride, diagonal + bottom * stride
        if diagonal == 2 * bottom:  # the leftmost pixel of a row
            above = pixels[last - fast] + pixels[last - fast + 1]
            pixels[last] += _mean(above, 1)
            last -= stride
        if diagonal == fast - 1 + 2 * top:  # the rightmost
            beside = pixels[first - 1] + pixels[first - fast]
            pixels[first] += _mean(beside, 1)
            first += stride
        if first <= last:
            there = slice(first, last + 1, stride)
            sums = pixels[first - 1 : last : stride] + pixels[first - fast - 1 : last - fast : stride]
            sums += pixels[first - fast : last - fast + 1 : stride]
            sums += pixels[first - fast + 1 : last - fast + 2 : stride]
            pixels[there] += _mean(sums, 2)


def _mean(sums: Pixels, halvings: int) -> Pixels:
    """Sums divided by a power of two, halves rounded up."""
    return ((sums.astype(np.int32) + np.int32(halvings)) >> halvings).astype(sums.dtype)
