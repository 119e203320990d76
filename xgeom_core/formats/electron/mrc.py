"""MRC images and stacks (``.mrc``, ``.mrcs``), as microscopes write them.

The header is that of MRC2014, the extended one of FEI's cameras that of the EPU manual; both are laid out in
the mrcfile library, whose tables are used. Rows are taken as they are stored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mrcfile import dtypes
from numpy.typing import NDArray

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.electron import calibration, stack
from xgeom_core.formats.electron.stack import StackSource
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata, Rotation

NAME = "MRC"
_HEADER_BYTES = 1024
_PIXELS = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_PACKED = 101  # two pixels of 4 bits a byte, the first in the lower bits
_IMOD_STAMP, _IMOD_SIGNED = 1146047817, 1
_DIFFRACTION = 1  # FEI's projection mode
_Record = Any  # a numpy record; its fields are known by name only


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the mark of MRC stands where it should, with a size and a mode."""
    return _header(head) is not None


def _header(head: bytes) -> _Record | None:
    """The first 1024 bytes as a record; None if they are not those of an MRC file."""
    if len(head) < _HEADER_BYTES or head[208:211] != b"MAP":
        return None
    for order in "<>":
        record = np.frombuffer(head[:_HEADER_BYTES], dtypes.HEADER_DTYPE.newbyteorder(order))[0]
        sides = record["nx"], record["ny"], record["nz"]
        if all(0 < side <= 2**24 for side in sides) and 0 <= record["mode"] <= _PACKED:
            return record
    return None


