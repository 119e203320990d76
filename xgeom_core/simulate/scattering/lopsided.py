"""Slowly varying factors and terms that break the symmetry about the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class Wave:
    """An azimuthal wave in log intensity.

    Parameters
    ----------
    order : int
        Maxima per turn: 1 for slits and off-center capillaries, 2 for plates and loops.
    size : float
        Amplitude in log intensity at two-theta of 30 degrees.
    phase_deg : float
        Azimuth of a maximum, from ``+x`` towards ``+y``.
    slope : float
        Power of two-theta with which the amplitude grows; 0 for none.

    Notes
    -----
    Its m = 1 part imitates a shifted center, which is why fits to amplitudes alone drift.
    """

    order: int
    size: float
    phase_deg: float
    slope: float

    def __call__(self, rays: FloatArray) -> FloatArray:
        """Factor for unit vectors of rays, shape (..., 3)."""
        across = np.hypot(rays[..., 0], rays[..., 1])
        azimuth = np.arctan2(rays[..., 1], rays[..., 0])
        # Vanishing at the beam, where there is no azimuth, within about two degrees.
        reach = across**2 / (across**2 + 0.03**2) * (across / 0.5) ** self.slope
        wave = np.cos(self.order * (azimuth - np.radians(self.phase_deg)))
        return np.asarray(np.exp(self.size * np.minimum(reach, 2.0) * wave))


@dataclass(frozen=True)
class Gradient:
    """Even slope across the scattering, as from a slit or capillary wall that cuts it on one side.

    Parameters
    ----------
    size : float
        Change of log intensity per unit of the ray's component (per 57 degrees at small angles).
    direction_deg : float
        Azimuth in which the intensity rises.
    """

    size: float
    direction_deg: float

    def __call__(self, rays: FloatArray) -> FloatArray:
        """Factor for unit vectors of rays, shape (..., 3)."""
        turn = np.radians(self.direction_deg)
        along = rays[..., 0] * np.cos(turn) + rays[..., 1] * np.sin(turn)
        return np.asarray(np.exp(self.size * along))
