"""The chain of directories in a TIFF file, followed before fabio does, which never stops in a circle."""

from __future__ import annotations

import struct
from typing import BinaryIO

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.limits import check_size

HEAD_BYTES = 8
_WIDTH, _LENGTH = 256, 257
_SHORT, _LONG = 3, 4


def check_tiff(path: str, file: BinaryIO) -> None:
    """Make sure that the directories of a TIFF file come to an end; nothing to do for another file.

    Parameters
    ----------
    path : str
        For the sentence.
    file : file
        The content, unpacked.

    Raises
    ------
    UnreadableFileError
        If a directory names one before it as the next, or has more pixels than are read.
    """
    head = file.read(HEAD_BYTES)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < HEAD_BYTES:
        return
    (at,) = struct.unpack_from(f"{order}I", head, 4)
    seen: set[int] = set()
    while at:
        if at in seen:
            raise UnreadableFileError(
                f"{path} is damaged: its images follow each other in a circle (directory {len(seen)} names "
                "one before it as the next); copy it again."
            )
        seen.add(at)
        at = _next(path, file, order, at)


def _next(path: str, file: BinaryIO, order: str, at: int) -> int:
    """Where the directory after that at `at` begins; 0 after the last, and where the file is cut off."""
    file.seek(at)
    count_bytes = file.read(2)
    if len(count_bytes) < 2:
        return 0
    (count,) = struct.unpack(f"{order}H", count_bytes)
    entries = file.read(12 * count + 4)
    if len(entries) < 12 * count + 4:
        return 0
    sides: dict[int, int] = {}
    for number in range(count):
        tag, kind = struct.unpack_from(f"{order}HH", entries, 12 * number)
        if tag in (_WIDTH, _LENGTH) and kind in (_SHORT, _LONG):
            form = "H" if kind == _SHORT else "I"
            (sides[tag],) = struct.unpack_from(f"{order}{form}", entries, 12 * number + 8)
    if len(sides) == 2:
        check_size(path, [sides[_WIDTH], sides[_LENGTH]])
    (following,) = struct.unpack_from(f"{order}I", entries, 12 * count)
    return int(following)
