"""XPARM.XDS and GXPARM.XDS, in both layouts.

Until 2012 the file was 42 numbers in 11 lines: frame, angle, oscillation, rotation axis; wavelength, beam;
NX NY QX QY; distance ORGX ORGY; X, Y, normal; space group and cell; cell axes. Since then a first line
names the file and its version, space group and cell come after the beam, the detector starts with its
number of segments (``segments NX NY QX QY``), its origin comes before its distance (``ORGX ORGY distance``),
and two lines for each segment follow the normal.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.formats.xds.vectors import NAME, XdsDetector, checked, detector_of, reading

_TITLE = re.compile(rb"\s*G?XPARM\.XDS\b")
# Columns of Fortran may touch: a sign starts a new number.
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
# Numbers in each line.
_OLD_LINES = (6, 4, 4, 3, 3, 3, 3, 7, 3, 3, 3)
_NEW_LINES = (6, 4, 7, 3, 3, 3, 5, 3, 3, 3, 3)
_SEGMENT_NUMBERS = 14
_MOST_SEGMENTS = 10_000


def recognizes(path: Path, head: bytes) -> bool:
    """Whether a file starts as an XPARM.XDS: by its title, or as 11 lines of 42 numbers."""
    if _TITLE.match(head):
        return True
    if len(head) > 4096:
        return False
    rows = _rows(head.decode("latin-1"))
    return rows is not None and tuple(map(len, rows)) == _OLD_LINES


def _rows(text: str) -> list[list[float]] | None:
    """The numbers of each line that is not blank; None if anything else stands there."""
    if _NUMBER.sub("", text).strip():
        return None
    lines = (_NUMBER.findall(line) for line in text.split("\n"))
    return [[float(word.lower().replace("d", "e")) for word in line] for line in lines if line]


def read(path: Path, hints: Hints) -> list[Reading]:
    """The reading of an XPARM.XDS; raises UnreadableFileError if it is not laid out as one."""
    _, new, rows = _parsed(path)
    detector = _detector(rows, new, str(path))
    segments = int(min(max(rows[6][0], 1), _MOST_SEGMENTS)) if new else 1
    warnings: tuple[str, ...] = ()
    if segments > 1 and _displaced([value for row in rows[11:] for value in row], segments):
        warnings = (f"The detector has {segments} segments that are displaced from the plane stated here.",)
    return [reading(detector, str(path), hints, warnings=warnings, panels=segments)]


def _parsed(path: Path) -> tuple[str, bool, list[list[float]]]:
    """The text, whether it has the new layout, and the numbers of each line below the title."""
    text = read_text(path)
    title, _, body = text.lstrip().partition("\n")
    new = "XPARM.XDS" in title
    rows, expected = _rows(body if new else text), _NEW_LINES if new else _OLD_LINES
    if rows is None or tuple(map(len, rows[: len(expected)])) != expected:
        raise UnreadableFileError(
            f"{path} is a damaged XPARM.XDS: {len(expected)} lines of {', '.join(map(str, expected))} "
            "numbers are expected; run IDXREF again."
        )
    return text, new, rows


def _detector(rows: list[list[float]], new: bool, path: str) -> XdsDetector:
    if new:
        size, pixel, origin, distance = rows[6][1:3], rows[6][3:5], rows[7][:2], rows[7][2]
        x_axis, y_axis = rows[8], rows[9]
    else:
        size, pixel, origin, distance = rows[2][:2], rows[2][2:4], rows[3][1:3], rows[3][0]
        x_axis, y_axis = rows[4], rows[5]
    return checked(
        path,
        (origin[0], origin[1]),
        distance,
        (pixel[0], pixel[1]),
        x_axis,
        y_axis,
        rows[1][1:4],
        rows[1][0],
        (size[0], size[1]),
    )


def write_file(writing: Writing, path: Path) -> None:
    """Write an XPARM.XDS with another detector; rotation axis, beam, crystal and segments are the template's.

    Raises
    ------
    UsageError
        If there is no template, since a geometry knows no crystal.
    """
    if writing.template is None:
        raise UsageError(
            "XPARM.XDS also holds the crystal and the rotation axis: name one with --template XPARM.XDS, or "
            "write XDS.INP (--to xds) and run IDXREF."
        )
    text, new, rows = _parsed(writing.template)
    placed = detector_of(writing, _detector(rows, new, str(writing.template)))
    assert placed.pixel_mm is not None and placed.distance_mm is not None
    sizes = [*map(float, writing.image_size), *placed.pixel_mm]
    normal = np.cross(placed.x_axis, placed.y_axis)
    changed: dict[int, list[float]] = {
        6 if new else 2: [rows[6][0], *sizes] if new else sizes,
        7 if new else 3: [*placed.origin_px, placed.distance_mm]
        if new
        else [placed.distance_mm, *placed.origin_px],
    }
    for number, axis in enumerate((placed.x_axis, placed.y_axis, normal), start=8 if new else 4):
        changed[number] = axis.tolist()
    if placed.wavelength_A is not None:
        changed[1] = [placed.wavelength_A, *(placed.beam / placed.wavelength_A)]
        changed[1] += rows[1][4:]
    lines = [line for line in text.split("\n") if line.strip()]
    for number, values in changed.items():
        counts = {0, 1, 2} if number == 6 and new else {0, 1} if number == 2 and not new else set()
        words = [f"{round(v):10d}" if i in counts else f"{v:15.6f}" for i, v in enumerate(values)]
        lines[number + new] = "".join(words)
    path.write_text("\n".join(lines) + "\n")


def _displaced(values: list[float], segments: int) -> bool:
    """Whether any segment (number, 4 limits, ORGXS ORGYS FS, two axes) departs from the common plane."""
    for start in range(0, segments * _SEGMENT_NUMBERS, _SEGMENT_NUMBERS):
        place = values[start + 5 : start + _SEGMENT_NUMBERS]
        if place and place != [0, 0, 0, 1, 0, 0, 0, 1, 0]:
            return True
    return False


FORMAT = Format(
    name=NAME,
    key="xparm",
    suffixes=("XPARM.XDS", "GXPARM.XDS"),
    recognizes=recognizes,
    read=read,
    # Not text for the clipboard: without a template there is nothing to write.
    write=None,
    write_file=write_file,
    convention=(
        "ORGX, ORGY: foot of the normal from the sample, in px with the center of the first pixel at 1. "
        "The crystal and the rotation axis stand in the same file: writing needs a template."
    ),
)
