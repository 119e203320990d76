"""Three vectors that span the lattice: chosen by how many spots they index, then reduced."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import cross, lengths
from xgeom_core.predict.lattice.fourier import Vectors
from xgeom_core.predict.lattice.symmetry import cell_of

FloatArray = NDArray[np.float64]

_IN_PHASE = 0.2
# Three vectors closer to one plane than this (volume over product of lengths) span nothing.
_LEAST_VOLUME = 0.12
_NEARLY_ALL = 0.87
# A basis that indexes a smaller share than this is none.
_LEAST_SHARE = 0.12


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
    volume = np.abs(cross(real[first], real[second]) @ real.T)
    length = lengths(real)
    flat = volume < _LEAST_VOLUME * (length[first] * length[second])[:, None] * length
    counts[flat | (np.arange(number) <= second[:, None])] = 0.0
    # Others are never chosen; they are most.
    worth = counts >= _NEARLY_ALL * _LEAST_SHARE * float(weights.sum())
    pair, third = np.nonzero(worth)
    members = np.stack([first[pair], second[pair], third], axis=1)
    return _pick(counts[worth], volume[worth], members, vectors, float(weights.sum()), most)


def _pick(
    counts: FloatArray,
    volume: FloatArray,
    members: NDArray[np.int64],
    vectors: Vectors,
    total: float,
    most: int,
) -> list[Basis]:
    """The smallest cell among those that index nearly as many as the best, and the next ones."""
    found: list[Basis] = []
    remaining = counts.copy()
    for _ in range(most):
        best = float(remaining.max(initial=0.0))
        if best < _LEAST_SHARE * total:
            break
        good = np.flatnonzero(remaining >= _NEARLY_ALL * best)
        # Half the volume is worth some share of the spots, or a multiple cell would always win.
        chosen = good[int(np.argmin(volume[good] / (remaining[good] / best) ** 4))]
        three, cell, count = members[chosen], volume[chosen], counts[chosen]
        found.append(_reduced(vectors.real[three], vectors.phase[three], float(count)))
        # Other triples of the same lattice have the same volume and index the same spots.
        near = (np.abs(volume / cell - 1.0) < 0.04) & (np.abs(counts / count - 1.0) < 0.3)
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
        Unimodular; ``change @ real`` is the Niggli-reduced basis, right-handed, shortest first.
    """
    vector = gemmi.GruberVector(gemmi.UnitCell(*cell_of(real)), "P", track_change_of_basis=True)
    vector.niggli_reduce()
    change = np.array(vector.change_of_basis.rot, dtype=np.float64).T / gemmi.Op.DEN
    return np.asarray(-change if np.linalg.det(change @ real) < 0 else change)
