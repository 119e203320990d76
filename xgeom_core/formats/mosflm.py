"""MOSFLM: command files and saved commands (``BEAM x y``), and the sessions that iMosflm saves (.mos).

Facts: nanoBragg and the exporters of DIALS and xia2 (x is slow, y is fast, mm), iMosflm's session files.
The signs of TILT and TWIST are defined in no public document known here, so no tilt is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats import mm_centers, values
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.mm_centers import NUMBER, Stated
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

CONVENTION = (
    "MOSFLM states where the beam meets the detector in mm, x along the slow and y along the fast axis. "
    "Programs disagree whether it counts from the pixel's corner (as DIALS has it, taken here) or from its "
    "center (as nanoBragg has it, +0.5)."
)
_KEYWORD = re.compile(r"^[ \t]*([A-Za-z]{4}[A-Za-z_]{0,20})[ \t]+([^!#\n]{1,400})", re.MULTILINE)
_BEAM = re.compile(rb"^[ \t]*BEAM[A-Z_ \t]{0,20}[ \t][-+.\d]+[ \t,]+[-+.\d]+", re.MULTILINE | re.IGNORECASE)
_COMPANION = re.compile(
    rb"^[ \t]*(DISTANCE|WAVE|PIXEL|MATRIX|IMAGE|TEMPLATE|DIRECTORY|GENFILE|SYMM|DETECTOR|HKLOUT|RESOL|MOSA)",
    re.MULTILINE | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"\b([A-Za-z_]\w{0,40})\s{0,3}=\s{0,3}\"([^\"]{0,400})\"")
_MATRIX_ROWS = (3, 3, 3, 3, 3, 3, 3, 6, 3)


def recognizes(path: Path, head: bytes) -> bool:
    """A BEAM command beside another of MOSFLM's, a saved session, or an orientation matrix."""
    if b"<session " in head and b"beam_x" in head:
        return True
    if _BEAM.search(head):
        return bool(_COMPANION.search(head)) or path.suffix.lower() in {".sav", ".mosflm"}
    return _is_matrix(head[:4000].decode("latin-1"))


