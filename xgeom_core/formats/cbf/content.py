"""A CBF taken apart: the text of its CIF, and its binary sections with what their own headers say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.cbf.checksum import check_md5
from xgeom_core.formats.limits import LARGEST_UNPACKED, check_size
from xgeom_core.formats.text import unpacked

_STARTER, SECTION = b"\x0c\x1a\x04\xd5", b"--CIF-BINARY-FORMAT-SECTION--"
# Headers of detectors of many panels are long; those of sections are not. Data end in up to 4 KiB of padding.
_LONGEST_TEXT, _LONGEST_HEADER, _LONGEST_PADDING = 2**22, 2**14, 2**16
_MOST_SECTIONS = 4096
_PIECE = 2**18
# More than any way to store a pixel needs.
_BYTES_A_PIXEL = 16
_ELEMENTS = "x-binary-number-of-elements"
_FIELD = re.compile(r"^([\w-]{1,60}):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_ELEMENT = re.compile(r"(un)?signed (8|16|32|64)-bit (integer|real)")
_KINDS = {"unsigned integer": "u", "signed integer": "i", "signed real": "f", "unsigned real": "f"}


@dataclass(frozen=True, eq=False)
class Section:
    """A binary section.

    Parameters
    ----------
    fields : mapping of str
        Its header, names in lower case: ``{"x-binary-size": "2476549", ...}``.
    header : bytes
        The same as it stands in the file.
    data : bytes
        What it holds, still compressed; empty where only headers were read.
    """

    fields: Mapping[str, str]
    header: bytes
    data: bytes

    def number(self, name: str) -> int | None:
        """A whole number that the header states."""
        found = re.match(r"(\d{1,18})\b", self.fields.get(name, ""))
        return int(found.group(1)) if found else None

    @property
    def conversion(self) -> str:
        """How the data are compressed: ``"x-CBF_PACKED"``, ...; "" if they are not."""
        found = re.search(r"conversions\s*=\s*\"?\s*([\w-]{1,40})", self.fields.get("content-type", ""))
        return found.group(1) if found else ""

    @property
    def is_flat(self) -> bool:
        """Whether packing took the pixels as one line."""
        return '"flat"' in self.fields.get("content-type", "") or self.image_size is None

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Pixels ``(fast, slow)`` of one image; None where they are not stated."""
        fast, slow = (self.number(f"x-binary-size-{name}-dimension") for name in ("fastest", "second"))
        return (fast, slow) if fast and slow else None

    @property
    def images(self) -> int:
        """Number of images, one after the other."""
        return max(1, self.number("x-binary-size-third-dimension") or 1)

    @property
    def dtype(self) -> np.dtype[np.generic] | None:
        """Type of the pixels, 32-bit integers where it is not stated; None for one that is not known."""
        stated = self.fields.get("x-binary-element-type", "signed 32-bit integer")
        found = _ELEMENT.search(stated)
        if found is None:
            return None
        kind = _KINDS[f"{found.group(1) or ''}signed {found.group(3)}"]
        size = int(found.group(2)) // 8
        order = ">" if "big" in self.fields.get("x-binary-element-byte-order", "").lower() else "<"
        return np.dtype(f"{order}{kind}{size}") if kind != "f" or size >= 4 else None


@dataclass(frozen=True, eq=False)
class Content:
    """A CBF in parts.

    Parameters
    ----------
    cif : str
        The text before the first section, with plain ends of lines; what follows is not looked at.
    sections : tuple of Section
        In the order of the file.
    """

    cif: str
    sections: tuple[Section, ...]


def read_header(path: Path) -> Content:
    """The text and the header of the first section; of a damaged file as much as is there.

    Raises
    ------
    UnreadableFileError
        If the file is absent or cannot be opened.
    """
    text = bytearray()
    section = None
    try:
        with unpacked(path) as file:
            section = _Reader(path, file).header(text)
    except UnreadableFileError:
        if not text:
            raise
    return Content(_decoded(bytes(text)), () if section is None else (section,))


def read_content(path: Path) -> Content:
    """The text and all sections with their data.

    Raises
    ------
    UnreadableFileError
        If there is no section, or one is not whole, or not as it was written.
    """
    text = bytearray()
    sections: list[Section] = []
    with unpacked(path) as file:
        reader = _Reader(path, file)
        section = reader.header(text)
        while section is not None and len(sections) < _MOST_SECTIONS:
            sections.append(reader.data(section))
            section = reader.header(bytearray())
    if not sections:
        what = "it ends within its header" if text.startswith(b"###CBF") else "it has no image data"
        raise UnreadableFileError(f"{path} is not a complete CBF file ({what}): copy it again.")
    return Content(_decoded(bytes(text)), tuple(sections))


def _decoded(text: bytes) -> str:
    """Latin-1, where every byte is a character: old programs write file names and titles in it."""
    return text.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


class _Reader:
    """Reads a file piece by piece, never more than what it is looking for."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file, self._kept = path, file, bytearray()
        self._left = LARGEST_UNPACKED

    def header(self, text: bytearray) -> Section | None:
        """The header of the next section, if one follows; what stands before it is added to the text."""
        at = self._find(SECTION, _LONGEST_TEXT)
        text += self._take(at if at >= 0 else min(len(self._kept), _LONGEST_TEXT))
        if at < 0:
            return None
        if text.rstrip().endswith(b"\n;"):
            text += b"\n;\n"  # the section stands in a text field
        end = self._find(_STARTER, _LONGEST_HEADER)
        if end < 0:
            return None
        header = self._take(end)
        fields = {name.lower(): value.strip() for name, value in _FIELD.findall(_decoded(header))}
        return Section(fields, header, b"")

    def data(self, section: Section) -> Section:
        """A section with its data; raises UnreadableFileError if they are not whole."""
        size, sides = section.number("x-binary-size"), section.image_size or (section.number(_ELEMENTS) or 0,)
        check_size(str(self._path), (*sides, section.images))
        if size is None or size > _BYTES_A_PIXEL * prod((*sides, section.images)) + _LONGEST_PADDING:
            raise UnreadableFileError(
                f"{self._path} is damaged: {'no' if size is None else size} bytes of image data are stated, "
                f"for {' x '.join(map(str, sides))} pixels."
            )
        self._take(len(_STARTER))
        if not self._more(size):
            raise UnreadableFileError(
                f"{self._path} is truncated: {len(self._kept)} bytes of image data of {size}: copy it again."
            )
        data = self._take(size)
        check_md5(str(self._path), section.header, data)
        end = self._find(SECTION + b"--", _LONGEST_PADDING)
        self._take(end + len(SECTION) + 2 if end >= 0 else 0)
        return Section(section.fields, section.header, data)

    def _find(self, mark: bytes, within: int) -> int:
        """Where a mark stands in the next bytes; -1 if it does not."""
        start = 0
        while (at := self._kept.find(mark, start, within + len(mark))) < 0:
            start = max(0, len(self._kept) - len(mark))
            if len(self._kept) >= within + len(mark) or not self._more(len(self._kept) + 1):
                return -1
        return at

    def _more(self, size: int) -> bool:
        """Have so many bytes at hand; False where the file ends before."""
        while len(self._kept) < size:
            piece = self._file.read(_PIECE)
            self._left -= len(piece)
            if not piece or self._left < 0:
                return False
            self._kept += piece
        return True

    def _take(self, size: int) -> bytes:
        with memoryview(self._kept) as view:
            taken = bytes(view[:size])
        del self._kept[:size]
        return taken
