"""Tell spots, shadows and the stop from background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.cells import Cells, block_sum, spread_blocks
from xgeom_core.predict.background.detector_model import radii
from xgeom_core.predict.background.model import Model
from xgeom_core.predict.statistics import robust_sigma

Mask = NDArray[np.bool_]

# What became of a pixel, for pictures.
USED, MASKED, INNER, SPOT, SHADOW, BRIGHT = 0, 1, 2, 3, 4, 5
KINDS = ("used", "masked", "inner part", "spot", "shadow", "bright patch")

_TABLE = 16
_CLIP = 4.5
_FIRST_CLIP = 5.0
_FIRST_BLOCK = 8
# A model that is only local or only smooth may be off by this much without a spot being there.
_LOOSE = 0.10
_TIGHT = 0.03


def first_spots(pooled: PooledFrame, usable: Mask) -> Mask:
    """Pixels far above the mean of their neighborhood; needs no model.

    Returns
    -------
    ndarray of bool, shape of the pooled frame
        Spots with a rim of one pixel.
    """
    shape = usable.shape
    found = np.zeros(shape, dtype=bool)
    for _ in range(3):
        use = usable & ~found
        total = block_sum(np.where(use, pooled.counts, np.float32(0.0)), _FIRST_BLOCK)
        size = block_sum(use.astype(np.float32), _FIRST_BLOCK)
        mean = total / np.maximum(size, 1.0)
        limit = mean + _FIRST_CLIP * np.sqrt(np.maximum(mean, 0.0) + 1.0 + (_LOOSE * mean) ** 2)
        limit[size < 1] = np.inf
        above = usable & (pooled.counts > spread_blocks(limit.astype(np.float32), _FIRST_BLOCK, shape))
        more = int(above.sum()) - int(found.sum())
        found = above
        if more <= 0.001 * found.size:
            break
    return widened(found)


def model_spots(
    pooled: PooledFrame, usable: Mask, model: Model, cells: Cells, wave: FloatArray, scale: float
) -> Mask:
    """Pixels far above the model, with a rim of one pixel; shadows are told cell by cell.

    Parameters
    ----------
    pooled : PooledFrame
    usable : ndarray of bool
    model : Model
    cells : Cells
        Cells of the pooled frame.
    wave : ndarray, shape (n,)
        Log amplitude of each cell beside the profile.
    scale : float
        Scatter of the residuals in units of counting noise.
    """
    expected = expected_image(pooled, model, cells, wave)
    score = pooled.counts - expected
    score /= np.sqrt(expected + np.float32(1.0) + (np.float32(_TIGHT) * expected) ** 2)
    return widened(usable & (score > _CLIP * max(1.0, scale)))


def expected_image(pooled: PooledFrame, model: Model, cells: Cells, wave: FloatArray) -> NDArray[np.float32]:
    """Expected counts of every pooled pixel (waves taken from its cell)."""
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    height, width = pooled.counts.shape
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) * np.float32(factor) + np.float32(x0)
    y = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) * np.float32(factor) + np.float32(y0))[
        :, None
    ]
    rho = radii(x, y, model.theta[:4], model.detector)
    step = model.knots.step / _TABLE
    far = float(rho.max())
    radius = (np.arange(int(far / step) + 2, dtype=np.float64) + 0.5) * step
    profile = np.exp(model.log_profile(radius)).astype(np.float32)
    rho *= np.float32(1.0 / step)
    place = rho.astype(np.int32)
    amplitude = np.exp(cells.image(wave)).astype(np.float32)
    light = profile[place] * spread_blocks(amplitude, cells.block, (height, width))
    light += np.float32(model.dark)
    return np.asarray(light)


_HOT_TIMES, _HOT_SIGMA = 3.0, 8.0
_DEAD_COUNTS = 12.0


def lone_pixels(counts: NDArray[np.float32], usable: Mask) -> Mask:
    """Pixels that no light explains: far above all of their eight neighbors, or 0 among bright ones.

    Parameters
    ----------
    counts : ndarray of float32, shape (slow, fast)
    usable : ndarray of bool
        What is not usable is no neighbor.

    Returns
    -------
    ndarray of bool
        Hot and dead pixels that the file does not mark.
    """
    shown = np.where(usable, counts, np.float32(0.0))
    most = _brightest_neighbor(shown)
    found = np.zeros(usable.shape, dtype=bool)
    # Few pixels come into question at all; those are looked at closely.
    at = np.flatnonzero(usable & (shown > _HOT_TIMES * most + np.float32(_HOT_SIGMA)))
    beside = most.ravel()[at]
    found.ravel()[at] = shown.ravel()[at] > _HOT_TIMES * beside + _HOT_SIGMA * np.sqrt(beside + 1.0)
    # The mean of the neighbors is no larger than the brightest of them.
    rows, columns = np.nonzero(usable & (shown <= 0) & (most > _DEAD_COUNTS))
    light, seen = np.pad(shown, 1), np.pad(usable, 1)
    total, number = np.zeros(len(rows), dtype=np.float32), np.zeros(len(rows), dtype=np.float32)
    for down in range(3):
        for right in range(3):
            total += light[rows + down, columns + right]
            number += seen[rows + down, columns + right]
    found[rows, columns] |= total > _DEAD_COUNTS * number
    return found


def _brightest_neighbor(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest of the eight neighbors of each pixel; 0 beyond the edge."""
    padded = np.pad(image, 1)
    beside = np.maximum(padded[:, :-2], padded[:, 2:])
    row = np.maximum(beside, padded[:, 1:-1])
    most: NDArray[np.float32] = np.maximum(row[:-2], row[2:])
    return np.maximum(most, beside[1:-1], out=most)


