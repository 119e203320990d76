"""Numbers as old text files write them, and what every reader of such files asks of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xgeom_core.errors import GeometryError, MissingDatasetError, UnreadableFileError
from xgeom_core.formats.reading import Hints

HC_EV_A = 12398.419843320026
"""Planck's constant times the speed of light, in eV Å."""

# Larger values occur in no experiment; squares of them could overflow.
MOST_PX = 1e6
MOST_MM = 1e6
_ELECTRON_EV = 510998.95


def number(text: str | None) -> float | None:
    """A finite number written as text (Fortran's ``1.0D-3`` too); None for anything else."""
    if text is None or len(text) > 80 or "_" in text:
        return None
    try:
        value = float(text.strip().lower().replace("d", "e"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def positive(value: float | None) -> float | None:
    """The value if it is a positive finite number, else None."""
    return value if value is not None and math.isfinite(value) and value > 0 else None


def wavelength_of_photon(electronvolts: float | None) -> float | None:
    """Wavelength in Å of photons of a given energy; None if that is not positive."""
    return sane_wavelength(HC_EV_A / electronvolts) if positive(electronvolts) and electronvolts else None


def wavelength_of_electron(volts: float | None) -> float | None:
    """De Broglie wavelength in Å of electrons accelerated by a voltage, relativistic."""
    energy = positive(volts)
    if energy is None:
        return None
    return sane_wavelength(HC_EV_A / math.sqrt(energy * (energy + 2 * _ELECTRON_EV)))


def sane_wavelength(value: float | None) -> float | None:
    """A wavelength in Å; None where it is absent or cannot be one."""
    return tidy(value) if value is not None and 1e-6 < value < 1e6 else None


def bounded(value: float, most: float, path: Path, what: str) -> float:
    """The value; an UnreadableFileError if it is larger than any experiment allows."""
    if not (math.isfinite(value) and abs(value) <= most):
        raise UnreadableFileError(
            f"{path} gives {what} as {value:.6g}, which no experiment has: the file is damaged."
        )
    return value


def length(value: float | None, path: Path, what: str) -> float | None:
    """A positive length in mm; None where it is absent; an UnreadableFileError where it cannot be."""
    if value is None:
        return None
    if not 0 < value <= MOST_MM:
        raise UnreadableFileError(f"{path} gives {what} as {value:.6g} mm; a positive length was expected.")
    return value


def center(x: float, y: float, path: Path) -> tuple[float, float]:
    """A center in px, checked by :func:`bounded`."""
    return bounded(x, MOST_PX, path, "the center's x in px"), bounded(
        y, MOST_PX, path, "the center's y in px"
    )


def pixel_known(
    path: Path, program: str, stated: tuple[float, float] | None, hints: Hints
) -> tuple[float, float]:
    """The pixel size ``(fast, slow)`` in mm, from the file or the hints.

    Raises
    ------
    MissingDatasetError
        If neither states it.
    """
    found = stated or hints.pixel_mm
    if found is None:
        raise MissingDatasetError(
            f"{path} gives the center in mm ({program}) but no pixel size: state the pixel size "
            "(--pixel-um), or open the frame that it belongs to."
        )
    if not all(1e-6 <= size <= 1e3 for size in found):
        raise UnreadableFileError(f"{path} gives a pixel size of {found[0]:g} x {found[1]:g} mm: impossible.")
    return found


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Put the file's name into what geometry has to say."""
    try:
        yield
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


def tidy(value: float) -> float:
    """The value without the last digits that a change of unit made up."""
    return float(f"{value:.12g}")


def shown(value: float, unit: str = "", digits: int = 6) -> str:
    """A number and its unit as shown to the user."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + (f" {unit}" if unit else "")