class _Mrc:
    """Where the frames lie and what the header says.

    Raises
    ------
    UnreadableFileError
        If it is no MRC file, or sizes cannot be.
    """

    def __init__(self, path: Path) -> None:
        header = _header(read_head(path, _HEADER_BYTES))
        if header is None:
            raise UnreadableFileError(f"{path} is no MRC file: it has no MAP mark with a sensible size.")
        self.path, self.header = path, header
        self.mode, self.frames = int(header["mode"]), int(header["nz"])
        self.shape = int(header["ny"]), int(header["nx"])
        if max(self.shape) > stack.MOST_SIDE_PX:
            raise UnreadableFileError(f"{path} states frames of {self.shape[1]} x {self.shape[0]} pixels.")
        self.start = _HEADER_BYTES + int(header["nsymbt"])
        if stack.is_packed(path):
            raise UnreadableFileError(f"{path} is packed, which is not read of MRC files: unpack it first.")
        if not _HEADER_BYTES <= self.start <= path.stat().st_size:
            raise UnreadableFileError(
                f"{path} states an extended header of {int(header['nsymbt'])} bytes, which it does not hold."
            )

    @property
    def order(self) -> str:
        """Byte order of all numbers."""
        return ">" if self.header.dtype["nx"].byteorder == ">" else "<"

    @property
    def packed(self) -> bool:
        """Whether two pixels share a byte."""
        return self.mode == _PACKED

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a stored number; bytes are unsigned where IMOD says so."""
        if self.packed:
            return np.dtype("u1")
        if self.mode not in _PIXELS:
            raise MissingDatasetError(
                f"{self.path} holds pixels of mode {self.mode}, which are no counts (complex or colored)."
            )
        stamp, flags = np.frombuffer(self.header["extra2"].tobytes(), f"{self.order}i4", 2, offset=44)
        unsigned = self.mode == 0 and stamp == _IMOD_STAMP and not flags & _IMOD_SIGNED
        return np.dtype("u1") if unsigned else np.dtype(f"{self.order}{_PIXELS[self.mode]}")

    @property
    def row(self) -> int:
        """Stored numbers in a row."""
        return (self.shape[1] + 1) // 2 if self.packed else self.shape[1]

    def sections(self) -> NDArray[Any] | None:
        """FEI's extended header of the first two frames; None where there is none."""
        kind = self.header["exttyp"].tobytes()
        if kind not in (b"FEI1", b"FEI2"):
            return None
        layout = dtypes.get_ext_header_dtype(kind, byte_order=self.order)
        count = min(2, self.frames, (self.start - _HEADER_BYTES) // layout.itemsize)
        if count < 1:
            return None
        raw = stack.read_values(self.path, np.dtype("u1"), count * layout.itemsize, _HEADER_BYTES)
        return raw.view(layout)

    def pixels(self, index: int) -> NDArray[Any]:
        """One frame as stored."""
        count = self.row * self.shape[0]
        offset = self.start + index * count * self.dtype.itemsize
        raw = stack.read_values(self.path, self.dtype, count, offset).reshape(self.shape[0], self.row)
        if not self.packed:
            return raw
        both = np.stack([raw & 15, raw >> 4], axis=-1).reshape(self.shape[0], -1)
        return both[:, : self.shape[1]]


def headers(path: Path, hints: Hints) -> list[Header]:
    """What labels and FEI's extended header state.

    Raises
    ------
    UnreadableFileError
        If the file is no MRC file.
    """
    found = _Mrc(path)
    size = (found.shape[1], found.shape[0])
    labels = found.header["label"][: max(0, min(10, int(found.header["nlabl"])))]
    texts = [bytes(label).split(b"\0")[0].decode("latin-1") for label in labels]
    title = " ".join(word for word in " ".join(texts).split() if word.isprintable())
    sections = found.sections()
    if sections is None:
        return [Header(Metadata(title=title), image_size=size)]
    return [_of_sections(sections, size, title)]


def _of_sections(sections: NDArray[Any], size: tuple[int, int], title: str) -> Header:
    first = sections[0]
    camera = units.length_mm(_finite(first["Camera length"]), "m")
    axes = None
    if int(first["Projection mode"]) == _DIFFRACTION:
        fast, slow = (_finite(first[f"Pixel size {axis}"]) for axis in "XY")
        axes = calibration.Axis(fast, 0.0, "1/m", size[0]), calibration.Axis(slow, 0.0, "1/m", size[1])
        axes = axes if fast > 0 and slow > 0 else None
    header = calibration.stated(calibration.kilovolts(_finite(first["HT"])), camera, axes, title=title)
    return Header(_turned(header.metadata, sections), header.notes, image_size=size)


def _turned(metadata: Metadata, sections: NDArray[Any]) -> Metadata:
    tilts = [_finite(section["Alpha tilt"]) for section in sections]
    if len(tilts) < 2 or tilts[0] == tilts[1]:
        return metadata
    return replace(metadata, rotation=Rotation(tilts[0], tilts[1] - tilts[0], name="alpha"))


def _finite(value: Any) -> float:
    number = float(value)
    return number if abs(number) < 1e12 else 0.0


def open_frames(path: str, dataset: str) -> StackSource:
    """Open an image or a stack; a frame is read when it is asked for.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or no MRC file.
    MissingDatasetError
        If its pixels are no counts.
    """
    found = _Mrc(Path(path))
    each = found.row * found.shape[0] * found.dtype.itemsize
    length, notes = stack.whole_frames(found.path, found.start, each, found.frames)
    parts = headers(found.path, Hints())
    parts[0] = replace(parts[0], notes=(*parts[0].notes, *notes))
    return StackSource(stack.contents_of(path, NAME, parts, found.shape, length), found.pixels)


FORMAT = Format(
    name=NAME,
    key="mrc",
    suffixes=(".mrc", ".mrcs"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "MRC has no field for it"),
    write=None,
    convention="MRC states no beam center. Rows and columns are counted as they are stored.",
    open_frames=open_frames,
    fields=(
        FieldNote("HT", "wavelength_A", "V (FEI's extended header), relativistic"),
        FieldNote("Camera length", "distance_mm", "m (FEI's extended header), nominal"),
        FieldNote("Pixel size X", "pixel_mm", "1/m in diffraction mode; times wavelength and camera length"),
        FieldNote("Alpha tilt", "rotation", "degrees; start, and step to the second frame"),
        FieldNote("label", "title", "up to ten lines"),
    ),
)
