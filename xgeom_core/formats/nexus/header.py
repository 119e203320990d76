"""The geometry in an NXmx or Dectris file, in this project's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.header import Header
from xgeom_core.metadata import Metadata

MASK_FIELDS = ("detectorSpecific/pixel_mask", "pixel_mask")
SATURATION_FIELDS = (
    "saturation_value",
    "countrate_correction_count_cutoff",
    "detectorSpecific/countrate_correction_count_cutoff",
    "detectorSpecific/saturation_value",
)
TILT_FIELD = "xgeom_tilt"
"""Dataset of the detector group with (pitch, yaw) in degrees; xgeom's own, the standard has none."""

_MOST_VALUES = 10**6  # a field of more values is no header field


@dataclass(frozen=True)
class _Value:
    """A number as stated, and its unit ("" if none is stated)."""

    number: float
    unit: str


def find_detector(entry: h5py.Group) -> h5py.Group | None:
    """The detector group: ``instrument/detector``, or the first NXdetector of the instrument."""
    detector = hdf5.subgroup(entry, "instrument/detector")
    instrument = hdf5.subgroup(entry, "instrument")
    if detector is not None or instrument is None:
        return detector
    groups = (hdf5.subgroup(instrument, name) for name in instrument)
    return next((group for group in groups if group is not None and _is_detector(group)), None)


def _is_detector(group: h5py.Group) -> bool:
    return hdf5.text_of(group.attrs.get("NX_class", "")) == "NXdetector"


def read_header(entry: h5py.Group) -> Header:
    """Read what the entry says of the geometry; silent fields give None.

    Parameters
    ----------
    entry : h5py.Group
        The NXentry.
    """
    notes: list[str] = []
    detector = find_detector(entry)
    wavelength = _wavelength(entry, detector, notes)
    if detector is None:
        return Header(Metadata(wavelength_A=wavelength), tuple(notes))
    fast = _length(detector, ("x_pixel_size", "detectorSpecific/x_pixel_size"), notes)
    slow = _length(detector, ("y_pixel_size", "detectorSpecific/y_pixel_size"), notes)
    pixel = units.both(fast, slow)
    center, convention = _center(detector, pixel, notes)
    saturation = _first(detector, SATURATION_FIELDS)
    return Header(
        Metadata(
            distance_mm=_length(detector, ("detector_distance", "distance"), notes),
            wavelength_A=wavelength,
            pixel_mm=pixel,
            center_px=center,
            tilt_deg=_tilt(detector),
            center_convention=convention,
            saturation=units.positive(saturation.number) if saturation is not None else None,
            detector=_text(detector, "description"),
        ),
        tuple(notes),
    )


def _first(group: h5py.Group, names: Sequence[str]) -> _Value | None:
    """The first of the fields that holds a finite number."""
    for name in names:
        value = _value(group, name)
        if value is not None:
            return value
    return None


def _value(group: h5py.Group, name: str) -> _Value | None:
    """The first finite number of a field; None if there is none or it cannot be read."""
    try:
        field = group.get(name)
        if not isinstance(field, h5py.Dataset) or not field.size or field.size > _MOST_VALUES:
            return None
        numbers = np.asarray(field[()])
        numbers = numbers.astype(np.float64).ravel()
    except (OSError, KeyError, RuntimeError, ValueError, TypeError):
        return None  # a header field that cannot be read is one that is not there
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return None
    unit = field.attrs.get("units", field.attrs.get("unit", ""))
    return _Value(float(finite[0]), hdf5.text_of(unit))


def _text(group: h5py.Group, name: str) -> str:
    field = group.get(name)
    return hdf5.text_of(field[()]).strip() if isinstance(field, h5py.Dataset) else ""


def _length(group: h5py.Group, names: Sequence[str], notes: list[str]) -> float | None:
    """A length in mm; without a unit it is in m, as Dectris writes it."""
    value = _first(group, names)
    if value is None:
        return None
    length = units.length_mm(value.number, value.unit)
    if length is None and value.number > 0:
        notes.append(f"The unit {value.unit!r} of {names[0]} is unknown; the field is not used.")
    return length


def _wavelength(entry: h5py.Group, detector: h5py.Group | None, notes: list[str]) -> float | None:
    """Wavelength in Å from the beam, the monochromator, or a photon energy."""
    wavelengths = (
        "instrument/beam/incident_wavelength",
        "sample/beam/incident_wavelength",
        "instrument/monochromator/wavelength",
    )
    energies = ("instrument/beam/incident_energy", "sample/beam/incident_energy")
    for group, names, default in (
        (entry, wavelengths, "angstrom"),
        (detector, ("detectorSpecific/photon_energy", "photon_energy"), "ev"),
        (entry, energies, "ev"),
    ):
        value = _first(group, names) if group is not None else None
        if value is None or value.number <= 0:
            continue
        wavelength = units.wavelength_A(value.number, value.unit, default)
        if wavelength is not None:
            return wavelength
        notes.append(f"The unit {value.unit!r} of the wavelength or energy is unknown; it is not used.")
    return None


def _center(
    detector: h5py.Group, pixel: tuple[float, float] | None, notes: list[str]
) -> tuple[tuple[float, float] | None, str]:
    """The beam center in px and how it is stated."""
    stated = [_value(detector, name) for name in ("beam_center_x", "beam_center_y")]
    if stated[0] is None or stated[1] is None:
        return None, ""
    numbers: list[float] = []
    for axis, value in enumerate((stated[0], stated[1])):
        if units.is_pixels(value.unit):
            numbers.append(value.number)
            continue
        one = units.length_mm(1.0, value.unit)
        if one is None or pixel is None:
            notes.append(f"The beam center is stated in {value.unit!r}, which cannot be turned into pixels.")
            return None, ""
        numbers.append(value.number * one / pixel[axis])
    center = units.stated_center(numbers[0], numbers[1])
    unit = "px" if units.is_pixels(stated[0].unit) else stated[0].unit
    if center is None:
        return None, ""
    return center, (
        f"NXmx beam_center_x/y ({unit}); origin undefined by the standard, "
        f"taken as the pixel corner: +-0.5 px"
    )


def _tilt(detector: h5py.Group) -> tuple[float, float] | None:
    field = detector.get(TILT_FIELD)
    if not isinstance(field, h5py.Dataset) or field.shape != (2,):
        return None
    pitch, yaw = map(float, field[()])
    return (pitch, yaw) if np.isfinite([pitch, yaw]).all() else None
