"""How evenly spots fade about each of many beams; many beams at a time, since it is asked for hundreds.

Shapes: B beams, P points or spots, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_FEATURES, _ROUNDS, _RIDGE = 4, 12, 1e-4
# Numbers looked at together: they stay in the processor's cache.
_AT_ONCE = 1 << 15


def lopsided(
    origins: FloatArray,
    rays: FloatArray,
    missed: FloatArray,
    seen: NDArray[np.bool_],
    sectors: NDArray[np.int64],
    spot_rays: FloatArray,
    spot_missed: FloatArray,
    level: FloatArray,
    spot_sectors: NDArray[np.int64],
    count: int,
) -> FloatArray:
    """Log likelihoods of beams by which points were recorded and by how strong, shape (2, n, count).

    Notes
    -----
    A point is recorded with a logistic chance, and its log counts scatter about a line, in features that
    depend on its distance from the beam and from the sphere; weights are the best for each beam.
    """
    out = np.empty((2, len(origins), count))
    of_sector, of_spot_sector = (np.eye(count)[numbers] for numbers in (sectors, spot_sectors))
    step = max(1, _AT_ONCE // max(len(rays), len(spot_rays)))
    for first in range(0, len(origins), step):
        part = slice(first, first + step)
        away2, spot_away2 = _squares(rays, origins[part]), _squares(spot_rays, origins[part])
        scale2 = np.median(spot_away2, axis=1)
        spread = _miss_spread(spot_away2, spot_missed, scale2)
        points = _features(away2, missed, scale2, *spread)
        spots = _features(spot_away2, spot_missed, scale2, *spread)
        score = _score(points, _newton(points, seen))
        out[0, part] = -np.log1p(np.exp(np.where(seen, -score, score))) @ of_sector
        across = spots.swapaxes(1, 2)
        normal = across @ spots + 1e-9 * len(level) * np.eye(_FEATURES)
        rest = level - (spots @ np.linalg.solve(normal, across @ level[:, None]))[..., 0]
        variance = np.maximum(np.square(rest).mean(axis=1, keepdims=True), 1e-6)
        out[1, part] = -0.5 * (np.log(variance) + np.square(rest) / variance) @ of_spot_sector
    return out


def _squares(rays: FloatArray, origins: FloatArray) -> FloatArray:
    """Squared distances (B, P) of rays from origins."""
    out = np.zeros((len(origins), len(rays)))
    for ray, origin in zip(rays.T, origins.T, strict=True):
        out += np.square(ray - origin[:, None])
    return out


def _miss_spread(away2: FloatArray, missed: FloatArray, middle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far off the sphere spots are: the constant part, and what grows with the distance from the beam."""
    inner = away2 <= middle[:, None]
    off = np.broadcast_to(np.abs(missed), away2.shape)
    near = np.maximum(1.4826 * _median_of(off, inner), 1e-4) ** 2
    far = np.maximum(1.4826 * _median_of(off, ~inner), 1e-4) ** 2
    near2, far2 = _median_of(away2, inner), _median_of(away2, ~inner)
    mosaic2 = np.maximum(far - near, 0.0) / np.maximum(far2 - near2, 1e-6)
    # All are as near as the middle one.
    even = inner.all(axis=1)
    return np.where(even, near, np.maximum(near - mosaic2 * near2, 0.1 * near)), np.where(even, 0.0, mosaic2)


def _median_of(values: FloatArray, which: NDArray[np.bool_]) -> FloatArray:
    """Medians along the second axis of those that count; 0 where none does."""
    number = which.sum(axis=1)
    ordered = np.sort(np.where(which, values, np.inf), axis=1)
    beams = np.arange(len(values))
    low = ordered[beams, np.maximum(number - 1, 0) // 2]
    high = ordered[beams, np.minimum(number // 2, values.shape[1] - 1)]
    return 0.5 * np.where(number > 0, low + high, 0.0)


def _features(
    away2: FloatArray, missed: FloatArray, scale2: FloatArray, block2: FloatArray, mosaic2: FloatArray
) -> FloatArray:
    """What visibility and strength depend on, (B, P, F)."""
    out = np.ones((*away2.shape, _FEATURES))
    out[..., 1] = away2 / scale2[:, None]
    out[..., 2] = np.square(out[..., 1])
    out[..., 3] = np.log1p(0.5 * np.square(missed) / (block2[:, None] + mosaic2[:, None] * away2))
    return out


def _score(features: FloatArray, weights: FloatArray) -> FloatArray:
    """Logarithm of the odds of each point, (B, P)."""
    return (features @ weights[..., None])[..., 0].clip(-30.0, 30.0)


def _newton(features: FloatArray, yes: NDArray[np.bool_]) -> FloatArray:
    """Weights (B, F) of logistic regressions."""
    number = features.shape[1]
    hold = _RIDGE * number
    weights = np.zeros((len(features), _FEATURES))
    left = np.arange(len(features))
    for _ in range(_ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-_score(features, weights[left])))
        weight = chance * (1.0 - chance) + 1e-9
        across = features.swapaxes(1, 2)
        normal = (across * weight[:, None]) @ features + hold * np.eye(_FEATURES)
        right = (across @ (yes - chance)[..., None])[..., 0] - hold * weights[left]
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        weights[left] += step.clip(-4.0, 4.0)
        going = np.abs(step).max(axis=1) >= 1e-3
        if not going.any():
            break
        left, features = left[going], features[going]
    return weights
