"""SMV images (ADSC and relatives): a text header, the beam center in mm along MOSFLM's axes or others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, if_stated, one
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice, Metadata, Point, Rotation

NAME = "SMV"
_HEADER_BYTES = 64 * 1024
_START = re.compile(rb"\s*\{\s*HEADER_BYTES\s*=")
_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,60})\s*=\s*([^;\n]{0,300})")
_CCD_MAXIMUM = 65535.0  # where 16-bit CCD formats saturate unless they say otherwise
_YAW_SIGN = 1
_FROM_BELOW = "counted from the last row"
_CONVENTION = (
    "SMV BEAM_CENTER_X/Y (mm), read as MOSFLM's and DENZO's: X along the slow and Y along the fast axis, "
    "from the outer corner of the first pixel. Beamlines differ in axes, flips and half pixels."
)
_SIMULATED = (
    "SMV DIALS_ORIGIN (mm), as nanoBragg writes it: the outer corner of the first pixel in DIALS's frame."
)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with a header of SMV."""
    return _START.match(head) is not None


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the header states, by :func:`header`.

    Raises
    ------
    UnreadableFileError
        If the file is no SMV image.
    """
    head = read_head(path, _HEADER_BYTES)
    if not recognizes(path, head):
        raise UnreadableFileError(f"{path} is no SMV image: it does not start with {{ and HEADER_BYTES=.")
    return [header(dict(_FIELD.findall(head.split(b"}", 1)[0].decode("latin-1"))), hints.pixel_mm)]


def header(fields: Mapping[str, Any], pixel_mm: Point | None = None) -> Header:
    """What the fields of an SMV header state; ``pixel_mm`` stands in where they state no pixel size."""
    size_mm = units.positive(_number(fields, "PIXEL_SIZE"))
    pixel = units.both(size_mm, size_mm) or pixel_mm
    size = planes.image_size([_number(fields, "SIZE1"), _number(fields, "SIZE2")])
    x_mm, y_mm = _number(fields, "BEAM_CENTER_X"), _number(fields, "BEAM_CENTER_Y")
    stated, center, convention = units.stated_center(x_mm, y_mm), None, _CONVENTION
    choices: tuple[Choice, ...] = ()
    if stated is not None and pixel is not None:
        center, choices = _mosflm(stated, pixel), _choices(stated, pixel, size)
    simulated = _dials_origin(fields, pixel)
    if simulated is not None:
        center, convention, choices = simulated, _SIMULATED, ()
    metadata = Metadata(
        distance_mm=units.positive(_number(fields, "DISTANCE")),
        wavelength_A=units.positive(_number(fields, "WAVELENGTH")),
        pixel_mm=pixel,
        center_px=center,
        center_convention=if_stated(center, convention),
        saturation=units.positive(_number(fields, "CCD_IMAGE_SATURATION")) or _CCD_MAXIMUM,
        rotation=_rotation(fields),
        choices=choices,
    )
    metadata, notes = swung(metadata, _number(fields, "TWOTHETA"), _YAW_SIGN)
    return Header(metadata, notes, native=_native(fields), image_size=size)


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    value = one(fields, name)
    return value if value is not None and abs(value) < 1e7 else None


def _native(fields: Mapping[str, Any]) -> dict[str, str]:
    named = (("BEAM_CENTER_X", "mm"), ("BEAM_CENTER_Y", "mm"), ("TWOTHETA", "deg"))
    numbers = {name: (_number(fields, name), unit) for name, unit in named}
    return {name: f"{rounded([at])} {unit}" for name, (at, unit) in numbers.items() if at is not None}


def _rotation(fields: Mapping[str, Any]) -> Rotation | None:
    start, step = _number(fields, "OSC_START"), _number(fields, "OSC_RANGE")
    name = str(fields.get("AXIS", "")).strip()
    return Rotation(start, step, name=name) if start is not None and step is not None else None


def _mosflm(stated_mm: Point, pixel: Point) -> Point:
    return stated_mm[1] / pixel[0], stated_mm[0] / pixel[1]


def _choices(stated_mm: Point, pixel: Point, size: tuple[int, int] | None) -> tuple[Choice, ...]:
    """The other readings: half a pixel, axes swapped, counted from below, and px taken for mm."""
    fast, slow = _mosflm(stated_mm, pixel)
    straight = stated_mm[0] / pixel[0], stated_mm[1] / pixel[1]
    choices = [
        Choice(
            "MOSFLM as nanoBragg writes it: from the first pixel's center (+0.5 px)", (fast + 0.5, slow + 0.5)
        ),
        Choice("X along the fast axis, Y along the slow axis", straight),
    ]
    if size is not None:
        choices += [
            Choice(f"ADXV: X along the fast axis, Y {_FROM_BELOW}", (straight[0], size[1] - straight[1])),
            Choice(f"X along the slow axis {_FROM_BELOW}, Y along the fast axis", (fast, size[1] - slow)),
        ]
        if not _inside((fast, slow), size) and _inside(stated_mm, size):
            choices.append(
                Choice("in px, not in mm: X along the fast axis, Y along the slow axis", stated_mm)
            )
    return tuple(choices)


def _inside(center: Point, size: tuple[int, int]) -> bool:
    return 0 <= center[0] <= size[0] and 0 <= center[1] <= size[1]


def _dials_origin(fields: Mapping[str, Any], pixel: Point | None) -> Point | None:
    """The center by nanoBragg's DIALS_ORIGIN (x right, y up) of a detector that is not swung."""
    if pixel is None or "DIALS_ORIGIN" not in fields or _number(fields, "TWOTHETA") not in (None, 0.0):
        return None
    numbers = [_number({"value": word}, "value") for word in str(fields["DIALS_ORIGIN"]).split(",")]
    if len(numbers) != 3 or numbers[0] is None or numbers[1] is None:
        return None
    return -numbers[0] / pixel[0], numbers[1] / pixel[1]


FORMAT = Format(
    name=NAME,
    key="smv",
    suffixes=(".img", ".smv"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "BEAM_CENTER_X and BEAM_CENTER_Y are not set"),
    write=None,
    convention=(
        "BEAM_CENTER_X/Y: the beam on the detector in mm, read as MOSFLM's (X slow, Y fast) from the first "
        "pixel's corner. Axes, flips and half pixels differ between beamlines: the other readings are "
        "offered."
    ),
    fields=(
        FieldNote("BEAM_CENTER_X", "center_px", "mm along the slow axis, from the first pixel's corner"),
        FieldNote("BEAM_CENTER_Y", "center_px", "mm along the fast axis, from the first pixel's corner"),
        FieldNote("DISTANCE", "distance_mm", "mm, along the normal"),
        FieldNote("TWOTHETA", "tilt_deg", "degrees; positive is a positive yaw; moves the center"),
        FieldNote("WAVELENGTH", "wavelength_A", "Å"),
        FieldNote("PIXEL_SIZE", "pixel_mm", "mm, both axes"),
        FieldNote("OSC_START", "rotation", "degrees, at the start of the frame"),
        FieldNote("OSC_RANGE", "rotation", "degrees a frame"),
        FieldNote("CCD_IMAGE_SATURATION", "saturation", "counts; 65535 where silent"),
    ),
)
