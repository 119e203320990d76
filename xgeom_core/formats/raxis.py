"""R-AXIS image plates (Rigaku): numbers at fixed places, read as DIALS reads them."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung_header
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata, Rotation

NAME = "R-AXIS"
_MAGIC, _HEADER_BYTES, _SHAPE = (b"RAXIS", b"R-AXIS"), 1400, 448
_FLOATS = {
    "Wavelength": 292,
    "Distance": 344,
    "Phi start": 524,
    "Phi end": 528,
    "Beam x": 540,
    "Beam y": 544,
    "2Theta": 556,
    "Pixel x": 776,
    "Pixel y": 780,
}
_CURVED = "The image plate is a cylinder: what is said of it here holds for a flat one."
_CONVENTION = "R-AXIS beam position (px), from the first pixel's corner, which is not stated: +-0.5 px"


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with the name of the instrument."""
    return head.startswith(_MAGIC) and len(head) >= _HEADER_BYTES


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the header states; an UnreadableFileError if the file is no image of an R-AXIS."""
    head = read_head(path, _HEADER_BYTES)
    if not recognizes(path, head):
        raise UnreadableFileError(f"{path} is no whole image of an R-AXIS: its header is missing.")
    fields = {name: struct.unpack_from(">f", head, at)[0] for name, at in _FLOATS.items()}
    found = _header(fields, image_size(list(struct.unpack_from(">2i", head, 768))))
    return [replace(found, notes=(*found.notes, _CURVED)) if head[_SHAPE + 3] == 1 else found]


def _header(fields: dict[str, float], size: tuple[int, int] | None) -> Header:
    beam = units.stated_center(fields["Beam x"], fields["Beam y"])
    if beam is not None and max(map(abs, beam)) > 1e6:
        beam = None
    start, end = fields["Phi start"], fields["Phi end"]
    turns = max(abs(start), abs(end)) < 1e5
    return swung_header(
        Metadata(
            distance_mm=units.tidy(round(fields["Distance"], 6)),
            wavelength_A=units.tidy(round(fields["Wavelength"], 6)),
            pixel_mm=units.both(*(units.tidy(round(fields[f"Pixel {axis}"], 7)) for axis in "xy")),
            center_px=beam,
            center_convention=_CONVENTION,
            rotation=Rotation(start, end - start, name="phi") if turns else None,
        ),
        fields["2Theta"],
        1,
        image_size=size,
    )


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a file; errors as of `xgeom_core.formats.fabio_images.open_fabio`."""
    return open_fabio(path, NAME, headers, "raxisimage")


FORMAT = Format(
    name=NAME,
    key="raxis",
    suffixes=(".osc", ".stl", ".img"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "the beam position is not set"),
    write=None,
    convention=(
        "The beam position in px on the unswung detector, from the first pixel's corner. The swing turns "
        "about the slow axis, as DIALS has it."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("Beam x", "center_px", "px along the fast axis, taken from the first pixel's corner"),
        FieldNote("Beam y", "center_px", "px along the slow axis, taken from the first pixel's corner"),
        FieldNote("Distance", "distance_mm", "mm, along the normal"),
        FieldNote("2Theta", "tilt_deg", "degrees; positive is a positive yaw; moves the center"),
        FieldNote("Wavelength", "wavelength_A", "Å"),
        FieldNote("Pixel x", "pixel_mm", "mm, fast"),
        FieldNote("Pixel y", "pixel_mm", "mm, slow"),
        FieldNote("Phi start", "rotation", "degrees"),
        FieldNote("Phi end", "rotation", "degrees"),
    ),
)
