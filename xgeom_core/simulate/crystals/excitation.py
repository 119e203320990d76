"""How strongly each reflection is recorded, where, and how its spot is smeared.

Notes
-----
A reflection is recorded by whatever part of the experiment happens to satisfy the Laue condition: some
mosaic blocks, some rays of the beam, some moment of the rotation. All of these are small random
numbers z about a mean experiment: the displacement of the lattice point by the finite size of a
block, the rotation of the block, the direction of the ray, its wavelength. To first order the
diffracted wave vector ``k1 = s0 + s`` and the excitation error ``e = |k1| - |s0|`` are linear in z::

    block size     normal, sigma_b = 1 / (sqrt(2 pi) L) along every axis: the Gaussian with the peak
                   and the integral of the transform of a block of length L (Scherrer; James 1948)
    block rotation normal, eta about every axis:   ds = w x s
    divergence     normal, along x and y:          ds0 = (dx, dy, 0) / wavelength
    bandwidth      normal, relative:               ds0 = -(0, 0, b) / wavelength

    de = n1 . ds + (n1 - n0) . ds0                 n1, n0 unit vectors along k1 and s0

With the covariance C of k1, its covariance c with e, and the variance v of e, the intensity is the
probability density of e = 0, ``N(e; v)``, and the wave vectors recorded are normal with mean
``k1 - c e / v`` and covariance ``C - c c^T / v`` (conditioning of normal variables). This is the
kinematic cross-section: ``integral |S(q)|^2 dOmega = wavelength^2 density(e = 0)``, so no further
Lorentz factor enters; the familiar one comes out of the integral over a rotation.

Rotation: the angle phi is evenly distributed over the oscillation, and ``e + rate phi`` takes the place
of e, ``rate = n1 . (axis x s)``. The density integrates to error functions over ``rate``, and the
angles at which the spot is recorded are a truncated normal distribution, whose mean and variance
shift and smear the spot further along ``axis x s - c rate / v``. Each reflection is linearized
about the angle at which it comes closest to the sphere.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.crystals.experiment import Plane, Spreads
from xgeom_core.simulate.crystals.falloff import REFERENCE_A
from xgeom_core.simulate.crystals.projection import far_off, project
from xgeom_core.simulate.crystals.vectors import cross, dot, turned_by

# Standard deviations of the excitation error beyond which a reflection counts as not excited.
REACH = 3.5


def reach(spread: Spreads, limit: float) -> tuple[float, float]:
    """How far from the sphere to look: ``(r0, r1)`` of `enumeration.near_sphere`, up to ``limit`` 1/Å.

    Notes
    -----
    Bounds of the terms of v: mosaic ``eta s``, divergence ``sigma s``, bandwidth
    ``b s^2 wavelength / 2``; the sweep is at most half the oscillation times s.
    """
    band = spread.band * limit / (2.0 * spread.k)
    slope = math.sqrt(spread.mosaic**2 + max(spread.along_x, spread.along_y) ** 2 + band**2)
    return REACH * spread.block, REACH * slope + spread.half


def reference_density(spread: Spreads) -> float:
    """Density of e = 0 for a reflection at 10 Å that is fully recorded, in Å.

    Notes
    -----
    It lies at right angles to the rotation axis and crosses the sphere in the middle of the exposure.
    """
    s = 1.0 / REFERENCE_A
    sin_theta = min(s / (2.0 * spread.k), 0.99)
    cos_theta = math.sqrt(1.0 - sin_theta**2)
    across = np.cross(spread.axis, (0.0, 0.0, 1.0))
    size = float(np.linalg.norm(across))
    # An axis along the beam never moves a reflection across the sphere; any azimuth will do.
    across = across / size if size > 1e-6 else np.array([1.0, 0.0, 0.0])
    point = s * (cos_theta * across - np.array([0.0, 0.0, sin_theta]))
    return float(_density_of((float(point[0]), float(point[1]), float(point[2])), spread))


def excite(
    hkl: NDArray[np.int64],
    reciprocal: FloatArray,
    spread: Spreads,
    plane: Plane,
    shape: tuple[int, int],
    margin_px: float,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Record reflections on a detector.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* in the lab frame at mid exposure, 1/Å.
    spread : Spreads
        Everything small.
    plane : Plane
        The detector.
    shape : tuple of int
        ``(slow, fast)`` in px.
    margin_px : float
        Spots are kept this far outside the frame as well.

    Returns
    -------
    spots : ndarray, shape (m, 7)
        Density of e = 0 in Å; x and y in px; covariance xx, xy, yy in px^2; 1/d in 1/Å.
    source : ndarray of int, shape (m,)
        Which reflections these are.
    """
    spots = np.empty((len(hkl), 7))
    source = np.empty(len(hkl), dtype=np.int64)
    count = _excite(
        spots,
        source,
        hkl,
        np.ascontiguousarray(reciprocal, dtype=np.float64),
        spread,
        plane,
        (float(shape[1]), float(shape[0])),
        float(margin_px),
    )
    return spots[:count], source[:count]


