"""Spots: where sharp peaks stand out of the background of a frame, to a fraction of a pixel.

The background and its spread come from blocks of pixels, clipped so that spots do not count. A box
of the size of the frame's own spots is summed at every pixel; where the sum stands out, the largest
sum around is a spot. Its position is a centroid under a Gaussian weight of the spot's size, which
neither the noise far out nor a neighbor pulls far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame
from xgeom_core.predict.spot_background import Background, measure_background

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A box sum must exceed its background by this many standard deviations and this many quanta more:
# one chance spot in a whole 6-megapixel frame at 0.05 counts as well as at 500.
_SEED_SIGMA = 5.0
_SEED_QUANTA = 4.0
# Spots beyond this number would take longer to look at than they are worth.
_MOST_SEEDS = 400_000
_MOST_PEAKS = 12_000
_BRIGHT_SIGMA = 6.0
_LEAST_SNR = 4.0
_STEP, _STEPS = 1.5, 6
# Beyond this change of the logarithm of the size the spots are looked for again.
_LARGEST_CHANGE = 0.35
# A hot pixel holds this share of its counts alone. Of spots smaller than a pixel a part does so too, those in
# the middle of one, but then at least half as many hold the lesser share and up.
_HOT_SHARE, _NARROW_SHARE = 0.9, 0.6
_HOT_EXCESS = 2.0


@dataclass(frozen=True, eq=False)
class Spots:
    """Spots of one frame, the strongest first.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centroids (fast, slow) in native px, corner origin.
    sigma_px : ndarray, shape (n,)
        Standard error of each coordinate of the centroid, in px.
    counts : ndarray, shape (n,)
        Counts above the background.
    snr : ndarray, shape (n,)
        Counts divided by their standard deviation.
    pixels : ndarray of int, shape (n,)
        Number of pixels that stand out.
    shape : tuple of int
        ``(slow, fast)`` of the frame.
    """

    x: FloatArray
    y: FloatArray
    sigma_px: FloatArray
    counts: FloatArray
    snr: FloatArray
    pixels: IntArray
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: NDArray[np.bool_] | IntArray) -> Spots:
        """The chosen spots (a mask or indices)."""
        return Spots(
            self.x[which],
            self.y[which],
            self.sigma_px[which],
            self.counts[which],
            self.snr[which],
            self.pixels[which],
            self.shape,
        )


def find_spots(frame: Frame, *, most: int = 3000) -> Spots:
    """Find the spots of a frame.

    Parameters
    ----------
    frame : Frame
        Native pixels. Masked and saturated pixels take no part; spots that touch one are left out.
    most : int
        The most spots to return.

    Returns
    -------
    Spots
        Strongest first; empty where nothing stands out. A frame of two values (0 and 1) is taken for
        a map of spots.
    """
    image = np.where(frame.valid, frame.data, np.float32(0.0)).astype(np.float32, copy=False)
    if min(image.shape) < 8 or not np.isfinite(image).all():
        image = np.nan_to_num(image, posinf=0.0, neginf=0.0)
    background = measure_background(image, frame.valid)
    if background is None or min(image.shape) < 8:
        return _none(frame.shape)
    rough = _typical_size(image, background)
    peaks = _peaks(image, background, rough)
    size = _refined_size(image, background, peaks, rough)
    if abs(np.log(size / rough)) > _LARGEST_CHANGE:
        peaks = _peaks(image, background, size)
    if len(peaks) == 0:
        return _none(frame.shape)
    spots = _measure(image, frame.valid, background, peaks, size)
    return _sift(spots, size, most, binary=background.binary)


def _none(shape: tuple[int, int]) -> Spots:
    empty = np.zeros(0)
    return Spots(empty, empty, empty, empty, empty, np.zeros(0, dtype=np.int64), shape)


def _typical_size(image: NDArray[np.float32], background: Background) -> float:
    """Standard deviation in px of the frame's bright spots, 0.3 to 4."""
    flat = np.flatnonzero(background.exceeds(image, _BRIGHT_SIGMA))
    if len(flat) < 5 or len(flat) > image.size // 4:
        return 0.7
    inside = np.zeros(image.shape, dtype=bool)
    inside.ravel()[flat] = True
    labels, count = ndimage.label(inside, structure=np.ones((3, 3), dtype=int))
    area = np.bincount(labels.ravel()[flat], minlength=count + 1)[1:]
    # A few very large patches are direct beam, streaks or merged spots; the median passes over them.
    # A pixel or two is a hot pixel or a spot's tip wherever most patches are larger.
    larger = area[area > 2]
    enough = 0.3 * count if background.binary else 10
    typical = np.median(larger) if len(larger) >= enough else np.median(area)
    reach = 1.0 if background.binary else 1.4
    return float(np.clip(np.sqrt(typical / np.pi) / reach / 1.2, 0.3, 4.0))


