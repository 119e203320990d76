"""SMV images (ADSC and relatives): BEAM_CENTER_X and BEAM_CENTER_Y in mm, in axes left open by the format.

The common reading is that of MOSFLM and DENZO (X slow, Y fast); the others are offered as choices.
"""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.format import Format
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice

NAME = "SMV"
_HEADER_BYTES = 64 * 1024
_START = re.compile(rb"\s*\{\s*HEADER_BYTES\s*=")
_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,60})\s*=\s*([^;\n]{0,300})")
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


def read(path: Path, hints: Hints) -> list[Reading]:
    """One Reading with a choice for every other way to read the center.

    Raises
    ------
    UnreadableFileError
        If the file is no SMV image, or its pixel size is neither stated nor hinted.
    MissingDatasetError
        If it states no beam center.
    """
    head = read_head(path, _HEADER_BYTES)
    if not recognizes(path, head):
        raise UnreadableFileError(f"{path} is no SMV image: it does not start with {{ and HEADER_BYTES=.")
    fields = dict(_FIELD.findall(head.split(b"}", 1)[0].decode("latin-1")))
    stated = [_number(fields, f"BEAM_CENTER_{axis}") for axis in "XY"]
    if stated[0] is None or stated[1] is None or not any(stated):
        raise MissingDatasetError(
            f"{path} states no beam center: BEAM_CENTER_X and BEAM_CENTER_Y are not set."
        )
    size_mm = _number(fields, "PIXEL_SIZE")
    pixel = (size_mm, size_mm) if size_mm is not None and 1e-6 < size_mm < 1e3 else hints.pixel_mm
    if pixel is None:
        raise UnreadableFileError(
            f"{path} states no PIXEL_SIZE, which the beam center in mm needs: state it."
        )
    size = planes.image_size([_number(fields, "SIZE1"), _number(fields, "SIZE2")]) or hints.image_size
    distance = _number(fields, "DISTANCE")
    center, convention = _mosflm(stated[0], stated[1], pixel), _CONVENTION
    choices = _choices(stated[0], stated[1], pixel, size)
    simulated = _dials_origin(fields, pixel)
    if simulated is not None:
        center, convention, choices = simulated, _SIMULATED, ()
    return [
        Reading(
            Estimate(NAME, center, warnings=_warnings(fields, center, size), convention=convention),
            path=str(path),
            distance_mm=distance if distance is not None and 0 < distance < 1e6 else hints.distance_mm,
            pixel_mm=pixel,
            wavelength_A=planes.wavelength(_number(fields, "WAVELENGTH")) or hints.wavelength_A,
            image_size=size,
            native={
                "BEAM_CENTER_X": f"{rounded([stated[0]])} mm",
                "BEAM_CENTER_Y": f"{rounded([stated[1]])} mm",
                **({"TWOTHETA": f"{fields['TWOTHETA'].strip()} deg"} if "TWOTHETA" in fields else {}),
            },
            choices=choices,
        )
    ]


def _number(fields: dict[str, str], name: str) -> float | None:
    try:
        value = planes.finite(float(fields[name])) if name in fields else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e7 else None


def _mosflm(x: float, y: float, pixel: tuple[float, float]) -> tuple[float, float]:
    return y / pixel[0], x / pixel[1]


def _choices(
    x: float, y: float, pixel: tuple[float, float], size: tuple[int, int] | None
) -> tuple[Choice, ...]:
    """The other readings: half a pixel, axes swapped, counted from below, and px taken for mm."""
    fast, slow = _mosflm(x, y, pixel)
    straight = x / pixel[0], y / pixel[1]
    choices = [
        Choice(
            "MOSFLM as nanoBragg writes it: from the first pixel's center (+0.5 px)", (fast + 0.5, slow + 0.5)
        ),
        Choice("X along the fast axis, Y along the slow axis", straight),
    ]
    if size is not None:
        height = float(size[1])
        choices += [
            Choice(
                "ADXV: X along the fast axis, Y counted from the last row",
                (straight[0], height - straight[1]),
            ),
            Choice(
                "X along the slow axis counted from the last row, Y along the fast axis",
                (fast, height - slow),
            ),
        ]
        if not _inside((fast, slow), size) and _inside((x, y), size):
            choices.append(Choice("in px, not in mm: X along the fast axis, Y along the slow axis", (x, y)))
    return tuple(choices)


def _inside(center: tuple[float, float], size: tuple[int, int]) -> bool:
    return 0 <= center[0] <= size[0] and 0 <= center[1] <= size[1]


def _dials_origin(fields: dict[str, str], pixel: tuple[float, float]) -> tuple[float, float] | None:
    """The center by nanoBragg's DIALS_ORIGIN (x right, y up) of a detector that is not swung."""
    if "DIALS_ORIGIN" not in fields or _number(fields, "TWOTHETA") not in (None, 0.0):
        return None
    words = fields["DIALS_ORIGIN"].split(",")
    numbers = [_number({"value": word}, "value") for word in words]
    if len(numbers) != 3 or numbers[0] is None or numbers[1] is None:
        return None
    return -numbers[0] / pixel[0], numbers[1] / pixel[1]


def _warnings(
    fields: dict[str, str], center: tuple[float, float], size: tuple[int, int] | None
) -> tuple[str, ...]:
    warnings: tuple[str, ...] = ()
    swing = _number(fields, "TWOTHETA")
    if swing is not None and abs(swing) >= 0.01:
        warnings += (
            f"The detector is swung by {swing:g} degrees in two-theta; the header's center may be that of "
            "the unswung detector.",
        )
    if size is not None and not _inside(center, size) and not swing:
        warnings += ("The center lies outside the image; another reading of the header may be meant.",)
    return warnings


FORMAT = Format(
    name=NAME,
    key="smv",
    suffixes=(".img", ".smv"),
    recognizes=recognizes,
    read=read,
    write=None,
    convention=(
        "BEAM_CENTER_X/Y: the beam on the detector in mm, read as MOSFLM's (X slow, Y fast) from the first "
        "pixel's corner. Axes, flips and half pixels differ between beamlines: the other readings are "
        "offered."
    ),
)
