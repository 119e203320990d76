"""Equivalent reflections are equally strong, if their indices are counted from the true beam.

A crystal's Laue symmetry makes reflections equal in pairs. Where another of the lattice's points is taken
for the beam all indices are shifted, and pairs that should be equal have nothing to do with each other. So
the strengths of those pairs, of which one still holds many wherever an axis or a mirror lies near the beam,
tell the origins apart; and just there the lattice's other origins lie on the Ewald sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtri

from xgeom_core.predict.lattice.algebra import lengths
from xgeom_core.predict.lattice.logistic import chances, fit_logistic
from xgeom_core.predict.lattice.visibility import Recorded

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Correlations of strengths that equivalents may have (partiality spoils much), each as likely as the others.
_CORRELATIONS = (0.1, 0.2, 0.35)
# Half of a metric's symmetries are those of the structure too.
_CHANCE_OF_SYMMETRY = 0.5
# Beyond this many standard deviations a strength says more of our model of it than of the reflection.
_CLIP = 1.5
# What neighbors have in common is no property of a reflection (shadows, a fall-off not quite met).
_NEIGHBORS = 12
_KNOTS = 6
_RIDGE = 1e-4
_LEAST_CHANCE = 1e-3
_LARGEST_TABLE = 3e7
_LIMIT = 25.0


@dataclass(frozen=True, eq=False)
class Equivalents:
    """Where in a lattice's list of points those of given indices stand.

    Parameters
    ----------
    low : ndarray of int, shape (3,)
        Least indices.
    place : ndarray of int, shape (l, m, n)
        Number of the point, -1 where there is none.
    """

    low: IntArray
    place: IntArray

    @classmethod
    def of(cls, hkl: IntArray) -> Equivalents | None:
        """A table of points; None if it would be too large."""
        low = hkl.min(axis=0)
        size = hkl.max(axis=0) - low + 1
        if float(np.prod(size.astype(np.float64))) > _LARGEST_TABLE:
            return None
        place = np.full(tuple(size), -1, dtype=np.int64)
        place[tuple((hkl - low).T)] = np.arange(len(hkl))
        return cls(low, place)

    def find(self, hkl: IntArray) -> IntArray:
        """Numbers of points with given indices, -1 where there is none."""
        at = hkl - self.low
        inside = ((at >= 0) & (at < self.place.shape)).all(axis=1)
        found = np.full(len(hkl), -1, dtype=np.int64)
        found[inside] = self.place[tuple(at[inside].T)]
        return found


def equivalent_evidence(lattices: list[Recorded], beams: FloatArray) -> FloatArray:
    """Logarithm of the odds of each beam by how alike equivalents are: 0 for the best, else negative.

    Parameters
    ----------
    lattices : list of Recorded
        Lattices of one frame, all in the same geometry.
    beams : ndarray, shape (n, 3)
        Lattice points in 1/Å, one of which is the beam.
    """
    total = np.zeros(len(beams))
    for lattice in lattices:
        total += _of_lattice(lattice, beams)
    return np.asarray(np.maximum(total - total.max(initial=-np.inf), -_LIMIT))


def _of_lattice(lattice: Recorded, beams: FloatArray) -> FloatArray:
    table = Equivalents.of(lattice.hkl)
    if table is None or len(lattice.hkl) <= _NEIGHBORS:
        return np.zeros(len(beams))
    spot = Equivalents.of(lattice.spot_hkl)
    spot_of = np.full(len(lattice.hkl), -1) if spot is None else spot.find(lattice.hkl)
    flat = lattice.rays[:, :2]
    neighbors = cKDTree(flat).query(flat, k=_NEIGHBORS + 1)[1][:, 1:]
    operations = _operations(lattice.rotations)
    odds = np.zeros(len(beams))
    weights: FloatArray | None = None
    for number, beam in enumerate(beams):
        origin = beam * (lattice.radius / np.linalg.norm(beam))
        strength, weights = _strengths(lattice, origin, spot_of, weights)
        strength = np.clip(strength, -_CLIP, _CLIP)
        strength = np.clip(strength - strength[neighbors].mean(axis=1), -_CLIP, _CLIP)
        shift = lattice.index_of(beam)
        for operation in operations:
            odds[number] += _alike(table, lattice.hkl - shift, shift, operation, strength)
    return odds


def _operations(rotations: IntArray) -> list[IntArray]:
    """Rotations and inversions of a Laue group, without the identity; of each and its inverse but one."""
    found: list[IntArray] = []
    for rotation in rotations:
        for operation in (rotation, -rotation):
            inverse = np.round(np.linalg.inv(operation)).astype(np.int64)
            if (operation == np.eye(3)).all() or any((inverse == other).all() for other in found):
                continue
            found.append(np.asarray(operation))
    return found


def _alike(
    table: Equivalents, hkl: IntArray, shift: IntArray, operation: IntArray, strength: FloatArray
) -> float:
    """Log odds that pairs under an operation are alike, by chance or by symmetry."""
    second = table.find(hkl @ operation + shift)
    first = np.flatnonzero((second >= 0) & (second != np.arange(len(second))))
    second = second[first]
    if (operation @ operation == np.eye(3)).all():
        once = first < second
        first, second = first[once], second[once]
    if not len(first):
        return 0.0
    product = strength[first] * strength[second]
    # 1 + r z z' is the density of correlated strengths over that of independent ones, for small r.
    logs = np.array([np.log1p(r * product).sum() for r in _CORRELATIONS])
    alike = float(np.logaddexp.reduce(logs)) - np.log(len(logs))
    return float(np.logaddexp(np.log1p(-_CHANCE_OF_SYMMETRY), np.log(_CHANCE_OF_SYMMETRY) + alike))


def _strengths(
    lattice: Recorded, origin: FloatArray, spot_of: IntArray, start: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Strength of each point as a standard normal number, given its place and how far it is off the sphere.

    Also the weights of the regression, which is the sooner done the better it starts.

    Notes
    -----
    A point that was not recorded has the mean of the lower part of a normal distribution, one that was
    has the quantile that the rank of its counts among those recorded gives it in the upper part.
    """
    farthest = float(lengths(lattice.rays - origin).max())
    features = _features(lattice, lattice.rays, lattice.missed, origin, farthest)
    score, weights = fit_logistic(features, lattice.seen, _RIDGE, start)
    chance = np.clip(chances(score), _LEAST_CHANCE, 1.0 - _LEAST_CHANCE)
    threshold = ndtri(1.0 - chance)
    strength = -np.exp(-0.5 * threshold**2) / np.sqrt(2.0 * np.pi) / (1.0 - chance)
    seen = lattice.seen & (spot_of >= 0)
    rank = _ranks(lattice, origin, farthest)[spot_of[seen]]
    quantile = 1.0 - chance[seen] + chance[seen] * rank
    strength[seen] = ndtri(np.clip(quantile, _LEAST_CHANCE, 1.0 - _LEAST_CHANCE))
    return np.asarray(strength), weights


