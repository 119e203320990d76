"""CBF images: the mini-header of Pilatus and Eiger detectors, and full imgCIF headers.

Only the header is read, never the image. A file may have both; each gives a reading.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.cbf import imgcif
from xgeom_core.formats.cbf.cif_text import Table, tables
from xgeom_core.formats.cbf.mini import mini_header
from xgeom_core.formats.format import Format
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Choice

NAME = "CBF"
_HEADER_BYTES = 2**19
_BINARY = b"\x0c\x1a\x04\xd5"
_CENTERS_COUNT = "pixels are counted from their centers (+0.5 px)"
_MINI_CONVENTION = (
    "CBF mini-header Beam_xy: where the beam meets the detector, in px; the origin is not stated and taken "
    "as the outer corner of the first pixel."
)
_AXES_CONVENTION = (
    "imgCIF axes: the first data point is taken as the outer corner of the first pixel, as DIALS takes it "
    "and as beamlines fill it in from Beam_xy; the imgCIF dictionary says its center."
)
_FRAME_CONVENTION = (
    "imgCIF center_fast, center_slow ({unit}): where the beam meets the detector, from the center of the "
    "first pixel."
)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts as a CBF, or is imgCIF text with the axes of a detector."""
    if head.startswith(b"###CBF"):
        return True
    return b"_array_structure_list" in head and b"_axis." in head


def read(path: Path, hints: Hints) -> list[Reading]:
    """What the mini-header, the axes and the frame's own beam center say, each as a Reading.

    Raises
    ------
    UnreadableFileError
        If the file is no CBF or its axes are damaged.
    MissingDatasetError
        If it states no beam center.
    """
    header, mime = _header(path)
    found = tables(header)
    size = _image_size(mime) or hints.image_size
    wavelength = _wavelength(found)
    readings = [
        reading
        for reading in (
            _mini(path, header, size, hints),
            _axes(path, found, wavelength or hints.wavelength_A),
            _frame(path, found, size, wavelength, hints),
        )
        if reading is not None
    ]
    if not readings:
        raise MissingDatasetError(
            f"{path} states no beam center: neither Beam_xy nor the axes of a detector stand in its header."
        )
    return readings if len(readings) > 1 else [replace(readings[0], where="")]


def _header(path: Path) -> tuple[str, str]:
    """The header as text, and the lines that describe the binary section."""
    data = read_head(path, _HEADER_BYTES)
    if not data.startswith(b"###CBF") and b"_array_structure_list" not in data and b"_axis." not in data:
        raise UnreadableFileError(f"{path} is no CBF image: it does not start with ###CBF.")
    data = data.split(_BINARY, 1)[0]
    text = data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    head, _, mime = text.partition("--CIF-BINARY-FORMAT-SECTION--")
    return head, mime


def _image_size(mime: str) -> tuple[int, int] | None:
    sizes = [
        re.search(rf"X-Binary-Size-{name}-Dimension:\s*(\d{{1,8}})", mime) for name in ("Fastest", "Second")
    ]
    return planes.image_size([float(match.group(1)) if match else None for match in sizes])


def _mini(path: Path, header: str, size: tuple[int, int] | None, hints: Hints) -> Reading | None:
    mini = mini_header(header)
    if mini.beam_px is None:
        return None  # (0, 0) is how headers say that nobody has set it
    x, y = mini.beam_px
    native = {
        "Beam_xy": mini.beam_text if mini.beam_in_mm else f"{rounded([x, y])} px",
        "Detector_distance": mini.distance_text,
        "Detector_2theta": mini.two_theta_text,
    }
    return Reading(
        Estimate(NAME, (x, y), warnings=_swing(mini.two_theta_deg), convention=_MINI_CONVENTION),
        path=str(path),
        where="mini-header",
        distance_mm=mini.distance_mm or hints.distance_mm,
        pixel_mm=mini.pixel_mm or hints.pixel_mm,
        wavelength_A=planes.wavelength(mini.wavelength_A) or hints.wavelength_A,
        image_size=size,
        native={name: text for name, text in native.items() if text},
        choices=(Choice(_CENTERS_COUNT, (x + 0.5, y + 0.5)),),
    )


def _swing(angle: float | None) -> tuple[str, ...]:
    if angle is None or abs(angle) < 0.01:
        return ()
    return (
        f"The detector is swung by {angle:g} degrees in two-theta; Beam_xy may be that of the unswung "
        "detector.",
    )


