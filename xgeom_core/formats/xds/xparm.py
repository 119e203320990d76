"""XPARM.XDS and GXPARM.XDS, in both layouts.

Until 2012 the file was 42 numbers in 11 lines: frame, angle, oscillation, rotation axis; wavelength, beam;
NX NY QX QY; distance ORGX ORGY; X, Y, normal; space group and cell; cell axes. Since then a first line
names the file and its version, space group and cell come after the beam, the detector starts with its
number of segments (``segments NX NY QX QY``), its origin comes before its distance (``ORGX ORGY distance``),
and two lines for each segment follow the normal.
"""

from __future__ import annotations

import re

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.xds.vectors import checked, reading

_TITLE = re.compile(rb"\s*G?XPARM\.XDS\b")
# Columns of Fortran may touch: a sign starts a new number.
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
# Numbers in each line.
_OLD_LINES = (6, 4, 4, 3, 3, 3, 3, 7, 3, 3, 3)
_NEW_LINES = (6, 4, 7, 3, 3, 3, 5, 3, 3, 3, 3)
_SEGMENT_NUMBERS = 14
_MOST_SEGMENTS = 10_000


def recognizes(head: bytes) -> bool:
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


def read(text: str, path: str, hints: Hints) -> Reading:
    """The reading of an XPARM.XDS; raises UnreadableFileError if it is not laid out as one."""
    title, _, body = text.lstrip().partition("\n")
    new = "XPARM.XDS" in title
    rows, expected = _rows(body if new else text), _NEW_LINES if new else _OLD_LINES
    if rows is None or tuple(map(len, rows[: len(expected)])) != expected:
        raise UnreadableFileError(
            f"{path} is a damaged XPARM.XDS: {len(expected)} lines of {', '.join(map(str, expected))} "
            "numbers are expected; run IDXREF again."
        )
    values = [number for row in rows for number in row]
    return _new(values, path, hints) if new else _old(values, path, hints)


def _old(values: list[float], path: str, hints: Hints) -> Reading:
    detector = checked(
        path,
        (values[15], values[16]),
        values[14],
        (values[12], values[13]),
        values[17:20],
        values[20:23],
        values[7:10],
        values[6],
        (values[10], values[11]),
    )
    return reading(detector, path, hints)


def _new(values: list[float], path: str, hints: Hints) -> Reading:
    segments = int(min(max(values[26], 1), _MOST_SEGMENTS))
    detector = checked(
        path,
        (values[31], values[32]),
        values[33],
        (values[29], values[30]),
        values[34:37],
        values[37:40],
        values[7:10],
        values[6],
        (values[27], values[28]),
    )
    warnings: tuple[str, ...] = ()
    if segments > 1 and _displaced(values[43:], segments):
        warnings = (f"The detector has {segments} segments that are displaced from the plane stated here.",)
    return reading(detector, path, hints, warnings=warnings, panels=segments)


def _displaced(values: list[float], segments: int) -> bool:
    """Whether any segment (number, 4 limits, ORGXS ORGYS FS, two axes) departs from the common plane."""
    for start in range(0, segments * _SEGMENT_NUMBERS, _SEGMENT_NUMBERS):
        place = values[start + 5 : start + _SEGMENT_NUMBERS]
        if place and place != [0, 0, 0, 1, 0, 0, 0, 1, 0]:
            return True
    return False
