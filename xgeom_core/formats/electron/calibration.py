"""From what microscopes state (kV, a nominal camera length, a calibration in 1/Å) to Metadata.

A pixel that is ``s`` wide in 1/Å subtends ``s`` times the wavelength in radians, and that angle times the
camera length is the pixel size. Camera lengths are nominal, calibrations are measured: a pixel size made of
both keeps their ratio right, which is all that rings and tilts depend on.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from xgeom_core import units
from xgeom_core.formats.header import Header, if_stated
from xgeom_core.formats.values import wavelength_of_electron
from xgeom_core.metadata import Metadata, Point, Verdict

_INVERSE_A = {"nm": 0.1, "a": 1.0, "å": 1.0, "angstrom": 1.0, "angstroms": 1.0, "pm": 100.0, "m": 1e-10}
_ANGLES = {"rad": 1.0, "mrad": 1e-3, "urad": 1e-6, "deg": math.pi / 180.0}
_INVERSE = re.compile(r"(1/)?(nm|angstroms?|å|a|pm|m)(-1)?")
# Angles of one pixel beyond these are slips of the calibration: 0.02 µrad to 6 degrees.
_ANGLE = (2e-8, 0.1)
_LEAST_V = 5000.0  # a high tension below this is in kV
_CONVENTION = (
    "The calibrated axes are zero at the beam; their values are taken as those of pixel centers (+0.5 px)."
)
_MIDDLE_PX = 1.0


@dataclass(frozen=True)
class Axis:
    """A calibrated axis of an image.

    Parameters
    ----------
    scale, offset : float
        Value of pixel ``i`` (its center): ``offset + i * scale``.
    unit : str
        As the file has it: ``"1/nm"``, ``"$A^{-1}$"``, ``"mrad"``, ``"px"``.
    size : int
        Number of pixels.
    """

    scale: float
    offset: float
    unit: str
    size: int


def kilovolts(value: float | None) -> float | None:
    """A high tension in kV, whether stated in V or in kV; None if it cannot be one."""
    found = units.positive(value)
    if found is None:
        return None
    return found / 1e3 if found >= _LEAST_V else found


def electron_wavelength(kv: float | None) -> float | None:
    """Wavelength in Å of electrons of a high tension in kV; None if that is not stated."""
    return wavelength_of_electron(kv * 1e3) if kv is not None else None


def angle_of(axis: Axis, wavelength_A: float | None) -> float | None:
    """Radians that one pixel subtends; None if the unit is neither 1/length nor an angle."""
    unit = re.sub(r"[\s$^{}()\[\]_*\\]", "", axis.unit.lower().replace("\u212b", "å").replace("\u2212", "-"))
    unit = unit.replace("⁻¹", "-1").removeprefix("k")
    if unit in _ANGLES:
        return abs(axis.scale) * _ANGLES[unit]
    found = _INVERSE.fullmatch(unit)
    if found is None or not (found[1] or found[3]) or wavelength_A is None:
        return None
    return abs(axis.scale) * _INVERSE_A[found[2]] * wavelength_A


def stated(
    kv: float | None,
    camera_mm: float | None = None,
    axes: tuple[Axis, Axis] | None = None,
    detector: str = "",
    title: str = "",
) -> Header:
    """What high tension, camera length and calibrated axes ``(fast, slow)`` state together."""
    wavelength = electron_wavelength(kv)
    distance = units.positive(camera_mm)
    # A round camera length, such as 1 m, is what microscopes have, and no placeholder.
    nominal = (Verdict("distance", "plausible"),) if distance is not None else ()
    plain = Metadata(
        distance_mm=distance, wavelength_A=wavelength, detector=detector, title=title, verdicts=nominal
    )
    notes = []
    if plain.distance_mm is not None:
        notes.append(f"The distance is the microscope's nominal camera length, {plain.distance_mm:g} mm.")
    size = (axes[0].size, axes[1].size) if axes else None
    angles = [angle_of(axis, wavelength) for axis in axes or ()]
    if axes is None or None in angles:
        return Header(plain, tuple(notes), image_size=size)
    sane = all(_ANGLE[0] <= (angle or 0.0) <= _ANGLE[1] for angle in angles)
    if not sane:
        reason = (
            f"The calibration, {axes[0].scale:.3g} {axes[0].unit} a pixel, cannot be: it is not used, "
            "and the pixel size is not known."
        )
        verdict = Verdict("pixel size", "impossible", reason)
        return Header(replace(plain, verdicts=(*nominal, verdict)), (*notes, reason), image_size=size)
    pixel = _pixel(plain.distance_mm, angles)
    if pixel is None:
        notes.append(
            f"One pixel is calibrated as {angles[0]:.4g} rad, and no camera length is stated: with any "
            f"distance in mm, a pixel size of {1e3 * (angles[0] or 0.0):.6g} times as many µm fits it."
        )
    else:
        notes.append("The pixel size follows from the calibration at that camera length.")
    center, verdicts = _center(axes)
    metadata = replace(
        plain,
        pixel_mm=pixel,
        center_px=center,
        center_convention=if_stated(center, _CONVENTION),
        verdicts=(*nominal, *verdicts),
    )
    return Header(metadata, tuple(notes), image_size=size)


def _pixel(distance_mm: float | None, angles: list[float | None]) -> Point | None:
    if distance_mm is None:
        return None
    fast, slow = (units.tidy(distance_mm * (angle or 0.0)) for angle in angles)
    return units.both(fast, slow)


def _center(axes: tuple[Axis, Axis]) -> tuple[Point | None, tuple[Verdict, ...]]:
    """Where both axes are zero; None where they start there, which is said where nobody calibrated it."""
    if any(axis.offset == 0 for axis in axes):
        return None, ()
    x, y = (-axis.offset / axis.scale + 0.5 for axis in axes)
    if all(abs(at - axis.size / 2) <= _MIDDLE_PX for at, axis in zip((x, y), axes, strict=True)):
        reason = "The axes are zero in the middle of the image, where programs put it if nobody has looked."
        return (x, y), (Verdict("center", "doubtful", reason),)
    return (x, y), ()
