"""GE a-Si panels: a header of 8 KiB, the same zeroed, or none; then uncompressed images.

Where there is no header to go by, the size of the file decides, and its name: square images of 16 bits.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.raw_images import one_after_another, open_raw
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import is_packed, read_head, unpacked_size

NAME = "GE"
_MAGIC, _USUAL_HEADER = b"ADEPT", 8192
_NAME, _ANY_NAME = (
    re.compile(rf"\.{ending}(\.gz|\.bz2)?$", re.IGNORECASE) for ending in (r"ge\d?", r"(ge\d?|raw)")
)
_SIDES = (2048, 1024, 4096, 512)
_PIXELS = {8: "u1", 16: "<u2", 32: "<u4"}

_Layout = tuple[int, np.dtype, tuple[int, int]]  # where images start, type of a pixel, (slow, fast)


def recognizes(path: Path, head: bytes) -> bool:
    """By the magic word; without it, by a name of GE's and a size that square images fill exactly."""
    if head.startswith(_MAGIC):
        return True
    return bool(_ANY_NAME.search(path.name)) and not is_packed(path) and _by_size(path) is not None


def _by_size(path: Path) -> _Layout | None:
    """Square images with or without a header in front, if they fill the file."""
    size, pixel = unpacked_size(path), np.dtype("<u2")
    for side in _SIDES if _NAME.search(path.name) else _SIDES[:1]:
        for start in (0, _USUAL_HEADER):
            if size > start and (size - start) % (side * side * pixel.itemsize) == 0:
                return start, pixel, (side, side)
    return None


def _by_header(head: bytes) -> _Layout | None:
    """What GE's own header says; None if it makes no sense."""
    if len(head) < _USUAL_HEADER:
        return None
    standard, user = struct.unpack_from("<I", head, 12)[0], struct.unpack_from("<I", head, 18)[0]
    slow, fast, bits = struct.unpack_from("<3H", head, 24)
    if bits not in _PIXELS or not (slow and fast) or standard + user > 2**20:
        return None
    return standard + user, np.dtype(_PIXELS[bits]), (slow, fast)


def headers(path: Path, hints: Hints) -> list[Header]:
    """The size of the images, since GE states no geometry; an UnreadableFileError if it cannot be told."""
    start, _, (slow, fast) = _layout(path)
    notes: tuple[str, ...] = ()
    if read_head(path, len(_MAGIC)) != _MAGIC:
        notes = (
            f"The file does not state how large its images are: what follows its first {start} bytes is "
            f"taken as {fast} x {slow} pixels of 16 bits.",
        )
    return [Header(notes=notes, image_size=(fast, slow))]


def _layout(path: Path) -> _Layout:
    head = read_head(path, _USUAL_HEADER)
    found = _by_header(head) if head.startswith(_MAGIC) else _by_size(path)
    if found is None:
        raise UnreadableFileError(
            f"{path} is no file of a GE detector: neither header nor size tells how large its images are."
        )
    return found


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the images of a file; an UnreadableFileError if it is damaged or truncated."""
    start, pixel, shape = _layout(Path(path))
    # The header counts frames too, but programs that cut or join files leave it as it was.
    count = (unpacked_size(Path(path)) - start) // (pixel.itemsize * shape[0] * shape[1])
    if count < 1:
        raise UnreadableFileError(f"{path} is truncated: it ends within its first image: copy it again.")
    return open_raw(path, NAME, headers, pixel, shape, one_after_another(start, pixel, shape, count))


FORMAT = Format(
    name=NAME,
    key="ge",
    suffixes=(".ge", ".ge1", ".ge2", ".ge3", ".ge4", ".ge5", ".raw"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "GE's header has no field for it"),
    write=None,
    convention=(
        "GE's header states no geometry. Where it is zeroed or missing the size of the file decides: square "
        "images of 16 bits and 2048 pixels a side (in a file named .ge 1024, 4096 or 512 as well)."
    ),
    open_frames=open_frames,
)
