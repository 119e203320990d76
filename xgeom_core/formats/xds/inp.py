"""XDS: the input file XDS.INP and the parameter files XPARM.XDS and GXPARM.XDS, read; XDS.INP, written.

Its logs are read by ``xds_logs``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats import planes
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.formats.xds import logs as xds_logs
from xgeom_core.formats.xds import xparm as xds_xparm
from xgeom_core.formats.xds.keywords import keywords, numbers, replaced
from xgeom_core.formats.xds.vectors import HALF_PIXEL, NAME, XdsDetector, checked, reading
from xgeom_core.geometry import FloatArray, Geometry

_X_AXIS, _Y_AXIS = "DIRECTION_OF_DETECTOR_X-AXIS", "DIRECTION_OF_DETECTOR_Y-AXIS"
_BEAM, _DISTANCE, _WAVELENGTH = "INCIDENT_BEAM_DIRECTION", "DETECTOR_DISTANCE", "X-RAY_WAVELENGTH"
GEOMETRY_KEYWORDS = ("ORGX", "ORGY", "NX", "NY", "QX", "QY", _DISTANCE, _X_AXIS, _Y_AXIS, _BEAM, _WAVELENGTH)
# A file with one of these and an origin is an XDS.INP; other programs use names like NX too.
_TELLING = re.compile(rb"(?m)^(?:[^!\n]*[ \t])?(?:JOB|ORGX|DETECTOR_DISTANCE|NAME_TEMPLATE_OF_DATA_FRAMES)=")


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is an XDS.INP, an XPARM.XDS or a log of XDS."""
    if b"\x00" in head:
        return False
    if xds_xparm.recognizes(head) or xds_logs.recognizes(head):
        return True
    return b"ORGX=" in head and len(set(_TELLING.findall(head))) >= 2


def read(path: Path, hints: Hints) -> list[Reading]:
    """The geometry of an input, parameter or log file of XDS; a log of INTEGRATE gives one per image batch.

    Raises
    ------
    UnreadableFileError
        If the file lacks what the center needs.
    GeometryError
        If its detector cannot be where it is said to be.
    """
    text = read_text(path)
    head = text[:65536].encode("utf-8", "replace")
    if xds_xparm.recognizes(head):
        return [xds_xparm.read(text, str(path), hints)]
    if xds_logs.recognizes(head):
        return xds_logs.read(text, str(path), hints)
    return [_read_input(text, str(path), hints)]


def _read_input(text: str, path: str, hints: Hints) -> Reading:
    values = keywords(text)
    if "ORGX" not in values and "ORGY" not in values:
        raise UnreadableFileError(
            f"{path} is no XDS.INP, XPARM.XDS or log of XDS: it states no ORGX and ORGY."
        )
    warnings = [
        f"{name} is stated {len(values[name])} times with different values; the last is used."
        for name in GEOMETRY_KEYWORDS
        if len({tuple(numbers(value)) or value for value in values.get(name, [])}) > 1
    ]
    segments = len(values.get("SEGMENT", []))
    if segments:
        warnings.append(
            f"The detector has {segments} segments that are displaced from the plane stated here."
        )
    return reading(stated(values, path), path, hints, warnings=tuple(warnings), panels=max(segments, 1))


def stated(values: Mapping[str, list[str]], what: str) -> XdsDetector:
    """The detector that keywords state; XDS's own defaults stand in for axes and beam.

    Raises
    ------
    UnreadableFileError
        If the origin is missing or a value makes no sense.
    """

    def one(name: str) -> float | None:
        found = _last(values, name)
        return found[0] if found else None

    def three(name: str) -> list[float] | None:
        return _last(values, name)[:3] if name in values else None

    return checked(
        what,
        (one("ORGX"), one("ORGY")),
        one(_DISTANCE),
        (one("QX"), one("QY")),
        three(_X_AXIS),
        three(_Y_AXIS),
        three(_BEAM),
        one(_WAVELENGTH),
        (one("NX"), one("NY")),
    )


def _last(values: Mapping[str, list[str]], name: str) -> list[float]:
    return numbers(values[name][-1]) if name in values else []


