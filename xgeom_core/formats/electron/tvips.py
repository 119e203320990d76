"""TVIPS series (``.tvips``): numbered files, of which only the first one has a header.

256 bytes of 32-bit little-endian numbers, then every frame after a header of its own (12 bytes in version 1).
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core import units
from xgeom_core.errors import MissingSourceError, UnreadableFileError
from xgeom_core.formats.electron import calibration, stack
from xgeom_core.formats.electron.stack import StackSource
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice, Metadata

NAME = "TVIPS"
_SUFFIX = ".tvips"
_HEADER_BYTES, _FRAME_HEADER_BYTES = 256, 12
_NUMBERS = struct.Struct("<13i")
_NUMBERED = re.compile(r"^(.*_)(\d{3})$")
_FRAME_NUMBERS = struct.Struct("<4If2I")  # counter, time, ms, table, Faraday cup, magnification, its mode
_DIFFRACTION = 2
_PIXELS = {8: "u1", 16: "<u2"}
_CONVENTION = "TVIPS states no beam center. Rows and columns are counted as they are stored."


@dataclass(frozen=True)
class _Series:
    """What the header says."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    binning: tuple[int, int]
    pixel_nm: int
    kv: int
    frame_header: int

    @property
    def each(self) -> int:
        """Bytes of a frame with its header."""
        return self.frame_header + self.shape[0] * self.shape[1] * self.dtype.itemsize


def _series(head: bytes) -> _Series | None:
    """The header's numbers; None if they are not those of such a file."""
    if len(head) < _HEADER_BYTES:
        return None
    size, version, fast, slow, bits, _, _, bin_x, bin_y, pixel, kv, _, own = _NUMBERS.unpack_from(head)
    frame_header = own if version == 2 else _FRAME_HEADER_BYTES
    if size != _HEADER_BYTES or version not in (1, 2) or bits not in _PIXELS:
        return None
    if not all(0 < side <= stack.MOST_SIDE_PX for side in (fast, slow)) or not 0 <= frame_header <= 2**16:
        return None
    return _Series((slow, fast), np.dtype(_PIXELS[bits]), (bin_x, bin_y), pixel, kv, frame_header)


def recognizes(path: Path, head: bytes) -> bool:
    """By the header's numbers, and by the name: later files of a series have no header."""
    return path.suffix.lower() == _SUFFIX and (_series(head) is not None or _first(path) != path)


def _first(path: Path) -> Path:
    """The first file of the series."""
    named = _NUMBERED.match(path.stem)
    return path.with_name(f"{named[1]}000{path.suffix}") if named else path


def _files(first: Path) -> list[Path]:
    """The files of a series as far as they follow each other."""
    files = [first]
    named = _NUMBERED.match(first.stem)
    while named and len(files) < 1000:
        following = first.with_name(f"{named[1]}{len(files):03d}{first.suffix}")
        if not following.is_file():
            break
        files.append(following)
    return files


def _read(path: Path) -> tuple[Path, _Series]:
    """The first file of a series and its header."""
    first = _first(path)
    if not first.is_file():
        raise MissingSourceError(f"{path} goes on a series whose first file, {first.name}, is not beside it.")
    series = _series(read_head(first, _HEADER_BYTES))
    if series is None:
        raise UnreadableFileError(
            f"{first} is no TVIPS series: its first {_HEADER_BYTES} bytes make no sense."
        )
    return first, series


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the header of the series and that of its first frame state.

    Raises
    ------
    UnreadableFileError, MissingSourceError
        If the series has no first file, or that is none.
    """
    first, series = _read(path)
    pixel = units.positive(series.pixel_nm * 1e-6)
    pixel = units.tidy(pixel) if pixel else None
    choices = []
    if pixel and max(series.binning) > 1:
        binned = (pixel * series.binning[0], pixel * series.binning[1])
        choices.append(Choice("the pixel size is that before binning", pixel_mm=binned))
    camera = _camera_length(first, series)
    if camera is not None:
        choices.append(Choice("the magnification is the camera length in mm", distance_mm=camera))
    metadata = Metadata(
        wavelength_A=calibration.electron_wavelength(calibration.kilovolts(series.kv)),
        pixel_mm=units.both(pixel, pixel),
        choices=tuple(choices),
    )
    return [Header(metadata, image_size=(series.shape[1], series.shape[0]))]


def _camera_length(first: Path, series: _Series) -> float | None:
    """What the first frame states as magnification in diffraction mode."""
    if series.frame_header < _FRAME_NUMBERS.size:
        return None
    head = read_head(first, _HEADER_BYTES + _FRAME_NUMBERS.size)[_HEADER_BYTES:]
    if len(head) < _FRAME_NUMBERS.size:
        return None
    *_, magnification, mode = _FRAME_NUMBERS.unpack(head)
    return units.positive(magnification) if mode == _DIFFRACTION and magnification < 10**6 else None


def _frames_in(file: Path, start: int, each: int) -> tuple[int, tuple[str, ...]]:
    """Frames of one file; none, and why, where a later file of the series is damaged."""
    try:
        return stack.whole_frames(file, start, each)
    except UnreadableFileError as error:
        if start:
            raise
        return 0, (str(error),)


def open_frames(path: str, dataset: str) -> StackSource:
    """Open a series by any of its files; a frame is read when it is asked for.

    Raises
    ------
    UnreadableFileError
        If a file is damaged or truncated.
    MissingSourceError
        If the first file of the series is gone.
    """
    named = Path(path)
    first, series = _read(named)
    files = _files(first)
    starts = [_HEADER_BYTES if file is first else 0 for file in files]
    found = [_frames_in(file, at, series.each) for file, at in zip(files, starts, strict=True)]
    ends = list(accumulate(length for length, _ in found))

    def pixels(index: int) -> NDArray[Any]:
        part = bisect_right(ends, index)
        within = index - (ends[part - 1] if part else 0)
        offset = starts[part] + within * series.each + series.frame_header
        count = series.shape[0] * series.shape[1]
        return stack.read_values(files[part], series.dtype, count, offset).reshape(series.shape)

    (header,) = headers(first, Hints())
    notes = (*header.notes, *(note for _, said in found for note in said))
    header = Header(header.metadata, notes, image_size=header.image_size)
    source = StackSource(stack.contents_of(path, NAME, [header], series.shape, ends[-1]), pixels)
    number = files.index(named) if named in files else 0
    source.start = ends[number - 1] if number else 0
    return source


FORMAT = Format(
    name=NAME,
    key="tvips",
    suffixes=(_SUFFIX,),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "TVIPS has no field for it"),
    write=None,
    convention=_CONVENTION,
    open_frames=open_frames,
    fields=(
        FieldNote("IHT", "wavelength_A", "kV, relativistic"),
        FieldNote("IPixelSize", "pixel_mm", "nm, taken as the size of the binned pixel"),
        FieldNote("TEM_Mag", "choices", "in diffraction mode, read as the camera length in mm"),
    ),
)
