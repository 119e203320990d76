"""The metric symmetry of a lattice: which rotations map it on itself, and the cell they imply.

gemmi finds two-fold axes as Le Page does (1982, J. Appl. Cryst. 15, 255): a row of the direct lattice that
nearly coincides with the normal of a net. Groups made of them are tried, the largest first. All 14
Bravais lattices come out of their number and the volume of the cell along the axes, with no table.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.parameterization import FREE_CELL

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Cell = tuple[float, float, float, float, float, float]

_LARGEST_ORDER = 24
_MOST_AXES = 14


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
    real = np.asarray(np.linalg.inv(reciprocal), dtype=np.float64)
    found = gemmi.find_lattice_2fold_ops(gemmi.UnitCell(*cell_of(real)), math.degrees(limit))
    twofolds = [axis for axis, _ in found[:_MOST_AXES]]
    groups: dict[bytes, Symmetry] = {}
    for size in range(4):
        for seed in itertools.combinations(twofolds, size):
            rotations = _closure(seed)
            if rotations is None or rotations.tobytes() in groups:
                continue
            symmetry = Symmetry(rotations, 0.0)
            scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
            strain = float(np.abs((symmetry.symmetric(metric) - metric) / scale).max())
            if strain < limit:
                groups[rotations.tobytes()] = Symmetry(rotations, strain)
    return sorted(groups.values(), key=lambda symmetry: (-symmetry.order, symmetry.strain))


def _closure(generators: Sequence[gemmi.Op]) -> IntArray | None:
    """All products of some rotations, in a fixed order; None beyond 24."""
    factors = [np.array(operator.rot, dtype=np.int64) // gemmi.Op.DEN for operator in generators]
    first = np.eye(3, dtype=np.int64)
    found, new = {first.tobytes(): first}, [first]
    while new:
        products = [one @ factor for one in new for factor in factors]
        new = [one for one in {one.tobytes(): one for one in products}.values() if one.tobytes() not in found]
        found.update((one.tobytes(), one) for one in new)
        # Axes that do not belong together make ever more rotations.
        if len(found) > _LARGEST_ORDER:
            return None
    return np.array([found[key] for key in sorted(found)])


def cell_of(real: FloatArray) -> Cell:
    """Lengths and angles of the rows of a matrix."""
    length = np.linalg.norm(real, axis=1)
    cosine = [real[i] @ real[j] / length[i] / length[j] for i, j in ((1, 2), (0, 2), (0, 1))]
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    a, b, c, alpha, beta, gamma = (float(value) for value in (*length, *angle))
    return a, b, c, alpha, beta, gamma
