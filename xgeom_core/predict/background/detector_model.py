"""How a tilted detector sees what depends on two-theta alone: radius, solid angle, polarization.

A pixel at two-theta expects ``profile(rho) * g * polarization * exp(waves)``:

- ``rho = D tan(two_theta)``, the radius on an untilted detector, in native pixels. The profile is
  free, so everything that depends on two-theta alone (scattering, solid angle, the even part of the
  polarization, absorption in air) is part of it.
- ``g = (D / Z)**3`` is what a tilt does to the solid angle at equal two-theta: a pixel of the plane
  sees ``n.R / R**3``, ``n.R`` is constant on a plane, and ``R = Z / cos(two_theta)``. What sensor and
  air add is in `xgeom_core.predict.background.losses`.
- polarization is ``1 - a cos(2 phi) sin^2 / (1 + cos^2)`` beside its even part; the degree ``a`` is
  one number of the fit, times the share of the light that is polarized at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Metadata


@dataclass(frozen=True)
class Detector:
    """What the fit takes as given: distance in native pixels (fast axis) and the pixels' aspect.

    Parameters
    ----------
    distance_px : float
        Sample to beam center in px.
    aspect : float
        Slow pixel size divided by fast pixel size.
    assumed : bool
        Whether the distance is only a guess. With a free profile an image depends, to first order,
        on tilt / distance alone, so the center comes out right all the same; the tilt does not.
    obliquity, obliquity_doubt : float
        Logarithm of the sensor's likely thickness in attenuation lengths, in units of its standard
        deviation, and that; see `sensor_of`.
    air_per_px : float
        What air takes on the way of a px.
    depth_px : float
        How deep in the sensor photons are likely to stop. To the fit the detector stands that much
        farther away (parallax); see `at_surface`.
    """

    distance_px: float
    aspect: float = 1.0
    assumed: bool = False
    obliquity: float = 0.0
    obliquity_doubt: float = 0.8
    air_per_px: float = 0.0
    depth_px: float = 0.0


def detector_of(metadata: Metadata, side_px: int) -> Detector:
    """The detector that the metadata state; a middling distance where they do not."""
    fast, slow = metadata.pixel_mm or (1.0, 1.0)
    log_thickness, doubt = sensor_of(metadata)
    if metadata.pixel_mm is None or metadata.distance_mm is None:
        return Detector(float(side_px), slow / fast, assumed=True, obliquity=log_thickness / doubt)
    depth, air = DEPTH_MM / fast, air_per_mm(metadata.wavelength_A) * fast
    distance = metadata.distance_mm / fast + depth
    return Detector(distance, slow / fast, False, log_thickness / doubt, doubt, air, depth)


def at_surface(theta: FloatArray, detector: Detector) -> FloatArray:
    """Center and tilt with the center on the sensor's surface, from those of the plane where photons stop.

    Notes
    -----
    The beam goes on along z between the two planes, which are ``depth`` apart: in detector axes it moves
    by ``depth (b.f, b.s) = depth (-sinY, sinP cosY)``.
    """
    found: FloatArray = theta[:4].copy()
    found[:2] -= detector.depth_px * _beam_in_detector(theta, detector)
    return found


def depth_doubt(theta: FloatArray, detector: Detector) -> FloatArray:
    """Covariance of center (px) and tilt (radians) because the depth is only a likely one, shape (4, 4).

    A detector that stands farther away than thought is tilted more: the image tells tilt over distance.
    """
    move = np.concatenate([_beam_in_detector(theta, detector), -theta[2:4] / detector.distance_px])
    size = detector.depth_px * _DEPTH_DOUBT
    return np.asarray(size**2 * np.outer(move, move))


def _beam_in_detector(theta: FloatArray, detector: Detector) -> FloatArray:
    pitch, yaw = theta[2:4]
    return np.array([-np.sin(yaw), np.sin(pitch) * np.cos(yaw) / detector.aspect])


# Silicon stops photons at 0.05 to 0.25 mm, phosphors and CdTe at 0.02 mm; files do not say.
DEPTH_MM = 0.1
_DEPTH_DOUBT = 0.7


def air_per_mm(wavelength_A: float | None) -> float:
    """Attenuation of air: 0.6 per m at 1 Angstrom, growing with the cube of the wavelength."""
    return 0.0 if wavelength_A is None else 1.2e-4 * (4.96 * (wavelength_A / 1.2398) ** 3 + 0.16)


def sensor_of(metadata: Metadata) -> tuple[float, float]:
    """Logarithm of the sensor's likely thickness in attenuation lengths, and its standard deviation."""
    usual = _SILICON_PER_MM * (metadata.wavelength_A or 1.0) ** 2.9
    if metadata.sensor_mm and metadata.sensor_material:
        silicon = metadata.sensor_material == "Si"
        return math.log(usual * metadata.sensor_mm * (1.0 if silicon else _HEAVIER)), 0.1 if silicon else 0.5
    return min(max(math.log(usual * _USUAL_MM), _THINNEST), _THICKEST), 0.8


# NIST: silicon at 12.4 keV; CdTe, CZT and GaAs stop photons in a tenth of that or less.
_SILICON_PER_MM, _HEAVIER = 4.2, 12.0
# Where nothing is stated: silicon of 0.3 to 1 mm, and phosphors that are as opaque as that.
_USUAL_MM, _THINNEST, _THICKEST = 0.45, math.log(0.4), math.log(6.0)