def _is_matrix(text: str) -> bool:
    """Whether these are the nine rows of numbers of a .mat file."""
    rows = [line.split() for line in text.split("\n") if line.strip()]
    if tuple(len(row) for row in rows[:9]) != _MATRIX_ROWS:
        return False
    return all(values.number(item) is not None for row in rows[:9] for item in row)


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one center of the file (the last, where the command is repeated)."""
    text = read_text(path)
    _, session, rest = text.partition("<session ")
    if session:
        beam, stated = _session(dict(_ATTRIBUTE.findall(rest.partition(">")[0])), path)
    elif not re.search(r"^[ \t]*BEAM\b", text, re.MULTILINE | re.IGNORECASE) and _is_matrix(text):
        raise MissingDatasetError(
            f"{path} is an orientation matrix of MOSFLM, which states no beam center: give the command file "
            "with BEAM, or the session (.mos)."
        )
    else:
        beam, stated = _commands(text, path)
    pixel_mm = values.pixel_known(path, "MOSFLM", stated.pixel_mm, hints)
    x, y = beam[1] / pixel_mm[0], beam[0] / pixel_mm[1]
    choices = (
        Choice("counted from the pixel's corner (+0, DIALS)", (x, y)),
        Choice("counted from the pixel's center (+0.5, nanoBragg)", (x + 0.5, y + 0.5)),
    )
    return [mm_centers.reading(FORMAT.name, CONVENTION, path, (x, y), stated, pixel_mm, hints, choices)]


def _commands(text: str, path: Path) -> tuple[tuple[float, float], Stated]:
    """Beam and the rest from keywords, of which four letters count."""
    found: dict[str, str] = {}
    for keyword, arguments in _KEYWORD.findall(text):
        # DISTORTION begins with the four letters of DISTANCE.
        if not keyword.upper().startswith("DISTO"):
            found[keyword.upper()[:4]] = arguments.strip()
    beam = _numbers(found.get("BEAM", ""))
    if len(beam) < 2:
        raise MissingDatasetError(f"{path} has no command 'BEAM x y' with two numbers.")
    distance, wave = _numbers(found.get("DIST", "")), _numbers(found.get("WAVE", ""))
    tilts = re.findall(rf"\b(TILT|TWIST)\s+({NUMBER})", text, re.IGNORECASE)
    swung = _numbers(found.get("TWOT", "")) or _numbers(found.get("SWUN", ""))
    notes = _tilt_notes({name.upper(): value for name, value in tilts})
    if "SWUNG" in found["BEAM"].upper() or any(swung):
        notes += ("The detector is swung out (two theta), which is not read here.",)
    native = {key: found[short] for key, short in _SHOWN.items() if short in found}
    pixels = _numbers(found.get("PIXE", ""))
    size = [int(n) for n in _numbers(found.get("SIZE", ""))[:2] if 1 <= n <= values.MOST_PX]
    return (beam[0], beam[1]), Stated(
        distance[0] if distance else None,
        wave[0] if wave else None,
        (pixels[-1], pixels[0]) if pixels and min(pixels) > 0 and len(pixels) <= 2 else None,
        # SIZE is stated as MOSFLM's x and y: slow first.
        (size[1], size[0]) if len(size) == 2 else None,
        native,
        notes,
    )


_SHOWN = {"BEAM": "BEAM", "DISTANCE": "DIST", "WAVELENGTH": "WAVE", "PIXEL": "PIXE", "TWOTHETA": "TWOT"}


def _session(given: dict[str, str], path: Path) -> tuple[tuple[float, float], Stated]:
    """Beam and the rest from the attributes of a saved session."""
    beam = [values.number(given.get(key)) for key in ("beam_x", "beam_y")]
    if beam[0] is None or beam[1] is None:
        raise MissingDatasetError(f"{path} is a session of iMosflm that states no beam_x and beam_y.")
    pixel = values.positive(values.number(given.get("pixel_size")))
    shown = ("beam_x", "beam_y", "distance", "wavelength", "pixel_size", "tilt", "twist", "two_theta")
    notes = _tilt_notes({key.upper(): given.get(key, "") for key in ("tilt", "twist")})
    if values.number(given.get("two_theta")):
        notes += ("The detector is swung out (two theta), which is not read here.",)
    return (beam[0], beam[1]), Stated(
        values.positive(values.number(given.get("distance"))),
        values.number(given.get("wavelength")),
        (pixel, pixel) if pixel else None,
        native={key: given[key] for key in shown if given.get(key)},
        notes=notes,
    )


def _numbers(text: str) -> list[float]:
    found = [values.number(item) for item in re.findall(NUMBER, text[:400])]
    return [value for value in found if value is not None]


def _tilt_notes(tilts: dict[str, str]) -> tuple[str, ...]:
    turned = {name: value for name, value in tilts.items() if values.number(value)}
    if not turned:
        return ()
    text = ", ".join(f"{name} {value}" for name, value in turned.items())
    return (f"The file states {text}, whose sign no public document defines: the tilt is left unknown.",)


def write_mosflm(writing: Writing) -> str:
    """Commands for MOSFLM; a tilt is written as a comment only."""
    geometry = writing.geometry
    x_mm = geometry.center_px[1] * geometry.pixel_mm[1]
    y_mm = geometry.center_px[0] * geometry.pixel_mm[0]
    lines = [
        "! MOSFLM commands, written by xgeom: BEAM in mm, slow axis first, from the pixel's corner",
        f"BEAM {x_mm:.6f} {y_mm:.6f}",
        f"DISTANCE {geometry.distance_mm:.6f}",
    ]
    if abs(geometry.pixel_mm[0] / geometry.pixel_mm[1] - 1.0) < 1e-6:
        lines.append(f"PIXEL {geometry.pixel_mm[0]:.9g}")
    if geometry.wavelength_A is not None:
        lines.append(f"WAVELENGTH {geometry.wavelength_A:.9g}")
    if max(abs(geometry.pitch_deg), abs(geometry.yaw_deg)) > 1e-3:
        lines.append(
            f"! Not stated above: pitch {geometry.pitch_deg:.4f} and yaw {geometry.yaw_deg:.4f} degrees "
            "(refine TILT and TWIST in MOSFLM)"
        )
    return "\n".join(lines) + "\n"


FORMAT = Format(
    "MOSFLM", "mosflm", (".mosflm", ".sav", ".mos", ".mat"), recognizes, read, write_mosflm, CONVENTION
)
