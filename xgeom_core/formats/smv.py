"""SMV images (ADSC, d*TREK, ...): a text header, the beam center in mm along MOSFLM's axes or others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import dtrek, planes
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, if_stated, one
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.raw_images import one_after_another, open_raw
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice, Metadata, Point, Rotation, Verdict

NAME = "SMV"
_HEADER_BYTES = 64 * 1024
_START = re.compile(rb"\s*\{\s*HEADER_BYTES\s*=\s*(\d{1,6})")
_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,60})[ \t]*=[ \t]*([^;\n\x00]{0,2000})")
_CCD_MAXIMUM = 65535.0  # where 16-bit CCD formats saturate unless they say otherwise
_PIXELS = {
    "unsigned short": "u2",
    "unsigned short int": "u2",
    "short": "i2",
    "short int": "i2",
    "signed short": "i2",
    "long int": "i4",
    "signed long": "i4",
    "unsigned long": "u4",
    "unsigned long int": "u4",
    "unsigned char": "u1",
    "signed char": "i1",
    "float": "f4",
    "float ieee": "f4",
}
_FROM_BELOW = "counted from the last row"
_DENZO = "DENZO_X_BEAM, DENZO_Y_BEAM"
_DENZO_FIELDS = (("DENZO_X_BEAM", "DENZO_XBEAM"), ("DENZO_Y_BEAM", "DENZO_YBEAM"))
_LEAST_PIXEL_MM = 1e-6  # less is damage, and would put the center nowhere
_ROUNDING_PX = 0.3  # two fields in mm with one or two decimals that state one point
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
    """What the header states, by :func:`header`; an UnreadableFileError if the file is no SMV image."""
    return [header(_fields(path), hints.pixel_mm)]


def _fields(path: Path) -> dict[str, str]:
    """Names and values; braces within values and zero bytes do no harm, the length is the header's own."""
    head = read_head(path, _HEADER_BYTES)
    start = _START.match(head)
    if start is None:
        raise UnreadableFileError(f"{path} is no SMV image: it does not start with {{ and HEADER_BYTES=.")
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(head[: int(start.group(1))].decode("latin-1")):
        found.setdefault(name, value.strip())
    return found


def header(fields: Mapping[str, str], pixel_mm: Point | None = None) -> Header:
    """What the fields of an SMV header state; ``pixel_mm`` stands in where they state no pixel size."""
    size = planes.image_size([_number(fields, "SIZE1"), _number(fields, "SIZE2")])
    if dtrek.is_dtrek(fields):
        return dtrek.header(fields, size)
    size_mm = units.positive(_number(fields, "PIXEL_SIZE"))
    pixel = units.both(size_mm, size_mm) or pixel_mm
    metadata = Metadata(
        distance_mm=units.positive(_number(fields, "DISTANCE")),
        wavelength_A=units.positive(_number(fields, "WAVELENGTH")),
        pixel_mm=pixel,
        saturation=units.positive(_number(fields, "CCD_IMAGE_SATURATION")) or _CCD_MAXIMUM,
        rotation=_rotation(fields),
        title=fields.get("COMMENT", ""),
    )
    metadata, said = _with_center(metadata, fields, size)
    # DIALS turns ADSC detectors about their fast axis; most of them stand on no arm at all.
    metadata, notes = swung(metadata, _number(fields, "TWOTHETA"), 1, "horizontal")
    return Header(metadata, (*said, *notes), native=_native(fields), image_size=size)


def _number(fields: Mapping[str, str], name: str) -> float | None:
    value = one(fields, name)
    return value if value is not None and abs(value) < 1e7 else None


def _native(fields: Mapping[str, str]) -> dict[str, str]:
    named = [(name, "mm") for name in ("BEAM_CENTER_X", "BEAM_CENTER_Y", *sum(_DENZO_FIELDS, ()))]
    numbers = {name: (_number(fields, name), unit) for name, unit in (*named, ("TWOTHETA", "deg"))}
    return {name: f"{rounded([at])} {unit}" for name, (at, unit) in numbers.items() if at is not None}


def _rotation(fields: Mapping[str, str]) -> Rotation | None:
    start, step = _number(fields, "OSC_START"), _number(fields, "OSC_RANGE")
    return (
        Rotation(start, step, name=fields.get("AXIS", "")) if start is not None and step is not None else None
    )


def _with_center(
    known: Metadata, fields: Mapping[str, str], size: tuple[int, int] | None
) -> tuple[Metadata, tuple[str, ...]]:
    """With the center as MOSFLM would read it, its other readings, and what DENZO's fields say of them."""
    pixel = known.pixel_mm if known.pixel_mm is not None and min(known.pixel_mm) > _LEAST_PIXEL_MM else None
    simulated = _dials_origin(fields, pixel)
    if simulated is not None:
        return replace(known, center_px=simulated, center_convention=_SIMULATED), ()
    stated = units.stated_center(_number(fields, "BEAM_CENTER_X"), _number(fields, "BEAM_CENTER_Y"))
    denzo_mm = units.stated_center(*(_first(fields, names) for names in _DENZO_FIELDS))
    if pixel is None or (stated is None and denzo_mm is None):
        return known, ()
    denzo = _mosflm(denzo_mm, pixel) if denzo_mm is not None else None
    if stated is None:
        return replace(known, center_px=denzo, center_convention=f"SMV {_DENZO} (mm): {_CONVENTION[30:]}"), ()
    read = replace(
        known,
        center_px=_mosflm(stated, pixel),
        center_convention=if_stated(stated, _CONVENTION),
        choices=_choices(stated, pixel, size),
    )
    return (read, ()) if denzo is None else _with_denzo(read, denzo, size)


