"""Light spreads in a phosphor: photons already counted are smeared over neighboring pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Below this share of a pixel the spread moves less than one percent of the light.
_LEAST_SIGMA_PX = 0.012


def spread(counts: NDArray[np.int32], sigma_px: float) -> NDArray[np.float32]:
    """Counts smeared with a Gaussian; neighbors become correlated, the sum stays.

    Parameters
    ----------
    counts : ndarray of int32, shape (slow, fast)
        Photons.
    sigma_px : float
        Standard deviation in pixels.

    Returns
    -------
    ndarray of float32
        Photons' worth of light. Light that leaves the image is lost.
    """
    if sigma_px < _LEAST_SIGMA_PX:
        return counts.astype(np.float32)
    out = np.empty(counts.shape, dtype=np.float32)
    _smear(counts, out, kernel(sigma_px))
    return out


def kernel(sigma_px: float) -> NDArray[np.float32]:
    """Share of light 0, 1, 2 ... pixels away from a photon that landed anywhere in its pixel.

    Notes
    -----
    A box (the pixel it landed in) folded with the Gaussian, integrated over each pixel::

        w_k = F(k + 1) - 2 F(k) + F(k - 1),  F(u) = u Phi(u / sigma) + sigma phi(u / sigma)
    """
    reach = max(1, math.ceil(4.0 * sigma_px))
    steps = np.arange(-1, reach + 2) / sigma_px
    below = np.array([0.5 * math.erfc(-u / math.sqrt(2.0)) for u in steps])
    integral = sigma_px * (steps * below + np.exp(-0.5 * steps**2) / math.sqrt(2.0 * math.pi))
    shares = np.diff(integral, 2)
    shares /= shares[0] + 2.0 * shares[1:].sum()
    return np.asarray(shares, dtype=np.float32)


@njit(cache=True, nogil=True)
def _smear(counts: Any, out: Any, shares: Any) -> None:
    """Separable smear; every loop along x runs over whole rows, so that it becomes vector code."""
    height, width = counts.shape
    reach = len(shares) - 1
    lines = np.zeros((2 * reach + 1, width), dtype=np.float32)
    for y in range(-reach, height):
        ahead = y + reach
        line = lines[ahead % (2 * reach + 1)]
        line[:] = np.float32(0.0)
        if 0 <= ahead < height:
            source = counts[ahead]
            for x in range(width):
                line[x] = shares[0] * np.float32(source[x])
            for k in range(1, reach + 1):
                for x in range(width - k):
                    line[x] += shares[k] * np.float32(source[x + k])
                for x in range(k, width):
                    line[x] += shares[k] * np.float32(source[x - k])
        if y < 0:
            continue
        target = out[y]
        target[:] = np.float32(0.0)
        for k in range(-reach, reach + 1):
            if 0 <= y + k < height:
                near = lines[(y + k) % (2 * reach + 1)]
                share = shares[abs(k)]
                for x in range(width):
                    target[x] += share * near[x]
