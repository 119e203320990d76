"""The mini-header that Dectris detectors write: lines such as ``# Beam_xy (1261.61, 1306.96) pixels``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xgeom_core import units
from xgeom_core.formats.cbf import half_cylinder
from xgeom_core.formats.header import FieldNote, Header, if_stated
from xgeom_core.formats.numbers import first_length, first_wavelength, numbers, numbers_with_units
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.swing import swung
from xgeom_core.metadata import Choice, Metadata, Point, Rotation

# No real line is longer; a damaged file may have no line breaks at all.
_LONGEST_LINE = 500
_LINE = re.compile(r"\s*#?\s*([A-Za-z]\w*)\s*[:=]?\s+(\S.*)")
# Numbers beyond are damage, not measurement.
_LARGEST_PX, _LONGEST_MM, _LARGEST_PIXEL_MM = 1e7, 1e6, 1e3
_SENSORS = {"Silicon": "Si", "CdTe": "CdTe", "GaAs": "GaAs", "CZT": "CZT"}
_YAW_SIGN = 1  # as at Diamond's I19, the one beamline whose swings are known
_CONVENTION = (
    "{} Beam_xy: where the beam meets the detector, in px; the origin is not stated and taken as the outer "
    "corner of the first pixel: +-0.5 px."
)

FIELDS = (
    FieldNote("Beam_xy", "center_px", "px, or mm where it says so; taken from the first pixel's corner"),
    FieldNote("Detector_distance", "distance_mm", "m, along the normal"),
    FieldNote("Detector_2theta", "tilt_deg", "degrees; positive is a positive yaw; moves the center"),
    FieldNote("Pixel_size", "pixel_mm", "m, fast x slow"),
    FieldNote("Wavelength", "wavelength_A", "Å"),
    FieldNote("Silicon sensor, thickness", "sensor_mm", "m; the word before it is the material"),
    FieldNote("Polarization", "polarization", "fraction along the horizontal"),
    FieldNote("Start_angle", "rotation", "degrees, at the start of the frame"),
    FieldNote("Angle_increment", "rotation", "degrees a frame"),
    FieldNote("Oscillation_axis", "rotation", "its name"),
    FieldNote("Count_cutoff", "saturation", "counts"),
    FieldNote("Detector", "detector", "up to the first comma"),
    FieldNote("Comment", "title", "as it is"),
)


def mini_header(text: str, where: str, image_size: tuple[int, int] | None = None) -> Header:
    """Read the lines of a mini-header; others are passed over. See :func:`from_fields`."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line[:_LONGEST_LINE])
        if match:
            fields.setdefault(match.group(1), match.group(2).strip())
    return from_fields(fields, where, image_size)


def from_fields(fields: Mapping[str, str], where: str, image_size: tuple[int, int] | None = None) -> Header:
    """The same for fields that are taken apart already, as in a Pilatus TIFF.

    Parameters
    ----------
    fields : mapping of str
        ``{"Beam_xy": "(1261.61, 1306.96) pixels", ...}``.
    where : str
        Which part of which format it is: ``"CBF mini-header"``.
    image_size : tuple of int, optional
        Pixels ``(fast, slow)``.
    """
    pixel_mm = _pixel(fields)
    center = _beam(fields, pixel_mm)
    distance = first_length(fields.get("Detector_distance", ""))
    material, thickness = _sensor(fields)
    cutoff = _first(fields, "Count_cutoff")
    polarization = _first(fields, "Polarization")
    stated = Metadata(
        distance_mm=distance if distance is not None and distance < _LONGEST_MM else None,
        wavelength_A=first_wavelength(fields.get("Wavelength", "")),
        pixel_mm=pixel_mm,
        center_px=center,
        center_convention=if_stated(center, _CONVENTION.format(where)),
        saturation=units.positive(cutoff),
        detector=fields.get("Detector", "").split(",")[0].strip(),
        sensor_material=material,
        sensor_mm=thickness,
        polarization=polarization if polarization is not None and 0 < polarization <= 1 else None,
        rotation=_rotation(fields),
        title=fields.get("Comment", ""),
        choices=() if center is None else (_from_centers(center),),
    )
    metadata, notes = swung(stated, _first(fields, "Detector_2theta"), _YAW_SIGN)
    header = Header(metadata, notes, _native(fields, stated), "mini-header", image_size)
    return half_cylinder.bent(header) if half_cylinder.is_bent(header) else header


def two_theta(header: Header) -> float | None:
    """The swing that a mini-header states, in degrees."""
    stated = numbers(header.native.get("Detector_2theta", ""))
    return stated[0] if stated else None


def _first(fields: Mapping[str, str], name: str) -> float | None:
    found = numbers(fields.get(name, ""))
    return found[0] if found else None


def _pixel(fields: Mapping[str, str]) -> Point | None:
    sizes = [units.length_mm(*found) for found in numbers_with_units(fields.get("Pixel_size", ""))]
    pixel = units.both(*sizes) if len(sizes) == 2 else None
    return pixel if pixel is not None and max(pixel) <= _LARGEST_PIXEL_MM else None


def _beam(fields: Mapping[str, str], pixel_mm: Point | None) -> Point | None:
    """The center in px; None where nobody has set it, which headers say as (0, 0)."""
    stated = numbers(fields.get("Beam_xy", ""))
    beam = units.stated_center(*stated) if len(stated) == 2 else None
    if beam is not None and pixel_mm is not None and _in_mm(fields):
        beam = beam[0] / pixel_mm[0], beam[1] / pixel_mm[1]
    return beam if beam is not None and max(map(abs, beam)) < _LARGEST_PX else None


def _in_mm(fields: Mapping[str, str]) -> bool:
    return "mm" in fields.get("Beam_xy", "")


def _from_centers(center: Point) -> Choice:
    return Choice("pixels are counted from their centers (+0.5 px)", (center[0] + 0.5, center[1] + 0.5))


def _sensor(fields: Mapping[str, str]) -> tuple[str, float | None]:
    """Material and thickness in mm; ``# Silicon sensor, thickness 0.000320 m``."""
    for word, material in _SENSORS.items():
        found = numbers_with_units(fields.get(word, "")) if "sensor" in fields.get(word, "") else []
        if found:
            return material, units.length_mm(*found[0])
    return "", None


def _rotation(fields: Mapping[str, str]) -> Rotation | None:
    start, step = _first(fields, "Start_angle"), _first(fields, "Angle_increment")
    name = fields.get("Oscillation_axis", "")
    if start is None or step is None or (start == step == 0 and not name):
        return None
    return Rotation(start, step, name=name)


def _native(fields: Mapping[str, str], stated: Metadata) -> dict[str, str]:
    shown = {name: fields.get(name, "") for name in ("Beam_xy", "Detector_distance", "Detector_2theta")}
    if stated.center_px is not None and not _in_mm(fields):
        shown["Beam_xy"] = f"{rounded(stated.center_px)} px"
    return {name: text for name, text in shown.items() if text}
