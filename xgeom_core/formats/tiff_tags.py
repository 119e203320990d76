"""TIFF directories: the tags of each image, and where its pixels lie if they are not compressed.

Nothing that the file states is believed before it is compared with how many bytes there are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.text import parts_of

WIDTH, HEIGHT, BITS, COMPRESSION, DESCRIPTION, MODEL = 256, 257, 258, 259, 270, 272
_OFFSETS, _SAMPLES, _COUNTS, _SOFTWARE, _TILE, _FORMAT = 273, 277, 279, 305, 322, 339
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 16: "Q"}
_MOST_TAGS, _MOST_BYTES, _MOST_DIRECTORIES = 500, 2**24, 10**5

Tags = Mapping[int, tuple[float | int, ...] | str]
_Part = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Directory:
    """One image of a TIFF.

    Parameters
    ----------
    tags : mapping
        Numbers of each tag as a tuple, texts as they are.
    order : {"<", ">"}
        Byte order.
    """

    tags: Tags
    order: str

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of a tag."""
        value = self.tags.get(tag, ())
        return int(value[0]) if value and not isinstance(value, str) else default

    def text(self, tag: int) -> str:
        """The text of a tag."""
        value = self.tags.get(tag, "")
        return value if isinstance(value, str) else ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, by the numbers of their tags."""
        return tuple(value for _, value in sorted(self.tags.items()) if isinstance(value, str))

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels ``(slow, fast)``."""
        return self.number(HEIGHT), self.number(WIDTH)

    @property
    def pixel(self) -> np.dtype | None:
        """Type of a pixel; None for color, packed bits and compressed images."""
        bits, kinds = self.tags.get(BITS, (1,)), self.number(_FORMAT, 1)
        plain = self.number(COMPRESSION, 1) == 1 and self.number(_SAMPLES, 1) == 1 and _TILE not in self.tags
        if not plain or isinstance(bits, str) or bits[0] not in {8, 16, 32, 64}:
            return None
        kind = {1: "u", 2: "i", 3: "f", 4: "u"}.get(kinds, "")
        name = f"{self.order}{kind}{int(bits[0]) // 8}"
        return np.dtype(name) if kind and name[1:] not in {"f1"} else None

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """The strips that the pixels lie in: ``(first byte, number of bytes)``."""
        starts, sizes = self.tags.get(_OFFSETS, ()), self.tags.get(_COUNTS, ())
        if isinstance(starts, str) or isinstance(sizes, str):
            return []
        if len(starts) == 1 and len(sizes) == 0 and self.pixel is not None:
            sizes = (self.shape[0] * self.shape[1] * self.pixel.itemsize,)
        return [(int(start), int(size)) for start, size in zip(starts, sizes, strict=False)]


def is_tiff(head: bytes) -> bool:
    """Whether a file starts as a TIFF or a BigTIFF."""
    return head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def directories(path: Path) -> list[Directory]:
    """All images of a file, in order.

    Raises
    ------
    UnreadableFileError
        If the file is no TIFF, or its directories lie outside it or form a loop.
    """
    try:
        with parts_of(path) as part:
            return list(_chain(path, part))
    except struct.error:
        raise UnreadableFileError(
            f"{path} is truncated: it ends within a directory of its images: copy it again."
        ) from None


def _chain(path: Path, part: _Part) -> Iterator[Directory]:
    """The directories one after the other, each of which says where the next one lies."""
    head = part(0, 16)
    if not is_tiff(head):
        raise UnreadableFileError(f"{path} is no TIFF: it does not start with II or MM and 42.")
    order, big = "<" if head[:2] == b"II" else ">", head[2:4] in {b"+\0", b"\0+"}
    at = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]
    seen: set[int] = set()
    while at and len(seen) < _MOST_DIRECTORIES:
        if at in seen:
            raise UnreadableFileError(f"{path} is damaged: its directories form a loop.")
        seen.add(at)
        tags, at = _directory(path, part, at, order, big)
        yield Directory(tags, order)


def _directory(path: Path, part: _Part, at: int, order: str, big: bool) -> tuple[Tags, int]:
    """The tags of the directory at a byte, and where the next one lies (0: there is none)."""
    counter, entry, link = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    start, size = struct.calcsize(order + counter), struct.calcsize(order + entry)
    data = part(at, start + _MOST_TAGS * size + 8)
    tags: dict[int, tuple[float | int, ...] | str] = {}
    count = struct.unpack_from(order + counter, data)[0]
    if count > _MOST_TAGS:
        raise UnreadableFileError(f"{path} is damaged: it has a directory of {count} tags.")
    for number in range(count):
        tag, kind, values, where = struct.unpack_from(order + entry, data, start + number * size)
        value = _value(part, order, kind, values, where)
        if value is not None:
            tags.setdefault(tag, value)
    return tags, int(struct.unpack_from(order + link, data, start + count * size)[0])


def _value(
    part: _Part, order: str, kind: int, count: int, where: bytes
) -> tuple[float | int, ...] | str | None:
    """What a tag says; None for types that are not needed and for what is cut off or too long."""
    form = _TYPES.get(kind)
    size = count * struct.calcsize(form) if form else 0
    if form is None or not 0 < size <= _MOST_BYTES:
        return None
    data = where[:size]
    if size > len(where):
        data = part(int.from_bytes(where, "little" if order == "<" else "big"), size)
    if form == "s":
        return data.split(b"\0", 1)[0].decode("latin-1")
    if len(data) < size:
        return None
    return struct.unpack(f"{order}{count}{form}", data)
