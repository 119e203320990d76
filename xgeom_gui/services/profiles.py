"""Profiles of a frame: along a line, and against the angle or radius about a center; and their thread."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_gui.services.cake import CakeRequest
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)

Unit = Literal["d", "two_theta", "q", "px"]
UNITS = cast("tuple[Unit, ...]", get_args(Unit))
UNIT_NAMES: dict[Unit, str] = {"d": "d, Å", "two_theta": "2θ, °", "q": "q, 1/Å", "px": "radius, px"}

Point = tuple[float, float]
Floats = NDArray[np.float64]

_BINS, _QUICK_PIXELS, _MOST_LINE_POINTS = 600, 400_000, 8_000


@dataclass(frozen=True, eq=False)
class LineProfile:
    """Counts along a line.

    Parameters
    ----------
    distance : ndarray
        From its start, in native px.
    counts : ndarray
        Mean over the width of the line; NaN where no valid pixel is.
    """

    distance: Floats
    counts: Floats


@dataclass(frozen=True, eq=False)
class RadialProfile:
    """Mean counts about a center.

    Parameters
    ----------
    radius : ndarray
        Middle of each bin: the radius in native px that its two-theta has on an untilted detector (or
        about the center, while the geometry is unknown).
    mean, sigma : ndarray
        Mean of the valid pixels and its standard error.
    geometry : Geometry or None
        For other units.
    """

    radius: Floats
    mean: Floats
    sigma: Floats
    geometry: Geometry | None

    def abscissa(self, unit: Unit) -> Floats:
        """The radii in another unit.

        Raises
        ------
        ValueError
            If the geometry does not tell.
        """
        if unit == "px":
            return self.radius
        if self.geometry is None:
            raise ValueError("angles need distance and pixel size")
        geometry = self.geometry
        two_theta = np.arctan(self.radius * geometry.pixel_mm[0] / geometry.distance_mm)
        if unit == "two_theta":
            return np.asarray(np.degrees(two_theta))
        if geometry.wavelength_A is None:
            raise ValueError("spacings need the wavelength")
        spacing = geometry.wavelength_A / np.maximum(2.0 * np.sin(two_theta / 2.0), 1e-12)
        return np.asarray(spacing if unit == "d" else 2.0 * np.pi / spacing)


def units_for(geometry: Geometry | None) -> tuple[Unit, ...]:
    """Units that a geometry allows."""
    if geometry is None:
        return ("px",)
    return UNITS if geometry.wavelength_A is not None else ("two_theta", "px")


def line_profile(frame: Frame, start: Point, end: Point, width: int = 1) -> LineProfile:
    """Counts along a line, one sample a pixel, averaged over so many parallel lines a pixel apart.

    Parameters
    ----------
    frame : Frame
    start, end : tuple of float
        Native ``(x, y)``, corner origin.
    width : int
        Number of parallel lines.
    """
    (x0, y0), (x1, y1) = start, end
    length = float(np.hypot(x1 - x0, y1 - y0))
    number = min(max(int(np.ceil(length)), 1), _MOST_LINE_POINTS) + 1
    along = np.linspace(0.0, 1.0, number)
    unit = ((x1 - x0) / length, (y1 - y0) / length) if length > 0 else (1.0, 0.0)
    total, weight = np.zeros(number), np.zeros(number)
    height, wide = frame.shape
    for offset in np.arange(width) - (width - 1) / 2.0:
        column = np.floor(x0 + along * (x1 - x0) - unit[1] * offset).astype(int)
        row = np.floor(y0 + along * (y1 - y0) + unit[0] * offset).astype(int)
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < wide)
        row, column = np.where(inside, row, 0), np.where(inside, column, 0)
        good = inside & frame.valid[row, column]
        total += np.where(good, frame.data[row, column], 0.0)
        weight += good
    counts = np.where(weight > 0, total / np.maximum(weight, 1), np.nan)
    return LineProfile(along * length, counts)


def spacing_between_A(geometry: Geometry | None, start: Point, end: Point) -> float | None:
    """Spacing that two spots' difference stands for, in Å; None where the geometry does not tell.

    Notes
    -----
    ``1 / |s1 - s0|`` with ``s`` the unit vector from the sample to a spot over the wavelength. From the
    beam center to a spot it is that spot's resolution; from spot to spot along a row, the cell's edge.
    """
    if geometry is None or geometry.wavelength_A is None:
        return None
    lab = geometry.to_lab(np.array([start[0], end[0]]), np.array([start[1], end[1]]))
    rays = lab / np.linalg.norm(lab, axis=-1, keepdims=True)
    apart = float(np.linalg.norm(rays[1] - rays[0]))
    return geometry.wavelength_A / apart if apart > 0 else None


def radial_profile(
    frame: Frame, center_px: Point, geometry: Geometry | None, bins: int = _BINS, quick: bool = False
) -> RadialProfile:
    """Mean counts against the radius; under tilt against the true two-theta.

    Parameters
    ----------
    frame : Frame
    center_px : tuple of float
        Native ``(x, y)``.
    geometry : Geometry or None
        About that center; its distance and tilt turn pixels into angles.
    bins : int
        Bins from the center to the farthest corner.
    quick : bool
        Take every n-th pixel only, about 400,000 of them: for following a drag.
    """
    step = max(int(np.sqrt(frame.data.size / _QUICK_PIXELS)), 1) if quick else 1
    counts, valid = frame.data[::step, ::step], frame.valid[::step, ::step]
    radius = radii_px(frame.shape, step, center_px, geometry)
    farthest = float(radius.max()) or 1.0
    number = np.minimum((radius * np.float32(bins / farthest)).astype(np.int32), bins - 1).ravel()
    # Invalid pixels go to a bin of their own rather than being cut out, which would copy everything.
    number[~valid.ravel()] = bins
    flat = counts.ravel()
    weight = np.bincount(number, minlength=bins + 1)[:bins]
    total = np.bincount(number, flat, minlength=bins + 1)[:bins]
    squares = np.bincount(number, flat.astype(np.float64) ** 2, minlength=bins + 1)[:bins]
    filled = np.maximum(weight, 1)
    mean = total / filled
    sigma = np.sqrt(np.maximum(squares / filled - mean**2, 0.0) / filled)
    nothing = weight == 0
    mean[nothing], sigma[nothing] = np.nan, np.nan
    middle = (np.arange(bins) + 0.5) * farthest / bins
    return RadialProfile(middle, mean, sigma, geometry)


def radii_px(
    shape: tuple[int, int], step: int, center_px: Point, geometry: Geometry | None
) -> NDArray[np.float32]:
    """Radius of every step-th pixel in px of an untilted detector at the same distance."""
    x = (np.arange(0, shape[1], step) + 0.5).astype(np.float32)[None, :]
    y = (np.arange(0, shape[0], step) + 0.5).astype(np.float32)[:, None]
    if geometry is None:
        return np.hypot(x - np.float32(center_px[0]), y - np.float32(center_px[1]))
    fast, slow, _ = geometry.axes()
    u = (x - np.float32(geometry.center_px[0])) * np.float32(geometry.pixel_mm[0])
    v = (y - np.float32(geometry.center_px[1])) * np.float32(geometry.pixel_mm[1])
    # The lab position is linear in u and v; single precision is a thousandth of a pixel here.
    along = [u * np.float32(fast[i]) + v * np.float32(slow[i]) for i in range(3)]
    tangent = np.hypot(along[0], along[1]) / np.maximum(along[2] + np.float32(geometry.distance_mm), 1e-3)
    return np.asarray(tangent * np.float32(geometry.distance_mm / geometry.pixel_mm[0]), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class RadialRequest:
    """A radial profile that is wanted."""

    frame: Frame
    center_px: Point
    geometry: Geometry | None
    quick: bool = False

    def make(self) -> RadialProfile:
        """Average the counts."""
        return radial_profile(self.frame, self.center_px, self.geometry, quick=self.quick)


class ProfileThread(LatestThread):
    """Makes radial profiles and cakes off the window's thread, the newest wanted of each.

    Signals
    -------
    done : RadialRequest or CakeRequest, RadialProfile or Cake
    failed : str
        The sentence for the user.
    """

    done = Signal(object, object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def kind(self, request: RadialRequest | CakeRequest) -> Hashable:
        """A profile does not displace a cake."""
        return type(request).__name__

    def handle(self, request: RadialRequest | CakeRequest) -> None:
        """Make one; runs in the thread."""
        try:
            made = request.make()
        # A fault must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("profile")
            self.failed.emit(f"The profile ended with a fault in xgeom ({error!r}); please report it.")
        else:
            self.done.emit(request, made)
