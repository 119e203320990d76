"""The geometry that makes the arcs of rings agree.

Real detectors are not as flat and even as their description: modules sit some tenths of a pixel off, lenses,
tapers and image plates make circles oval. Both are unknowns too: each patch of the detector may be shifted,
by as much as the arcs on it show (a random effect, its strength found from the frame), and all rings may be
oval by a part in a thousand or, if they show it, more. The detector as a whole may be bent within its plane
by as much as its patches are shifted: rings on one side of the beam tell a tilt only as far as that allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.ring_arcs import SECTORS, Arcs
from xgeom_core.predict.statistics import robust_sigma

_OUTLIER, _ROBUST_STEPS = 5.0, 4
# Worth of belief in the counting noise against the scatter between patches.
_STEADY = 12.0
_LEAST_EIGENVALUE = 1e-7
# Standard deviations before the frame is seen: of rings being oval, relative, and of the shift of a patch,
# px; the latter is worth so many patches.
OVAL = 1e-3
_SHIFT_PX, _SHIFT_WORTH = 0.1, 2.0
_SHIFTS = np.geomspace(0.003, 3.0, 40)
# A patch counts so much at the most when the strength of the shifts is found.
_ODDEST = 9.0


@dataclass(frozen=True, eq=False)
class Solution:
    """Step of the geometry to where the arcs agree.

    Parameters
    ----------
    change : ndarray, shape (4,)
    covariance : ndarray, shape (4, 4)
        From counting noise or the scatter of the arcs, and shifts of the patches, or from the scatter between
        patches, whichever is larger.
    share : ndarray, shape (n,)
        Weight of each arc, 0 for outliers.
    scatter : float
        Of the arcs' positions in units of counting noise, 1 or more.
    disagreement : float
        Between patches of the detector beyond their shifts, in units of the former.
    larger : float
        By how much the disagreement made the variance larger, at the most.
    shift_px : float
        Standard deviation of the shifts of patches, native px.
    information : ndarray, shape (SECTORS,)
        On the outward shift of the rings' sectors, 1/px^2.
    """

    change: FloatArray
    covariance: FloatArray
    share: FloatArray
    scatter: float
    disagreement: float
    larger: float
    shift_px: float
    information: FloatArray


@dataclass(frozen=True, eq=False)
class ArcFit:
    """Least squares of geometry, ovalness and radii under a strength of the patches' shifts.

    What is `left` of each arc's shift is partly its patch's, partly its `own`.
    """

    at: FloatArray
    inverse: FloatArray
    left: FloatArray
    own: FloatArray
    chi2: float


def derivatives(arcs: Arcs, slope: FloatArray) -> FloatArray:
    """Derivatives of each arc's radius: geometry (4), ovalness (2), a bent field (6), radii of rings."""
    x, y = ((at - 0.5 * (at.min() + at.max())) for at in (arcs.x, arcs.y))
    size = max(float(np.abs(x).max()), float(np.abs(y).max()), 1.0)
    bends = np.stack([x * x, x * y, y * y], axis=1) / size**2
    field = np.concatenate([slope[:, :1] * bends, slope[:, 1:2] * bends], axis=1)
    rings = np.zeros((len(slope), int(arcs.ring.max()) + 1))
    rings[np.arange(len(slope)), arcs.ring] = -1.0
    return np.concatenate([slope, arcs.oval, field, rings], axis=1)


def fit_arcs(
    arcs: Arcs, design: FloatArray, shift: FloatArray, weight: FloatArray, prior: FloatArray, shift_px: float
) -> ArcFit | None:
    """Solve ``shift + design x = 0`` with `prior` (precision, pull) of the first four unknowns.

    Parameters
    ----------
    arcs : Arcs
    design : ndarray, shape (n, p)
    shift, weight : ndarray, shape (n,)
    prior : ndarray, shape (4, 5)
        Precision, and pull.
    shift_px : float
        Standard deviation of the patches' shifts.
    """
    normal, patch = _normal_of(arcs, design, weight, shift_px)
    normal[:4, :4] += prior[:, :4]
    steady = np.full(len(normal) - 4, 1e-9)
    steady[:2], steady[2:8] = OVAL**-2, shift_px**-2
    normal[np.arange(4, len(normal)), np.arange(4, len(normal))] += steady
    right = -design.T @ (weight * patch.own(shift))
    right[:4] += prior[:, 4]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    scaled = normal * np.outer(scale, scale)
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] < _LEAST_EIGENVALUE:
        return None
    inverse = np.linalg.inv(scaled) * np.outer(scale, scale)
    at = inverse @ right
    left = shift + design @ at
    own = patch.own(left)
    change = at[:4]
    pull = float(change @ prior[:, :4] @ change - 2.0 * change @ prior[:, 4])
    chi2 = float(left @ (weight * own)) + pull + float(steady @ at[4:] ** 2)
    return ArcFit(at, inverse, left, own, chi2)


