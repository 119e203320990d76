"""What the sensor does to spots: parallax, its own spread, and more counts from oblique photons."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from xgeom_core.geometry import FloatArray, Geometry


class SensorLike(Protocol):
    """What spots need to know about a sensor; see `xgeom_core.simulate.detectors.sensor.Sensor`."""

    @property
    def psf_sigma_mm(self) -> float:
        """Standard deviation of the sensor's own spread, mm."""

    def shift_mm(self, tan_psi: FloatArray, cos_psi: FloatArray) -> FloatArray:
        """Mean lateral shift in mm, away from the foot of the normal."""

    def spread_mm(self, tan_psi: FloatArray, cos_psi: FloatArray) -> FloatArray:
        """Standard deviation of that shift in mm."""

    def efficiency(self, cos_psi: FloatArray) -> FloatArray:
        """Absorbed share relative to normal incidence."""


def through_sensor(
    x: FloatArray, y: FloatArray, covariance: FloatArray, geometry: Geometry, sensor: SensorLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Spots as the sensor sees them.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Where the beams meet the sensor's surface, px.
    covariance : ndarray, shape (n, 3)
        Vxx, Vxy, Vyy in px^2.
    geometry : Geometry
        The detector.
    sensor : SensorLike
        Its sensor.

    Returns
    -------
    x, y : ndarray, shape (n,)
        Mean positions after parallax, px.
    covariance : ndarray, shape (n, 3)
        With the spread along the shift, and the sensor's own, added.
    efficiency : ndarray, shape (n,)
        Absorbed share relative to normal incidence.

    Notes
    -----
    A beam that meets the plane at R mm from the foot of the normal comes in at ``tan psi = R / D``, D being
    the distance along the normal, and travels on in the direction away from the foot.
    """
    foot = geometry.foot_px()
    px, py = geometry.pixel_mm
    u, v = (x - foot[0]) * px, (y - foot[1]) * py
    radius = np.hypot(u, v)
    tan_psi = radius / geometry.normal_distance_mm()
    cos_psi = 1.0 / np.sqrt(1.0 + tan_psi**2)
    away = np.maximum(radius, 1e-12)
    ux, uy = u / away / px, v / away / py
    shift = sensor.shift_mm(tan_psi, cos_psi)
    spread = sensor.spread_mm(tan_psi, cos_psi) ** 2
    own = sensor.psf_sigma_mm**2
    smeared = covariance + np.stack(
        [spread * ux**2 + own / px**2, spread * ux * uy, spread * uy**2 + own / py**2], axis=1
    )
    return x + shift * ux, y + shift * uy, smeared, sensor.efficiency(cos_psi)
