"""The model behind the radial fit: an unknown profile against two-theta, seen by a tilted detector.

A pixel at two-theta expects ``profile(rho) * g * exp(nuisance)``:

- ``rho = D tan(two_theta)``, the radius on an untilted detector, in pixels. The profile is free, so
  everything that depends on two-theta alone (scattering, solid angle, the even part of the
  polarization, absorption) is part of it.
- ``g = (D / Z)**3`` is what a tilt does to the solid angle at equal two-theta: a pixel of the plane
  sees ``n.R / R**3``, ``n.R`` is constant on a plane, and ``R = Z / cos(two_theta)``.
- the nuisance is a smooth wave in azimuth (one-fold, two-fold) whose strength may vary with the
  radius. It takes up polarization, shadows, slits and air paths, so that the geometry is read
  from where the features are and not from how bright they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_smoothing_spline

from xgeom_core.geometry import FloatArray, detector_axes


@dataclass(frozen=True)
class Detector:
    """What the fit takes as given: distance in pixels (fast axis) and the pixels' aspect.

    Parameters
    ----------
    distance_px : float
        Sample to beam center in px.
    aspect : float
        Slow pixel size divided by fast pixel size.
    assumed : bool
        Whether the distance is only a guess. With a free profile an image depends, to first order,
        on tilt / distance alone, so the center comes out right all the same; the tilt does not.
    """

    distance_px: float
    aspect: float = 1.0
    assumed: bool = False


def radius(
    x: FloatArray, y: FloatArray, parameters: FloatArray, detector: Detector
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Radius, solid-angle factor and their derivatives.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pixel coordinates, corner origin.
    parameters : ndarray, shape (4,)
        Center x, y in px, pitch, yaw in radians.
    detector : Detector

    Returns
    -------
    rho : ndarray, shape (n,)
        Radius on the untilted detector in px.
    log_g : ndarray, shape (n,)
        Logarithm of the solid-angle factor.
    d_rho, d_log_g : ndarray, shape (4, n)
        Derivatives with respect to the parameters.
    """
    u = x - parameters[0]
    v = (y - parameters[1]) * detector.aspect
    distance, (pitch, yaw) = detector.distance_px, parameters[2:]
    fast, slow, _ = detector_axes(np.degrees(pitch), np.degrees(yaw))
    lab_x, lab_y = u * fast[0] + v * slow[0], v * slow[1]
    lab_z = distance + u * fast[2] + v * slow[2]
    h = np.maximum(np.hypot(lab_x, lab_y), 1e-6)
    scale = distance / lab_z
    rho = scale * h
    d_rho, d_log_g = np.empty((4, len(u))), np.empty((4, len(u)))
    for i, (du, dv) in enumerate(_coefficients(pitch, yaw, fast, slow, detector.aspect)):
        one, other = (1.0, 1.0) if i < 2 else (u, v)
        d_x, d_y = one * du[0] + other * dv[0], one * du[1] + other * dv[1]
        d_z = (one * du[2] + other * dv[2]) / lab_z
        d_rho[i] = scale * ((lab_x * d_x + lab_y * d_y) / h - h * d_z)
        d_log_g[i] = -3.0 * d_z
    return rho, 3.0 * np.log(scale), d_rho, d_log_g


def _coefficients(
    pitch: float, yaw: float, fast: FloatArray, slow: FloatArray, aspect: float
) -> list[tuple[FloatArray, FloatArray]]:
    """Derivatives of the lab position: constants for the center, factors of u and v for the tilt."""
    sin_p, cos_p, sin_y, cos_y = np.sin(pitch), np.cos(pitch), np.sin(yaw), np.cos(yaw)
    nothing = np.zeros(3)
    return [
        (-fast, nothing),
        (nothing, -slow * aspect),
        (nothing, np.array([cos_p * sin_y, -sin_p, cos_p * cos_y])),
        (np.array([-sin_y, 0.0, -cos_y]), np.array([sin_p * cos_y, 0.0, -sin_p * sin_y])),
    ]


