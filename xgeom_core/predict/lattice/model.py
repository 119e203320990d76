"""The model of a still: where lattice points near the Ewald sphere land on a tilted detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry, detector_axes

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
        length = np.linalg.norm(rays, axis=1)
        unit = rays / length[:, None]
        cosine = unit[:, 2]
        # sin^2(2 theta), not so small that the beam's own point divides by zero.
        sine2 = np.maximum(1.0 - cosine**2, 1e-12)
        outward = unit * cosine[:, None] - np.array([0.0, 0.0, 1.0])
        return np.asarray(((length - self.radius) * (1.0 - cosine) / sine2)[:, None] * outward)

    def recorded(self, rays: FloatArray) -> FloatArray:
        """Rays as they are recorded."""
        return rays if self.mosaic == 0.0 else rays + self.mosaic * self.slide(rays)

    def indices(self, rays: FloatArray) -> FloatArray:
        """Fractional indices of rays, shape (n, 3)."""
        return np.asarray(np.linalg.solve(self.reciprocal, (rays - self.origin).T).T)


def wavelength(geometry: Geometry) -> float:
    """The wavelength of a geometry that must have one."""
    if geometry.wavelength_A is None:
        raise ValueError("a lattice needs the wavelength")
    return geometry.wavelength_A


def observed_rays(geometry: Geometry, x: FloatArray, y: FloatArray) -> FloatArray:
    """Rays to pixels, on the Ewald sphere, shape (n, 3), in 1/Å."""
    lab = geometry.to_lab(x, y)
    return np.asarray(lab / np.linalg.norm(lab, axis=-1, keepdims=True) / wavelength(geometry))


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
    axes = np.stack([fast, slow])
    d_axes = np.stack(
        [
            np.stack([np.zeros(3), normal]),
            np.array([[-sin_y, 0.0, -cos_y], [sin_p * cos_y, 0.0, -sin_p * sin_y]]),
        ]
    )
    d_normal = np.stack([-slow, np.array([cos_p * cos_y, 0.0, -cos_p * sin_y])])
    size = np.array(geometry.pixel_mm)
    distance = geometry.distance_mm
    toward = np.maximum(rays @ normal, 1e-6)
    scale = distance * normal[2] / toward
    along = rays @ axes.T
    hit = along * scale[:, None] - distance * axes[:, 2]
    by_ray = (
        scale[:, None, None] * (axes[None] - (along / toward[:, None])[:, :, None] * normal) / size[:, None]
    )
    by_tilt = np.empty((len(rays), 2, 2))
    for i in range(2):
        d_scale = distance * (d_normal[i, 2] - normal[2] * (rays @ d_normal[i]) / toward) / toward
        moved = d_scale[:, None] * along + scale[:, None] * (rays @ d_axes[i].T) - distance * d_axes[i, :, 2]
        by_tilt[:, :, i] = np.radians(1.0) * moved / size
    return Projection(np.array(geometry.center_px) + hit / size, by_ray, by_tilt, hit / size)
