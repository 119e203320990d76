"""Bruker frames (.sfrm): records of 80 characters, the center of the unswung detector from the lower left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, many, one, two
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.numbers import numbers
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung_header
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice, Metadata, Point, Rotation

NAME = "Bruker"
_CONVENTION = (
    "Bruker CENTER (px from the lower left, at two-theta 0), turned over; origin not stated: +-0.5 px"
)
_RECORD, _MOST_BYTES = 80, 64 * 1024
_START = re.compile(rb"FORMAT\s{0,3}:\s{0,20}(86|100)\b")
_AXES: dict[float, str] = {1: "2theta", 2: "omega", 3: "phi", 4: "chi"}


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with the record of the format's number."""
    return _START.match(head) is not None


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the records state; an UnreadableFileError if the file does not start with them."""
    head = read_head(path, _MOST_BYTES)
    if not recognizes(path, head):
        raise UnreadableFileError(f"{path} is no Bruker frame: it does not start with FORMAT.")
    text = head.decode("latin-1")
    fields: dict[str, str] = {}
    for at in range(0, len(text), _RECORD):
        key, colon, value = text[at : at + 7].strip(), text[at + 7 : at + 8], text[at + 8 : at + _RECORD]
        if colon != ":":
            break
        fields[key] = f"{fields[key]} {value.strip()}".strip() if key in fields else value.strip()
    return [header(fields)]


def header(fields: Mapping[str, str]) -> Header:
    """What the fields of a frame state.

    A detector swung by two-theta turns about the sample with the right edge towards it where the angle is
    negative; the center is that of the unswung detector, the distance the one along the normal.
    """
    size = image_size([one(fields, "NCOLS"), one(fields, "NROWS")])
    detector, distances = fields.get("DETTYPE", "").split(), many(fields, "DISTANC")
    angles, axis = many(fields, "ANGLES"), _AXES.get(one(fields, "AXIS") or 0, "")
    start, step = one(fields, "START"), one(fields, "INCREME")
    center = units.stated_center(*two(many(fields, "CENTER")[:2])) if size is not None else None
    choices: tuple[Choice, ...] = ()
    if center is not None and size is not None:
        choices = (Choice("counted from the first row", center),)
        center = center[0], size[1] - center[1]
    known = Metadata(
        distance_mm=units.positive(distances[-1] * 10.0) if distances else None,
        wavelength_A=units.positive(one(fields, "WAVELEN")),
        pixel_mm=_pixel(detector, size),
        center_px=center,
        center_convention=_CONVENTION,
        saturation=units.positive(next(iter(many(fields, "CCDPARM")[4:]), None)),
        detector=detector[0] if detector else "",
        rotation=Rotation(start, step, name=axis) if start is not None and step else None,
        title=fields.get("TITLE", ""),
        choices=choices,
    )
    found = swung_header(known, (angles[0] + 180.0) % 360.0 - 180.0 if angles else None, -1, image_size=size)
    return replace(
        found, native={name: fields[name] for name in ("CENTER", "DISTANC", "ANGLES") if name in fields}
    )


def _pixel(detector: list[str], size: tuple[int, int] | None) -> Point | None:
    """DETTYPE states pixels per cm for an image of 512 pixels along its longer side."""
    per_cm = numbers(detector[1])[:1] if len(detector) > 1 else []
    if not per_cm or per_cm[0] <= 0 or size is None:
        return None
    length = units.tidy(10.0 / per_cm[0] * 512.0 / max(size))
    return units.both(length, length)


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a frame; errors as of `xgeom_core.formats.fabio_images.open_fabio`."""
    number = _START.match(read_head(Path(path), 64))
    reader = "brukerimage" if number is not None and number.group(1) == b"86" else "bruker100image"
    return open_fabio(path, NAME, headers, reader)


FORMAT = Format(
    name=NAME,
    key="bruker",
    suffixes=(".sfrm", ".gfrm"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "CENTER is not set"),
    write=None,
    convention=(
        "CENTER: the beam on the detector at two-theta 0, in px from the lower left corner of the image. The "
        "swing in ANGLES moves it; whether pixels count from their corners is not stated."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("CENTER", "center_px", "px (x, y) from the lower left, at two-theta 0; first two numbers"),
        FieldNote("DISTANC", "distance_mm", "cm, along the normal; last number"),
        FieldNote(
            "ANGLES", "tilt_deg", "degrees; first number; positive is a negative yaw; moves the center"
        ),
        FieldNote("WAVELEN", "wavelength_A", "Å; first number"),
        FieldNote("DETTYPE", "pixel_mm", "name, then pixels per cm of 512 along the longer side"),
        FieldNote("CCDPARM", "saturation", "counts; fifth number"),
        FieldNote("START", "rotation", "degrees, at the start of the frame"),
        FieldNote("INCREME", "rotation", "degrees a frame"),
        FieldNote("AXIS", "rotation", "2: omega, 3: phi, 4: chi"),
        FieldNote("TITLE", "title", "all records"),
    ),
)
