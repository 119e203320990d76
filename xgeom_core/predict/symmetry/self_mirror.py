"""Correlation of data with its own mirror image, normalized where data are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from xgeom_core.geometry import FloatArray


def self_mirror(data: FloatArray, known: NDArray[np.bool_], axes: tuple[int, ...]) -> tuple[FloatArray, ...]:
    """Overlap, covariance and variance of data with their inversion through every point.

    Parameters
    ----------
    data : ndarray
    known : ndarray of bool, same shape
    axes : tuple of int
        Axes to turn round.

    Returns
    -------
    overlap, covariance, variance : ndarray
        Sums over the pairs of known points; length ``2 n - 1`` along each axis. Index ``t`` is the
        inversion through the corner-origin coordinate ``(t + 1) / 2``.

    Notes
    -----
    ``sum_x a(x) b(t - x)`` is a convolution. With the mask m the mean over a pairing is
    ``(f m * m) / (m * m)``, the same for the image and for its inversion (Padfield 2012 treats the
    case of two images).
    """
    lengths = [fft.next_fast_len(2 * data.shape[axis] - 1, real=True) for axis in axes]
    mask = known.astype(np.float64)
    # Around zero, so that differences of large sums do not eat the digits.
    values = np.where(known, data - (data[known].mean() if known.any() else 0.0), 0.0)
    of_values, of_mask, of_squares = (
        fft.rfftn(item, lengths, axes=axes) for item in (values, mask, values * values)
    )
    products = (of_mask * of_mask, of_values * of_mask, of_values * of_values, of_squares * of_mask)
    cut = [slice(None)] * data.ndim
    for axis in axes:
        cut[axis] = slice(0, 2 * data.shape[axis] - 1)
    back = (np.asarray(fft.irfftn(item, lengths, axes=axes))[tuple(cut)] for item in products)
    overlap, total, cross, squares = back
    overlap = np.maximum(overlap, 1.0)
    mean_square = total * total / overlap
    return overlap, cross - mean_square, np.maximum(squares - mean_square, 1e-12)