@njit(cache=True, nogil=True)
def _error(s, k):  # type: ignore[no-untyped-def]
    """Excitation error and unit vector of the diffracted beam."""
    z = s[2] + k
    length = math.sqrt(s[0] * s[0] + s[1] * s[1] + z * z)
    return length - k, (s[0] / length, s[1] / length, z / length)


@njit(cache=True, nogil=True)
def _closest(s, spread):  # type: ignore[no-untyped-def]
    """Angle within the oscillation at which a lattice point comes closest to the sphere: Newton."""
    angle = 0.0
    for _ in range(2):
        turned = turned_by(s, spread.axis, angle) if angle != 0.0 else s
        error, n1 = _error(turned, spread.k)
        rate = dot(n1, cross(spread.axis, turned))
        if rate == 0.0:
            break
        angle = min(max(angle - error / rate, -spread.half), spread.half)
    return angle


@njit(cache=True, nogil=True)
def _moments(s, n1, spread):  # type: ignore[no-untyped-def]
    """Variance of e, and covariance (three components) of k1 with e."""
    ss, sn = dot(s, s), dot(s, n1)
    block, mosaic, kk = spread.block**2, spread.mosaic**2, spread.k**2
    # n1 - n0, weighted with the variance of each component of s0.
    tx = kk * spread.along_x**2 * n1[0]
    ty = kk * spread.along_y**2 * n1[1]
    tz = kk * spread.band**2 * (n1[2] - 1.0)
    variance = block + mosaic * (ss - sn * sn) + tx * n1[0] + ty * n1[1] + tz * (n1[2] - 1.0)
    c = (
        block * n1[0] + mosaic * (ss * n1[0] - sn * s[0]) + tx,
        block * n1[1] + mosaic * (ss * n1[1] - sn * s[1]) + ty,
        block * n1[2] + mosaic * (ss * n1[2] - sn * s[2]) + tz,
    )
    return variance, c


@njit(cache=True, nogil=True)
def _exposed(error, rate, sigma, low, high):  # type: ignore[no-untyped-def]
    """Mean density of e = 0 over the angles, and mean and variance of the angles recorded."""
    width, middle = high - low, 0.5 * (low + high)
    if abs(rate) * width < 1e-3 * sigma:
        z = (error + rate * middle) / sigma
        return math.exp(-0.5 * z * z) / (sigma * math.sqrt(2.0 * math.pi)), middle, width * width / 12.0
    a, b = (error + rate * low) / sigma, (error + rate * high) / sigma
    if a > b:
        a, b = b, a
    # The smaller tails of both: differences of numbers close to 1 would lose their digits.
    flip = 1.0 if a + b > 0.0 else -1.0
    share = 0.5 * abs(math.erfc(flip * a / math.sqrt(2.0)) - math.erfc(flip * b / math.sqrt(2.0)))
    if share < 1e-300:
        return 0.0, middle, 0.0
    root = math.sqrt(2.0 * math.pi)
    pa, pb = math.exp(-0.5 * a * a) / root, math.exp(-0.5 * b * b) / root
    mean = (pa - pb) / share
    variance = max(1.0 + (a * pa - b * pb) / share - mean * mean, 0.0)
    return share / (abs(rate) * width), (mean * sigma - error) / rate, variance * (sigma / rate) ** 2


