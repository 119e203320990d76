"""How evenly spots fade about each of many beams: compiled, since it is asked for hundreds of beams."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_FEATURES, _ROUNDS, _RIDGE = 4, 12, 1e-4


@njit(cache=True, nogil=True)
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
    out = np.zeros((2, len(origins), count))
    points = np.empty((len(rays), _FEATURES))
    spots = np.empty((len(spot_rays), _FEATURES))
    weights = np.zeros(_FEATURES)
    for number in range(len(origins)):
        away2, spot_away2 = _squares(rays, origins[number]), _squares(spot_rays, origins[number])
        scale2 = np.median(spot_away2)
        block2, mosaic2 = _miss_spread(spot_away2, spot_missed, scale2)
        _fill(points, away2, missed, scale2, block2, mosaic2)
        _fill(spots, spot_away2, spot_missed, scale2, block2, mosaic2)
        if not _newton(points, seen, weights):
            weights[:] = 0.0
            _newton(points, seen, weights)
        for i in range(len(rays)):
            score = _score(points, i, weights)
            out[0, number, sectors[i]] -= np.log1p(np.exp(-score if seen[i] else score))
        rest = level - spots @ np.linalg.solve(
            spots.T @ spots + 1e-9 * len(spots) * np.eye(_FEATURES), spots.T @ level
        )
        variance = max((rest**2).mean(), 1e-6)
        for i in range(len(spots)):
            out[1, number, spot_sectors[i]] -= 0.5 * (np.log(variance) + rest[i] ** 2 / variance)
    return out


@njit(cache=True, nogil=True)
def _squares(rays: FloatArray, origin: FloatArray) -> FloatArray:
    """Squared distances of rays from an origin."""
    out = np.empty(len(rays))
    for i in range(len(rays)):
        out[i] = (rays[i, 0] - origin[0]) ** 2 + (rays[i, 1] - origin[1]) ** 2 + (rays[i, 2] - origin[2]) ** 2
    return out


@njit(cache=True, nogil=True)
def _miss_spread(away2: FloatArray, missed: FloatArray, middle: float) -> tuple[float, float]:
    """How far off the sphere spots are: the constant part, and what grows with the distance from the beam."""
    inner = away2 <= middle
    near = max(1.4826 * np.median(np.abs(missed[inner])), 1e-4) ** 2
    if inner.all():
        return near, 0.0
    far = max(1.4826 * np.median(np.abs(missed[~inner])), 1e-4) ** 2
    near2, far2 = np.median(away2[inner]), np.median(away2[~inner])
    mosaic2 = max(far - near, 0.0) / max(far2 - near2, 1e-6)
    return max(near - mosaic2 * near2, 0.1 * near), mosaic2


@njit(cache=True, nogil=True)
def _fill(
    out: FloatArray, away2: FloatArray, missed: FloatArray, scale2: float, block2: float, mosaic2: float
) -> None:
    """What visibility and strength depend on."""
    for i in range(len(out)):
        fade = away2[i] / scale2
        out[i, 0] = 1.0
        out[i, 1] = fade
        out[i, 2] = fade * fade
        out[i, 3] = np.log1p(0.5 * missed[i] ** 2 / (block2 + mosaic2 * away2[i]))


@njit(cache=True, nogil=True)
def _score(features: FloatArray, i: int, weights: FloatArray) -> float:
    """Logarithm of the odds of one point."""
    score = (
        weights[0] + features[i, 1] * weights[1] + features[i, 2] * weights[2] + features[i, 3] * weights[3]
    )
    return min(max(score, -30.0), 30.0)


@njit(cache=True, nogil=True)
def _newton(features: FloatArray, yes: NDArray[np.bool_], weights: FloatArray) -> bool:
    """Weights of a logistic regression, changed in place; whether the last step was short."""
    number = features.shape[1]
    hold = _RIDGE * len(features)
    for _ in range(_ROUNDS):
        normal, right = np.zeros((number, number)), np.zeros(number)
        for i in range(len(features)):
            score = _score(features, i, weights)
            chance = 1.0 / (1.0 + np.exp(-score))
            weight = chance * (1.0 - chance) + 1e-9
            off = (1.0 if yes[i] else 0.0) - chance
            for j in range(number):
                right[j] += features[i, j] * off
                for k in range(j + 1):
                    normal[j, k] += weight * features[i, j] * features[i, k]
        for j in range(number):
            normal[j, j] += hold
            right[j] -= hold * weights[j]
            for k in range(j):
                normal[k, j] = normal[j, k]
        step = np.linalg.solve(normal, right)
        longest = 0.0
        for j in range(number):
            weights[j] += min(max(step[j], -4.0), 4.0)
            longest = max(longest, abs(step[j]))
        if longest < 1e-3:
            return True
    return False