def write(writing: Writing) -> str:
    """Keywords for XDS.INP; with a template, the template with these keywords changed and all else kept.

    The template's incident beam stays as it is (its rotation axis stands in the same frame), and the
    detector is turned about it.

    Raises
    ------
    UsageError
        If the template is no XDS.INP.
    """
    if writing.template is None:
        head = (
            "! Geometry written by xgeom. ORGX, ORGY: foot of the normal in px, center of the first pixel "
            "at 1.\n"
            "! The axes hold in a frame with z along the beam, x along the fast and y along the slow axis "
            "of the\n"
            "! detector before its tilt: state ROTATION_AXIS in the same frame.\n"
        )
        return head + _block(_values(writing, None))
    text = read_text(writing.template)
    found = keywords(text)
    if "ORGX" not in found and "JOB" not in found:
        raise UsageError(
            f"{writing.template} is no XDS.INP (neither ORGX= nor JOB= in it); give one as the template."
        )
    # A template that is not complete yet still says how its axes lie.
    filled = {"ORGX": ["0"], "ORGY": ["0"], **found}
    return replaced(text, _values(writing, stated(filled, str(writing.template))))


def _values(writing: Writing, template: XdsDetector | None) -> dict[str, str]:
    geometry = writing.geometry
    if template is None:
        fast, slow, _ = geometry.axes()
        beam = np.array([0.0, 0.0, 1.0])
    else:
        beam = template.beam
        if abs(float(np.cross(template.x_axis, template.y_axis) @ beam)) < 1e-3:
            raise UsageError(
                f"The detector in {writing.template} is edge on to the beam; give another template."
            )
        tilt = (geometry.pitch_deg, geometry.yaw_deg)
        fast, slow = planes.with_tilt(template.x_axis, template.y_axis, beam, tilt)
    foot = geometry.foot_px()
    # XDS counts the distance along X x Y, which points to the sample where the image is seen from behind.
    sign = 1.0 if float(np.cross(fast, slow) @ beam) > 0 else -1.0
    values = {
        "NX": str(writing.image_size[0]),
        "NY": str(writing.image_size[1]),
        "QX": f"{geometry.pixel_mm[0]:.8g}",
        "QY": f"{geometry.pixel_mm[1]:.8g}",
        "ORGX": f"{foot[0] + HALF_PIXEL:.5f}",
        "ORGY": f"{foot[1] + HALF_PIXEL:.5f}",
        _DISTANCE: f"{sign * geometry.normal_distance_mm():.6f}",
        _X_AXIS: _vector(fast),
        _Y_AXIS: _vector(slow),
    }
    if template is None:
        values[_BEAM] = _vector(beam)
    if geometry.wavelength_A is not None:
        values[_WAVELENGTH] = f"{geometry.wavelength_A:.8g}"
    return values


def _vector(values: FloatArray) -> str:
    return " ".join(f"{value + 0.0:.10f}" for value in np.where(np.abs(values) < 1e-12, 0.0, values))


def _block(values: dict[str, str]) -> str:
    pairs = [("NX", "NY"), ("QX", "QY"), ("ORGX", "ORGY")]
    lines = [f"{a}= {values.pop(a)} {b}= {values.pop(b)}" for a, b in pairs]
    return "\n".join(lines + [f"{name}= {value}" for name, value in values.items()]) + "\n"


def origin_of(geometry: Geometry) -> tuple[float, float]:
    """ORGX and ORGY of a geometry, in px with the center of the first pixel at 1."""
    x, y = geometry.foot_px()
    return x + HALF_PIXEL, y + HALF_PIXEL


FORMAT = Format(
    name=NAME,
    key="xds",
    suffixes=("XDS.INP", "XPARM.XDS", "GXPARM.XDS", "CORRECT.LP", "INTEGRATE.LP", "IDXREF.LP"),
    recognizes=recognizes,
    read=read,
    write=write,
    convention=(
        "ORGX, ORGY: foot of the normal from the sample, in px with the center of the first pixel at 1. "
        "DETECTOR_DISTANCE is along the normal; the beam center follows from INCIDENT_BEAM_DIRECTION."
    ),
)
