"""Random bits inside compiled loops: one seed, the same bits on every machine.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter put through a mixer. The seed comes from
the caller's generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U30, _U27, _U31, _U11 = (np.uint64(n) for n in (30, 27, 31, 11))
_DOUBLE = 2.0**-53


def draw_seed(rng: np.random.Generator) -> np.uint64:
    """Where a loop's counter begins; takes one number from the generator."""
    return np.uint64(rng.integers(0, 2**64, dtype=np.uint64))


@njit(cache=True, nogil=True, inline="always")
def mix(counter: Any) -> Any:
    """64 random bits out of a counter; the caller adds `GAMMA` to it before each call."""
    z = (counter ^ (counter >> _U30)) * _MIX_1
    z = (z ^ (z >> _U27)) * _MIX_2
    return z ^ (z >> _U31)


@njit(cache=True, nogil=True, inline="always")
def from_zero(bits: Any) -> Any:
    """A number in [0, 1) out of 64 random bits."""
    return np.float64(np.int64(bits >> _U11)) * _DOUBLE


@njit(cache=True, nogil=True, inline="always")
def to_one(bits: Any) -> Any:
    """A number in (0, 1] out of 64 random bits; its logarithm is finite."""
    return np.float64(np.int64(bits >> _U11) + 1) * _DOUBLE