@dataclass(frozen=True, eq=False)
class Sight:
    """Where pixels look.

    Parameters
    ----------
    rho : ndarray, shape (n,)
        Radius on the untilted detector in px.
    log_g : ndarray, shape (n,)
        Logarithm of the solid-angle factor.
    d_rho, d_log_g, d_angle : ndarray, shape (4, n)
        Derivatives, the azimuth's too, with respect to center x, y in px and pitch, yaw in radians.
    cos, sin : ndarray, shape (n,)
        Of the azimuth about the beam.
    bent, bending : ndarray, shape (n,)
        Radius in units of momentum transfer and its derivative by rho; see `bent`.
    """

    rho: FloatArray
    log_g: FloatArray
    d_rho: FloatArray
    d_log_g: FloatArray
    d_angle: FloatArray
    cos: FloatArray
    sin: FloatArray
    bent: FloatArray
    bending: FloatArray


def sight(x: FloatArray, y: FloatArray, parameters: FloatArray, detector: Detector) -> Sight:
    """Radius, solid angle and azimuth of pixels, with derivatives.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Native pixel coordinates, corner origin.
    parameters : ndarray, shape (4,)
        Center x, y in px, pitch, yaw in radians.
    detector : Detector
    """
    u = x - parameters[0]
    v = (y - parameters[1]) * detector.aspect
    distance, pitch, yaw = detector.distance_px, float(parameters[2]), float(parameters[3])
    fast, slow = _axes(parameters)
    sin_p, cos_p, sin_y, cos_y = math.sin(pitch), math.cos(pitch), math.sin(yaw), math.cos(yaw)
    across, up = u * fast[0] + v * slow[0], v * slow[1]
    h = np.maximum(np.sqrt(across * across + up * up), 1e-6)
    cos, sin = across / h, up / h
    lab_z = np.maximum(distance + u * fast[2] + v * slow[2], 0.05 * distance)
    scale = distance / lab_z
    lean = h / lab_z
    d_rho, d_z, d_angle = np.empty((4, len(u))), np.empty((4, len(u))), np.empty((4, len(u)))
    d_z[0], d_z[1] = -fast[2], -detector.aspect * slow[2]
    d_rho[0], d_angle[0] = -fast[0] * cos, fast[0] * sin
    d_rho[1] = -detector.aspect * (slow[0] * cos + slow[1] * sin)
    d_angle[1] = detector.aspect * (slow[0] * sin - slow[1] * cos)
    d_z[2] = cos_p * cos_y * v
    d_rho[2] = v * (cos_p * sin_y * cos - sin_p * sin)
    d_angle[2] = v * (-sin_p * cos - cos_p * sin_y * sin)
    d_z[3] = -cos_y * u - sin_p * sin_y * v
    lean_x = sin_p * cos_y * v - sin_y * u
    d_rho[3], d_angle[3] = lean_x * cos, -lean_x * sin
    d_rho -= lean * d_z
    d_rho *= scale
    d_z *= -3.0 / lab_z
    d_angle /= h
    rho = scale * h
    return Sight(rho, 3.0 * np.log(scale), d_rho, d_z, d_angle, cos, sin, *bent(rho, distance))


def _axes(parameters: FloatArray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Fast and slow axis as `detector_axes` has them; without arrays, as the search for rings asks often."""
    pitch, yaw = float(parameters[2]), float(parameters[3])
    sin_p, cos_p, sin_y, cos_y = math.sin(pitch), math.cos(pitch), math.sin(yaw), math.cos(yaw)
    return (cos_y, 0.0, -sin_y), (sin_p * sin_y, cos_p, sin_p * cos_y)


def bent(rho: FloatArray, distance_px: float) -> tuple[FloatArray, FloatArray]:
    """Radius in units of momentum transfer, ``2 D sin(theta)`` in px, and its derivative by rho.

    What scatters has features of a constant width in momentum transfer, not on a detector: at wide
    angles a profile against this radius is evenly smooth.
    """
    square = (rho / distance_px) ** 2
    cos2 = 1.0 / np.sqrt(1.0 + square)
    # 2 sin^2(theta) = 1 - cos(2 theta), written so that small angles lose no digits.
    sine = np.sqrt(0.5 * square * cos2 * cos2 / (1.0 + cos2))
    return 2.0 * distance_px * sine, np.sqrt(0.5 * (1.0 + cos2)) * cos2 * cos2


def radii(x: NDArray[Any], y: NDArray[Any], parameters: FloatArray, detector: Detector) -> NDArray[Any]:
    """`Sight.rho` alone, in the precision of x and y, which may broadcast against each other."""
    kind = x.dtype.type
    fast, slow = _axes(parameters)
    u = x - kind(parameters[0])
    v = (y - kind(parameters[1])) * kind(detector.aspect)
    across = u * kind(fast[0]) + v * kind(slow[0])
    up = v * kind(slow[1])
    distance = kind(detector.distance_px)
    lab_z = u * kind(fast[2]) + (v * kind(slow[2]) + distance)
    np.maximum(lab_z, kind(0.05) * distance, out=lab_z)
    rho = across * across
    rho += up * up
    np.sqrt(rho, out=rho)
    rho *= distance / lab_z
    return rho


def polarization_wave(look: Sight, distance_px: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What one unit of polarization along the fast axis takes from the intensity, relative.

    Returns
    -------
    wave, by_radius, by_angle : ndarray, shape (n,)
        The wave and its derivatives by the radius (1/px) and the azimuth.
    """
    tan2 = (look.rho / distance_px) ** 2
    # sin^2 / (1 + cos^2) with cos^2 = 1 / (1 + tan^2)
    depth = tan2 / (tan2 + 2.0)
    double = look.cos**2 - look.sin**2
    by_radius = double * (4.0 / distance_px**2) * look.rho / (tan2 + 2.0) ** 2
    return double * depth, by_radius, (-4.0 * look.cos * look.sin) * depth
