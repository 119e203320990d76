"""Read-out: what an analog detector makes of a signal. Normal numbers by the ziggurat method."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xgeom_core.simulate.detectors.random_bits import GAMMA, draw_seed, from_zero, mix, to_one

_LAYERS = 256
_EDGE = 3.6541528853610088  # where the tail begins, for 256 layers
_AREA = 4.92867323399e-3


def add_read_out(
    signal: NDArray[np.float32], pedestal: float, noise: float, excess: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Whole numbers that an analog detector reads out for a signal.

    Parameters
    ----------
    signal : ndarray of float32, C order
        Signal in units of the read-out (ADU).
    pedestal, noise : float
        Offset, and standard deviation of the read-out noise, in ADU.
    excess : float
        Variance per ADU of signal beyond the photons' own: each photon gives a varying amount of light.
    rng : numpy.random.Generator
        Gives the seed: one number is taken from it.

    Returns
    -------
    ndarray of int32
        Rounded to the nearest whole number, never below 0.
    """
    image = np.ascontiguousarray(signal, dtype=np.float32)
    counts = np.empty(image.shape, dtype=np.int32)
    _fill_read_out(
        image.reshape(-1), counts.reshape(-1), pedestal, noise * noise, excess, draw_seed(rng), *_ziggurat()
    )
    return counts


@lru_cache(maxsize=1)
def _ziggurat() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges and heights of the layers under ``exp(-x^2/2)``; layer 0 holds the tail."""
    edges = np.zeros(_LAYERS + 1)
    edges[0] = _AREA * math.exp(0.5 * _EDGE**2)
    edges[1] = _EDGE
    for i in range(2, _LAYERS):
        height = math.exp(-0.5 * edges[i - 1] ** 2) + _AREA / edges[i - 1]
        edges[i] = math.sqrt(-2.0 * math.log(height))
    heights = np.exp(-0.5 * edges**2)
    return edges, heights


@njit(cache=True, nogil=True)
def _normal(counter: Any, edges: Any, heights: Any) -> Any:
    """A standard normal number (Marsaglia and Tsang, J. Stat. Software 5 (2000) 8), and the counter."""
    while True:
        counter += GAMMA
        bits = mix(counter)
        layer = np.int64(bits & np.uint64(255))
        u = from_zero(bits) * 2.0 - 1.0
        x = u * edges[layer]
        if abs(x) < edges[layer + 1]:
            return x, counter
        counter += GAMMA
        v = to_one(mix(counter))
        if layer == 0:
            counter += GAMMA
            w = to_one(mix(counter))
            beyond = -math.log(v) / _EDGE
            if -2.0 * math.log(w) > beyond * beyond:
                return math.copysign(_EDGE + beyond, u), counter
        elif heights[layer] + v * (heights[layer + 1] - heights[layer]) < math.exp(-0.5 * x * x):
            return x, counter


@njit(cache=True, nogil=True)
def _fill_read_out(
    signal: Any,
    counts: Any,
    pedestal: float,
    variance: float,
    excess: float,
    seed: Any,
    edges: Any,
    heights: Any,
) -> None:
    counter = seed
    for i in range(signal.size):
        value = np.float64(signal[i])
        number, counter = _normal(counter, edges, heights)
        value += pedestal + math.sqrt(variance + excess * max(value, 0.0)) * number
        counts[i] = np.int32(min(max(value + 0.5, 0.0), 2.0e9))
