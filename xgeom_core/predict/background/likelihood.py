"""One Newton step of the fit: Poisson counts, the profile projected out, the nuisance with its prior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_gain import HatSums, Rays
from xgeom_core.predict.background.azimuthal_harmonics import (
    AIR,
    COLUMNS,
    DARK,
    EVEN,
    OBLIQUITY,
    POLARIZATION,
    UNKNOWNS,
    USUAL_AIR,
)
from xgeom_core.predict.background.cells import Cells
from xgeom_core.predict.background.model import Model, Part, chunks, gains_at, part_of
from xgeom_core.predict.background.spline import choose_smoothness, local_roughness, roughness, times_banded
from xgeom_core.predict.statistics import robust_sigma

_LEAST_EXPECTED = 1e-3
_STEEPEST = np.radians(70.0)
# Limits of the dark level in standard deviations (nothing, and nearly all that the darkest pixels hold), and
# its longest step: some light must be left.
_DARKEST, _LONGEST_DARK = (-1.7, 1.3), 0.3
# Of the other numbers of the physics: what is beyond tells of a geometry that is still far off.
_LIMITS = {POLARIZATION: (-1.0, 1.0), OBLIQUITY: (-3.0, 3.0), AIR: (-USUAL_AIR, 0.6), EVEN: (-3.0, 1.7)}


@dataclass(frozen=True, eq=False)
class Equations:
    """Normal equations at a model, in log intensity.

    Parameters
    ----------
    expected : ndarray, shape (n,)
        Expected counts of the cells.
    weight : ndarray, shape (n,)
        Inverse variance of the relative residuals.
    residual : ndarray, shape (n,)
        Residuals relative to the light.
    normal, right : ndarray
        (UNKNOWNS, UNKNOWNS) and (UNKNOWNS,), profile projected out, no prior of the nuisance.
    gram, factor, cross, right_beta : ndarray
        What is needed to step the profile.
    parts : list of Part
        The derivatives, where they were asked for.
    panels : csr_array, shape (n, PANELS), or None
        Those by the modules.
    """

    expected: FloatArray
    weight: FloatArray
    residual: FloatArray
    normal: FloatArray
    right: FloatArray
    gram: FloatArray
    factor: FloatArray
    cross: FloatArray
    right_beta: FloatArray
    parts: list[Part]
    panels: sparse.csr_array | None


def equations(
    model: Model, cells: Cells, robust: float = 0.0, *, hats: bool = True, keep: bool = False
) -> Equations:
    """Linearize the model at cells.

    Parameters
    ----------
    model : Model
    cells : Cells
        Fastest if sorted by radius.
    robust : float
        Number of standard deviations beyond which a cell counts less (0: all count alike).
    hats : bool
        Whether rays and modules may change; if not, the frame seems to tell nothing of them.
    keep : bool
        Whether the derivatives at the cells are wanted.
    """
    n = len(cells.x)
    gains, groups = gains_at(model, cells), chunks(n)
    expected, weight, residual = np.empty((3, n))
    sums = Sums.none(model.knots.count)

    def seen(some: slice) -> Part:
        part = part_of(model, cells, some, gains)
        pixels = cells.pixels[some]
        light = np.maximum(pixels * np.exp(part.profile + part.amplitude), _LEAST_EXPECTED)
        dark = pixels * model.dark
        expected[some] = mu = light + dark
        # A relative change of the light changes what is expected by its share of it.
        weight[some] = light * (light / mu) / (1.0 + model.excess * mu)
        residual[some] = (cells.counts[some] - dark) / light - 1.0
        return part

    # While nothing but sums is asked for, no more than one part is held at a time.
    parts: Iterator[Part] = map(seen, groups)
    if robust or hats or keep:
        parts = iter(kept := [*parts])
    if robust:
        score = residual * np.sqrt(weight)
        limit = robust * max(1.0, robust_sigma(score))
        weight *= np.minimum(1.0, limit / np.maximum(np.abs(score), 1e-9)) ** 2
    weighted = np.empty((n if hats else 0, COLUMNS))
    for some, part in zip(groups, parts, strict=True):
        root = np.sqrt(weight[some])
        columns = part.columns * root
        sums.add(part, columns, root, residual[some])
        if hats:
            np.multiply(columns.T, root[:, None], out=weighted[some])
    more = hat_sums(model.knots.count, kept, cells.panels, weighted, weight, residual) if hats else None
    return _projected(model, sums, more, (expected, weight, residual), kept if keep else [], cells.panels)


def _projected(
    model: Model,
    sums: Sums,
    more: HatSums | None,
    seen: tuple[FloatArray, FloatArray, FloatArray],
    parts: list[Part],
    panels: sparse.csr_array | None,
) -> Equations:
    """Equations with the profile projected out."""
    rough = model.penalty * model.rough
    factor = linalg.cholesky_banded(sums.gram + rough, check_finite=False)
    right_beta = sums.right_beta - times_banded(rough, model.beta)
    cross, own, pull = sums.cross, sums.own, sums.right
    if more is not None:
        cross = np.concatenate([cross, more.profile], axis=1)
        own = np.block([[own, more.columns.T], [more.columns, more.own]])
        pull = np.concatenate([pull, more.right])
    both = linalg.cho_solve_banded((factor, False), np.column_stack([cross, right_beta]), check_finite=False)
    size = len(pull)
    normal, right = np.zeros((UNKNOWNS, UNKNOWNS)), np.zeros(UNKNOWNS)
    normal[:size, :size] = own - cross.T @ both[:, :-1]
    right[:size] = pull - cross.T @ both[:, -1]
    return Equations(*seen, normal, right, sums.gram, factor, cross, right_beta, parts, panels)


@dataclass(eq=False)
class Sums:
    """Sums of products of derivatives over cells.

    Parameters
    ----------
    gram : ndarray, shape (4, count)
        Profile with profile, banded.
    cross : ndarray, shape (count, COLUMNS)
        Profile with geometry and waves.
    own : ndarray, shape (COLUMNS, COLUMNS)
    right_beta, right : ndarray, shape (count,) and (COLUMNS,)
        With the residuals.
    """

    gram: FloatArray
    cross: FloatArray
    own: FloatArray
    right_beta: FloatArray
    right: FloatArray

    @classmethod
    def none(cls, count: int) -> Sums:
        """No cells yet."""
        return cls(
            np.zeros((4, count)),
            np.zeros((count, COLUMNS)),
            np.zeros((COLUMNS, COLUMNS)),
            np.zeros(count),
            np.zeros(COLUMNS),
        )

    def add(self, part: Part, columns: FloatArray, root: FloatArray, residual: FloatArray) -> None:
        """Add some cells; `columns`, shape (COLUMNS, n), are times `root`, the root of the weight."""
        off = root * residual
        # Sorted cells lie between few knots: their part of the basis is small enough to be written out.
        first = part.places.first
        low, wide = int(first.min()), int(first.max() - first.min()) + 4
        basis = np.zeros((len(first), wide))
        at = np.arange(0, basis.size, wide) + (first - low)
        for i in range(4):
            basis.ravel()[at + i] = part.basis[i] * root
        self.own += columns @ columns.T
        self.right += columns @ off
        here = slice(low, low + wide)
        self.cross[here] += basis.T @ columns.T
        self.right_beta[here] += basis.T @ off
        square = basis.T @ basis
        for i in range(4):
            # Entry (j, j + i) lies on diagonal i, stored in column j + i.
            self.gram[3 - i, low + i : low + wide] += np.diagonal(square, i)


def hat_sums(
    count: int,
    parts: list[Part],
    panels: sparse.csr_array | None,
    weighted: FloatArray,
    weight: FloatArray,
    residual: FloatArray,
) -> HatSums:
    """Sums over all cells of products with rays and modules.

    Parameters
    ----------
    count : int
        Basis functions of the profile.
    parts : list of Part
    panels : csr_array, shape (n, PANELS), or None
    weighted : ndarray, shape (n, COLUMNS)
        Derivatives times weight.
    weight, residual : ndarray, shape (n,)
    """
    sums = HatSums.none(count)
    rays = Rays.joined([part.rays for part in parts])
    first = np.concatenate([part.places.first for part in parts])
    basis = np.concatenate([part.basis for part in parts], axis=1)
    pull = weight * residual
    sums.add_rays(rays, first, basis, weighted, weight, pull)
    if panels is not None:
        sums.add_modules(panels, rays, first, basis, weighted, weight, pull)
    return sums


def step_all(model: Model, found: Equations, change: FloatArray) -> None:
    """Move the unknowns, and the profile that goes with them."""
    change = change.copy()
    change[EVEN] = np.clip(change[EVEN], -1.0, 1.0)
    change[DARK] = np.clip(change[DARK], -_LONGEST_DARK, _LONGEST_DARK)
    change[DARK] = np.clip(change[DARK] + model.theta[DARK], *_DARKEST) - model.theta[DARK]
    right = found.right_beta - found.cross @ change[: found.cross.shape[1]]
    step = linalg.cho_solve_banded((found.factor, False), right, check_finite=False)
    model.beta = model.beta + np.clip(step, -2.0, 2.0)
    model.theta = model.theta + change
    model.theta[2:4] = np.clip(model.theta[2:4], -_STEEPEST, _STEEPEST)
    for i, (low, high) in _LIMITS.items():
        model.theta[i] = np.clip(model.theta[i], low, high)


def smooth(model: Model, found: Equations, local: bool = False) -> None:
    """Choose the profile's roughness penalty anew; locally where the profile is already a good one."""
    right = found.right_beta + times_banded(model.penalty * model.rough, model.beta)
    model.rough = roughness(model.knots.count, local_roughness(model.beta) if local else None)
    model.penalty = choose_smoothness(found.gram, right, model.beta, model.rough)
