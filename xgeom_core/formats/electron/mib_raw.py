"""Raw frames of Merlin: pixels as the chips send them, in words of 64 bits.

A word holds the pixels of a row from right to left: 64 of 1 bit, 8 of 6 bits (a byte each) or 4 of 12 bits
(two bytes each, big-endian). 24 bits are two frames of 12 bits, the upper ones first. Of four chips a row of
the file is ``[4 | 3 | 2 | 1]``; chips 1 and 2 are the upper half of the image, 3 and 4 the lower one, turned
by 180 degrees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DOUBLE = 24
"""Depth in bits that takes two frames."""

_WORD = 8  # bytes
_BYTES = {1: 0.125, 6: 1.0, 12: 2.0, DOUBLE: 4.0}


def frame_bytes(shape: tuple[int, int], depth: int) -> int:
    """Bytes of a raw frame of ``(slow, fast)`` pixels."""
    return int(shape[0] * shape[1] * _BYTES[depth])


def put_together(sent: NDArray[np.uint8], shape: tuple[int, int], depth: int, quad: bool) -> NDArray[Any]:
    """A frame in rows and columns.

    Parameters
    ----------
    sent : ndarray of uint8
        All bytes of the frame.
    shape : tuple of int
        Pixels ``(slow, fast)`` of the frame put together.
    depth : {1, 6, 12, 24}
        Bits of a counter.
    quad : bool
        Whether it is from four chips, two by two.
    """
    if depth == DOUBLE:
        upper, lower = (put_together(half, shape, 12, quad) for half in np.split(sent, 2))
        return (upper.astype(np.uint32) << 12) + lower
    pixels = _unpacked(sent, depth)
    if not quad:
        return pixels.reshape(shape)
    height, width = shape[0] // 2, shape[1] // 2
    fourth, third, second, first = np.moveaxis(pixels.reshape(height, 4, width), 1, 0)
    lower_left, lower_right = third[::-1, ::-1], fourth[::-1, ::-1]
    return np.block([[first, second], [lower_left, lower_right]])


def _unpacked(sent: NDArray[np.uint8], depth: int) -> NDArray[Any]:
    """All pixels in the order of the rows."""
    words = sent.reshape(-1, _WORD)[:, ::-1]
    if depth == 1:
        return np.unpackbits(words, axis=1, bitorder="little").ravel()
    if depth == 6:
        return words.ravel()
    # Backwards, the two bytes of a number stand the lower one first.
    return np.ascontiguousarray(words).view("<u2").astype(np.uint16).ravel()
