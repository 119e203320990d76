"""The mean profile over sharp rings, finer than pixels, and the rings that stand in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.geometry import FloatArray

# Bins in pooled px: the radii of pixel centers have all fractions of a pixel.
BIN_PX = 0.25
_BASE_PX = 16.0
_BASE_PERCENT = 30
_CLEAR = 6.0
_LEAST_SHARE = 0.03
_MOST_RINGS = 60
_NARROWEST_PX, _WIDEST_PX = 2.0, 8.0
_FOOT = 0.05


@dataclass(frozen=True, eq=False)
class RingProfile:
    """Mean counts against the radius, and where its rings are.

    Parameters
    ----------
    step : float
        Width of a bin, native px.
    base, rise, slope : ndarray, shape (m,)
        At the middle of each bin, counts of a pooled px: what lies under the rings, the rings themselves,
        and the change of the rings by native px.
    ring : ndarray of int, shape (m,)
        Number of the ring that a bin belongs to; -1 between rings.
    radius : ndarray, shape (rings,)
        Native px.
    noise : float
        Share of the slopes' power that is noise of the profile itself.
    """

    step: float
    base: FloatArray
    rise: FloatArray
    slope: FloatArray
    ring: NDArray[np.int64]
    radius: FloatArray
    noise: float

    def at(self, rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Base, rise and slope at radii, linear between the middles of bins."""
        place = np.clip(rho / self.step - 0.5, 0.0, len(self.base) - 1.001)
        low = place.astype(np.int64)
        part = place - low
        base, rise, slope = (
            values[low] + part * (values[low + 1] - values[low])
            for values in (self.base, self.rise, self.slope)
        )
        return base, rise, slope


def ring_profile(
    rho: FloatArray, counts: NDArray[np.float32], inner: float, factor: int, blur: float
) -> RingProfile | None:
    """The profile of pixels and its rings; None without any.

    Parameters
    ----------
    rho : ndarray, shape (n,)
        Radii of the pixels, native px.
    counts : ndarray, shape (n,)
    inner : float
        Radius within which no ring counts.
    factor : int
        Native px per pooled px.
    blur : float
        Standard deviation of the smoothing, pooled px.
    """
    step = BIN_PX * factor
    bins = (rho / step).astype(np.int64)
    size = int(bins.max()) + 2
    sigma = blur / BIN_PX
    number = ndimage.gaussian_filter1d(np.bincount(bins, minlength=size).astype(np.float64), sigma)
    total = ndimage.gaussian_filter1d(np.bincount(bins, weights=counts, minlength=size), sigma)
    level = total / np.maximum(number, 1e-6)
    width = int(_BASE_PX / BIN_PX)
    base = ndimage.gaussian_filter1d(
        ndimage.percentile_filter(level, _BASE_PERCENT, size=2 * width + 1), width / 2.0
    )
    noise = np.sqrt(np.maximum(level, 0.01) / np.maximum(number * sigma * np.sqrt(4.0 * np.pi), 1.0))
    height = level - base
    top = height == ndimage.maximum_filter1d(height, int(1.5 / BIN_PX) * 2 + 1)
    top &= (height > _CLEAR * noise) & (height > _LEAST_SHARE * level) & (number > 4.0)
    top[: int(inner / step)] = False
    peaks = np.flatnonzero(top)
    if len(peaks) > _MOST_RINGS:
        peaks = np.sort(peaks[np.argsort(-(height / noise)[peaks])[:_MOST_RINGS]])
    if not len(peaks):
        return None
    ring, slope = _windows(height, peaks), np.gradient(height)
    on = (ring >= 0) & (number > 0.5)
    # The slope of a Gaussian average over s bins has 1 / (4 sqrt(pi) s^3) of the variance of one bin.
    power = float((number * slope**2 / np.maximum(level, 0.01))[on].sum())
    share = float(on.sum()) / (4.0 * np.sqrt(np.pi) * sigma**3) / max(power, 1e-12)
    return RingProfile(
        step, base, height, np.asarray(slope / step), ring, np.asarray((peaks + 0.5) * step), share
    )


def _windows(height: FloatArray, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the ring of each bin: from foot to foot, or halfway to the next ring."""
    ring = np.full(len(height), -1, dtype=np.int64)
    least, most = int(_NARROWEST_PX / BIN_PX), int(_WIDEST_PX / BIN_PX)
    middle = (peaks[1:] + peaks[:-1]) // 2
    first, last = np.concatenate([[0], middle + 1]), np.concatenate([middle, [len(height) - 1]])
    for number, peak in enumerate(peaks):
        foot = _FOOT * height[peak]
        reach = {}
        for sign in (-1, 1):
            line = height[peak : peak + most] if sign > 0 else height[peak : max(peak - most, 0) : -1]
            below = np.flatnonzero(line < foot)
            reach[sign] = max(int(below[0]) if len(below) else most, least)
        low, high = max(peak - reach[-1], first[number]), min(peak + reach[1], last[number])
        ring[low : high + 1] = number
    return ring
