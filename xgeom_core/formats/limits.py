"""How much of a file is read: what lies beyond is refused before memory is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xgeom_core.errors import UnreadableFileError

GREATEST_FRAME_PX = 400_000_000
"""Pixels of the largest frame. The largest detectors have 20 million, and mosaics of them, or scanned image
plates, ten times as many; a frame of this size takes 2.4 GB here, and no program on a desk shows more."""

LARGEST_UNPACKED = 4 * GREATEST_FRAME_PX + 2**26
"""Bytes that a packed file may hold: the greatest frame in 32 bits, and 64 MiB of header."""


def check_size(path: str, sides: Sequence[float]) -> None:
    """Make sure that a frame is not larger than any detector.

    Parameters
    ----------
    path : str
        For the sentence.
    sides : sequence of int
        Pixels along each axis, as the file states them.

    Raises
    ------
    UnreadableFileError
        If it has more than `GREATEST_FRAME_PX` pixels.
    """
    if prod(sides) > GREATEST_FRAME_PX:
        shape = " x ".join(f"{side:.10g}" for side in sides)
        raise UnreadableFileError(
            f"{path} states a frame of {shape} pixels, and {GREATEST_FRAME_PX // 10**6} million are the most "
            "that is read: it is damaged, or no frame of a detector."
        )