# Side of the blocks that must not be constant, counts from which on they cannot be, and the share of equal
# neighbors below which they cannot be either.
_CONSTANT, _SCATTERS, _RARELY_EQUAL = 4, 2.0, 0.1


def constant_blocks(pooled: PooledFrame) -> Mask:
    """Blocks of the very same value where light or noise would differ: gaps that no mask marks."""
    height, width = (size // _CONSTANT * _CONSTANT for size in pooled.counts.shape)
    found = np.zeros(pooled.counts.shape, dtype=bool)
    image = pooled.counts[:height, :width]
    blocks = image.reshape(height // _CONSTANT, _CONSTANT, width // _CONSTANT, _CONSTANT)
    first = blocks[:, :1, :, :1]
    constant = (blocks == first).all(axis=(1, 3))
    inside = spread_blocks(constant, _CONSTANT, (height, width))
    beside = pooled.full[:height, 1:width] & ~inside[:, 1:] & ~inside[:, :-1]
    equal = float((image[:, 1:] == image[:, :-1])[beside].mean()) if beside.any() else 1.0
    if equal >= _RARELY_EQUAL:
        constant &= first[:, 0, :, 0] > _SCATTERS
    found[:height, :width] = spread_blocks(constant, _CONSTANT, (height, width))
    return widened(found) if found.any() else found


def widened(mask: Mask) -> Mask:
    """A mask with a rim of one pixel."""
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    rows = out.copy()
    out[:, 1:] |= rows[:, :-1]
    out[:, :-1] |= rows[:, 1:]
    return out


_SEED_SIGMA, _SEED_SHARE = 5.0, 0.04
_GROW_SIGMA, _GROW_SHARE = 2.0, 0.02
_DEEP_SEED_SHARE, _DEEP_GROW_SHARE = 0.25, 0.12
_SURROUND = 25
_DEEP_SHARE = 0.3


def odd_regions(
    cells: Cells, expected: FloatArray, scale: float, excess: float, deep: bool
) -> tuple[Mask, Mask]:
    """Connected regions that stand out from their surroundings: arms, holders, nozzles, patches.

    Parameters
    ----------
    cells : Cells
    expected : ndarray, shape (n,)
        Model at the cells.
    scale : float
        Scatter of the residuals in units of their noise.
    excess : float
        Variance of the relative error that counting noise does not explain.
    deep : bool
        Whether only deep shadows and strong patches count: while the model is rough, or where sharp
        rings are uneven because the powder has grains.

    Returns
    -------
    dark, bright : ndarray of bool, shape (n,)

    Notes
    -----
    A wrong geometry leaves residuals that change slowly along a ring, shadows have edges. Residuals
    are therefore taken against the mean of a wide surrounding window, unless they are very deep.
    """
    model, off = cells.image(expected), cells.image(cells.counts - expected)
    sums = _square_sums(model, off, cells.image(excess * expected**2), scale)
    shares = (_DEEP_SEED_SHARE, _DEEP_GROW_SHARE) if deep else (_SEED_SHARE, _GROW_SHARE)
    plain = np.ones(cells.grid, dtype=bool)
    # What stands out falsifies the surroundings of its neighbors: so twice.
    for _ in range(2):
        dark, bright = _regions((model, off), sums, plain, shares)
        plain = ~(dark | bright)
    return widened(dark).ravel()[cells.place], widened(bright).ravel()[cells.place]


def _square_sums(
    model: FloatArray, off: FloatArray, extra: FloatArray, scale: float
) -> list[tuple[int, FloatArray, FloatArray, FloatArray]]:
    """Squares of cells: their side, expected counts, what is found beyond them, and its noise.

    Parameters
    ----------
    model, off, extra : ndarray
        Expected counts, counts minus expected, and variance beyond counting noise.
    scale : float
    """
    out = []
    for size in (1, 3, 7):
        area = float(size * size)
        total, found, variance = (
            image if size == 1 else ndimage.uniform_filter(image, size, mode="constant") * area
            for image in (model, off, model + extra)
        )
        out.append((size, total, found, scale * np.sqrt(np.maximum(variance, 1.0))))
    return out


def _regions(
    images: tuple[FloatArray, FloatArray],
    sums: list[tuple[int, FloatArray, FloatArray, FloatArray]],
    plain: Mask,
    shares: tuple[float, float],
) -> tuple[Mask, Mask]:
    """Dark and bright regions of a grid of cells, seen against their plain surroundings.

    Parameters
    ----------
    images : tuple of ndarray
        Expected counts, and counts minus expected.
    sums : list of tuple
        See `_square_sums`.
    plain : ndarray of bool
        Where the surroundings may be taken from.
    shares : tuple of float
        How far off seeds of a region and the rest of it are, relative to the model.
    """
    model, off = images
    wide_total = ndimage.uniform_filter(model * plain, _SURROUND, mode="constant")
    wide = ndimage.uniform_filter(off * plain, _SURROUND, mode="constant") / np.maximum(wide_total, 1e-9)
    wide = np.clip(wide, -0.5, 0.5)
    seeds = {sign: np.zeros(model.shape, dtype=bool) for sign in (-1, 1)}
    grown = {sign: np.zeros(model.shape, dtype=bool) for sign in (-1, 1)}
    for size, total, found, noise in sums:
        value, sure = found - wide * total, _SEED_SIGMA * noise
        seed, deep = np.maximum(sure, shares[0] * total), np.maximum(sure, _DEEP_SHARE * total)
        seeds[1] |= (value > seed) | (found > deep)
        seeds[-1] |= (value < -seed) | (found < -deep)
        if size <= 3:
            rest = np.maximum(_GROW_SIGMA * noise, shares[1] * total)
            grown[1] |= value > rest
            grown[-1] |= value < -rest
    dark, bright = (
        ndimage.binary_propagation(seeds[sign], mask=seeds[sign] | grown[sign]) for sign in (-1, 1)
    )
    return np.asarray(dark), np.asarray(bright)


def inner_limit(radius: FloatArray, score: FloatArray, least: float, most: float, step: float) -> float:
    """Radius inside which the azimuthal scatter is far larger than elsewhere: stop, air, slits.

    Parameters
    ----------
    radius : ndarray, shape (n,)
        Of the cells, px.
    score : ndarray, shape (n,)
        Residuals in units of their noise.
    least, most : float
        Where to look, px.
    step : float
        Width of a ring, px.
    """
    usual = max(1.0, robust_sigma(score))
    limit = least
    near = radius < most + step
    radius, score = radius[near], score[near]
    for low in np.arange(least, most, step):
        ring = score[(radius >= low) & (radius < low + step)]
        if len(ring) >= 12 and robust_sigma(ring) > 2.5 * usual:
            limit = low + step
    return float(limit)