def waves(
    x: FloatArray, y: FloatArray, center: FloatArray, span: float, orders: tuple[int, ...]
) -> FloatArray:
    """Nuisance columns: azimuthal waves times 1, r and r squared.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    center : ndarray, shape (2,)
        About which the azimuth is taken.
    span : float
        Radius in px at which r counts as 1.
    orders : tuple of int
        Azimuthal orders m.

    Returns
    -------
    ndarray, shape (6 * len(orders), n)
    """
    u, v = x - center[0], y - center[1]
    r = np.maximum(np.hypot(u, v), 1e-6)
    cos, sin, r = u / r, v / r, r / span
    columns = []
    for order in orders:
        wave = (cos + 1j * sin) ** order
        for part in (wave.real, wave.imag):
            columns += [part, part * r, part * r * r]
    return np.array(columns)


class Profile:
    """A free radial profile: means in bins, straight lines between them.

    Parameters
    ----------
    rho : ndarray, shape (n,)
        Radius of each pixel in px.
    counts, factor : ndarray, shape (n,)
        Counts, and by what the profile is multiplied at each pixel.
    weight : ndarray, shape (n,)
        Weight of each pixel, 0 for those left out.
    width : float
        Width of a bin in px.
    smoothness : float, optional
        Roughness penalty for the slope, as found by an earlier profile of the same pixels; found
        anew if None.
    """

    def __init__(
        self,
        rho: FloatArray,
        counts: FloatArray,
        factor: FloatArray,
        weight: FloatArray,
        width: float,
        smoothness: float | None = None,
    ) -> None:
        self._low = float(rho.min())
        self._width = width
        self._bins = int((rho.max() - self._low) / width) + 1
        self.bin = np.minimum(((rho - self._low) / width).astype(np.int64), self._bins - 1)
        norm = self._sum(weight * factor * factor)
        total = self._sum(weight * factor * counts)
        filled = norm > 0
        grid = np.arange(self._bins, dtype=np.float64)
        self.value = np.interp(grid, grid[filled], total[filled] / norm[filled])
        self._norm = np.where(filled, norm, 1.0)
        slope, self.smoothness = _slope(grid[filled], self.value[filled], norm[filled], grid, smoothness)
        place = (rho - self._low) / width - 0.5
        self.at = np.interp(place, grid, self.value)
        self.slope_at = np.interp(place, grid, slope / width)

    def _sum(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(self.bin, weights=values, minlength=self._bins), dtype=np.float64)

    def project_out(self, column: FloatArray, factor: FloatArray, weight: FloatArray) -> FloatArray:
        """What is left of a column after the free profile has taken all it can."""
        share = self._sum(weight * factor * column) / self._norm
        return np.asarray(column - factor * share[self.bin])


def _slope(
    grid: FloatArray, value: FloatArray, weight: FloatArray, at: FloatArray, smoothness: float | None
) -> tuple[FloatArray, float]:
    """Slope per bin of a smoothing spline through the profile, and its roughness penalty.

    A slope taken from raw bins would be mostly noise, and noise in the slope passes for information
    about the center. The penalty is the largest that keeps the spline within the counting noise
    (the discrepancy principle: weighted chi-square per bin of 1; weights are inverse variances).
    """
    if len(grid) < _LEAST_BINS:
        return np.zeros(len(at)), 1.0
    relative = weight / weight.mean()
    tries = _PENALTIES if smoothness is None else (smoothness,)
    for penalty in tries:
        spline = make_smoothing_spline(grid, value, w=relative, lam=penalty)
        if float(np.mean(weight * (value - spline(grid)) ** 2)) <= 1.0:
            break
    return np.asarray(spline.derivative()(np.clip(at, grid[0], grid[-1]))), penalty


_LEAST_BINS = 8
_PENALTIES = tuple(10.0**power for power in (6, 5, 4, 3, 2, 1.5, 1, 0.5, 0, -0.5, -1, -2))
