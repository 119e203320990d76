"""Centroids, counts and errors of spots around known peaks.

A position is a centroid under a Gaussian weight of the spot's size, which neither the noise far out nor a
neighbor pulls far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.spots.local_background import Background
from xgeom_core.predict.spots.spot_list import Spots

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LEAST_SNR = 4.0
_STEP, _STEPS = 1.5, 6


@dataclass(frozen=True, eq=False)
class Measured:
    """Spots as measured, the share of their brightest pixel, and which are whole."""

    spots: Spots
    peak_share: FloatArray
    whole: NDArray[np.bool_]


def measure_spots(
    image: NDArray[np.float32],
    valid: NDArray[np.bool_],
    background: Background,
    peaks: IntArray,
    size: float,
) -> Measured:
    """Centroids, counts and errors in a patch around each peak."""
    half = int(np.clip(np.ceil(2.2 * size) + 2, 3, 10))
    offsets = np.arange(-half, half + 1)
    rows, columns = np.divmod(peaks, image.shape[1])
    padded = np.pad(image, half)
    good = np.pad(valid, half)
    iy = (rows + half)[:, None, None] + offsets[None, :, None]
    ix = (columns + half)[:, None, None] + offsets[None, None, :]
    patch, usable = padded[iy, ix].astype(np.float64), good[iy, ix]
    level, sd = background.at(rows, columns)
    level = np.maximum(level, _rim(patch, usable, offsets, half))
    signal = np.where(usable, patch - level[:, None, None], 0.0)
    # A weight narrower than this would follow single pixels.
    weight_size = max(size, 0.85)
    x, y = np.zeros(len(peaks)), np.zeros(len(peaks))
    for _ in range(_STEPS):
        wx = np.exp(-0.5 * ((offsets[None] - x[:, None]) / weight_size) ** 2)
        wy = np.exp(-0.5 * ((offsets[None] - y[:, None]) / weight_size) ** 2)
        weighted = signal * wy[:, :, None] * wx[:, None, :]
        total = np.maximum(weighted.sum(axis=(1, 2)), 1e-6)
        # Under a weight as wide as the spot the centroid moves half-way, under a wider one all the way:
        # this factor settles in both cases.
        x = np.clip(x + _STEP * ((weighted.sum(axis=1) @ offsets) / total - x), -half, half)
        y = np.clip(y + _STEP * ((weighted.sum(axis=2) @ offsets) / total - y), -half, half)
    return _describe(image, background, (rows, columns), (x, y), patch, usable, level, sd, offsets, size)


def _rim(patch: FloatArray, usable: NDArray[np.bool_], offsets: IntArray, half: int) -> FloatArray:
    """Median of the outermost pixels of each patch: the local background beside edges and rings."""
    rim = np.maximum(np.abs(offsets)[:, None], np.abs(offsets)[None]) == half
    values = np.where(usable[:, rim], patch[:, rim], np.nan)
    values[np.isnan(values).all(axis=1)] = 0.0
    return np.asarray(np.nanmedian(values, axis=1))


def _describe(
    image: NDArray[np.float32],
    background: Background,
    pixel: tuple[IntArray, IntArray],
    shift: tuple[FloatArray, FloatArray],
    patch: FloatArray,
    usable: NDArray[np.bool_],
    level: FloatArray,
    sd: FloatArray,
    offsets: IntArray,
    size: float,
) -> Measured:
    (rows, columns), (x, y) = pixel, shift
    distance2 = (offsets[None, :, None] - y[:, None, None]) ** 2 + (
        offsets[None, None] - x[:, None, None]
    ) ** 2
    core = distance2 <= max(1.5, 2.0 * size) ** 2
    signal = np.where(usable & core, patch - level[:, None, None], 0.0)
    counts = signal.sum(axis=(1, 2))
    noise2 = core.sum(axis=(1, 2)) * sd**2 + np.maximum(counts, 0.0) * background.quantum
    snr = counts / np.sqrt(np.maximum(noise2, 1e-12))
    stands = signal > 2.0 * sd[:, None, None] + background.quantum
    pixels = stands.sum(axis=(1, 2))
    photons = np.maximum(counts / background.quantum, 1.0)
    if background.binary:
        sigma = 0.29 / np.maximum(pixels, 1) ** 0.25
    else:
        spread = size**2 + 1.0 / 12.0
        relative = sd**2 / background.quantum**2
        # Thompson, Larson and Webb 2002, equation 14; a spot within one pixel tells no more than that.
        sigma2 = spread / photons + 8.0 * np.pi * spread**2 * relative / photons**2
        sigma = np.sqrt(sigma2 + (0.29 * np.exp(-((size / 0.35) ** 2))) ** 2 + 0.02**2)
    share = signal.max(axis=(1, 2)) / np.maximum(counts, 1e-6)
    near_bad = (core & ~usable).any(axis=(1, 2))
    stayed = np.hypot(x, y) <= max(1.5, 1.5 * size)
    spots = Spots(columns + 0.5 + x, rows + 0.5 + y, sigma, counts, snr, pixels.astype(np.int64), image.shape)
    return Measured(spots, share, ~near_bad & stayed & (snr > _LEAST_SNR) & (counts > 0))
