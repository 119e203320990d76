"""The model of a still: where lattice points near the Ewald sphere land on a tilted detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry, detector_axes
from xgeom_core.predict.lattice.algebra import inverse3, lengths

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Model:
    """A geometry and one lattice in it.

    Parameters
    ----------
    geometry : Geometry
        With the wavelength known.
    origin : ndarray, shape (3,)
        A lattice point in 1/Å from the center of the Ewald sphere. ``(0, 0, 1/wavelength)`` once
        the point of the direct beam has been told from the others.
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* of a primitive cell in 1/Å, lab frame.
    mosaic : float
        How a point off the Ewald sphere is recorded. 0: where its own ray goes, as for small blocks. 1:
        at the Bragg angle of its length, as for blocks turned until they diffract.
    blurred : bool
        Whether points may be recorded so far off the sphere that rounding does not tell the indices.
    """

    geometry: Geometry
    origin: FloatArray
    reciprocal: FloatArray
    mosaic: float = 0.0
    blurred: bool = False

    @property
    def radius(self) -> float:
        """Radius of the Ewald sphere in 1/Å."""
        return 1.0 / wavelength(self.geometry)

    def rays(self, hkl: FloatArray) -> FloatArray:
        """Diffracted beams of indices, shape (n, 3), in 1/Å."""
        return np.asarray(self.origin + hkl @ self.reciprocal.T)

    def slide(self, rays: FloatArray) -> FloatArray:
        """How far rays slide away from the beam where `mosaic` is 1, in 1/Å, shape (n, 3).

        Notes
        -----
        A point that misses the sphere by e reaches it by a turn about the origin; along the sphere this
        is a step of ``e tan(theta)`` away from the beam.
        """
        length = lengths(rays)
        unit = rays / length[:, None]
        cosine = unit[:, 2].copy()
        # sin^2(2 theta), not so small that the beam's own point divides by zero.
        sine2 = np.maximum(1.0 - cosine * cosine, 1e-12)
        unit *= cosine[:, None]
        unit[:, 2] -= 1.0
        unit *= ((length - self.radius) * (1.0 - cosine) / sine2)[:, None]
        return unit

    def recorded(self, rays: FloatArray) -> FloatArray:
        """Rays as they are recorded."""
        return rays if self.mosaic == 0.0 else rays + self.mosaic * self.slide(rays)

    def indices(self, rays: FloatArray) -> FloatArray:
        """Fractional indices of rays, shape (n, 3)."""
        return np.asarray((rays - self.origin) @ inverse3(self.reciprocal).T)


def wavelength(geometry: Geometry) -> float:
    """The wavelength of a geometry that must have one."""
    if geometry.wavelength_A is None:
        raise ValueError("a lattice needs the wavelength")
    return geometry.wavelength_A


def observed_rays(geometry: Geometry, x: FloatArray, y: FloatArray) -> FloatArray:
    """Rays to pixels, on the Ewald sphere, shape (n, 3), in 1/Å."""
    fast, slow, _ = detector_axes(geometry.pitch_deg, geometry.yaw_deg)
    aside = np.empty((len(x), 2))
    np.subtract(x, geometry.center_px[0], out=aside[:, 0])
    np.subtract(y, geometry.center_px[1], out=aside[:, 1])
    lab = aside @ np.array([fast * geometry.pixel_mm[0], slow * geometry.pixel_mm[1]])
    lab[:, 2] += geometry.distance_mm
    lab /= (lengths(lab) * wavelength(geometry))[:, None]
    return np.asarray(lab)


def positions(geometry: Geometry, rays: FloatArray) -> FloatArray:
    """Where rays meet the detector, shape (n, 2), in px; see `project`."""
    fast, slow, normal = detector_axes(geometry.pitch_deg, geometry.yaw_deg)
    distance, size = geometry.distance_mm, geometry.pixel_mm
    seen = rays @ np.array([fast / size[0], slow / size[1], normal]).T
    xy = seen[:, :2] * (distance * normal[2] / np.maximum(seen[:, 2], 1e-6))[:, None]
    xy[:, 0] += geometry.center_px[0] - distance * fast[2] / size[0]
    xy[:, 1] += geometry.center_px[1] - distance * slow[2] / size[1]
    return np.asarray(xy)


@dataclass(frozen=True, eq=False)
class Projection:
    """Rays on the detector, and how the positions move with everything.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Positions in px.
    by_ray : ndarray, shape (n, 2, 3)
        Derivative by the ray, px Å.
    by_tilt : ndarray, shape (n, 2, 2)
        Derivative by (pitch, yaw), px per degree.
    by_distance : ndarray, shape (n, 2)
        Derivative by the logarithm of the distance, px.
    """

    xy: FloatArray
    by_ray: FloatArray
    by_tilt: FloatArray
    by_distance: FloatArray


def project(geometry: Geometry, rays: FloatArray) -> Projection:
    """Positions of rays and their derivatives; rays must point towards the detector.

    Notes
    -----
    With ``t = k.n`` the ray k meets the plane at ``k d n_z / t``. The derivatives of the axes follow from
    `detector_axes`: ``dn/dP = -s``, ``ds/dP = n``, ``df/dP = 0``.
    """
    fast, slow, normal = detector_axes(geometry.pitch_deg, geometry.yaw_deg)
    p, y = np.radians([geometry.pitch_deg, geometry.yaw_deg])
    sin_p, cos_p, sin_y, cos_y = np.sin(p), np.cos(p), np.sin(y), np.cos(y)
    size = np.array(geometry.pixel_mm)[:, None]
    axes = np.array([fast, slow]) / size
    by_pitch = np.array([np.zeros(3), normal]) / size
    by_yaw = np.array([[-sin_y, 0.0, -cos_y], [sin_p * cos_y, 0.0, -sin_p * sin_y]]) / size
    d_normal = np.array([-slow, [cos_p * cos_y, 0.0, -cos_p * sin_y]])
    distance = geometry.distance_mm
    # All scalar products at once: with the axes, the normal, and the changes of both.
    seen = rays @ np.concatenate([axes, by_pitch, by_yaw, d_normal, normal[None]]).T
    toward = np.maximum(seen[:, 8:], 1e-6)
    scale = distance * normal[2] / toward
    along = seen[:, :2]
    hit = along * scale - distance * axes[:, 2]
    by_ray = scale[:, :, None] * (axes - (along / toward)[:, :, None] * normal)
    by_tilt = np.empty((len(rays), 2, 2))
    for i, d_axes in enumerate((by_pitch, by_yaw)):
        d_scale = distance * (d_normal[i, 2] - normal[2] * seen[:, 6 + i : 7 + i] / toward) / toward
        moved = d_scale * along + scale * seen[:, 2 + 2 * i : 4 + 2 * i] - distance * d_axes[:, 2]
        by_tilt[:, :, i] = np.radians(1.0) * moved
    return Projection(np.array(geometry.center_px) + hit, by_ray, by_tilt, hit)
