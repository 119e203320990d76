"""How a frame's pixels scatter, and the frame on the scale on which they scatter as counts of photons do.

Photons scatter by the root of their number. A file may hold them times a gain, above a pedestal, or after
one was taken off, and with the noise of reading them out. All of that is one straight line: a pixel of mean
m has the variance ``floor + gain m``. On the scale ``m / gain + floor / gain**2`` variance and mean are equal
again, whatever gain, pedestal and read noise are, and all that knows how counts scatter holds. Read noise is
there a level without light: `Frame.dark`.

The line is measured between neighboring pixels, in groups of patches of equal brightness. Spots and edges
scatter more than noise, each in its own way; the line is the one on which most groups lie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray

# A patch is two by two square boxes. Small ones, of this side in px, miss most of what is no noise; wide ones
# tell how much more than single pixels sums over neighbors scatter, where light or charge spreads: so much as
# this share of the groups says, and no more than this.
_BOX, _WIDE_BOX = 2, 4
_CLEANEST, _LARGEST_SPREAD = 0.25, 3.0
_BAND, _MOST_PIXELS, _LEAST_PATCHES = 8, 1_000_000, 200
_GROUPS, _LEAST_IN_GROUP = 24, 50
# Squares count up to so many times the variance, which leaves this share of a Gaussian's.
_CUT, _LEFT, _CUT_ROUNDS = 4.0, 0.9205, 8
# Groups that are farther from a line than this, in logarithms, are equally far.
_FAR = 0.3
# By how much nearer to the groups a line with a floor must be than one without.
_SIMPLER = 0.03
# Whole numbers are counts where for this share of the groups the variance is the mean within this factor.
_COUNTS_SHARE, _COUNTS_FACTOR = 0.65, 2.0
# Read noise is no more than the light of this many counts.
_MOST_NOISE = 50.0
# Values below 0 tell of read noise from this share of the pixels on.
_LEAST_BELOW = 1e-3


@dataclass(frozen=True)
class NoiseScale:
    """Variance of pixels against their mean.

    Parameters
    ----------
    gain : float
        By how much the variance grows with the mean: the file's units for one count.
    floor : float
        Variance at a mean of 0, in the file's units squared: positive with read noise, negative with a
        pedestal.
    dark, dark_sigma : float
        What a pixel without light holds on the scale of counts, and its standard deviation.
    """

    gain: float = 1.0
    floor: float = 0.0
    dark: float = 0.0
    dark_sigma: float = 0.0


COUNTS = NoiseScale()


def in_counts(frame: Frame) -> Frame:
    """A frame on the scale of counts: every pixel's variance is its mean.

    Parameters
    ----------
    frame : Frame
        As a file has it. What is not finite counts as masked.

    Returns
    -------
    Frame
        The very frame where it holds counts already.
    """
    # One value that is not finite makes the sum so.
    if not np.isfinite(frame.data.sum()):
        valid = frame.valid & np.isfinite(frame.data)
        frame = replace(frame, data=np.where(valid, frame.data, np.float32(0.0)), valid=valid)
    scale = measure_noise(frame.data, frame.valid)
    if scale == COUNTS:
        return frame
    data = frame.data * np.float32(1.0 / scale.gain)
    data += np.float32(scale.floor / scale.gain**2)
    if scale.floor < 0:
        # Gaps that the file does not mark hold less than the pedestal.
        np.maximum(data, 0.0, out=data)
    data[~frame.valid] = 0.0
    return replace(frame, data=data, dark=scale.dark, dark_sigma=scale.dark_sigma)


def measure_noise(image: NDArray[np.float32], valid: NDArray[np.bool_]) -> NoiseScale:
    """Measure the noise of an image.

    Parameters
    ----------
    image : ndarray of float32, shape (slow, fast)
        Finite where valid.
    valid : ndarray of bool, shape (slow, fast)

    Returns
    -------
    NoiseScale
        `COUNTS` for whole numbers that scatter as counts do or nearly so, for images of two values, and for
        those too small or too plain to tell.
    """
    sample, good = _bands(image, valid)
    values = sample[good]
    if not values.size or bool(((values == values.min()) | (values == values.max())).all()):
        return COUNTS
    mean, square = _patches(sample, good, _BOX)
    level, variance = _groups(mean, square)
    if len(mean) < _LEAST_PATCHES or not len(level):
        return COUNTS
    below = values[values < 0].astype(np.float64)
    read_out = len(below) > _LEAST_BELOW * len(values)
    whole = not read_out and bool((values == np.rint(values)).all())
    with np.errstate(all="ignore"):
        gain, floor = _line(level, variance)
        spread = _spread(*_groups(*_patches(sample, good, _WIDE_BOX)), gain, floor)
        ratio = (floor + gain * level) / level
        if whole and (_like_counts(ratio) or _like_counts(spread * ratio)):
            return COUNTS
    gain, floor, variance = spread * gain, spread * floor, spread * variance
    if read_out:
        # Where every group is too bright to show read noise, the values below 0 do.
        floor = max(floor, min(float(_variance(below[None] ** 2)[0]), float(variance.min())))
    return NoiseScale(gain, floor, *_dark(float(level[0]), gain, floor, read_out))


def _dark(lowest: float, gain: float, floor: float, read_out: bool) -> tuple[float, float]:
    """What a pixel without light holds on the scale of counts, and its standard deviation.

    Parameters
    ----------
    lowest : float
        Mean of the darkest pixels, in the file's units.
    gain, floor : float
    read_out : bool
        Whether values below 0 tell that a pedestal was taken off, so that 0 is no light.
    """
    most = max(lowest / gain + floor / gain**2, 0.0)
    if read_out:
        return min(floor / gain**2, most), 0.0
    # Above a pedestal it may be anything up to what the darkest pixels hold, one as likely as another.
    return most / 2.0, most / 12.0**0.5


def _bands(
    image: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Every so many bands of rows, shape (bands, _BAND, columns): enough to tell the noise."""
    height, width = image.shape
    rows, every = height // _BAND * _BAND, -(-image.size // _MOST_PIXELS)
    shape = (rows // _BAND, _BAND, width)
    return image[:rows].reshape(shape)[::every], valid[:rows].reshape(shape)[::every]


def _patches(sample: NDArray[np.float32], good: NDArray[np.bool_], box: int) -> tuple[FloatArray, FloatArray]:
    """Mean of each whole patch, and a square whose mean is the variance of a pixel.

    What is bilinear in the pixels' places drops out of the difference of differences of the four boxes. Among
    counts its square is on the average the number of counts in the patch, however few they are.
    """
    boxes, known = _boxes(sample, box), _boxes(good, box) == box * box
    a, b, c, d = (boxes[:, i, j::2] for i in (0, 1) for j in (0, 1))
    # Patches of nothing but 0 lie on every line.
    whole = known[:, 0, 0::2] & known[:, 0, 1::2] & known[:, 1, 0::2] & known[:, 1, 1::2]
    whole &= (a != 0) | (b != 0) | (c != 0) | (d != 0)
    total = (a + b + c + d)[whole].astype(np.float64)
    off = (a - b - c + d)[whole].astype(np.float64)
    return total / (4 * box * box), off * off / (4 * box * box)


def _boxes(sample: NDArray[Any], box: int) -> NDArray[np.float32]:
    """Sums over square boxes, shape (n, 2, boxes along a row)."""
    columns = sample.shape[2] // (2 * box) * 2 * box
    rows = sample[..., :columns].reshape(-1, 2, box, columns)
    total = np.zeros((len(rows), 2, columns // box), dtype=np.float32)
    for i in range(box):
        for j in range(box):
            total += rows[:, :, i, j::box]
    return total


def _groups(mean: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of groups of patches of equal brightness, the darkest first; only those that vary."""
    if not len(mean):
        return mean, square
    number = int(np.clip(len(mean) // _LEAST_IN_GROUP, 1, _GROUPS))
    size = len(mean) // number * number
    order = np.argsort(mean, kind="stable")[:size].reshape(number, -1)
    mean, variance = mean[order].mean(axis=1), _variance(square[order])
    return mean[variance > 0], variance[variance > 0]


def _variance(square: FloatArray) -> FloatArray:
    """Mean of squares along the last axis, robust against a few large ones."""
    variance = np.median(square, axis=1) / 0.455
    variance = np.where(variance > 0, variance, square.mean(axis=1))
    for _ in range(_CUT_ROUNDS):
        variance = np.minimum(square, _CUT * variance[:, None]).mean(axis=1) / _LEFT
    return variance


def _spread(mean: FloatArray, variance: FloatArray, gain: float, floor: float) -> float:
    """How much more than on a line groups of wide boxes scatter, at least 1."""
    if not len(mean):
        return 1.0
    return float(np.clip(np.quantile(variance / (floor + gain * mean), _CLEANEST), 1.0, _LARGEST_SPREAD))


def _like_counts(ratio: FloatArray) -> bool:
    """Whether variance over mean, shape (groups,), is about 1."""
    return bool((np.abs(np.log(ratio)) < np.log(_COUNTS_FACTOR)).mean() > _COUNTS_SHARE)


def _line(mean: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Gain and floor of the line on which most groups lie: through two of them, or through one and 0."""
    one, other = np.triu_indices(len(mean), 1)
    slope = (variance[other] - variance[one]) / (mean[other] - mean[one])
    middle = int(np.argsort(variance)[len(variance) // 2])
    least = float(np.sqrt(variance[middle])) / _MOST_NOISE
    gain = np.concatenate([variance / mean, slope, [least]])
    through = np.concatenate([np.arange(len(mean)), one, [middle]])
    floor = variance[through] - gain * mean[through]
    floor[: len(mean)] = 0.0
    far = np.abs(np.log(variance / (floor[:, None] + gain[:, None] * mean)))
    distance = np.where(far < _FAR, far, _FAR).mean(axis=1)
    # A gain alone is the simpler answer.
    distance[len(mean) :] += _SIMPLER
    distance[~(gain >= least)] = np.inf
    best = int(np.argmin(distance))
    return float(gain[best]), float(floor[best])
