"""What air and sensor take of light that comes in obliquely, and light that is not polarized.

All of it is told beside what depends on two-theta alone: an untilted detector knows nothing of air and
sensor. A pixel at two-theta on a detector at distance D, with Z its distance along the beam, q = Z / D
and n_z the beam component of the detector's normal, sees

- air along ``R = Z / cos(two_theta)``: ``exp(-mu (Z - D) / cos(two_theta))``;
- the sensor, t attenuation lengths thick, at ``1 / cos(psi) = q / (n_z cos(two_theta))``: the share
  ``1 - exp(-t / cos(psi))`` is stopped, relative to ``1 - exp(-t / cos(two_theta))``.

No power of Z stands for these at the 40 to 70 degrees of incidence that a swung detector has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Detector, Sight

# Beyond so many attenuation lengths everything is stopped.
_OPAQUE = 60.0
# Share of the light beyond which more even light changes nothing.
LARGEST_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Losses:
    """Logarithm of what air and sensor leave, with derivatives.

    Parameters
    ----------
    log : ndarray, shape (n,)
    by_air, by_sensor : ndarray, shape (n,)
        Derivatives by the amount of air and by the logarithm of the sensor's thickness.
    d_log : ndarray, shape (4, n)
        By center x, y in px and pitch, yaw in radians.
    """

    log: FloatArray
    by_air: FloatArray
    by_sensor: FloatArray
    d_log: FloatArray


def losses(look: Sight, theta: FloatArray, detector: Detector, air: float, log_thickness: float) -> Losses:
    """What air and sensor leave at pixels.

    Parameters
    ----------
    look : Sight
    theta : ndarray, shape (>= 4,)
        Center x, y in px, pitch, yaw in radians.
    detector : Detector
    air : float
        Amount of air on the way; 1 if it is all air.
    log_thickness : float
        Logarithm of the sensor's thickness in attenuation lengths.
    """
    pitch, yaw = float(theta[2]), float(theta[3])
    q = np.exp(look.log_g / -3.0)
    tan = look.rho / detector.distance_px
    longer = np.sqrt(1.0 + tan * tan)
    straight = np.minimum(math.exp(log_thickness) * longer, _OPAQUE)
    oblique = np.minimum(straight * q / (math.cos(pitch) * math.cos(yaw)), _OPAQUE)
    thin, thick = oblique / np.expm1(oblique), straight / np.expm1(straight)
    path = detector.air_per_px * detector.distance_px * longer
    by_air, by_sensor = -path * (q - 1.0), thin - thick
    found = air * by_air + np.log(np.expm1(-oblique) / np.expm1(-straight))
    d_log = (thin - air * path * q) * look.d_log_g / -3.0
    # The logarithm of 1 / cos(two_theta) grows by this with rho.
    d_log += (air * by_air + by_sensor) * tan / (detector.distance_px * longer**2) * look.d_rho
    d_log[2] += thin * math.tan(pitch)
    d_log[3] += thin * math.tan(yaw)
    return Losses(found, by_air, by_sensor, d_log)


def even_share(
    look: Sight, distance_px: float, brightness: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share of the light that is even in all directions and not polarized, such as fluorescence.

    Parameters
    ----------
    look : Sight
    distance_px : float
    brightness : ndarray, shape (n,)
        Logarithm of even light beside all the light there is on an untilted detector, without the fall of
        even light on that detector.
    slope : ndarray, shape (n,)
        Derivative of the logarithm of all the light by rho.

    Returns
    -------
    share, by_radius : ndarray, shape (n,)
        The share and its derivative by rho.
    """
    tan = look.rho / distance_px
    square = 1.0 + tan * tan
    share = np.exp(np.minimum(brightness, 9.0)) / (square * np.sqrt(square))
    by_radius = share * (-slope - 3.0 * tan / (distance_px * square))
    by_radius[share > LARGEST_SHARE] = 0.0
    return np.minimum(share, LARGEST_SHARE), by_radius