def _with_denzo(
    read: Metadata, denzo: Point, size: tuple[int, int] | None
) -> tuple[Metadata, tuple[str, ...]]:
    """DENZO's fields beside BEAM_CENTER: they confirm it, tell how it is to be read, or contradict it."""
    usual = read.center_px
    if usual is None or _close(usual, denzo):
        return read, ()
    words = (
        f"BEAM_CENTER_X and _Y give ({usual[0]:.2f}, {usual[1]:.2f}) px, "
        f"{_DENZO} ({denzo[0]:.2f}, {denzo[1]:.2f}) px"
    )
    agreeing = next((one for one in read.choices if _close(one.center_or(usual), denzo)), None)
    if agreeing is not None:
        reason = f"{words}; the former read as “{agreeing.name}” agrees with the latter, which is used."
        others = tuple(one for one in read.choices if one is not agreeing)
        read = replace(
            read.read_as(agreeing),
            center_convention=f"SMV BEAM_CENTER_X/Y (mm) read as “{agreeing.name}”, as {_DENZO} say.",
            choices=(Choice("BEAM_CENTER_X and _Y as MOSFLM's", usual), *others),
        )
    elif size is None or not _inside(usual, size):
        # Where it lies outside the image the judge chooses between all the readings.
        return replace(read, choices=(*read.choices, Choice(f"{_DENZO} (mm)", denzo))), ()
    else:
        reason = f"{words}: the former is used."
        read = replace(read, choices=(Choice(f"{_DENZO} (mm)", denzo), *read.choices))
    return replace(read, verdicts=(Verdict("center", "doubtful", reason),)), (reason,)


def _close(one: Point, other: Point) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= _ROUNDING_PX


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    return next((number for name in names if (number := _number(fields, name)) is not None), None)


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


def _dials_origin(fields: Mapping[str, str], pixel: Point | None) -> Point | None:
    """The center by nanoBragg's DIALS_ORIGIN (x right, y up) of a detector that is not swung."""
    if pixel is None or "DIALS_ORIGIN" not in fields or _number(fields, "TWOTHETA") not in (None, 0.0):
        return None
    numbers = [_number({"value": word}, "value") for word in fields["DIALS_ORIGIN"].split(",")]
    if len(numbers) != 3 or numbers[0] is None or numbers[1] is None:
        return None
    return -numbers[0] / pixel[0], numbers[1] / pixel[1]


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the images of a file; an UnreadableFileError if it is truncated or of unknown pixels."""
    fields = _fields(Path(path))
    size = planes.image_size([_number(fields, "SIZE1"), _number(fields, "SIZE2")])
    kind = (fields.get("Data_type") or fields.get("TYPE") or "unsigned_short").lower().replace("_", " ")
    packing = fields.get("COMPRESSION", "").lower()
    if size is None or kind not in _PIXELS or packing not in {"", "none"}:
        raise UnreadableFileError(
            f"{path} cannot be read: an SMV image needs SIZE1, SIZE2 and pixels of a known type, not {kind!r}"
            f"{f' compressed as {packing!r}' if packing else ''}."
        )
    order = ">" if "big" in fields.get("BYTE_ORDER", "") else "<"
    pixel, start = np.dtype(order + _PIXELS[kind]), int(_number(fields, "HEADER_BYTES") or 512)
    frames = int(_number(fields, "SIZE3") or 1) if _number(fields, "DIM") == 3 else 1
    shape = (size[1], size[0])
    places = one_after_another(start, pixel, shape, min(frames, 10**5))
    return open_raw(path, NAME, headers, pixel, shape, places)


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
    open_frames=open_frames,
    fields=(
        FieldNote("BEAM_CENTER_X", "center_px", "mm along the slow axis, from the first pixel's corner"),
        FieldNote("BEAM_CENTER_Y", "center_px", "mm along the fast axis, from the first pixel's corner"),
        FieldNote("DENZO_X_BEAM", "choices", "mm along the slow axis; tells how BEAM_CENTER is to be read"),
        FieldNote("DENZO_Y_BEAM", "choices", "mm along the fast axis; DENZO_XBEAM and DENZO_YBEAM as well"),
        FieldNote("DISTANCE", "distance_mm", "mm, along the normal"),
        FieldNote(
            "TWOTHETA", "tilt_deg", "degrees; positive is a positive pitch, as DIALS has it; moves the center"
        ),
        FieldNote("WAVELENGTH", "wavelength_A", "Å"),
        FieldNote("PIXEL_SIZE", "pixel_mm", "mm, both axes"),
        FieldNote("OSC_START", "rotation", "degrees, at the start of the frame"),
        FieldNote("OSC_RANGE", "rotation", "degrees a frame"),
        FieldNote("AXIS", "rotation", "name of the axis"),
        FieldNote("CCD_IMAGE_SATURATION", "saturation", "counts; 65535 where silent"),
        FieldNote("COMMENT", "title", "as it stands"),
        *dtrek.FIELDS,
    ),
)
