"""Flat detectors as vectors: checked input, the geometry that follows, and moving them as a whole.

DIALS, XDS, NeXus and imgCIF all state a detector by vectors in a frame of their own. Here those vectors
are checked once (files hold zeros, NaN and nonsense), turned into a Geometry, and moved rigidly so that
a wanted Geometry comes true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgeom_core.errors import GeometryError, UnreadableFileError
from xgeom_core.geometry import FloatArray, Geometry, from_vectors

# No real experiment is longer; squares of larger numbers could overflow.
_LONGEST_MM = 1e6
_PIXEL_MM = (1e-6, 1e3)
_MOST_PIXELS = 10**7


@dataclass(frozen=True, eq=False)
class Plane:
    """A flat panel in any orthonormal frame.

    Parameters
    ----------
    origin : ndarray, shape (3,)
        Outer corner of the first pixel, from the sample, in mm.
    fast, slow : ndarray, shape (3,)
        Directions of the axes, unit length.
    pixel_mm : tuple of float
        Pixel size ``(fast, slow)``.
    """

    origin: FloatArray
    fast: FloatArray
    slow: FloatArray
    pixel_mm: tuple[float, float]

    def point(self, pixel: tuple[float, float]) -> FloatArray:
        """Position in mm of a pixel coordinate ``(x, y)``, corner origin."""
        along_fast = pixel[0] * self.pixel_mm[0] * self.fast
        return np.asarray(self.origin + along_fast + pixel[1] * self.pixel_mm[1] * self.slow)


def finite(value: Any) -> float | None:
    """The value as a finite float; None for anything else (text, None, NaN, true and false)."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def vector(value: Any, what: str, size: int = 3, longest: float = _LONGEST_MM) -> FloatArray:
    """``size`` finite numbers of sensible magnitude, or an UnreadableFileError that names ``what``."""
    items = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    numbers = [finite(item) for item in items]
    if len(numbers) != size or any(number is None or abs(number) > longest for number in numbers):
        raise UnreadableFileError(
            f"{what} must be {size} numbers up to {longest:g}, not {str(value)[:60]!r}: the file is damaged."
        )
    return np.array(numbers, dtype=np.float64)


def direction(value: Any, what: str) -> FloatArray:
    """Three finite numbers as a unit vector, or an UnreadableFileError that names ``what``."""
    found = vector(value, what)
    length = float(np.linalg.norm(found))
    if length < 1e-6:
        raise UnreadableFileError(f"{what} is a vector without a direction ({found.tolist()}).")
    return np.asarray(found / length)


def pixel_size(value: Any, what: str) -> tuple[float, float]:
    """A pixel size ``(fast, slow)`` in mm, or an UnreadableFileError that names ``what``."""
    fast, slow = vector(value, what, 2)
    if not all(_PIXEL_MM[0] <= size <= _PIXEL_MM[1] for size in (fast, slow)):
        raise UnreadableFileError(f"{what} must be two lengths in mm, not {fast:g} and {slow:g}.")
    return float(fast), float(slow)


def image_size(value: Any) -> tuple[int, int] | None:
    """A number of pixels ``(fast, slow)``; None where it is absent or cannot be one."""
    items = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    numbers = [finite(item) for item in items]
    if len(numbers) != 2:
        return None
    if any(number is None or not 1 <= number <= _MOST_PIXELS for number in numbers):
        return None
    return int(numbers[0] or 0), int(numbers[1] or 0)


def wavelength(value: Any) -> float | None:
    """A wavelength in Å; None where it is absent or not positive."""
    number = finite(value)
    return number if number is not None and 1e-6 < number < 1e6 else None


def plane_geometry(plane: Plane, beam: FloatArray, wavelength_A: float | None, what: str) -> Geometry:
    """The geometry of a plane in a beam; a GeometryError says ``what`` cannot be."""
    try:
        return from_vectors(plane.origin, plane.fast, plane.slow, beam, plane.pixel_mm, wavelength_A)
    except GeometryError as error:
        raise GeometryError(f"{what}: {error}") from error


def lab_axes(plane: Plane, beam: FloatArray) -> FloatArray:
    """This project's lab frame in the frame of a plane: x, y and z as the rows of a matrix.

    z runs along the beam, x along the fast axis as far as that is across the beam. y makes a right-handed
    frame, but for an image seen from behind, whose slow axis y follows all the same.
    """
    across = plane.fast - (plane.fast @ beam) * beam
    across = across / np.linalg.norm(across)
    handed = 1.0 if np.cross(plane.fast, plane.slow) @ beam >= 0 else -1.0
    return np.stack([across, handed * np.cross(beam, across), beam])


def with_tilt(
    fast: FloatArray, slow: FloatArray, beam: FloatArray, tilt_deg: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Axes with another tilt: the fast axis keeps its azimuth about the beam, mirrored stays mirrored.

    Parameters
    ----------
    fast, slow, beam : ndarray, shape (3,)
        Unit vectors; the axes need not be exactly at right angles.
    tilt_deg : tuple of float
        Wanted ``(pitch, yaw)``.

    Returns
    -------
    fast, slow : ndarray, shape (3,)
        With ``(b.f, b.s) = (-sinY, sinP cosY)``.
    """
    across, down, _ = lab_axes(Plane(np.zeros(3), fast, slow, (1.0, 1.0)), beam)
    pitch, yaw = np.radians(tilt_deg)
    new_fast = np.cos(yaw) * across - np.sin(yaw) * beam
    new_slow = np.sin(pitch) * np.sin(yaw) * across + np.cos(pitch) * down
    return new_fast, new_slow + np.sin(pitch) * np.cos(yaw) * beam


@dataclass(frozen=True, eq=False)
class RigidMove:
    """A rotation followed by a shift in mm: ``x -> R x + t``."""

    rotation: FloatArray
    shift: FloatArray

    def point(self, position: FloatArray) -> FloatArray:
        """Where a position goes."""
        return np.asarray(self.rotation @ position + self.shift)

    def turn(self, direction_: FloatArray) -> FloatArray:
        """Where a direction goes."""
        return np.asarray(self.rotation @ direction_)


def move_to(plane: Plane, beam: FloatArray, wanted: Geometry, center_px: tuple[float, float]) -> RigidMove:
    """The move that gives a plane the wanted tilt and puts its pixel into the beam at the wanted distance.

    Parameters
    ----------
    plane : Plane
        The panel whose pixels the wanted center counts.
    beam : ndarray, shape (3,)
        Unit vector from source to sample.
    wanted : Geometry
        Tilt and distance.
    center_px : tuple of float
        The wanted center in the pixels of this panel.
    """
    old = _frame(plane.fast, plane.slow)
    new = _frame(*with_tilt(plane.fast, plane.slow, beam, (wanted.pitch_deg, wanted.yaw_deg)))
    rotation = new @ old.T
    shift = beam * wanted.distance_mm - rotation @ plane.point(center_px)
    return RigidMove(rotation, shift)


def _frame(fast: FloatArray, slow: FloatArray) -> FloatArray:
    """Orthonormal columns (fast, slow, normal); an axis that is off by 1e-4 is put at right angles."""
    normal = np.cross(fast, slow)
    normal = normal / np.linalg.norm(normal)
    straight = np.cross(normal, fast)
    return np.stack([fast / np.linalg.norm(fast), straight / np.linalg.norm(straight), normal], axis=1)


def rounded(values: Sequence[float] | FloatArray, digits: int = 4) -> str:
    """Numbers as shown to the user, separated by commas."""
    # Adding 0.0 turns -0.0 into 0.0.
    return ", ".join(
        f"{round(float(value), digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".") for value in values
    )
