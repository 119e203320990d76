"""Several lattices, one detector: fit them together from where the beam is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.algebra import inverse, solved
from xgeom_core.predict.lattice.assign_indices import Observed, assign
from xgeom_core.predict.lattice.linear import Linear, linearize
from xgeom_core.predict.lattice.model import Model
from xgeom_core.predict.lattice.parameterization import EXTRAS, Freedom, Priors, moved_by
from xgeom_core.predict.lattice.random_match_rate import Criteria
from xgeom_core.predict.lattice.residual_model import Spread

FloatArray = NDArray[np.float64]

# Center (2), tilt (2) and extras are shared; the rest belongs to each lattice.
_SHARED = 4 + EXTRAS
_SECTORS = 8
# So many sectors' worth of belief that noise is all there is.
_STEADY = 6.0


@dataclass(frozen=True, eq=False)
class Joint:
    """Lattices fitted together.

    Parameters
    ----------
    models : list of Model
        One per lattice, all with the same geometry.
    parts : list of Linear
        What each explains.
    covariance : ndarray, shape (4, 4)
        Over ``(x, y, pitch, yaw)`` in px and degrees.
    """

    models: list[Model]
    parts: list[Linear]
    covariance: FloatArray

    @property
    def geometry(self) -> Geometry:
        """The shared geometry."""
        return self.models[0].geometry

    @property
    def indexed(self) -> NDArray[np.bool_]:
        """Spots that any lattice explains."""
        return np.asarray(np.any([part.used for part in self.parts], axis=0))

    @property
    def rms_px(self) -> float:
        """Root mean square residual per coordinate."""
        rest = np.concatenate([part.assignment.rest[part.used] for part in self.parts])
        return float(np.sqrt((rest**2).mean()))

    def criteria(self) -> list[Criteria]:
        """When each lattice counts a spot as its own."""
        pairs = zip(self.models, self.parts, strict=True)
        return [Criteria(model, part.tolerance, part.spread) for model, part in pairs]


def fit_joint(
    models: list[Model],
    cells: list[FloatArray],
    observed: Observed,
    priors: Priors,
    *,
    tolerance: float = 0.25,
    rounds: int = 5,
) -> Joint | None:
    """Fit lattices that share center, tilt and distance.

    Parameters
    ----------
    models : list of Model
        Starts, with the beam as origin; they may differ a little in geometry: the first one counts.
    cells : list of ndarray, shape (m, 3, 3)
        Changes allowed to each metric.
    observed : Observed
        All spots.
    priors : Priors
        Weak priors on tilt and distance.
    tolerance : float
        Spots further than this from an index take no part.
    rounds : int
        Gauss-Newton steps.

    Returns
    -------
    Joint or None
        None where a lattice loses its spots or runs away.
    """
    freedoms = [Freedom(False, cell) for cell in cells]
    models = [replace(model, geometry=models[0].geometry, mosaic=models[0].mosaic) for model in models]
    parts: list[Linear] | None = None
    for _ in range(rounds):
        parts = _linearize_all(models, observed, freedoms, priors, tolerance, parts)
        if parts is None:
            return None
        normal, right = _normal_equations(parts, models[0], priors)
        moved = _moved_all(models, freedoms, solved(normal, right))
        if moved is None:
            return None
        models = moved
    parts = _linearize_all(models, observed, freedoms, priors, tolerance, parts)
    if parts is None:
        return None
    normal, right = _normal_equations(parts, models[0], priors)
    return Joint(models, parts, _covariance(models[0].geometry, parts, normal, right, observed))


def _normal_equations(parts: list[Linear], model: Model, priors: Priors) -> tuple[FloatArray, FloatArray]:
    design, residual = _stacked(parts)
    normal, right = design.T @ design, design.T @ residual
    _add_shared_priors(normal, right, model, priors)
    return normal, right


def _linearize_all(
    models: list[Model],
    observed: Observed,
    freedoms: list[Freedom],
    priors: Priors,
    tolerance: float,
    last: list[Linear] | None,
) -> list[Linear] | None:
    """Every lattice linearized at its own spots; `last` tells how they scattered the time before."""
    if len(models) == 1:
        part = linearize(models[0], observed, freedoms[0], priors, tolerance)
        return None if part is None else [part]
    spreads = [None] * len(models) if last is None else [part.spread for part in last]
    owner = owners(models, observed, tolerance, spreads)
    parts = []
    for number, (model, freedom) in enumerate(zip(models, freedoms, strict=True)):
        part = linearize(model, observed, freedom, priors, tolerance, owner == number)
        if part is None:
            return None
        parts.append(part)
    return parts


def owners(
    models: list[Model], observed: Observed, tolerance: float, spreads: Sequence[Spread | None]
) -> NDArray[np.int64]:
    """Which lattice predicts each spot best; -1 for none."""
    far = []
    for model, spread in zip(models, spreads, strict=True):
        found = assign(model, observed, spread)
        miss_px = found.miss * model.geometry.distance_mm / model.geometry.pixel_mm[0] / model.radius
        cost = np.hypot(found.rest[:, 0], found.rest[:, 1]) + 0.2 * np.abs(miss_px)
        far.append(np.where(found.off < tolerance, cost, np.inf))
    costs = np.array(far)
    best = np.argmin(costs, axis=0)
    return np.where(np.isfinite(costs.min(axis=0)), best, -1)


def _stacked(parts: list[Linear]) -> tuple[FloatArray, FloatArray]:
    """Rows of all lattices: shared unknowns (center, tilt, extras) first, then each one's own."""
    own = [part.design.shape[2] - _SHARED for part in parts]
    total = _SHARED + sum(own)
    blocks, residuals, at = [], [], _SHARED
    for part, count in zip(parts, own, strict=True):
        rows = part.design.reshape(-1, part.design.shape[2])
        block = np.zeros((len(rows), total))
        block[:, :4] = rows[:, :4]
        block[:, 4:_SHARED] = rows[:, -EXTRAS:]
        block[:, at : at + count] = rows[:, 4:-EXTRAS]
        blocks.append(block)
        residuals.append(part.residual.ravel())
        at += count
    return np.concatenate(blocks), np.concatenate(residuals)