@njit(cache=True, nogil=True)
def _density_of(s, spread):  # type: ignore[no-untyped-def]
    error, n1 = _error(s, spread.k)
    variance, _ = _moments(s, n1, spread)
    rate = dot(n1, cross(spread.axis, s))
    density, _, _ = _exposed(error, rate, math.sqrt(variance), -spread.half, spread.half)
    return density


@njit(cache=True, nogil=True)
def _conditional(s, n1, c, variance, spread, g, angle_variance):  # type: ignore[no-untyped-def]
    """Covariance of k1 given e = 0: xx, xy, xz, yy, yz, zz in 1/Å^2."""
    ss, block, mosaic, kk = dot(s, s), spread.block**2, spread.mosaic**2, spread.k**2
    own = block + mosaic * ss
    v = angle_variance
    return (
        own - mosaic * s[0] * s[0] + kk * spread.along_x**2 - c[0] * c[0] / variance + v * g[0] * g[0],
        -mosaic * s[0] * s[1] - c[0] * c[1] / variance + v * g[0] * g[1],
        -mosaic * s[0] * s[2] - c[0] * c[2] / variance + v * g[0] * g[2],
        own - mosaic * s[1] * s[1] + kk * spread.along_y**2 - c[1] * c[1] / variance + v * g[1] * g[1],
        -mosaic * s[1] * s[2] - c[1] * c[2] / variance + v * g[1] * g[2],
        own - mosaic * s[2] * s[2] + kk * spread.band**2 - c[2] * c[2] / variance + v * g[2] * g[2],
    )


@njit(cache=True, nogil=True)
def _excite(spots, source, hkl, reciprocal, spread, plane, size, margin):  # type: ignore[no-untyped-def]
    count = 0
    for i in range(hkl.shape[0]):
        h, k, l = hkl[i, 0], hkl[i, 1], hkl[i, 2]
        s = (
            reciprocal[0, 0] * h + reciprocal[0, 1] * k + reciprocal[0, 2] * l,
            reciprocal[1, 0] * h + reciprocal[1, 1] * k + reciprocal[1, 2] * l,
            reciprocal[2, 0] * h + reciprocal[2, 1] * k + reciprocal[2, 2] * l,
        )
        angle = 0.0
        if spread.half > 0.0:
            angle = _closest(s, spread)
            s = turned_by(s, spread.axis, angle)
        error, n1 = _error(s, spread.k)
        variance, c = _moments(s, n1, spread)
        if abs(error) > REACH * math.sqrt(variance) or far_off(n1, plane, size, margin):
            continue
        moved = cross(spread.axis, s)
        rate = dot(n1, moved)
        density, mean, angle_variance = _exposed(
            error, rate, math.sqrt(variance), -spread.half - angle, spread.half - angle
        )
        back = (error + rate * mean) / variance
        # The mean wave vector recorded.
        q = (
            s[0] + moved[0] * mean - c[0] * back,
            s[1] + moved[1] * mean - c[1] * back,
            s[2] + moved[2] * mean - c[2] * back + spread.k,
        )
        g = (
            moved[0] - c[0] * rate / variance,
            moved[1] - c[1] * rate / variance,
            moved[2] - c[2] * rate / variance,
        )
        covariance = _conditional(s, n1, c, variance, spread, g, angle_variance)
        x, y, xx, xy, yy = project(q, covariance, plane)
        if x < -margin or y < -margin or x > size[0] + margin or y > size[1] + margin:
            continue
        spots[count, 0], spots[count, 1], spots[count, 2] = density, x, y
        spots[count, 3], spots[count, 4], spots[count, 5] = xx, xy, yy
        spots[count, 6] = math.sqrt(dot(s, s))
        source[count] = i
        count += 1
    return count