def _refined_size(image: NDArray[np.float32], background: Background, peaks: IntArray, rough: float) -> float:
    """The same from the second moments of the strongest peaks; `rough` for binary or too few spots."""
    half = 8
    rows, columns = np.divmod(peaks, image.shape[1])
    inside = (rows >= half) & (columns >= half)
    inside &= (rows < image.shape[0] - half) & (columns < image.shape[1] - half)
    rows, columns = rows[inside], columns[inside]
    if background.binary or len(rows) < 10:
        return rough
    level = background.at(rows, columns)[0]
    around = np.stack([image[rows + dy, columns + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    strength = around.sum(axis=0) - 9.0 * level
    order = np.argsort(-strength)[: min(len(rows), 300)]
    rows, columns, level = rows[order], columns[order], level[order]
    offsets = np.arange(-half, half + 1)
    patch = (
        image[rows[:, None, None] + offsets[:, None], columns[:, None, None] + offsets] - level[:, None, None]
    )
    square = offsets[:, None] ** 2 + offsets**2
    size = rough
    for _ in range(4):
        window = max(1.5 * size, 1.2)
        weighted = patch * np.exp(-0.5 * square / window**2)
        total = weighted.sum(axis=(1, 2))
        good = total > 0
        if good.sum() < 10:
            return rough
        # A Gaussian of variance v under a window of variance w has variance v w / (v + w).
        seen = np.median((weighted * square).sum(axis=(1, 2))[good] / total[good]) / 2.0 - 1.0 / 12.0
        seen = float(np.clip(seen, 0.05, 0.95 * window**2))
        size = float(np.clip(np.sqrt(seen * window**2 / (window**2 - seen)), 0.3, 4.0))
    return size


def _peaks(image: NDArray[np.float32], background: Background, size: float) -> IntArray:
    """Flat indices of pixels around which the box sum stands out and is the largest."""
    width = int(np.clip(2 * round(size * 1.2) + 1, 3, 9))
    total = ndimage.uniform_filter(image, width, mode="constant")
    seeds = np.flatnonzero(
        total > background.threshold(image.shape, _SEED_SIGMA / width, _SEED_QUANTA / width**2)
    )
    sharp = np.flatnonzero(background.exceeds(image, _BRIGHT_SIGMA)) if size < 1.2 else seeds[:0]
    seeds = np.union1d(seeds, sharp) if len(sharp) else seeds
    if len(seeds) > _MOST_SEEDS:
        rank = np.argpartition(-total.ravel()[seeds], _MOST_SEEDS)
        seeds = seeds[rank[:_MOST_SEEDS]]
    # Among equal sums the larger pixel wins, then the first pixel, so that no plateau counts twice.
    rows, columns = np.divmod(seeds, image.shape[1])
    inside = (rows > 0) & (columns > 0) & (rows < image.shape[0] - 1) & (columns < image.shape[1] - 1)
    seeds = seeds[inside]
    value = total + image * np.float32(1e-3)
    reach = 1 if size < 1.0 else 2
    best = np.ones(len(seeds), dtype=bool)
    flat, own = value.ravel(), value.ravel()[seeds]
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dx or dy:
                near = flat[np.clip(seeds + dy * image.shape[1] + dx, 0, image.size - 1)]
                best &= (own > near) | ((own == near) & ((dy, dx) > (0, 0)))
    peaks = seeds[best]
    if len(peaks) > _MOST_PEAKS:
        peaks = peaks[np.argsort(-flat[peaks])[:_MOST_PEAKS]]
    return np.asarray(peaks, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Measured:
    spots: Spots
    peak_share: FloatArray
    whole: NDArray[np.bool_]


def _measure(
    image: NDArray[np.float32],
    valid: NDArray[np.bool_],
    background: Background,
    peaks: IntArray,
    size: float,
) -> _Measured:
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
) -> _Measured:
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
    return _Measured(spots, share, ~near_bad & stayed & (snr > _LEAST_SNR) & (counts > 0))


def _sift(measured: _Measured, size: float, most: int, *, binary: bool) -> Spots:
    """Whole spots, without hot pixels and without a spot found twice, the strongest first."""
    keep = measured.whole.copy()
    if not binary:
        strong = keep & (measured.spots.snr > 8.0)
        alone = measured.peak_share > _HOT_SHARE
        narrow = strong & ~alone & (measured.peak_share > _NARROW_SHARE)
        if (strong & alone).sum() > _HOT_EXCESS * narrow.sum():
            keep &= ~alone
    spots = measured.spots.take(keep)
    spots = spots.take(np.argsort(-spots.snr))
    twice = _twins(spots, max(1.2, 1.2 * size))
    return spots.take(np.flatnonzero(~twice)[:most])


def _twins(spots: Spots, reach: float) -> NDArray[np.bool_]:
    """True for spots with a stronger one (earlier in order) within `reach` px."""
    twice = np.zeros(len(spots), dtype=bool)
    if len(spots) < 2:
        return twice
    order = np.argsort(spots.y, kind="stable")
    x, y = spots.x[order], spots.y[order]
    for step in range(1, 30):
        near = y[step:] - y[:-step] < reach
        if not near.any():
            break
        near &= (y[step:] - y[:-step]) ** 2 + (x[step:] - x[:-step]) ** 2 < reach**2
        twice[np.maximum(order[step:], order[:-step])[near]] = True
    return twice
