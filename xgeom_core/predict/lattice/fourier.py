"""Lattice vectors from the Fourier transform of the spots, with nothing known of the cell.

Spots mapped to the Ewald sphere are points of a lattice. The sum of ``exp(2 pi i r.k)`` over them is
large where r is a vector of the direct lattice, wherever the origin lies: only the phase knows that.
A still covers a shallow cap of reciprocal space, so that few planes along the beam sample the transform.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# A peak of the transform must stand this far out of what random spots give (in their mean modulus).
_LEAST_STRENGTH = 2.0


@dataclass(frozen=True, eq=False)
class Vectors:
    """Candidate vectors of the direct lattice, the most coherent first.

    Parameters
    ----------
    real : ndarray, shape (m, 3)
        In Å.
    phase : ndarray, shape (m,)
        In cycles: ``r.k - phase`` is near an integer for the spots of the lattice.
    coherence : ndarray, shape (m,)
        Modulus of the mean of ``exp(2 pi i r.k)``, 0 to 1.
    """

    real: FloatArray
    phase: FloatArray
    coherence: FloatArray


def search(rays: FloatArray, weights: FloatArray, limits_A: tuple[float, float], most: int = 80) -> Vectors:
    """Find vectors of the direct lattice.

    Parameters
    ----------
    rays : ndarray, shape (n, 3)
        Points on the Ewald sphere in 1/Å.
    weights : ndarray, shape (n,)
        How much each counts.
    limits_A : tuple of float
        Shortest and longest vector.
    most : int
        The most vectors to return.
    """
    middle = np.average(rays, axis=0, weights=weights)
    points = (rays - middle).astype(np.float32)
    weights = (weights / weights.sum()).astype(np.float32)
    axes = [_axis(points[:, i], limits_A[1], half=i == 2) for i in range(3)]
    waves = [np.exp(2j * np.pi * np.outer(points[:, i], axes[i])).astype(np.complex64) for i in range(3)]
    left = np.ascontiguousarray(waves[0].T) * weights
    modulus = np.empty((len(axes[2]), len(axes[0]), len(axes[1])), dtype=np.float32)
    for k in range(len(axes[2])):
        modulus[k] = np.abs((left * waves[2][:, k]) @ waves[1])
    real = _maxima(modulus, axes, limits_A, float(np.sqrt((weights**2).sum())), most)
    if len(real) == 0:
        return Vectors(np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    return _unique(polish(rays, weights.astype(np.float64), real), limits_A)


def _axis(values: NDArray[np.float32], longest: float, *, half: bool) -> FloatArray:
    """Sampling points of the transform along one axis, close enough for the extent of the points."""
    extent = max(float(np.percentile(values, 98) - np.percentile(values, 2)), 1e-3)
    step = 0.6 / extent
    count = int(np.ceil(longest / step))
    return np.asarray(np.arange(0 if half else -count, count + 1) * step)


def _maxima(
    modulus: NDArray[np.float32],
    axes: list[FloatArray],
    limits_A: tuple[float, float],
    noise: float,
    most: int,
) -> FloatArray:
    where = np.argwhere(modulus > _LEAST_STRENGTH * noise)
    # The edge of the box has no neighbors beyond; its first plane is its own mirror.
    size = np.array(modulus.shape)
    where = where[
        ((where[:, 1:] > 0) & (where[:, 1:] < size[1:] - 1) & (where[:, :1] < size[0] - 1)).all(axis=1)
    ]
    real = np.stack([axes[0][where[:, 1]], axes[1][where[:, 2]], axes[2][where[:, 0]]], axis=1)
    length = np.linalg.norm(real, axis=1)
    value = modulus[tuple(where.T)]
    peak = (length > limits_A[0]) & (length < limits_A[1])
    for step in itertools.product((-1, 0, 1), repeat=3):
        near = np.abs(where + np.array(step))
        mirrored = where[:, 0] + step[0] < 0
        near[mirrored, 1:] = (size[1:] - 1) - near[mirrored, 1:]
        peak &= value >= modulus[tuple(near.T)]
    real, value = real[peak], value[peak]
    return np.asarray(real[np.argsort(-value)[:most]])


def polish(rays: FloatArray, weights: FloatArray, real: FloatArray, rounds: int = 6) -> Vectors:
    """Move vectors to the nearest maximum of the coherence; see `Vectors`.

    Notes
    -----
    Gauss-Newton on the phases, each spot weighted with the cosine of its own phase (0 where negative),
    so that spots of other lattices do not pull.
    """
    middle = np.average(rays, axis=0, weights=weights)
    points = rays - middle
    design = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    # A weak pull to the starting point keeps directions that the spots do not fix from running.
    ridge = np.diag([1.0, 1.0, 1.0, 0.0]) * 1e-4 * float((weights[:, None] * points**2).sum())
    for _ in range(rounds):
        angle = real @ points.T
        wave = np.exp(2j * np.pi * angle)
        phase = np.angle(wave @ weights) / (2 * np.pi)
        rest = np.angle(wave * np.exp(-2j * np.pi * phase)[:, None]) / (2 * np.pi)
        w = weights * np.maximum(np.cos(2 * np.pi * rest), 0.0)
        normal = np.einsum("mn,ni,nj->mij", w, design, design, optimize=True) + ridge
        right = (w * rest) @ design
        real = real - np.linalg.solve(normal, right[..., None])[:, :3, 0]
    wave = np.exp(2j * np.pi * (real @ points.T)) @ weights
    phase = np.angle(wave) / (2 * np.pi) + real @ middle
    return Vectors(real, phase - np.floor(phase), np.abs(wave) / weights.sum())


def _unique(vectors: Vectors, limits_A: tuple[float, float]) -> Vectors:
    """The vectors without repetition (a vector and its negative are one), the most coherent first."""
    length = np.linalg.norm(vectors.real, axis=1)
    apart = vectors.real[:, None] - vectors.real, vectors.real[:, None] + vectors.real
    away = np.minimum(*(np.linalg.norm(part, axis=2) for part in apart))
    same = away < (2.0 + 0.02 * length)[:, None]
    kept: list[int] = []
    for i in np.argsort(-vectors.coherence):
        if limits_A[0] < length[i] < limits_A[1] * 1.1 and not same[i, kept].any():
            kept.append(int(i))
    return Vectors(vectors.real[kept], vectors.phase[kept], vectors.coherence[kept])
