"""Merlin of Quantum Detectors (``.mib``): frames with a header of text each, whole or as the chips send them.

Fields of the header, between commas: ``MQ1``, number of the frame, bytes of the header, chips, pixels along
fast and slow, type (``U08``, ``U16``, ``U32``, or ``R64``: raw), layout of the chips, and after ``MQ1A``
time, exposure and depth of the counters. All numbers are big-endian; how raw pixels are packed is in
`mib_raw`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.electron import mib_raw, stack
from xgeom_core.formats.electron.stack import StackSource
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.masking import BoolImage
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata

NAME = "Merlin"
_START = re.compile(rb"MQ1,\d{1,9},(\d{1,5}),(\d{1,3}),(\d{1,5}),(\d{1,5}),([UR]\d\d), *(\d+x\d+|Nx1)(G?),")
_DEPTH = re.compile(rb"MQ1A,[^,]{0,60},[^,]{0,30},(\d{1,2})\b")
_SIDECAR = re.compile(r"^([^:\n]{3,60}):\s*(.*?)\s*$", re.MULTILINE)
_PIXELS = {"U08": "u1", "U16": ">u2", "U32": ">u4"}
_RAW = "R64"
_HEAD_BYTES = 8192
_CHIP_PX, _PIXEL_MM = 256, 0.055  # Medipix
_COUNTERS = (1, 6, 12, 24)


@dataclass(frozen=True)
class _Mib:
    """What the header of the first frame says of all of them."""

    header_bytes: int
    chips: int
    stored: tuple[int, int]
    pixel: str
    layout: str
    gap: bool
    depth: int | None

    @property
    def raw(self) -> bool:
        """Whether pixels are as the chips send them."""
        return self.pixel == _RAW

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels ``(slow, fast)`` of a frame once it is put together."""
        if not self.raw:
            return self.stored
        if self.layout == "2x2" and self.chips == 4:
            return 2 * _CHIP_PX, 2 * _CHIP_PX
        return self.stored[0] // (2 if self.depth == mib_raw.DOUBLE else 1), self.stored[1]

    @property
    def frame_bytes(self) -> int:
        """Bytes of the pixels of a frame."""
        if self.raw:
            return mib_raw.frame_bytes(self.shape, self.depth or 0)
        return self.stored[0] * self.stored[1] * np.dtype(_PIXELS[self.pixel]).itemsize


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with a header of Merlin, or is the acquisition's text beside such a file."""
    return _START.match(head) is not None or (head.startswith(b"HDR,") and _images(path) != path)


def _images(path: Path) -> Path:
    """The ``.mib`` beside an acquisition's ``.hdr``; any other path as it is."""
    beside = path.with_suffix(".mib")
    return beside if path.suffix.lower() == ".hdr" and beside.is_file() else path


def _read(path: Path) -> _Mib:
    head = read_head(path, _HEAD_BYTES)
    found = _START.match(head)
    if found is None:
        raise UnreadableFileError(f"{path} is no Merlin file: it does not start with a header of MQ1.")
    size, chips, fast, slow = (int(found[n]) for n in (1, 2, 3, 4))
    pixel, layout = found[5].decode(), found[6].decode()
    depth = _DEPTH.search(head[:size])
    if size < found.end() or not (0 < fast <= stack.MOST_SIDE_PX and 0 < slow <= stack.MOST_SIDE_PX):
        raise UnreadableFileError(f"{path} states frames of {fast} x {slow} pixels after {size} bytes.")
    mib = _Mib(size, chips, (slow, fast), pixel, layout, bool(found[7]), int(depth[1]) if depth else None)
    if pixel not in (*_PIXELS, _RAW):
        raise UnreadableFileError(f"{path} states pixels of type {pixel}; {', '.join(_PIXELS)} are known.")
    if mib.raw:
        _check_raw(path, mib)
    return mib


