"""Quantities as files state them, in this project's units: mm, Å, px, degrees."""

from __future__ import annotations

import math

HC_KEV_A = 12.398419843320026
"""Planck's constant times the speed of light, in keV Å."""

_LENGTHS_MM = {
    "m": 1e3,
    "meter": 1e3,
    "meters": 1e3,
    "metre": 1e3,
    "metres": 1e3,
    "cm": 10.0,
    "mm": 1.0,
    "millimeter": 1.0,
    "millimeters": 1.0,
    "millimetre": 1.0,
    "um": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "micrometer": 1e-3,
    "micrometre": 1e-3,
    "nm": 1e-6,
    "nanometer": 1e-6,
    "angstrom": 1e-7,
    "angstroms": 1e-7,
    "a": 1e-7,
    "pm": 1e-9,
}
_ANGLES_DEG = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "rad": 180.0 / math.pi,
    "radian": 180.0 / math.pi,
    "radians": 180.0 / math.pi,
}
_ENERGIES_KEV = {"ev": 1e-3, "kev": 1.0, "j": 1.0 / 1.602176634e-16}
_PIXELS = {"", "px", "pixel", "pixels"}
# Both code points of the micro sign, and both of the angstrom sign.
_SPELLINGS = {"\u00b5": "u", "\u03bc": "u", "\u00c5": "angstrom", "\u212b": "angstrom"}


def _key(unit: str) -> str:
    for sign, spelling in _SPELLINGS.items():
        unit = unit.replace(sign, spelling)
    return unit.strip().strip(".").lower()


def length_factor_mm(unit: str) -> float | None:
    """Millimeters in a unit of length; None for any other unit."""
    return _LENGTHS_MM.get(_key(unit))


def angle_factor_deg(unit: str) -> float | None:
    """Degrees in a unit of angle; None for any other unit."""
    return _ANGLES_DEG.get(_key(unit))


def is_pixels(unit: str) -> bool:
    """Whether a unit means pixels; no unit does."""
    return _key(unit) in _PIXELS


def length_mm(value: float | None, unit: str, default: str = "m") -> float | None:
    """A positive length in mm; None if it is not positive and finite or the unit is unknown.

    Parameters
    ----------
    value : float or None
        The number as stated; None stays None.
    unit : str
        Its unit; ``default`` stands in where it is empty.
    """
    factor = _LENGTHS_MM.get(_key(unit) or default)
    return tidy(value * factor) if value is not None and factor is not None else None


def wavelength_A(value: float | None, unit: str, default: str = "angstrom") -> float | None:
    """A positive wavelength in Å, from a wavelength or an energy; None if it cannot be one."""
    key = _key(unit) or default
    if value is None:
        return None
    if key in _ENERGIES_KEV:
        return energy_to_A(value * _ENERGIES_KEV[key])
    length = length_mm(value, key)
    return tidy(length * 1e7) if length is not None else None


def energy_to_A(energy_kev: float) -> float | None:
    """Wavelength in Å of photons of a given energy in keV; None if that is not positive."""
    return HC_KEV_A / energy_kev if positive(energy_kev) is not None else None


def tidy(value: float) -> float | None:
    """The value if it is a positive finite number, without the last digits that scaling made up."""
    return float(f"{value:.12g}") if positive(value) is not None else None


def positive(value: float | None) -> float | None:
    """The value if it is a positive finite number, else None: headers say 0 or -1 for "unknown"."""
    return float(value) if value is not None and math.isfinite(value) and value > 0 else None


def stated_center(x: float | None, y: float | None) -> tuple[float, float] | None:
    """A beam center if one is stated: two finite numbers that are not both 0, which means "not set"."""
    if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)) or (x == 0 and y == 0):
        return None
    return float(x), float(y)


def both(first: float | None, second: float | None) -> tuple[float, float] | None:
    """The two as a pair if both are known."""
    return (first, second) if first is not None and second is not None else None
