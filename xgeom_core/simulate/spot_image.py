"""Draw Bragg spots: elongated Gaussians integrated over pixels, counts and sub-pixel position kept.

Notes
-----
A two-dimensional normal distribution is the product of a marginal and a conditional one. Along the axis
of larger variance (say x) the share of every column is a difference of cumulative normal
functions; within a column y is normal about ``y0 + beta (<x> - x0)`` with variance
``Vyy - beta^2 (Vxx - v)``, where ``<x>`` and ``v`` are the exact mean and variance of x in the column
and ``beta = Vxy / Vxx``. Columns are cut finer where a spot is thin and slanted. The outermost pixels
take the tails, so every spot inside the frame gives exactly its counts.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

# Standard deviations to which bright, ordinary (10 counts) and faint (1 count) spots are drawn. Beyond
# them lie 6e-5, 5e-4 and 3e-3 of a line; the outermost pixel takes that as well.
_BRIGHT, _ORDINARY, _FAINT = 4.0, 3.5, 3.0
# Pixels: what is smaller than this is a point.
_SMALLEST = 1e-3
# Slants that move the inner Gaussian by less than this share of its width per sigma are no slants.
_UPRIGHT = 0.01
# Pieces that one column may be cut into.
_MOST = 8

_EDGE = 6.0
_PER_UNIT = 256
_GRID = np.linspace(-_EDGE, _EDGE, int(2 * _EDGE) * _PER_UNIT + 1)
# Interpolated linearly, both tables are right to 1e-6.
_CUMULATIVE = ndtr(_GRID)
_DENSITY = np.exp(-0.5 * _GRID**2) / math.sqrt(2.0 * math.pi)


def add_spots(
    image: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    counts: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> None:
    """Add spots to an image.

    Parameters
    ----------
    image : ndarray of float32, shape (slow, fast), C order
        Expected counts; changed in place.
    x, y : ndarray, shape (n,)
        Spot positions (fast, slow) in px, corner origin; off the image as well.
    counts : ndarray, shape (n,)
        Expected counts of each spot.
    covariance : ndarray, shape (n, 3)
        Vxx, Vxy, Vyy of each spot in px^2.

    Raises
    ------
    ValueError
        If the image is not float32 in C order.
    """
    if image.dtype != np.float32 or not image.flags.c_contiguous:
        raise ValueError("spots are added to float32 images in C order")
    _add(
        image.reshape(-1),
        image.shape[0],
        image.shape[1],
        np.ascontiguousarray(x, dtype=np.float64),
        np.ascontiguousarray(y, dtype=np.float64),
        np.ascontiguousarray(counts, dtype=np.float64),
        np.ascontiguousarray(covariance, dtype=np.float64),
    )


@njit(cache=True, nogil=True)
def _look_up(table, z):  # type: ignore[no-untyped-def]
    place = (min(max(z, -_EDGE), _EDGE) + _EDGE) * _PER_UNIT
    index = min(int(place), table.size - 2)
    return table[index] + (place - index) * (table[index + 1] - table[index])


@njit(cache=True, nogil=True)
def _line(flat, start, stride, size, center, sigma, counts, reach):  # type: ignore[no-untyped-def]
    """Add a one-dimensional Gaussian, integrated over pixels, to a line of the image."""
    first = math.floor(center - reach * sigma)
    last = math.floor(center + reach * sigma)
    below = 0.0
    for pixel in range(first, last + 1):
        above = 1.0
        if pixel < last:
            above = _look_up(_CUMULATIVE, (pixel + 1 - center) / sigma)
        if 0 <= pixel < size:
            flat[start + pixel * stride] += counts * (above - below)
        below = above


@njit(cache=True, nogil=True)
def _within(low, high, density_low, density_high, share):  # type: ignore[no-untyped-def]
    """Mean and variance of a standard normal number between two bounds."""
    width, middle = high - low, 0.5 * (low + high)
    if width < 0.3:
        # Almost evenly spread; the exact differences would be those of rounded table entries.
        return middle * (1.0 - width * width / 12.0), width * width / 12.0
    mean = min(max((density_low - density_high) / share, low), high)
    spread = 1.0 + (low * density_low - high * density_high) / share - mean * mean
    return mean, min(max(spread, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _spot(flat, u, v, counts, uu, uv, vv, strides, sizes, reach):  # type: ignore[no-untyped-def]
    """Add one spot; u is the axis of larger variance, strides and sizes are (u, v)."""
    sigma = math.sqrt(uu)
    beta = uv / uu
    own = max(vv - beta * uv, _SMALLEST**2)
    slanted = abs(beta) * sigma > _UPRIGHT * math.sqrt(own)
    pieces = 1
    if slanted:
        pieces = min(max(math.ceil(abs(beta) / (1.2 * math.sqrt(own))), 1), _MOST)
    first, last = math.floor(u - reach * sigma), math.floor(u + reach * sigma)
    if last < 0 or first >= sizes[0]:
        return
    total = (last - first + 1) * pieces
    below, density_below = 0.0, 0.0
    z_below = (first - u) / sigma
    for piece in range(total):
        z = (first + (piece + 1) / pieces - u) / sigma
        end = piece == total - 1
        above = 1.0 if end else _look_up(_CUMULATIVE, z)
        density = 0.0 if end or not slanted else _look_up(_DENSITY, z)
        share = above - below
        column = first + piece // pieces
        if share > 1e-9 and 0 <= column < sizes[0]:
            center, inner = v, own
            if slanted:
                mean, spread = _within(z_below, z, density_below, density, share)
                center += beta * sigma * mean
                inner += beta * beta * uu * spread
            start = column * strides[0]
            _line(flat, start, strides[1], sizes[1], center, math.sqrt(inner), counts * share, reach)
        below, density_below, z_below = above, density, z


@njit(cache=True, nogil=True)
def _add(flat, height, width, x, y, counts, covariance):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        xx = max(covariance[i, 0], _SMALLEST**2)
        yy = max(covariance[i, 2], _SMALLEST**2)
        xy = covariance[i, 1]
        reach = _BRIGHT if counts[i] > 10.0 else _ORDINARY if counts[i] > 1.0 else _FAINT
        tall = reach * math.sqrt(yy)
        if not (counts[i] > 0.0) or y[i] + tall < 0.0 or y[i] - tall > height:
            continue
        if xx >= yy:
            _spot(flat, x[i], y[i], counts[i], xx, xy, yy, (1, width), (width, height), reach)
        else:
            _spot(flat, y[i], x[i], counts[i], yy, xy, xx, (width, 1), (height, width), reach)
