"""Metadata: what a file states of its experiment, how sensible that is, and how else it can be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry

Point = tuple[float, float]
Vector = tuple[float, float, float]

Quantity = Literal["center", "tilt", "distance", "wavelength", "pixel size"]
Sense = Literal["plausible", "doubtful", "placeholder", "impossible"]

# Panels of one plane may be as uneven as they are mounted.
_UNEVEN_DEG, _UNEVEN_SHARE = 2.0, 0.02


@dataclass(frozen=True)
class Choice:
    """Another way to read what a file states; None for what the reading leaves as it is.

    Parameters
    ----------
    name : str
        The reading in words, such as ``"pixel centers are integers (+0.5)"``.
    center_px : tuple of float, optional
        The beam center ``(x, y)`` that follows, corner origin.
    tilt_deg : tuple of float, optional
        The tilt ``(pitch, yaw)`` that follows.
    distance_mm, wavelength_A : float, optional
        Distance along the beam; wavelength.
    pixel_mm : tuple of float, optional
        Pixel size ``(fast, slow)``.
    """

    name: str
    center_px: Point | None = None
    tilt_deg: Point | None = None
    distance_mm: float | None = None
    wavelength_A: float | None = None
    pixel_mm: Point | None = None

    def center_or(self, stated: Point) -> Point:
        """The center of this reading, which may be the stated one."""
        return stated if self.center_px is None else self.center_px


@dataclass(frozen=True)
class Verdict:
    """How sensible one stated quantity is.

    Parameters
    ----------
    quantity : str
        What it is about.
    sense : {"plausible", "doubtful", "placeholder", "impossible"}
        ``"placeholder"``: what programs write where nobody has set a value. Placeholders and impossible
        values are not used; of a doubtful one the most sensible reading is.
    reason : str
        Why, as a sentence for the user; "" for a plausible value.
    """

    quantity: Quantity
    sense: Sense
    reason: str = ""


@dataclass(frozen=True)
class Rotation:
    """How the sample turns during a sweep.

    Parameters
    ----------
    start_deg, step_deg : float
        Angle at the start of the first frame, and from one frame to the next.
    axis : tuple of float, optional
        Direction in the lab frame (x fast, y slow, z along the beam) of a right-handed turn.
    name : str
        What the file calls the axis.
    """

    start_deg: float
    step_deg: float
    axis: Vector | None = None
    name: str = ""


@dataclass(frozen=True)
class PanelPlace:
    """One flat panel of a detector whose panels lie in one image.

    Parameters
    ----------
    name : str
        As the file calls it.
    corner_px, size_px : tuple of int
        First pixel ``(x, y)`` of the panel in the image, and its number of pixels ``(fast, slow)``.
    origin_mm : tuple of float
        Outer corner of its first pixel from the sample, in the lab frame (z along the beam).
    fast, slow : tuple of float
        Unit vectors along its axes in the lab frame.
    """

    name: str
    corner_px: tuple[int, int]
    size_px: tuple[int, int]
    origin_mm: Vector
    fast: Vector
    slow: Vector


@dataclass(frozen=True)
class Metadata:
    """What a file says of its experiment; None or empty where it is silent.

    Parameters
    ----------
    distance_mm, wavelength_A : float or None
        Sample to beam center in mm, along the beam; wavelength in Å.
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)`` in mm.
    center_px : tuple of float or None
        Beam center ``(x, y)`` converted to this project's pixels (corner origin).
    tilt_deg : tuple of float or None
        ``(pitch, yaw)`` in degrees, where the file states it: a swing of the detector is a tilt.
    center_convention : str
        How the file states the center and what is ambiguous about it; shown to the user.
    saturation : float or None
        Counts at and above which a pixel is saturated.
    detector : str
        The detector's name, "" if unknown.
    distance_along : {"", "beam", "normal"}
        Along what the file itself states the distance; "" where it does not say, which on a detector that
        is not swung makes no difference. ``distance_mm`` is converted where the tilt is stated.
    sensor_material : str
        ``"Si"``, ``"CdTe"``, ...
    sensor_mm : float or None
        Thickness of the sensor.
    polarization : float or None
        Fraction of the beam polarized along the horizontal, 0 to 1.
    rotation : Rotation or None
        Of a sweep.
    panels : tuple of PanelPlace
        Of a detector of several panels; empty for one plane.
    title : str
        The title's and comments' words.
    choices : tuple of Choice
        Other readings of what is ambiguous or doubtful.
    verdicts : tuple of Verdict
        Of every quantity that is stated.
    """

    distance_mm: float | None = None
    wavelength_A: float | None = None
    pixel_mm: Point | None = None
    center_px: Point | None = None
    tilt_deg: Point | None = None
    center_convention: str = ""
    saturation: float | None = None
    detector: str = ""
    distance_along: Literal["", "beam", "normal"] = ""
    sensor_material: str = ""
    sensor_mm: float | None = None
    polarization: float | None = None
    rotation: Rotation | None = None
    panels: tuple[PanelPlace, ...] = ()
    title: str = ""
    choices: tuple[Choice, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the quantities that a tilt in degrees and rings in Å need and that are unknown."""
        names = {
            "distance": self.distance_mm,
            "pixel size": self.pixel_mm,
            "wavelength": self.wavelength_A,
        }
        return tuple(name for name, value in names.items() if value is None)

    @property
    def one_plane(self) -> bool:
        """Whether the detector is flat: of one panel, or of several that lie in one plane."""
        if not self.panels:
            return True
        normals = np.cross([panel.fast for panel in self.panels], [panel.slow for panel in self.panels])
        depths = np.sum(normals * [panel.origin_mm for panel in self.panels], axis=1)
        even = normals @ normals[0] >= np.cos(np.radians(_UNEVEN_DEG))
        return bool(even.all() and np.ptp(depths) <= _UNEVEN_SHARE * np.abs(depths).max())

    def overridden(
        self,
        distance_mm: float | None = None,
        pixel_mm: Point | None = None,
        wavelength_A: float | None = None,
    ) -> Metadata:
        """A copy in which every value given here replaces the file's."""
        return replace(
            self,
            distance_mm=self.distance_mm if distance_mm is None else distance_mm,
            pixel_mm=self.pixel_mm if pixel_mm is None else pixel_mm,
            wavelength_A=self.wavelength_A if wavelength_A is None else wavelength_A,
        )

    def read_as(self, choice: Choice) -> Metadata:
        """A copy read in another way."""
        return replace(
            self.overridden(choice.distance_mm, choice.pixel_mm, choice.wavelength_A),
            center_px=self.center_px if choice.center_px is None else choice.center_px,
            tilt_deg=self.tilt_deg if choice.tilt_deg is None else choice.tilt_deg,
        )

    def geometry(self, center_px: Point, tilt_deg: Point | None = None) -> Geometry | None:
        """The geometry with a given center and tilt; None while distance or pixel size is unknown."""
        if self.distance_mm is None or self.pixel_mm is None:
            return None
        pitch, yaw = tilt_deg or (0.0, 0.0)
        return Geometry(center_px, self.distance_mm, self.pixel_mm, self.wavelength_A, pitch, yaw)

    def estimate(self) -> Estimate | None:
        """The header's center as an Estimate; None if the file states none."""
        if self.center_px is None:
            return None
        return Estimate("header", self.center_px, tilt_deg=self.tilt_deg, convention=self.center_convention)
