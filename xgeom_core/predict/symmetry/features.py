"""A frame as the symmetry methods look at it: pooled, and as local contrast in units of its own size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray, Pooling

BoolArray = NDArray[np.bool_]

# Longer side in pooled pixels.
_SIDE_PX, _LEAST_SIDE = 256, 12
_LEAST_SHARE, _LEAST_PIXELS = 0.6, 400
# Contrast is kept between these widths, as shares of the longer side.
_FINE_SHARE, _COARSE_SHARE = 0.006, 0.06
# What lies this far below its surroundings, in log counts and in units of the noise, is a shadow, a gap
# that is not masked or the outside of a round detector: its edges are sharp, and symmetric about the middle
# of the panel.
_SHADOW, _SHADOW_SIGMA = 0.9, 6.0
_CLIP = 2.5
# The contrast fades out where less than such shares of its surroundings are known.
_EDGE = (0.55, 0.8)
# A tent of two boxes has this share of the variance of one.
_TENT = 4.0 / 9.0
# Rows and columns that differ from the usual within so many by this much of the contrast are the detector's.
# But for a small rest of their length; and how evenly.
_LINE_PX, _LINE, _LINE_REST, _EVEN = 15, 0.4, 0.15, 0.35


@dataclass(frozen=True, eq=False)
class Canvas:
    """A pooled frame.

    Parameters
    ----------
    counts : ndarray, shape (slow, fast)
        Counts above the dark level per whole block, scaled up where part of it is masked; 0 where unknown.
    known, saturated : ndarray of bool, shape (slow, fast)
        Where most of a block was measured; where it was not and some of it is saturated.
    pooling : Pooling
        The map to native pixels.
    """

    counts: FloatArray
    known: BoolArray
    saturated: BoolArray
    pooling: Pooling


@dataclass(frozen=True, eq=False)
class Features:
    """Local contrast of a pooled frame.

    Parameters
    ----------
    contrast : ndarray, shape (slow, fast)
        Band-passed log counts over their local root mean square, clipped, times the share of the latter
        that is not noise; 0 where unknown.
    known : ndarray of bool, shape (slow, fast)
        Where the contrast was measured: not in shadows, and not on lines along the detector's axes.
    pooling : Pooling
        The map to native pixels.
    """

    contrast: FloatArray
    known: BoolArray
    pooling: Pooling


def make_canvas(frame: Frame) -> Canvas | None:
    """Pool a frame; None where too little of it is known."""
    factor = max(1, round(max(frame.shape) / _SIDE_PX))
    pooled = pool(frame, factor)
    share = pooled.weight / factor**2
    known = (share >= _LEAST_SHARE) & np.isfinite(pooled.counts)
    if int(known.sum()) < _LEAST_PIXELS or min(known.shape) < _LEAST_SIDE:
        return None
    counts = np.divide(pooled.counts, share, out=np.zeros(known.shape), where=known)
    saturated = np.zeros_like(known)
    rows, columns = np.nonzero(frame.saturated)
    saturated[rows // factor, columns // factor] = True
    return Canvas(np.where(known, counts - pooled.dark, 0.0), known, saturated & ~known, pooled.pooling)


def find_features(canvas: Canvas) -> Features | None:
    """Local contrast of a pooled frame; None where nothing varies or too little is left of it."""
    known, side = canvas.known, max(canvas.known.shape)
    fine, coarse = max(2 * round(_FINE_SHARE * side) + 1, 3), 2 * round(_COARSE_SHARE * side) + 1
    logs = _log_counts(canvas.counts, known)
    if logs is None:
        return None
    band, noise, power = _band(logs, known, fine, coarse)
    shadow = known & (band < -np.maximum(_SHADOW, _SHADOW_SIGMA * np.sqrt(noise)))
    lines = _lines(band, np.sqrt(power + noise + 1e-12), known)
    if shadow.any() or lines.any():
        # Blocks on the edge of a shadow are half in it.
        known = known & ~ndimage.binary_dilation(shadow, iterations=2) & ~lines
        if int(known.sum()) < _LEAST_PIXELS:
            return None
        band, noise, power = _band(logs, known, fine, coarse)
    signal = np.clip(1.0 - 2.0 * noise / np.maximum(power, 1e-12), 0.0, 1.0)
    # At the edge of the panel the wide mean is one-sided, and any slope is contrast there.
    around = ndimage.uniform_filter(known.astype(np.float64), 2 * coarse, mode="constant")
    signal *= np.clip((around - _EDGE[0]) / (_EDGE[1] - _EDGE[0]), 0.0, 1.0)
    contrast = np.clip(band / np.sqrt(np.maximum(power, 1e-8)), -_CLIP, _CLIP) * signal
    return Features(contrast, known, canvas.pooling) if contrast.any() else None


def _log_counts(counts: FloatArray, known: BoolArray) -> FloatArray | None:
    """Logarithm of the counts (asinh, so that it is linear in the noise); None where all are alike."""
    noise = np.abs(counts[:, 1:] - counts[:, :-1])[known[:, 1:] & known[:, :-1]]
    floor = float(np.quantile(noise, 0.25)) if noise.size else 0.0
    floor = floor or float(np.std(counts[known]))
    return np.arcsinh(np.where(known, counts, 0.0) / (2.0 * floor)) if 0 < floor < np.inf else None


def _band(
    logs: FloatArray, known: BoolArray, fine: int, coarse: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fine less coarse mean, the variance of the noise in it, and its own local mean square."""
    narrow = box_mean(logs, known, fine)
    band = np.where(known, narrow - box_mean(logs, known, coarse), 0.0)
    rest = np.minimum((logs - narrow) ** 2, 1.0)
    noise = np.maximum(box_mean(rest, known, coarse), 0.0) * _TENT / (fine**2 - 1.0)
    return band, noise, np.maximum(box_mean(np.minimum(band**2, 1.0), known, coarse), 0.0)