def _ranks(lattice: Recorded, origin: FloatArray, farthest: float) -> FloatArray:
    """Rank (0 to 1) of each spot's level beyond what its place explains."""
    features = _features(lattice, lattice.spot_rays, lattice.spot_missed, origin, farthest)
    normal = features.T @ features + 1e-2 * np.eye(features.shape[1])
    rest = lattice.level - features @ np.linalg.solve(normal, features.T @ lattice.level)
    return np.asarray((np.argsort(np.argsort(rest)) + 0.5) / len(rest))


def _features(
    lattice: Recorded, rays: FloatArray, missed: FloatArray, origin: FloatArray, farthest: float
) -> FloatArray:
    """What chance and strength depend on besides the reflection itself, shape (n, k)."""
    away = rays - origin
    length = lengths(away)
    # Hats over knots: each falls from 1 to 0 towards the next ones.
    place = np.minimum(length / (1.01 * farthest), 1.0) * (_KNOTS - 1)
    fall = [np.maximum(1.0 - np.abs(place - knot), 0.0) for knot in range(_KNOTS)]
    off2 = missed**2 / (lattice.spread.block**2 + (lattice.spread.mosaic * length) ** 2)
    x, y = away[:, :2].T / farthest
    square = x * x + y * y
    bent = [x, y, x * y, x * x - y * y, x * square, y * square]
    return np.stack([*fall, np.log1p(0.5 * off2), np.minimum(off2, 9.0), *bent], axis=1)