@dataclass(frozen=True, eq=False)
class _Patches:
    """The inverse of noise and patches' shifts together, by the matrix inversion lemma."""

    number: NDArray[np.int64]
    outward: FloatArray
    weight: FloatArray
    core: FloatArray

    def own(self, values: FloatArray) -> FloatArray:
        """What is left of values at the arcs, shape (n,), beside the likeliest shifts of their patches."""
        size, heavy = len(self.core), self.weight * values
        sums = np.stack([np.bincount(self.number, heavy * part, size) for part in self.outward.T], axis=1)
        move = np.einsum("pij,pj->pi", self.core, sums)
        return np.asarray(values - (self.outward * move[self.number]).sum(axis=1))


def _normal_of(
    arcs: Arcs, design: FloatArray, weight: FloatArray, shift_px: float
) -> tuple[FloatArray, _Patches]:
    """Normal matrix of a design with the patches' shifts projected out."""
    outward, number = design[:, :2], arcs.patch
    size = int(number.max()) + 1
    heavy = design * weight[:, None]
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(size))
    seen = np.flatnonzero(np.bincount(number, minlength=size))
    cross = np.zeros((size, 2, design.shape[1]))
    for i in range(2):
        cross[seen, i] = np.add.reduceat(heavy[order] * outward[order, i, None], starts[seen])
    core = np.asarray(np.linalg.inv(cross[:, :, :2] + np.eye(2) * shift_px**-2), dtype=np.float64)
    normal = heavy.T @ design - np.einsum("pia,pij,pjb->ab", cross, core, cross, optimize=True)
    return normal, _Patches(number, outward, weight, core)


def _strength(arcs: Arcs, left: FloatArray, weight: FloatArray) -> float:
    """How far patches are shifted, px: the strength at which their residuals are of the right size."""
    size = int(arcs.patch.max()) + 1
    outward = arcs.slope[:, :2]

    def heap(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(arcs.patch, weight * values, size), dtype=np.float64)

    across, down = outward.T
    pull = heap(left * across) ** 2 + heap(left * down) ** 2
    plain = heap(across**2) + heap(down**2)
    square = heap(across**2) ** 2 + heap(down**2) ** 2 + 2.0 * heap(across * down) ** 2
    seen = plain > 0
    pull, plain, square = pull[seen], plain[seen], square[seen]
    off = np.minimum(pull / (plain + np.outer(_SHIFTS**2, square)), _ODDEST)
    # Geometry and radii follow the patches: so many fewer of them are free.
    free = max(float(seen.sum()) - 3.0, 1.0)
    excess = off.sum(axis=1) - free + _SHIFT_WORTH * ((_SHIFT_PX / _SHIFTS) ** 2 - 1.0)
    return float(_SHIFTS[min(int((excess > 0).sum()), len(_SHIFTS) - 1)])


def solve_arcs(arcs: Arcs, base: FloatArray, toward: FloatArray) -> Solution | None:
    """Robust least squares of the geometry, the radius of every ring being free.

    Parameters
    ----------
    arcs : Arcs
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    toward : ndarray, shape (4,)
        Pull of that prior.

    Returns
    -------
    Solution or None
        None where the arcs leave a direction free.
    """
    share, scatter, shift_px = np.ones(len(arcs.info)), 1.0, float(_SHIFTS[0])
    design, shift = derivatives(arcs, arcs.slope), arcs.pull / arcs.info
    prior = np.column_stack([base, toward])
    found: ArcFit | None = None
    for _ in range(_ROBUST_STEPS):
        weight = arcs.info * share / scatter**2
        found = fit_arcs(arcs, design, shift, weight, prior, shift_px)
        if found is None:
            return None
        score = found.own * np.sqrt(arcs.info)
        scatter = max(1.0, robust_sigma(score))
        share = np.clip(1.0 - (score / (_OUTLIER * scatter)) ** 2, 0.0, None) ** 2
        shift_px = _strength(arcs, found.left, arcs.info * share / scatter**2)
    assert found is not None  # the loop ran
    covariance = found.inverse[:4, :4]
    pulls = design * (weight * found.own)[:, None]
    sums = np.stack([np.bincount(arcs.patch, column) for column in pulls.T])
    patches = len(np.unique(arcs.patch))
    spread = (found.inverse @ (sums @ sums.T) @ found.inverse)[:4, :4] * patches / max(patches - 2, 1)
    ratio = np.diag(spread) / np.diag(covariance)
    larger = np.maximum(1.0, (_STEADY + patches * ratio) / (_STEADY + patches))
    information = np.asarray(np.bincount(arcs.sector, weight, SECTORS), dtype=np.float64)
    return Solution(
        found.at[:4],
        covariance * np.sqrt(np.outer(larger, larger)),
        share,
        scatter,
        float(np.sqrt(ratio.max())),
        float(larger.max()),
        shift_px,
        information,
    )