def _add_shared_priors(normal: FloatArray, right: FloatArray, model: Model, priors: Priors) -> None:
    wanted, weight = priors.pulls(model)
    for i in range(len(wanted)):
        normal[2 + i, 2 + i] += weight[i]
        right[2 + i] += weight[i] * wanted[i]


def _moved_all(models: list[Model], freedoms: list[Freedom], step: FloatArray) -> list[Model] | None:
    moved, at = [], _SHARED
    for model, freedom in zip(models, freedoms, strict=True):
        count = 3 + len(freedom.cell)
        own = np.concatenate([step[:4], step[at : at + count], step[4:_SHARED]])
        model_moved = moved_by(model, freedom, own)
        if model_moved is None:
            return None
        moved.append(model_moved)
        at += count
    return moved


def _covariance(
    geometry: Geometry, parts: list[Linear], normal: FloatArray, right: FloatArray, observed: Observed
) -> FloatArray:
    """Covariance of center and tilt, never below what the sectors of the frame disagree by.

    Notes
    -----
    The normal matrix is scaled by the residuals already, so it knows noise. What shifts the spots of a
    whole side together (partiality, parallax, modules out of place) shows when azimuth sectors are
    left out in turn (jackknife); where that spread is larger it scales the covariance up.
    """
    formal = inverse(normal)
    x, y = geometry.center_px
    azimuth = np.arctan2(observed.xy[:, 1] - y, observed.xy[:, 0] - x)
    sector = ((azimuth + np.pi) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS
    design, residual = _stacked(parts)
    rows = np.concatenate([np.repeat(sector[part.used], 3) for part in parts])
    whole = formal @ right
    moves = []
    for number in range(_SECTORS):
        chosen = rows == number
        if not chosen.any():
            continue
        left, rest = design[chosen], residual[chosen]
        moves.append((inverse(normal - left.T @ left) @ (right - left.T @ rest) - whole)[:4])
    spread = np.array(moves)
    scatter = (len(moves) - 1) / max(len(moves), 1) * (spread**2).sum(axis=0)
    ratio = scatter / np.diag(formal)[:4]
    # Pooled over x and y, and over the tilts, and steadied by belief in the noise: eight sectors are few.
    weight = len(moves) / (len(moves) + _STEADY)
    center, tilt = (max(1.0, 1.0 + weight * (float(half.mean()) - 1.0)) for half in (ratio[:2], ratio[2:]))
    stretch = np.sqrt(np.array([center, center, tilt, tilt]))
    return np.asarray(formal[:4, :4] * np.outer(stretch, stretch))
