"""Errors that no residual shows: the depth of the sensor, and what is left of large numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry

FloatArray = NDArray[np.float64]

# Mean depth at which a sensor absorbs a ray, along its normal, and how unsure that is, in mm.
_DEPTH_MM, _DEPTH_DOUBT_MM = 0.1, 0.04
# Centroids depend a little on where in a pixel a spot lies, and on its neighbors: thousands of them do not
# average that out. In px and degrees.
_LEAST_PX, _LEAST_DEG = 0.006, 0.003


def on_surface(geometry: Geometry, covariance: FloatArray) -> tuple[Geometry, FloatArray]:
    """Center on the surface of the sensor, and the covariance of center and tilt with systematic errors.

    Parameters
    ----------
    geometry : Geometry
        As spots demand it, which lie in the depth of the sensor.
    covariance : ndarray, shape (4, 4)
        Over ``(x, y, pitch, yaw)`` in px and degrees, from the residuals.

    Notes
    -----
    A constant depth h along the normal moves all spots away from the foot of the normal, as if the detector
    stood farther off by h. The beam's own point moves by h times the tangent of its angle to the normal: not
    at all on a straight detector, by 0.2 px of 172 µm on one that is swung by 20 degrees.
    """
    foot = np.array(geometry.foot_px())
    away = np.array(geometry.center_px) - foot
    normal = geometry.normal_distance_mm()
    x, y = (foot + away * (1.0 - _DEPTH_MM / normal)).tolist()
    covariance = covariance + np.diag([_LEAST_PX**2] * 2 + [_LEAST_DEG**2] * 2)
    covariance[:2, :2] += np.outer(away, away) * (_DEPTH_DOUBT_MM / normal) ** 2
    return replace(geometry, center_px=(x, y)), covariance
