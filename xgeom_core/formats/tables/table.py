"""Tables of centers per frame: CSV, TSV, columns of blanks, JSON and JSON lines; xgeom's own among them.

Columns are told by their names (see ``table_columns``), at least ``x`` and ``y`` in one of many spellings.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate, Status
from xgeom_core.formats import values
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.tables.rows import HEADER_LINES, Row, find_header, json_rows, text_rows
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

CONVENTION = (
    "A table states the beam center of each frame in px (or mm, by its column names), x fast and y slow. "
    "Unless xgeom wrote it, it may count from the pixel's corner (taken here) or from its center."
)
_OWN = "xgeom's own table: px from the outer corner of the first pixel."
_JSON_CENTER = re.compile(
    rb'"(center_px|beam_?cent(er|re)(_px)?|center|(beam_?)?(cent(er|re)_?)?[xy](_px|_mm)?|c[xy])"\s*:',
    re.IGNORECASE,
)


def recognizes(path: Path, head: bytes) -> bool:
    """A header line (or JSON keys) that names both coordinates of a center."""
    start = head.lstrip()[:1]
    if start in (b"[", b"{"):
        return b"__id__" not in head and _JSON_CENTER.search(head) is not None
    lines = head.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return find_header(lines[:HEADER_LINES]) is not None


def read(path: Path, hints: Hints) -> list[Reading]:
    """One reading for each row with a center.

    Raises
    ------
    UnreadableFileError, MissingDatasetError
        If the columns are not known, a value is no number, or no row states a center.
    """
    text = read_text(path)
    try:
        rows = list(json_rows(text, path) if text.lstrip()[:1] in ("[", "{") else text_rows(text, path))
    except csv.Error as error:
        raise UnreadableFileError(f"{path} is not a readable table: {error}.") from error
    first_image = min((n for n in (_count(row.get("image")) for _, row in rows) if n is not None), default=1)
    readings = [found for row in rows if (found := _reading(row, path, hints, first_image)) is not None]
    if not readings:
        raise MissingDatasetError(f"{path} names columns of a center, but no row states one.")
    return readings


def _reading(numbered: Row, path: Path, hints: Hints, first_image: int) -> Reading | None:
    """The reading of a row; None where it states no center."""
    line, row = numbered

    def value(key: str) -> float | None:
        return _number(row.get(key), path, line, key)

    pixel_mm = _pixel(value, hints)
    center, in_mm = (value("x"), value("y")), False
    if center[0] is None or center[1] is None:
        x_mm, y_mm = value("x_mm"), value("y_mm")
        if x_mm is None or y_mm is None:
            return None
        known = values.pixel_known(path, "the table", pixel_mm, hints)
        center, in_mm = (x_mm / known[0], y_mm / known[1]), True
    x, y = values.center(float(center[0] or 0.0), float(center[1] or 0.0), path)
    pitch, yaw = value("pitch"), value("yaw")
    tilt = (pitch, yaw) if pitch is not None and yaw is not None and max(abs(pitch), abs(yaw)) < 90 else None
    own = "own" in row
    frame = _frame(row, first_image)
    status, reason = _status(row)
    native = {
        key: row[key] for key in ("x", "y", "x_mm", "y_mm", "pitch", "yaw", "file", "source") if row.get(key)
    }
    return Reading(
        Estimate(
            FORMAT.name,
            (x, y),
            tilt,
            _covariance(value, tilt is not None),
            status,
            reason,
            () if own else ("The table does not say whether it counts from the pixel's corner or center.",),
            _OWN if own else CONVENTION,
        ),
        str(path),
        where=_where(row, frame),
        frame=frame,
        distance_mm=values.positive(value("distance_mm")) or hints.distance_mm,
        pixel_mm=pixel_mm,
        wavelength_A=values.sane_wavelength(value("wavelength_A")) or hints.wavelength_A,
        image_size=image_size([value("width"), value("height")]) or hints.image_size,
        native=native,
        choices=() if own or in_mm else _choices(x, y),
    )


def _choices(x: float, y: float) -> tuple[Choice, ...]:
    return (
        Choice("counted from the pixel's corner (+0)", (x, y)),
        Choice("pixel centers are integers (+0.5)", (x + 0.5, y + 0.5)),
    )


def _number(text: str | None, path: Path, line: int, key: str) -> float | None:
    """A finite number; None for an empty cell and for NaN; an error for anything else."""
    if text is None or text.lower() in {
        "",
        "nan",
        "none",
        "null",
        "na",
        "n/a",
        "-",
        "--",
        "inf",
        "-inf",
        "infinity",
    }:
        return None
    value = values.number(text)
    if value is None:
        raise UnreadableFileError(f"{path} has {text[:30]!r} for {key} in row {line}; a number was expected.")
    return values.bounded(value, 1e9, path, f"{key} in row {line}")


def _pixel(value: Any, hints: Hints) -> tuple[float, float] | None:
    x_mm, y_mm, both, um = (value(key) for key in ("pixel_x_mm", "pixel_y_mm", "pixel_mm", "pixel_um"))
    both = both if both is not None else um / 1e3 if um is not None else None
    found = (x_mm if x_mm is not None else both, y_mm if y_mm is not None else both)
    if (
        found[0] is None
        or found[1] is None
        or not all(1e-6 <= size <= 1e3 for size in found if size is not None)
    ):
        return hints.pixel_mm
    return found[0], found[1]


def _covariance(value: Any, with_tilt: bool) -> NDArray[np.float64] | None:
    """Stated sigmas as a covariance: over the center, and over the tilt too where both are stated."""
    sigmas = [value(f"sigma_{key}") for key in ("x", "y", "pitch", "yaw")]
    usable = [sigma is not None and 0 < sigma < values.MOST_PX for sigma in sigmas]
    if not all(usable[:2]):
        return None
    count = 4 if with_tilt and all(usable) else 2
    return np.diag(np.square(np.array(sigmas[:count], dtype=np.float64)))


def _status(row: dict[str, str]) -> tuple[Status, str]:
    """Status and reason; what is not known counts as ok, since the row has a center."""
    stated = row.get("status", "").lower()
    if stated == "uncertain":
        return "uncertain", row.get("reason") or "the table calls it uncertain"
    if stated == "failed":
        return "failed", row.get("reason") or "the table calls it failed"
    return "ok", ""


def _count(text: str | None) -> int | None:
    value = values.number(text)
    return int(value) if value is not None and value == int(value) and 0 <= value < 1e9 else None


def _frame(row: dict[str, str], first_image: int) -> int | None:
    """Frame number from 0; image numbers count from 1 as XDS and DIALS do, unless one of them is 0."""
    frame = _count(row.get("frame"))
    if frame is not None:
        return frame
    image = _count(row.get("image"))
    return image - min(first_image, 1) if image is not None else None


def _where(row: dict[str, str], frame: int | None) -> str:
    name = row.get("where") or row.get("file") or (row.get("image", "") if frame is None else "")
    return " ".join(part for part in (name[:200], f"frame {frame}" if frame is not None else "") if part)


_COLUMNS = (
    *("file", "frame", "status", "source", "x_px", "y_px", "x_sigma_px", "y_sigma_px"),
    *("pitch_deg", "yaw_deg", "pitch_sigma_deg", "yaw_sigma_deg"),
    *("distance_mm", "pixel_x_mm", "pixel_y_mm", "wavelength_A", "width", "height", "reason"),
)


def table_text(readings: Iterable[Reading]) -> str:
    """Readings as a CSV table: px from the pixel's corner, degrees, mm."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item in readings:
        said = item.estimate
        pairs: dict[str, tuple[float, float] | tuple[int, int] | None] = {
            "x_px y_px": said.center_px,
            "x_sigma_px y_sigma_px": said.center_sigma_px,
            "pitch_deg yaw_deg": said.tilt_deg,
            "pitch_sigma_deg yaw_sigma_deg": said.tilt_sigma_deg,
            "pixel_x_mm pixel_y_mm": item.pixel_mm,
            "width height": item.image_size,
        }
        row: dict[str, Any] = {"file": item.path, "frame": item.frame, "status": said.status}
        row |= {"source": said.source, "reason": said.reason, "distance_mm": _short(item.distance_mm)}
        row["wavelength_A"] = _short(item.wavelength_A)
        for names, pair in pairs.items():
            row |= dict(zip(names.split(), [_short(v) for v in pair or (None, None)], strict=True))
        writer.writerow(row)
    return buffer.getvalue()


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def write_table(writing: Writing) -> str:
    """A table of one row."""
    geometry = writing.geometry
    estimate = Estimate("xgeom", geometry.center_px, (geometry.pitch_deg, geometry.yaw_deg))
    return table_text(
        [
            Reading(
                estimate,
                "",
                distance_mm=geometry.distance_mm,
                pixel_mm=geometry.pixel_mm,
                wavelength_A=geometry.wavelength_A,
                image_size=writing.image_size,
            )
        ]
    )


FORMAT = Format("table", "csv", (".csv", ".tsv", ".json", ".txt"), recognizes, read, write_table, CONVENTION)