def _axes(path: Path, found: dict[str, Table], wavelength: float | None) -> Reading | None:
    what = f"{path}, imgCIF axes"
    stated = imgcif.from_axes(found, what)
    if stated is None:
        return None
    geometry = planes.plane_geometry(stated.plane, stated.beam, wavelength, what)
    x, y = geometry.center_px
    warnings: tuple[str, ...] = ()
    if stated.arrays > 1:
        warnings = (f"The detector has {stated.arrays} panels; the pixels are those of the first.",)
    tilt = geometry.pitch_deg, geometry.yaw_deg
    return Reading(
        Estimate(NAME, (x, y), tilt_deg=tilt, warnings=warnings, convention=_AXES_CONVENTION),
        path=str(path),
        where="imgCIF axes",
        distance_mm=geometry.distance_mm,
        pixel_mm=stated.plane.pixel_mm,
        wavelength_A=wavelength,
        image_size=stated.image_size,
        panels=stated.arrays,
        native={
            "axes": stated.axes,
            "first pixel": f"{rounded(stated.plane.origin)} mm",
            "fast": rounded(stated.plane.fast, 6),
            "slow": rounded(stated.plane.slow, 6),
        },
        choices=(Choice("first data point is the first pixel's center (+0.5 px)", (x + 0.5, y + 0.5)),),
    )


def _frame(
    path: Path,
    found: dict[str, Table],
    size: tuple[int, int] | None,
    wavelength: float | None,
    hints: Hints,
) -> Reading | None:
    """The center that a frame states for itself, from the center of the first pixel."""
    row = next(
        (row for row in found.get("diffrn_data_frame", []) if "center_fast" in row and "center_slow" in row),
        None,
    )
    if row is None:
        return None
    numbers = imgcif.number(row, "center_fast"), imgcif.number(row, "center_slow")
    unit = row.get("center_units", "mm").lower()
    pixel = _element_size(found) or hints.pixel_mm
    per = {"mm": pixel, "pixels": (1.0, 1.0), "bins": (1.0, 1.0)}.get(unit)
    if numbers[0] is None or numbers[1] is None or per is None or max(abs(numbers[0]), abs(numbers[1])) > 1e7:
        return None
    x, y = abs(numbers[0]) / per[0] + 0.5, abs(numbers[1]) / per[1] + 0.5
    distance = next(
        (
            value
            for table in found.get("diffrn_measurement", [])
            if (value := imgcif.number(table, "sample_detector_distance")) is not None and 0 < value < 1e6
        ),
        hints.distance_mm,
    )
    return Reading(
        Estimate(
            NAME,
            (x, y),
            warnings=("The center is stated as negative; it is taken to lie within the image.",)
            if min(numbers[0], numbers[1]) < 0
            else (),
            convention=_FRAME_CONVENTION.format(unit=unit),
        ),
        path=str(path),
        where="frame center",
        distance_mm=distance,
        pixel_mm=pixel,
        wavelength_A=wavelength or hints.wavelength_A,
        image_size=size,
        native={"center_fast": f"{row['center_fast']} {unit}", "center_slow": f"{row['center_slow']} {unit}"},
        choices=(Choice("counted from the first pixel's corner (no 0.5 px)", (x - 0.5, y - 0.5)),),
    )


def _element_size(found: dict[str, Table]) -> tuple[float, float] | None:
    """The pixel size of ``_array_element_size`` (in m), index 1 being fast."""
    sizes = {
        row.get("index", ""): value * 1e3
        for row in found.get("array_element_size", [])
        if (value := imgcif.number(row, "size")) is not None and 1e-9 < value < 1.0
    }
    return (sizes["1"], sizes["2"]) if {"1", "2"} <= sizes.keys() else None


def _wavelength(found: dict[str, Table]) -> float | None:
    for row in found.get("diffrn_radiation_wavelength", []):
        value = planes.wavelength(imgcif.number(row, "wavelength", "value"))
        if value is not None:
            return value
    return None


FORMAT = Format(
    name=NAME,
    key="cbf",
    suffixes=(".cbf", ".cbf.gz", ".cbf.bz2"),
    recognizes=recognizes,
    read=read,
    write=None,
    convention=(
        "Mini-header Beam_xy: the beam on the detector in px, origin not stated (taken as the first pixel's "
        "corner). Full headers state vectors in mm, and center_fast and center_slow from the first pixel's "
        "center."
    ),
)
