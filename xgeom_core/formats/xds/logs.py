"""Logs of XDS: refined values in IDXREF.LP, INTEGRATE.LP (one set per batch of images) and CORRECT.LP.

All three print the same lines. Pixel size and image size stand in the header only, as keywords.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.xds.keywords import keywords, numbers
from xgeom_core.formats.xds.vectors import checked, reading

_LINES = {
    "DIRECT BEAM COORDINATES (REC. ANGSTROEM)": ("beam", 3),
    "DETECTOR COORDINATES (PIXELS) OF DIRECT BEAM": ("direct", 2),
    "DETECTOR ORIGIN (PIXELS) AT": ("origin", 2),
    "CRYSTAL TO DETECTOR DISTANCE (mm)": ("distance", 1),
    "LAB COORDINATES OF DETECTOR X-AXIS": ("x", 3),
    "LAB COORDINATES OF DETECTOR Y-AXIS": ("y", 3),
}
_START = "STANDARD DEVIATION OF SPOT"
_BATCH = re.compile(r"PROCESSING OF IMAGES\s+(-?\d{1,9})\s*\.\.\.\s*(-?\d{1,9})")
_JOB = re.compile(rb"\*{3,}\s*(?:IDXREF|INTEGRATE|CORRECT)\s*\*{3,}")


@dataclass
class _Block:
    """One set of refined values, and the images it holds for."""

    images: tuple[int, int] | None = None
    values: dict[str, list[float]] = field(default_factory=dict)


def recognizes(head: bytes) -> bool:
    """Whether a file starts as a log of IDXREF, INTEGRATE or CORRECT."""
    if _JOB.search(head):
        return True
    return b"DETECTOR ORIGIN (PIXELS) AT" in head and b"CRYSTAL TO DETECTOR DISTANCE (mm)" in head


def read(text: str, path: str, hints: Hints) -> list[Reading]:
    """One reading for each batch of images in a log of INTEGRATE, the last refined values of any other.

    Raises
    ------
    UnreadableFileError
        If no complete set of refined values is in the log.
    """
    header, blocks = _parse(text)
    complete = [block for block in blocks if {"origin", "distance"} <= block.values.keys()]
    if not complete:
        raise UnreadableFileError(
            f"{path} is a log of XDS without refined values (DETECTOR ORIGIN, DISTANCE): that step failed or "
            "is still running."
        )
    batches = [block for block in complete if block.images is not None]
    return [_reading(block, header, path, hints) for block in batches or complete[-1:]]


def _parse(text: str) -> tuple[str, list[_Block]]:
    """The header, and all sets of refined values."""
    header: list[str] = []
    blocks: list[_Block] = []
    images: tuple[int, int] | None = None
    for line in text.split("\n"):
        batch = _BATCH.search(line)
        if batch is not None:
            images = int(batch.group(1)), int(batch.group(2))
        elif _START in line:
            blocks.append(_Block(images))
        elif blocks:
            _take(line, blocks[-1])
        else:
            # Units stand after numbers in the header ("0.25 DEGREES"); only keywords are taken from it.
            header.append(line)
    return "\n".join(header), blocks


def _take(line: str, block: _Block) -> None:
    for label, (name, count) in _LINES.items():
        at = line.find(label)
        if at >= 0:
            found = numbers(_parted(line[at + len(label) :]))
            if len(found) >= count:
                block.values.setdefault(name, found[:count])
            return


def _parted(text: str) -> str:
    """Columns that touch, parted before each sign."""
    return re.sub(r"(?<=\d)([-+])", r" \1", text)


def _reading(block: _Block, header: str, path: str, hints: Hints) -> Reading:
    values, stated = block.values, keywords(header)

    def one(name: str) -> float | None:
        found = numbers(stated[name][-1]) if name in stated else []
        return found[0] if found else None

    where = f"images {block.images[0]}-{block.images[1]}" if block.images is not None else ""
    what = f"{path}{', ' if where else ''}{where}"
    direct = None
    if "direct" in values:
        x, y = planes.vector(values["direct"], f"{what}, DIRECT BEAM", 2)
        direct = (float(x), float(y))
    pixel = (one("QX"), one("QY"))
    beam = values.get("beam")
    length = float(np.linalg.norm(beam)) if beam is not None and max(map(abs, beam)) < 1e6 else 0.0
    detector = checked(
        what,
        (values["origin"][0], values["origin"][1]),
        values["distance"][0],
        pixel,
        values.get("x"),
        values.get("y"),
        beam,
        1.0 / length if length > 1e-6 else one("X-RAY_WAVELENGTH"),
        (one("NX"), one("NY")),
    )
    frame = block.images[0] - 1 if block.images is not None else None
    return reading(detector, path, hints, where=where, frame=frame, direct_px=direct)
