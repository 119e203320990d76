"""The one geometry inside xgeom: pixels, detector and lab frame.

Conventions (everything else is converted at the door):

- Image coordinates: ``x`` along the fast axis (columns, to the right), ``y`` along the slow axis
  (rows, downwards), in pixels of the native frame. The origin is the *outer corner* of the first
  pixel, so numpy index ``i`` covers ``[i, i + 1)`` and its center is ``i + 0.5``.
- Lab frame: ``z`` along the beam from source to sample to detector, ``x`` along the fast axis and
  ``y`` along the slow axis of an untilted detector.
- Tilt: pitch ``P`` about ``+x``, then yaw ``Y`` about the fixed ``+y``: ``R = R_y(Y) R_x(P)``.
  Degrees at the surface, radians inside formulas.
- Beam center: where the incident beam meets the detector plane; the tilt pivots there.
- Distance: along the beam from the sample to the beam center, in mm.

The foot of the normal from the sample (pyFAI's PONI, the ORGX and ORGY of XDS) is another point than
the beam center as soon as the detector is tilted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pooling:
    """How a pooled frame was cut out of a native one; exact in both directions.

    Pooled coordinate ``u`` and native coordinate ``x`` (both corner origin) obey
    ``x = u * factor + offset``.

    Parameters
    ----------
    factor : int
        Native pixels per pooled pixel along each axis, at least 1.
    offset : tuple of int
        Native ``(x, y)`` of the pooled origin, in native pixels. Negative where the pooled frame
        reaches beyond the native one (padding).
    """

    factor: int
    offset: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ValueError(f"pooling factor must be at least 1, not {self.factor}")

    def to_native(self, point: tuple[float, float]) -> tuple[float, float]:
        """Native ``(x, y)`` of a pooled point."""
        return (
            point[0] * self.factor + self.offset[0],
            point[1] * self.factor + self.offset[1],
        )

    def to_pooled(self, point: tuple[float, float]) -> tuple[float, float]:
        """Pooled ``(x, y)`` of a native point."""
        return (
            (point[0] - self.offset[0]) / self.factor,
            (point[1] - self.offset[1]) / self.factor,
        )


@dataclass(frozen=True)
class Geometry:
    """A flat detector in the beam.

    Parameters
    ----------
    center_px : tuple of float
        Beam center ``(x, y)`` in pixels, corner origin.
    distance_mm : float
        Sample to beam center along the beam, in mm.
    pixel_mm : tuple of float
        Pixel size ``(fast, slow)`` in mm.
    wavelength_A : float or None
        Wavelength in Å; only resolutions need it.
    pitch_deg, yaw_deg : float
        Tilt in degrees: pitch about ``+x``, then yaw about the fixed ``+y``.

    Raises
    ------
    GeometryError
        If a length is not positive and finite, or the tilt is 90 degrees or more.
    """

    center_px: tuple[float, float]
    distance_mm: float
    pixel_mm: tuple[float, float]
    wavelength_A: float | None = None
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0

    def __post_init__(self) -> None:
        lengths = {"distance": self.distance_mm, "pixel size": min(self.pixel_mm)}
        if self.wavelength_A is not None:
            lengths["wavelength"] = self.wavelength_A
        for name, value in lengths.items():
            if not (np.isfinite(value) and value > 0):
                raise GeometryError(f"The {name} must be a positive number, not {value!r}.")
        if not np.isfinite(self.center_px).all():
            raise GeometryError(f"The beam center must be two finite numbers, not {self.center_px!r}.")
        if not max(abs(self.pitch_deg), abs(self.yaw_deg)) < 90:
            raise GeometryError(
                f"Pitch and yaw must lie within 90 degrees, not ({self.pitch_deg}, {self.yaw_deg})."
            )

    def axes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors of the fast axis, the slow axis and the normal in the lab frame.

        Returns
        -------
        fast, slow, normal : ndarray, shape (3,)
            ``f = (cosY, 0, -sinY)``, ``s = (sinP sinY, cosP, sinP cosY)``, ``n = f x s``.
        """
        return detector_axes(self.pitch_deg, self.yaw_deg)

    def to_lab(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Lab position in mm of pixel coordinates.

        Parameters
        ----------
        x, y : float or ndarray
            Pixel coordinates (fast, slow), corner origin; they broadcast against each other.

        Returns
        -------
        ndarray, shape broadcast(x, y).shape + (3,)
        """
        fast, slow, _ = self.axes()
        u = (np.asarray(x, dtype=np.float64) - self.center_px[0]) * self.pixel_mm[0]
        v = (np.asarray(y, dtype=np.float64) - self.center_px[1]) * self.pixel_mm[1]
        return np.stack(
            [u * fast[i] + v * slow[i] + (self.distance_mm if i == 2 else 0.0) for i in range(3)],
            axis=-1,
        )

    def from_lab(self, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixel coordinates where rays from the sample meet the detector.

        Parameters
        ----------
        directions : ndarray, shape (..., 3)
            Ray directions in the lab frame, of any length.

        Returns
        -------
        x, y : ndarray, shape (...)
            Fast and slow pixel coordinates; NaN for rays that never reach the plane.
        """
        fast, slow, normal = self.axes()
        toward = directions @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(toward > 1e-12, self.distance_mm * normal[2] / toward, np.nan)
        hit = directions * scale[..., None] - np.array([0.0, 0.0, self.distance_mm])
        x = self.center_px[0] + hit @ fast / self.pixel_mm[0]
        y = self.center_px[1] + hit @ slow / self.pixel_mm[1]
        return x, y

    def two_theta(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Scattering angle 2-theta in radians at pixel coordinates (fast, slow)."""
        lab = self.to_lab(x, y)
        return np.asarray(np.arctan2(np.hypot(lab[..., 0], lab[..., 1]), lab[..., 2]))

    def azimuth(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Azimuth about the beam in radians, from ``+x`` (fast) towards ``+y`` (slow, down)."""
        lab = self.to_lab(x, y)
        return np.asarray(np.arctan2(lab[..., 1], lab[..., 0]))

    def resolution_A(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Resolution ``d = wavelength / (2 sin(theta))`` in Å at pixel coordinates.

        Raises
        ------
        GeometryError
            If the wavelength is unknown.
        """
        if self.wavelength_A is None:
            raise GeometryError("Resolutions in Å need the wavelength, which is unknown.")
        with np.errstate(divide="ignore"):
            return np.asarray(self.wavelength_A / (2.0 * np.sin(self.two_theta(x, y) / 2.0)))

    def pooled(self, pooling: Pooling) -> Geometry:
        """The same detector seen in the pixels of a pooled frame."""
        return replace(
            self,
            center_px=pooling.to_pooled(self.center_px),
            pixel_mm=(self.pixel_mm[0] * pooling.factor, self.pixel_mm[1] * pooling.factor),
        )

    def foot_px(self) -> tuple[float, float]:
        """Foot of the normal from the sample, ``(x, y)`` in px: PONI, ORGX/ORGY; see the module."""
        x, y = self.from_lab(self.axes()[2])
        return float(x), float(y)

    def normal_distance_mm(self) -> float:
        """Distance from the sample to the detector along its normal, in mm."""
        return float(self.distance_mm * self.axes()[2][2])


def from_vectors(
    origin_mm: FloatArray,
    fast: FloatArray,
    slow: FloatArray,
    beam: FloatArray,
    pixel_mm: tuple[float, float],
    wavelength_A: float | None = None,
) -> Geometry:
    """The geometry of a flat detector given by vectors in any orthonormal frame.

    Parameters
    ----------
    origin_mm : ndarray, shape (3,)
        Outer corner of the first pixel, from the sample, in mm.
    fast, slow : ndarray, shape (3,)
        Directions of the axes, of any length; they must be at right angles to 1e-3.
    beam : ndarray, shape (3,)
        Direction of the beam from source to sample, of any length.
    pixel_mm : tuple of float
        Pixel size ``(fast, slow)``.
    wavelength_A : float, optional
        Wavelength in Å.

    Returns
    -------
    Geometry

    Raises
    ------
    GeometryError
        If the axes are not at right angles, or the beam never meets the detector.

    Notes
    -----
    With ``D = n.O`` the beam meets the plane at ``X = b D / (n.b)``. The tilt follows from the beam in
    detector axes, ``(b.f, b.s) = (-sinY, sinP cosY)``, which also holds for an image seen from
    behind (fast x slow against the beam): two-theta of every pixel comes out right.
    """
    f, s, b = (np.asarray(v, dtype=np.float64) / np.linalg.norm(v) for v in (fast, slow, beam))
    if not np.isfinite([f, s, b]).all() or abs(f @ s) > 1e-3:
        raise GeometryError("The detector's fast and slow axes are not two directions at right angles.")
    normal = np.cross(f, s)
    normal = normal * np.sign(normal @ b or 1.0)
    origin = np.asarray(origin_mm, dtype=np.float64)
    along = float(normal @ b)
    distance = float(normal @ origin) / along if along > 1e-6 else np.nan
    if not (np.isfinite(distance) and distance > 0):
        raise GeometryError("The beam never meets the detector: it is edge on, or behind the sample.")
    hit = b * distance - origin
    yaw = np.arcsin(np.clip(-(b @ f), -1.0, 1.0))
    pitch = np.arcsin(np.clip((b @ s) / np.cos(yaw), -1.0, 1.0))
    center = (float(hit @ f / pixel_mm[0]), float(hit @ s / pixel_mm[1]))
    tilt = np.degrees([pitch, yaw])
    # Adding 0 turns the -0.0 of an untilted detector into 0.0.
    pitch_deg, yaw_deg = (float(angle) + 0.0 for angle in tilt)
    return Geometry(center, distance, pixel_mm, wavelength_A, pitch_deg, yaw_deg)


def detector_axes(pitch_deg: float, yaw_deg: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fast axis, slow axis and normal for a pitch and a yaw in degrees; see `Geometry.axes`."""
    sin_p, cos_p = np.sin(np.radians(pitch_deg)), np.cos(np.radians(pitch_deg))
    sin_y, cos_y = np.sin(np.radians(yaw_deg)), np.cos(np.radians(yaw_deg))
    fast = np.array([cos_y, 0.0, -sin_y])
    slow = np.array([sin_p * sin_y, cos_p, sin_p * cos_y])
    normal = np.array([cos_p * sin_y, -sin_p, cos_p * cos_y])
    return fast, slow, normal


@dataclass(frozen=True)
class Symmetry:
    """One of the eight ways to lay a rectangular image on itself, with its labels.

    The transpose (if any) is applied first, then the flips.

    Notes
    -----
    A flip is a mirror of the whole experiment. After a transpose the detector would be rolled
    about the beam by a little (about ``sinP sinY``); two-theta does not see that roll, so the tilt
    returned is the one with the same two-theta at every pixel: it follows from the beam direction
    in detector axes, ``(-sinY, sinP cosY, cosP cosY)``.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def image(self, image: NDArray[Any]) -> NDArray[Any]:
        """The image (..., slow, fast) laid anew; a view, not a copy."""
        out = image.swapaxes(-1, -2) if self.transpose else image
        if self.flip_x:
            out = out[..., ::-1]
        if self.flip_y:
            out = out[..., ::-1, :]
        return out

    def center(self, center: tuple[float, float], shape: tuple[int, int]) -> tuple[float, float]:
        """Where a point ``(x, y)`` of an image of shape ``(slow, fast)`` comes to lie."""
        (x, y), (height, width) = center, shape
        if self.transpose:
            x, y, height, width = y, x, width, height
        return (width - x if self.flip_x else x, height - y if self.flip_y else y)

    def tilt(self, tilt_deg: tuple[float, float]) -> tuple[float, float]:
        """The tilt ``(pitch, yaw)`` in degrees of the image laid anew."""
        pitch, yaw = np.radians(tilt_deg[0]), np.radians(tilt_deg[1])
        along_fast, along_slow = -np.sin(yaw), np.sin(pitch) * np.cos(yaw)
        if self.transpose:
            along_fast, along_slow = along_slow, along_fast
        if self.flip_x:
            along_fast = -along_fast
        if self.flip_y:
            along_slow = -along_slow
        new_yaw = np.arcsin(-along_fast)
        new_pitch = np.arcsin(along_slow / np.cos(new_yaw))
        return float(np.degrees(new_pitch)), float(np.degrees(new_yaw))

    @property
    def inverse(self) -> Symmetry:
        """The symmetry that undoes this one."""
        if not self.transpose:
            return self
        return Symmetry(True, self.flip_y, self.flip_x)


SYMMETRIES: tuple[Symmetry, ...] = tuple(
    Symmetry(transpose, flip_x, flip_y)
    for transpose in (False, True)
    for flip_x in (False, True)
    for flip_y in (False, True)
)