def _check_raw(path: Path, mib: _Mib) -> None:
    if mib.depth not in _COUNTERS:
        raise MissingDatasetError(f"{path} holds raw frames without the depth of their counters: not read.")
    quad = mib.layout == "2x2" and mib.chips == 4
    rows = 2 if mib.depth == mib_raw.DOUBLE else 1
    if quad and mib.stored[0] * mib.stored[1] not in (4 * _CHIP_PX**2, 4 * rows * _CHIP_PX**2):
        raise UnreadableFileError(f"{path} states four chips, but {mib.stored[1]} x {mib.stored[0]} pixels.")
    if mib.chips != 1 and not quad:
        raise MissingDatasetError(
            f"{path} holds raw frames of {mib.chips} chips laid out {mib.layout}, which are not put together "
            "here: save them as U08, U16 or U32."
        )
    if mib.shape[1] % 64:
        raise UnreadableFileError(f"{path} states raw rows of {mib.shape[1]} pixels, not a multiple of 64.")


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the header of the first frame states, and the acquisition's ``.hdr`` beside it.

    Raises
    ------
    UnreadableFileError
        If the file is no Merlin file.
    """
    images = _images(path)
    mib = _read(images)
    aside = _sidecar(images.with_suffix(".hdr"))
    depth = mib.depth or _whole(aside.get("Counter Depth (number)", ""))
    chip = next((value for name, value in aside.items() if name.startswith("Chip Type")), "")
    metadata = Metadata(
        pixel_mm=(_PIXEL_MM, _PIXEL_MM),
        saturation=2.0**depth - 1.0 if depth in _COUNTERS[1:] else None,
        detector=" ".join(["Merlin", chip]).strip(),
    )
    return [Header(metadata, image_size=(mib.shape[1], mib.shape[0]))]


def _sidecar(path: Path) -> dict[str, str]:
    """Names and values of the acquisition's text; empty where there is none."""
    try:
        text = read_head(path).decode("latin-1").replace("\r", "") if path.is_file() else ""
    except UnreadableFileError:
        return {}
    return {name.strip(): value for name, value in _SIDECAR.findall(text) if value.isprintable()}


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 4 else None


def open_frames(path: str, dataset: str) -> StackSource:
    """Open a file of one or many frames; each is read when it is asked for.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, truncated or no Merlin file.
    MissingDatasetError
        If its frames are stored in a way that is not known.
    """
    images = _images(Path(path))
    mib = _read(images)
    each = mib.header_bytes + mib.frame_bytes
    length, notes = stack.whole_frames(images, 0, each)
    (header,) = headers(images, Hints())
    header = Header(header.metadata, (*header.notes, *notes), image_size=header.image_size)

    def pixels(index: int) -> NDArray[Any]:
        start = index * each + mib.header_bytes
        if not mib.raw:
            kind = np.dtype(_PIXELS[mib.pixel])
            return stack.read_values(images, kind, mib.stored[0] * mib.stored[1], start).reshape(mib.stored)
        sent = stack.read_values(images, np.dtype("u1"), mib.frame_bytes, start)
        return mib_raw.put_together(sent, mib.shape, mib.depth or 0, quad=mib.chips == 4)

    contents = stack.contents_of(path, NAME, [header], mib.shape, length)
    return StackSource(contents, pixels, _gap if mib.gap else lambda raw: None)


def _gap(raw: NDArray[Any]) -> BoolImage | None:
    """Rows and columns between four chips, where nothing is ever counted."""
    bad = np.zeros(raw.shape, dtype=bool)
    for axis, size in enumerate(raw.shape):
        between = [slice(None), slice(None)]
        between[axis] = slice(_CHIP_PX, size - _CHIP_PX)
        if size > 2 * _CHIP_PX and not raw[tuple(between)].any():
            bad[tuple(between)] = True
    return bad if bad.any() else None


FORMAT = Format(
    name=NAME,
    key="merlin",
    suffixes=(".mib",),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "Merlin's headers have no field for it"),
    write=None,
    convention="Merlin states no beam center. Pixels are those of Medipix, 55 µm.",
    open_frames=open_frames,
    fields=(
        FieldNote("MQ1A", "saturation", "depth of the counters in bits; full ones are saturated"),
        FieldNote("Chip Type", "detector", "of the .hdr beside the file"),
    ),
)
