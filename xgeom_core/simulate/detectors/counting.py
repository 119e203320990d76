"""Counting: exact Poisson numbers, fast and reproducible.

Notes
-----
The sum of two Poisson numbers is a Poisson number whose mean is the sum of the means. So a mean is
split into parts for which tables exist, and a small rest::

    mean = 64 a + b / 8 + rest,   0 <= a <= 64,  0 <= b < 512,  0 <= rest < 1/8

The numbers of the first two parts come out of alias tables (Walker, Electronics Letters 10 (1974)
127; built after Vose, IEEE Trans. Software Eng. 17 (1991) 972) with 32 random bits each and one
look-up. The rest is 0 most of the time, which one comparison tells (``exp(-rest) >= 1 - rest``);
otherwise it is found by inversion. Probabilities are right to 2**-32. Above 4160 the transformed
rejection PTRS is used (Hormann, Insurance: Mathematics and Economics 12 (1993) 39).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xgeom_core.simulate.detectors.random_bits import GAMMA, draw_seed, from_zero, mix, to_one

_LOW_32 = np.uint64(0xFFFFFFFF)
_U32 = np.uint64(32)
_UNIT_32 = 2.0**-32

_FINE_STEPS_PER_COUNT = 8
_FINE_BITS = 7  # outcomes 0 to 127: at a mean of 64 the rest has a probability below 1e-11
_COARSE_STEP = 64
_COARSE_ROWS = 65
_COARSE_BITS = 10  # 1,024 outcomes: 8 standard deviations either way at a mean of 4,096
_TABLE_END = float(_COARSE_STEP * _COARSE_ROWS)
_LARGEST = 1e9  # int32 holds 2.1e9; nothing real counts as far

Tables = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int32]]


def sample_poisson(
    expected: NDArray[np.float32], rng: np.random.Generator, out: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """A Poisson number for every pixel of an expected image.

    Parameters
    ----------
    expected : ndarray of float32, C order
        Expected counts; whatever is not above 0 gives 0, means are cut at 1e9.
    rng : numpy.random.Generator
        Gives the seed: one number is taken from it, whatever the size of the image.
    out : ndarray of int32, optional
        Where to write; of the same shape.

    Returns
    -------
    ndarray of int32
    """
    image = np.ascontiguousarray(expected, dtype=np.float32)
    counts = np.empty(image.shape, dtype=np.int32) if out is None else out
    _fill_poisson(image.reshape(-1), counts.reshape(-1), draw_seed(rng), *poisson_tables())
    return counts


@lru_cache(maxsize=1)
def poisson_tables() -> Tables:
    """Alias tables of the fine means (k / 8) and of the coarse ones (64 k), and where the latter begin.

    A cell holds the share at which it stands for itself in its upper bits, and the outcome it stands
    for otherwise in its lower bits.
    """
    fine = np.zeros((_COARSE_STEP * _FINE_STEPS_PER_COUNT, 2**_FINE_BITS), dtype=np.uint32)
    for row in range(len(fine)):
        _fill_alias(_probabilities(row / _FINE_STEPS_PER_COUNT, 0, 2**_FINE_BITS), fine[row], _FINE_BITS)
    coarse = np.zeros((_COARSE_ROWS, 2**_COARSE_BITS), dtype=np.uint32)
    first = np.zeros(_COARSE_ROWS, dtype=np.int32)
    for row in range(_COARSE_ROWS):
        mean = float(_COARSE_STEP * row)
        first[row] = max(0, int(mean) - 2 ** (_COARSE_BITS - 1))
        _fill_alias(_probabilities(mean, int(first[row]), 2**_COARSE_BITS), coarse[row], _COARSE_BITS)
    return fine, coarse, first


@njit(cache=True, nogil=True)
def _probabilities(mean: float, first: int, number: int) -> Any:
    """Poisson probabilities of `number` outcomes from `first` on, scaled to a sum of 1."""
    chances = np.zeros(number)
    if mean == 0.0:
        chances[0] = 1.0
        return chances
    mode = min(max(int(mean) - first, 0), number - 1)
    chances[mode] = 1.0
    for i in range(mode + 1, number):
        chances[i] = chances[i - 1] * mean / (first + i)
    for i in range(mode - 1, -1, -1):
        chances[i] = chances[i + 1] * (first + i + 1) / mean
    return chances / chances.sum()


@njit(cache=True, nogil=True)
def _fill_alias(chances: Any, cells: Any, bits: int) -> None:
    """Vose's construction; rounding goes to the cell's own outcome."""
    number = len(chances)
    scaled = chances * number
    small, large = np.empty(number, np.int64), np.empty(number, np.int64)
    smalls, larges = 0, 0
    for i in range(number):
        if scaled[i] < 1.0:
            small[smalls] = i
            smalls += 1
        else:
            large[larges] = i
            larges += 1
    top = 2 ** (32 - bits)
    for i in range(number):
        cells[i] = np.uint32((top - 1) * 2**bits + i)
    while smalls > 0 and larges > 0:
        smalls -= 1
        less, more = small[smalls], large[larges - 1]
        share = min(int(scaled[less] * top + 0.5), top - 1)
        cells[less] = np.uint32(share * 2**bits + more)
        scaled[more] -= 1.0 - scaled[less]
        if scaled[more] < 1.0:
            larges -= 1
            small[smalls] = more
            smalls += 1


@njit(cache=True, nogil=True, inline="always")
def _look_up(row: Any, bits: Any, size: int) -> Any:
    """The outcome that 32 random bits choose from a row of an alias table."""
    index = np.int64(bits & np.uint64((1 << size) - 1))
    cell = np.uint64(row[index])
    if (bits >> np.uint64(size)) < (cell >> np.uint64(size)):
        return index
    return np.int64(cell & np.uint64((1 << size) - 1))


@njit(cache=True, nogil=True)
def _invert_rest(uniform: float, mean: float) -> int:
    """Poisson number of a small mean by inversion."""
    chance = math.exp(-mean)
    below, number = chance, 0
    while uniform >= below and number < 30:
        number += 1
        chance *= mean / number
        below += chance
    return number


@njit(cache=True, nogil=True)
def _fill_poisson(expected: Any, counts: Any, seed: Any, fine: Any, coarse: Any, first: Any) -> None:
    counter = seed
    for i in range(expected.size):
        mean = np.float64(expected[i])
        if not mean > 0.0:
            counts[i] = 0
            continue
        counter += GAMMA
        bits = mix(counter)
        total = np.int64(0)
        if mean >= _COARSE_STEP:
            if mean >= _TABLE_END:
                number, counter = _reject(min(mean, _LARGEST), counter)
                counts[i] = number
                continue
            row = int(mean) // _COARSE_STEP
            total = first[row] + _look_up(coarse[row], bits >> _U32, _COARSE_BITS)
            mean -= row * _COARSE_STEP
            counter += GAMMA
            bits = mix(counter)
        step = int(mean * _FINE_STEPS_PER_COUNT)
        rest = mean - step / _FINE_STEPS_PER_COUNT
        total += _look_up(fine[step], bits >> _U32, _FINE_BITS)
        uniform = np.float64(np.int64(bits & _LOW_32)) * _UNIT_32
        if uniform >= 1.0 - rest:
            total += _invert_rest(uniform, rest)
        counts[i] = total


@njit(cache=True, nogil=True)
def _reject(mean: float, counter: Any) -> Any:
    """Hormann's PTRS for large means; also gives the counter as it left it."""
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    log_mean = math.log(mean)
    while True:
        counter += GAMMA
        u = from_zero(mix(counter)) - 0.5
        counter += GAMMA
        v = to_one(mix(counter))
        us = 0.5 - abs(u)
        if us <= 0.0:
            continue
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return np.int64(k), counter
        if k < 0.0 or (us < 0.013 and v > us):
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if left <= k * log_mean - mean - math.lgamma(k + 1.0):
            return np.int64(k), counter
