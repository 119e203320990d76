"""SPE of Princeton Instruments, versions 2 and 3: numbers at fixed places, then uncompressed images."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.raw_images import one_after_another, open_raw
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata

NAME = "SPE"
_HEADER_BYTES = 4100
_FAST, _TYPE, _COMMENTS, _SLOW, _FRAMES, _MARK = 42, 108, 200, 656, 1446, 2996
_MARK_VALUE = 0x01234567
_PIXELS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "<u1", 8: "<u4"}


@dataclass(frozen=True)
class _Layout:
    shape: tuple[int, int]
    pixel: np.dtype
    frames: int
    title: str


def _layout(head: bytes) -> _Layout | None:
    """What the header says of the images; None if it is none."""
    if len(head) < _HEADER_BYTES:
        return None
    fast, kind, slow = (struct.unpack_from("<H", head, at)[0] for at in (_FAST, _TYPE, _SLOW))
    frames = struct.unpack_from("<i", head, _FRAMES)[0]
    if kind not in _PIXELS or not (fast and slow and frames > 0):
        return None
    comments = (head[_COMMENTS + 80 * n :][:80].split(b"\0")[0].decode("latin-1") for n in range(5))
    title = " ".join(" ".join(comments).split())
    return _Layout((slow, fast), np.dtype(_PIXELS[kind]), frames, title if title.isprintable() else "")


def recognizes(path: Path, head: bytes) -> bool:
    """By the mark that most programs leave; else by the name and numbers that make sense."""
    if _layout(head) is None:
        return False
    return struct.unpack_from("<I", head, _MARK)[0] == _MARK_VALUE or ".spe" in path.name.lower()


def headers(path: Path, hints: Hints) -> list[Header]:
    """The comments, since SPE states no geometry; an UnreadableFileError if the file is no SPE."""
    layout = _read(path)
    return [Header(Metadata(title=layout.title), image_size=(layout.shape[1], layout.shape[0]))]


def _read(path: Path) -> _Layout:
    layout = _layout(read_head(path, _HEADER_BYTES))
    if layout is None:
        raise UnreadableFileError(f"{path} is no SPE: its header of {_HEADER_BYTES} bytes makes no sense.")
    return layout


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the images of a file; an UnreadableFileError if it is damaged or truncated."""
    found = _read(Path(path))
    places = one_after_another(_HEADER_BYTES, found.pixel, found.shape, min(found.frames, 10**6))
    return open_raw(path, NAME, headers, found.pixel, found.shape, places)


FORMAT = Format(
    name=NAME,
    key="spe",
    suffixes=(".spe",),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "SPE has no field for it"),
    write=None,
    convention="SPE states no geometry of a detector. Its comments become the title.",
    open_frames=open_frames,
    fields=(FieldNote("Comments", "title", "five lines"),),
)
