"""DENZO and HKL: site files, command files and ``.x`` files with ``x beam`` and ``y beam``.

Facts: nanoBragg and xdsme (x is slow, y is fast, mm, no half pixel). The signs of the cassette's
rotations are defined in no public document known here, so no tilt is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats import mm_centers, values
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.mm_centers import NUMBER, Stated, last_number
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

CONVENTION = (
    "DENZO states where the beam meets the detector in mm, x along the slow and y along the fast axis of "
    "most detectors. It counts from the outer corner of the first pixel (0 is added)."
)
_BEAMS = {
    axis: re.compile(rf"\b{axis}\s{{1,9}}beam\s{{1,9}}({NUMBER})(?![\w.])", re.IGNORECASE) for axis in "xy"
}
_DISTANCE = re.compile(rf"^[ \t]*distance\s{{1,9}}({NUMBER})(?![\w.])", re.IGNORECASE | re.MULTILINE)
_WAVELENGTH = re.compile(rf"\bwavelength\s{{1,9}}({NUMBER})(?![\w.])", re.IGNORECASE)
_CASSETTE = re.compile(
    rf"\bcassette\s{{1,9}}rotx\s{{1,9}}({NUMBER})\s{{1,9}}roty\s{{1,9}}({NUMBER})", re.IGNORECASE
)
_SWING = re.compile(rf"\b2\s{{0,3}}theta\s{{1,9}}({NUMBER})(?![\w.])", re.IGNORECASE)
_HEAD = re.compile(rb"\b([xy])[ \t]{1,9}beam[ \t]{1,9}[-+.\d]", re.IGNORECASE)
_COMPANION = re.compile(
    rb"\b(cassette|distance|film|wavelength|raster|spindle|goniostat|box|format)\b", re.IGNORECASE
)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether both beams are given; in ``.x`` files they stand behind the reflections."""
    if {axis.lower() for axis in _HEAD.findall(head)} == {b"x", b"y"}:
        return True
    return path.suffix.lower() == ".x" and bool(_COMPANION.search(head))


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one center of the file (the last, where it is repeated)."""
    text = read_text(path)
    beams = {axis: last_number(pattern, text) for axis, pattern in _BEAMS.items()}
    x_mm, y_mm = beams["x"], beams["y"]
    if x_mm is None or y_mm is None:
        missing = " and ".join(f"'{axis} beam'" for axis, value in beams.items() if value is None)
        raise MissingDatasetError(f"{path} does not state {missing} in mm.")
    notes = []
    cassette = _CASSETTE.findall(text)
    if cassette and any(values.number(angle) for angle in cassette[-1]):
        notes.append(
            f"The file states cassette rotx {cassette[-1][0]} roty {cassette[-1][1]}, whose signs no public "
            "document defines: the tilt is left unknown."
        )
    if last_number(_SWING, text):
        notes.append("The detector is swung out (2 theta), which is not read here.")
    distance, wavelength = last_number(_DISTANCE, text), last_number(_WAVELENGTH, text)
    native = {"x beam": values.shown(x_mm, "mm"), "y beam": values.shown(y_mm, "mm")}
    if distance is not None:
        native["distance"] = values.shown(distance, "mm")
    stated = Stated(distance, wavelength, native=native, notes=tuple(notes))
    pixel_mm = values.pixel_known(path, "DENZO", None, hints)
    slow_fast = (y_mm / pixel_mm[0], x_mm / pixel_mm[1])
    choices = (
        Choice("x along the slow axis (most detectors)", slow_fast),
        Choice("x along the fast axis (another film rotation)", (x_mm / pixel_mm[0], y_mm / pixel_mm[1])),
    )
    return [mm_centers.reading(FORMAT.name, CONVENTION, path, slow_fast, stated, pixel_mm, hints, choices)]


def write_denzo(writing: Writing) -> str:
    """Commands for DENZO, as in a site file; a tilt is not stated."""
    geometry = writing.geometry
    lines = [f"distance {geometry.distance_mm:.6f}"]
    if geometry.wavelength_A is not None:
        lines.append(f"wavelength {geometry.wavelength_A:.9g}")
    x_mm = geometry.center_px[1] * geometry.pixel_mm[1]
    y_mm = geometry.center_px[0] * geometry.pixel_mm[0]
    return "\n".join([*lines, f"x beam {x_mm:.6f}", f"y beam {y_mm:.6f}"]) + "\n"


FORMAT = Format("DENZO", "denzo", (".x", ".def"), recognizes, read, write_denzo, CONVENTION)
