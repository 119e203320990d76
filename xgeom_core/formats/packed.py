"""Files packed with gzip or bzip2, told by their names as fabio does; unpacked in pieces, up to a limit."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import BinaryIO, cast

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.limits import LARGEST_UNPACKED

_PIECE = 2**20


def is_packed(path: str) -> bool:
    """Whether the name is that of a packed file."""
    return Path(path).suffix.lower() in {".gz", ".bz2"}


def open_unpacked(path: str) -> BinaryIO:
    """The content of a file, packed or not."""
    match Path(path).suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".bz2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case _:
            return Path(path).open("rb")


def read_head(path: str, size: int) -> bytes:
    """The first bytes of the content."""
    with open_unpacked(path) as file:
        return file.read(size)


def read_up_to(path: str, file: BinaryIO, most: int = LARGEST_UNPACKED) -> bytes:
    """What is left of a file that is open.

    Raises
    ------
    UnreadableFileError
        If that is more than `most` bytes.
    """
    pieces: list[bytes] = []
    while piece := file.read(_PIECE):
        pieces.append(piece)
        most -= len(piece)
        if most < 0:
            raise _too_large(path)
    return b"".join(pieces)


def read_through(path: str) -> None:
    """Unpack a file to its end, keeping nothing, so that damage to it is found; raises as `read_up_to`."""
    size = 0
    with open_unpacked(path) as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > LARGEST_UNPACKED:
                raise _too_large(path)


def _too_large(path: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} holds more than {LARGEST_UNPACKED / 2**30:.2g} GiB once it is unpacked, which is more than "
        "any frame has: it is damaged, or made to fill the memory."
    )
