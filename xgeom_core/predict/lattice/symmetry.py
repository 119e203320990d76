"""The metric symmetry of a lattice: which rotations map it on itself, and the cell they imply.

Two-fold axes are found as by Le Page (1982, J. Appl. Cryst. 15, 255): a row of the direct lattice that
nearly coincides with the normal of a net. Groups made of them are tried, the largest first. All 14
Bravais lattices come out of their number and the volume of the cell along the axes, with no table.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.unknowns import FREE_CELL

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LARGEST_ORDER = 24


@dataclass(frozen=True, eq=False)
class Symmetry:
    """A group of rotations of a lattice.

    Parameters
    ----------
    rotations : ndarray of int, shape (g, 3, 3)
        Acting on fractional coordinates of the direct lattice.
    strain : float
        How far the lattice is from having it: largest relative change of a metric element.
    """

    rotations: IntArray
    strain: float

    @property
    def order(self) -> int:
        """Number of rotations."""
        return len(self.rotations)

    def cell_freedom(self) -> FloatArray:
        """Basis (m, 3, 3) of the reciprocal metrics that the group leaves as they are."""
        mean = np.array([self.symmetric(metric).ravel() for metric in FREE_CELL])
        _, values, basis = np.linalg.svd(mean)
        kept = basis[: int((values > 1e-6).sum())]
        return np.asarray(kept.reshape(-1, 3, 3))

    def symmetric(self, reciprocal_metric: FloatArray) -> FloatArray:
        """The metric averaged over the group."""
        r = self.rotations.astype(np.float64)
        return np.asarray(np.einsum("gij,jk,glk->il", r, reciprocal_metric, r) / len(r))


NO_SYMMETRY = Symmetry(np.eye(3, dtype=np.int64)[None], 0.0)


def symmetrized(reciprocal: FloatArray, symmetry: Symmetry) -> FloatArray:
    """The reciprocal basis, least changed, whose metric has the symmetry."""
    metric = reciprocal.T @ reciprocal
    low, target = np.linalg.cholesky(metric), np.linalg.cholesky(symmetry.symmetric(metric))
    bent = reciprocal @ np.linalg.inv(low).T @ target.T
    # The Cholesky factors turn the basis a little; the best rotation turns it back.
    u, _, v = np.linalg.svd(reciprocal @ np.linalg.inv(bent))
    return np.asarray(u @ v @ bent)


def find_symmetries(reciprocal: FloatArray, limit: float) -> list[Symmetry]:
    """Groups of rotations that nearly map a lattice on itself, the largest first.

    Parameters
    ----------
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* of a reduced cell.
    limit : float
        Largest strain allowed; also the largest angle in radians between row and net normal.
    """
    metric = reciprocal.T @ reciprocal
    twofolds = _twofolds(reciprocal, limit)[:14]
    groups: dict[bytes, Symmetry] = {}
    seeds: list[list[IntArray]] = [[]]
    for size in (1, 2, 3):
        seeds += [list(chosen) for chosen in itertools.combinations(twofolds, size)]
    for seed in seeds:
        rotations = _closure(seed)
        if rotations is None or rotations.tobytes() in groups:
            continue
        symmetry = Symmetry(rotations, 0.0)
        scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
        strain = float(np.abs((symmetry.symmetric(metric) - metric) / scale).max())
        if strain < limit:
            groups[rotations.tobytes()] = Symmetry(rotations, strain)
    return sorted(groups.values(), key=lambda symmetry: (-symmetry.order, symmetry.strain))


def _twofolds(reciprocal: FloatArray, limit: float) -> list[IntArray]:
    """Rotations by 180 degrees, the best first."""
    steps = _steps()
    real = np.linalg.inv(reciprocal)
    rows, nets = steps @ real, steps @ reciprocal.T
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    nets /= np.linalg.norm(nets, axis=1, keepdims=True)
    dot = steps @ steps.T
    angle = np.arccos(np.clip(np.abs(rows @ nets.T), 0.0, 1.0))
    found = np.argwhere(((np.abs(dot) == 1) | (np.abs(dot) == 2)) & (angle < limit))
    found = found[np.argsort(angle[tuple(found.T)])]
    rotations: list[IntArray] = []
    for u, h in found:
        rotation = 2 * np.outer(steps[u], steps[h]) // dot[u, h] - np.eye(3, dtype=np.int64)
        if not any((rotation == other).all() for other in rotations):
            rotations.append(rotation)
    return rotations


@cache
def _steps() -> IntArray:
    """Directions of rows and nets: indices up to 2 without a common factor, one of each and its negative."""
    steps = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    return np.array([s for s in steps if s.any() and s[np.nonzero(s)[0][0]] > 0 and np.gcd.reduce(s) == 1])


def _closure(generators: list[IntArray]) -> IntArray | None:
    """All products of some rotations, in a fixed order; None beyond 24."""
    group = {np.eye(3, dtype=np.int64).tobytes(): np.eye(3, dtype=np.int64)}
    fresh = list(group.values())
    while fresh:
        grown: list[IntArray] = []
        for element, generator in itertools.product(fresh, generators):
            product = element @ generator
            key = product.tobytes()
            if key not in group:
                group[key] = product
                grown.append(product)
                if len(group) > _LARGEST_ORDER:
                    return None
        fresh = grown
    return np.array([group[key] for key in sorted(group)])
