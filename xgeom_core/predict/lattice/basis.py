"""Three vectors that span the lattice: chosen by how many spots they index, then reduced."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.fourier import Vectors

FloatArray = NDArray[np.float64]

_IN_PHASE = 0.2
# Three vectors closer to one plane than this (volume over product of lengths) span nothing.
_LEAST_VOLUME = 0.12
_NEARLY_ALL = 0.87


@dataclass(frozen=True, eq=False)
class Basis:
    """Rows of `real` are a, b, c in Å; `phase` their phases in cycles; `count` the spots indexed."""

    real: FloatArray
    phase: FloatArray
    count: float


def choose_bases(vectors: Vectors, rays: FloatArray, weights: FloatArray, most: int = 6) -> list[Basis]:
    """Triples of vectors that index many spots with a small cell, the best first.

    Parameters
    ----------
    vectors : Vectors
        Candidates, the most coherent first.
    rays : ndarray, shape (n, 3)
        Points on the Ewald sphere in 1/Å.
    weights : ndarray, shape (n,)
        How much each counts.
    most : int
        The most bases to return.
    """
    number = min(len(vectors.real), 42)
    if number < 3:
        return []
    real, phase = vectors.real[:number], vectors.phase[:number]
    rest = real @ rays.T - phase[:, None]
    rest -= np.round(rest)
    fits = (np.abs(rest) < _IN_PHASE).astype(np.float32)
    first, second = np.triu_indices(number, 1)
    both = fits[first] * fits[second] * weights.astype(np.float32)
    counts = (both @ fits.T).astype(np.float64)
    volume = np.abs(np.cross(real[first], real[second]) @ real.T)
    length = np.linalg.norm(real, axis=1)
    flat = volume < _LEAST_VOLUME * (length[first] * length[second])[:, None] * length
    counts[flat | (np.arange(number) <= second[:, None])] = 0.0
    return _pick(counts.astype(np.float32), volume, (first, second), vectors, float(weights.sum()), most)


def _pick(
    counts: FloatArray,
    volume: FloatArray,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    vectors: Vectors,
    total: float,
    most: int,
) -> list[Basis]:
    """The smallest cell among those that index nearly as many as the best, and the next ones."""
    found: list[Basis] = []
    remaining = counts.copy()
    for _ in range(most):
        best = float(remaining.max())
        if best < 0.12 * total:
            break
        rows, columns = np.nonzero(remaining >= _NEARLY_ALL * best)
        # Half the volume is worth some share of the spots, or a multiple cell would always win.
        chosen = int(np.argmin(volume[rows, columns] / (remaining[rows, columns] / best) ** 4))
        row, column = rows[chosen], columns[chosen]
        members = [int(pairs[0][row]), int(pairs[1][row]), int(column)]
        cell = volume[row, column]
        found.append(_reduced(vectors.real[members], vectors.phase[members], float(counts[row, column])))
        # Other triples of the same lattice have the same volume and index the same spots.
        near = (np.abs(volume / cell - 1.0) < 0.04) & (np.abs(counts / counts[row, column] - 1.0) < 0.3)
        remaining[near] = 0.0
        remaining[volume > 0.96 * cell] *= 0.9
    return found


def _reduced(real: FloatArray, phase: FloatArray, count: float) -> Basis:
    change = reduce_basis(real)
    return Basis(change @ real, change @ phase, count)


def reduce_basis(real: FloatArray) -> FloatArray:
    """Integer change of basis (rows) to the three shortest vectors that span the same lattice.

    Parameters
    ----------
    real : ndarray, shape (3, 3)
        Rows a, b, c.

    Returns
    -------
    ndarray, shape (3, 3)
        Unimodular; ``change @ real`` is the Buerger-reduced basis, right-handed, shortest first.
    """
    change = np.eye(3)
    steps = [np.array(step, dtype=float) for step in itertools.product((-1, 0, 1), repeat=2)]
    for _ in range(100):
        now = change @ real
        change = change[np.argsort(np.linalg.norm(now, axis=1), kind="stable")]
        now = change @ real
        moved = False
        for i in (2, 1):
            others = [j for j in range(3) if j != i and (i == 2 or j < i)]
            trials = [
                change[i] + sum(s * change[j] for s, j in zip(step, others, strict=False)) for step in steps
            ]
            lengths = [float(np.linalg.norm(trial @ real)) for trial in trials]
            best = int(np.argmin(lengths))
            if lengths[best] < np.linalg.norm(now[i]) * (1.0 - 1e-9):
                change[i] = trials[best]
                moved = True
                break
        if not moved:
            break
    if np.linalg.det(change @ real) < 0:
        change = -change
    return np.asarray(np.round(change))
