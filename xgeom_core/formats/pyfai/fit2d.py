"""Fit2D's parameters as text: ``centerX = 487.3`` a line, JSON, a printed Python dict or pyFAI's summary.

Facts: pyFAI's getFit2D and its documentation. ``directDist`` (mm) runs along the beam, ``centerX`` and
``centerY`` (px) are where the beam meets the detector, ``tilt`` and ``tiltPlanRotation`` are in degrees,
``pixelX`` and ``pixelY`` in um, ``wavelength`` in Å.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import values
from xgeom_core.formats.beam_axes import beam_of, from_beam
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.mm_centers import NUMBER
from xgeom_core.formats.reading import Hints, Reading, flip_choices
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

CONVENTION = (
    "Fit2D states the beam center in px from the outer corner of the first pixel (0 is added). "
    "Its tilt is given by an angle and the direction of the tilt plane; it counts rows as they are stored."
)
_NUMBER = rf"({NUMBER}|nan|[-+]?inf(?:inity)?|none|null)"
_PATTERNS = {
    "distance": r"(?:directDist|DirectBeamDist)",
    "x": r"(?:centerX|Center\s{0,3}:\s{0,3}x)",
    "y": r"centerY",
    "tilt": r"tilt",
    "rotation": r"(?:tiltPlanRotation|tiltPlaneRotation)",
    "pixel_x": r"pixelX",
    "pixel_y": r"pixelY",
    "wavelength": r"(?:wavelength|\u03bb)",
}
_FOUND = {
    key: re.compile(
        rf"(?<![A-Za-z_]){name}['\"]?\s{{0,3}}[:=]\s{{0,3}}['\"]?{_NUMBER}(?![\w.])", re.IGNORECASE
    )
    for key, name in _PATTERNS.items()
}
# pyFAI prints "mm", "pix" and a degree sign right behind numbers.
_UNITS = re.compile(r"(?<=\d)[ ]?(?:mm|pix|px|deg|\u00b0|\u00c5|\u212b)(?![A-Za-z])")
_Y_OF_PAIR = re.compile(
    rf"Center\s{{0,3}}:\s{{0,3}}x\s?=\s{{0,3}}{_NUMBER}\s{{0,3}},\s{{0,3}}y\s?=\s{{0,3}}{_NUMBER}",
    re.IGNORECASE,
)
_HEAD = re.compile(rb"(centerX|centerY|directDist|DirectBeamDist|tiltPlan|Center\s?:\s?x)", re.IGNORECASE)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether a center stands beside a distance or a tilt plane, by Fit2D's names."""
    names = {name.lower() for name in _HEAD.findall(head)}
    center = {b"centerx", b"centery"} <= names or any(
        name.startswith(b"center") and b":" in name for name in names
    )
    return center and bool(names & {b"directdist", b"directbeamdist", b"tiltplan"})


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one geometry of the file (the last, where values are repeated)."""
    found = parse(read_text(path), path)
    for key, name in (("x", "centerX"), ("y", "centerY")):
        if key not in found:
            raise MissingDatasetError(f"{path} does not state {name} as a number.")
    center = values.center(found["x"], found["y"], path)
    pixel_mm = hints.pixel_mm
    if "pixel_x" in found and "pixel_y" in found:
        pixel_mm = (found["pixel_x"] / 1e3, found["pixel_y"] / 1e3)
        values.pixel_known(path, "Fit2D", pixel_mm, hints)
    distance = values.length(found.get("distance", hints.distance_mm), path, "directDist")
    tilt, notes = _tilt(found, path)
    choices: tuple[Choice, ...] = ()
    if hints.image_size is not None:
        choices = flip_choices("rows as stored", center, tilt, hints.image_size[1])
    return [
        Reading(
            Estimate(FORMAT.name, center, tilt, warnings=tuple(notes), convention=CONVENTION),
            str(path),
            distance_mm=distance,
            pixel_mm=pixel_mm,
            wavelength_A=values.sane_wavelength(found.get("wavelength")) or hints.wavelength_A,
            image_size=hints.image_size,
            native={_NAMES[key]: values.shown(value, _UNIT_OF[key]) for key, value in found.items()},
            choices=choices,
        )
    ]


def parse(text: str, path: Path) -> dict[str, float]:
    """The finite numbers of the file under short names; the last one of each."""
    plain = _UNITS.sub("", text)
    found: dict[str, float] = {}
    for key, pattern in _FOUND.items():
        matches = pattern.findall(plain)
        value = values.number(matches[-1]) if matches else None
        if value is not None:
            found[key] = values.bounded(value, 1e9, path, _NAMES[key])
    pairs = _Y_OF_PAIR.findall(plain)
    value = values.number(pairs[-1][1]) if pairs else None
    if value is not None and "y" not in found:
        found["y"] = values.bounded(value, 1e9, path, "centerY")
    return found


def _tilt(found: dict[str, float], path: Path) -> tuple[tuple[float, float] | None, list[str]]:
    """Pitch and yaw in degrees; None where the file states no tilt."""
    if "tilt" not in found:
        return None, []
    if abs(found["tilt"]) >= 90:
        raise UnreadableFileError(
            f"{path} gives a tilt of {found['tilt']:g} degrees; less than 90 was expected."
        )
    if "rotation" not in found and found["tilt"] != 0:
        return None, [
            f"The file states a tilt of {found['tilt']:g} degrees but not its plane: the tilt is unknown."
        ]
    tilt, plane = math.radians(found["tilt"]), math.radians(math.fmod(found.get("rotation", 0.0), 360.0))
    beam = (math.sin(tilt) * math.cos(plane), math.sin(tilt) * math.sin(plane), math.cos(tilt))
    geometry = from_beam((0.0, 0.0, 1.0), (1, 1), beam, (1.0, 1.0))
    return (geometry.pitch_deg, geometry.yaw_deg), []


def write_fit2d(writing: Writing) -> str:
    """The parameters, one ``key=value`` a line."""
    geometry = writing.geometry
    along_fast, along_slow, along = beam_of(geometry)
    tilt = math.degrees(math.atan2(math.hypot(along_fast, along_slow), along))
    stated = {
        "directDist": geometry.distance_mm,
        "centerX": geometry.center_px[0],
        "centerY": geometry.center_px[1],
        "tilt": tilt,
        "tiltPlanRotation": math.degrees(math.atan2(along_slow, along_fast)) if tilt else 0.0,
        "pixelX": geometry.pixel_mm[0] * 1e3,
        "pixelY": geometry.pixel_mm[1] * 1e3,
    }
    if geometry.wavelength_A is not None:
        stated["wavelength"] = geometry.wavelength_A
    return "".join(f"{key}={value:.12g}\n" for key, value in stated.items())


_NAMES = {
    "distance": "directDist",
    "x": "centerX",
    "y": "centerY",
    "tilt": "tilt",
    "rotation": "tiltPlanRotation",
    "pixel_x": "pixelX",
    "pixel_y": "pixelY",
    "wavelength": "wavelength",
}
_UNIT_OF = {
    "distance": "mm",
    "x": "px",
    "y": "px",
    "tilt": "deg",
    "rotation": "deg",
    "pixel_x": "um",
    "pixel_y": "um",
    "wavelength": "\u00c5",
}
FORMAT = Format("Fit2D", "fit2d", (".fit2d", ".txt"), recognizes, read, write_fit2d, CONVENTION)