def _lines(band: FloatArray, size: FloatArray, known: BoolArray) -> BoolArray:
    """Rows and columns that stand out evenly along the panel: of the detector, not of the sample."""
    found = np.zeros_like(known)
    for axis in (0, 1):
        low, high = _quantiles(np.where(known, band, np.nan), 1 - axis)
        # The streak of a fiber fades away from the beam; a row of larger or weaker pixels does not.
        uniform = (low * high > 0) & (
            _EVEN * np.maximum(abs(low), abs(high)) < np.minimum(abs(low), abs(high))
        )
        low, high = _quantiles(np.where(known, band / size, np.nan), 1 - axis)
        level = np.where(uniform, np.where(low > 0, low, high), 0.0)
        line = np.abs(level - ndimage.median_filter(level, size=_LINE_PX, mode="nearest")) > _LINE
        line = ndimage.binary_dilation(line)
        found |= line[:, None] if axis == 0 else line
    return found


def _quantiles(values: FloatArray, axis: int) -> list[FloatArray]:
    """Low and high quantile of the values that are not NaN; 0 where there are none."""
    ordered = np.sort(values, axis=axis)
    last = np.maximum(np.isfinite(values).sum(axis=axis, keepdims=True) - 1, 0)
    places = [np.rint(share * last).astype(np.intp) for share in (_LINE_REST, 1.0 - _LINE_REST)]
    return [np.nan_to_num(np.take_along_axis(ordered, at, axis)).squeeze(axis) for at in places]


def box_mean(image: FloatArray, known: BoolArray, size: int) -> FloatArray:
    """Mean of the known pixels under a tent about twice as wide as `size`; 0 where there are none."""
    weight, total = known.astype(np.float64), np.where(known, image, 0.0)
    for _ in range(2):
        weight = ndimage.uniform_filter(weight, size, mode="constant")
        total = ndimage.uniform_filter(total, size, mode="constant")
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
