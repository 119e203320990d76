"""A model linearized at the spots that it explains: normal equations with a robust loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import inverse3, lengths
from xgeom_core.predict.lattice.assign_indices import Assignment, Observed, assign, is_blurred
from xgeom_core.predict.lattice.model import Model, project
from xgeom_core.predict.lattice.parameterization import (
    EXTRAS,
    Freedom,
    Priors,
    add_priors,
    half_size,
    least_spots,
    parameters,
)
from xgeom_core.predict.lattice.residual_model import Residuals, Spread, measure_spread, residuals

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Linear:
    """A model linearized at the spots it explains; see `Fit` for the fields of the same name."""

    assignment: Assignment
    used: NDArray[np.bool_]
    spread: Spread
    design: FloatArray
    residual: FloatArray
    normal: FloatArray
    right: FloatArray
    tolerance: float


def linearize(
    model: Model,
    observed: Observed,
    freedom: Freedom,
    priors: Priors,
    tolerance: float,
    among: NDArray[np.bool_] | None = None,
) -> Linear | None:
    """The normal equations of one Gauss-Newton step; None where too few spots are left.

    Parameters
    ----------
    model, observed, freedom, priors, tolerance
        See `fit_model`.
    among : ndarray of bool, shape (n,), optional
        Spots that may take part.
    """
    found = assign(model, observed)
    used = found.off < tolerance
    if among is not None:
        used &= among
    least = least_spots(freedom)
    if used.sum() < least:
        return None
    polar = residuals(model.geometry, observed.xy, found.rest, found.miss, observed.sigma)
    spread = measure_spread(polar, used)
    if is_blurred(model, observed, spread):
        found = assign(model, observed, spread)
        used = found.off < tolerance
        if among is not None:
            used &= among
        polar = residuals(model.geometry, observed.xy, found.rest, found.miss, observed.sigma)
        spread = measure_spread(polar, used & spread.holds(polar))
    used &= spread.holds(polar)
    if used.sum() < least:
        return None
    design, residual = _rows(model, found, polar, spread, used, freedom)
    flat = design.reshape(-1, design.shape[2])
    normal, right = flat.T @ flat, flat.T @ residual.ravel()
    add_priors(normal, right, model, freedom, priors)
    return Linear(found, used, spread, design, residual, normal, right, tolerance)


def _rows(
    model: Model,
    found: Assignment,
    polar: Residuals,
    spread: Spread,
    used: NDArray[np.bool_],
    freedom: Freedom,
) -> tuple[FloatArray, FloatArray]:
    """Rows (radial, across, miss) divided by their errors, with a robust loss.

    Returns
    -------
    design : ndarray, shape (k, 3, p)
        Derivatives by the unknowns.
    residual : ndarray, shape (k, 3)
    """
    hkl = found.hkl[used]
    rays = model.rays(hkl)
    projection = project(model.geometry, rays)
    weight, turn = _weights(polar, spread, used)
    by_ray = np.empty((len(hkl), 3, 3))
    np.matmul(turn, projection.by_ray, out=by_ray[:, :2])
    by_ray[:, 2] = rays * (weight[:, 2] / lengths(rays))[:, None]
    design = np.zeros((len(hkl), 3, parameters(freedom)))
    if freedom.origin:
        design[:, :, :3] = by_ray
    else:
        design[:, :2, :2] = turn
    at = 3 if freedom.origin else 2
    if freedom.tilt:
        np.matmul(turn, projection.by_tilt, out=design[:, :2, at : at + 2])
        at += 2
    design[:, :, at : at + 3] = _by_turns(by_ray, rays - model.origin)
    cells = len(freedom.cell)
    design[:, :, at + 3 : at + 3 + cells] = _by_cell(by_ray, model.reciprocal, hkl, freedom.cell)
    if freedom.extras:
        design[:, :2, -EXTRAS] = (turn @ projection.by_distance[:, :, None])[:, :, 0]
        design[:, :2, -EXTRAS + 1] = (by_ray[:, :2] @ model.slide(rays)[:, :, None])[:, :, 0]
    residual = np.stack([polar.radial[used], polar.across[used], -polar.miss[used]], axis=1) * weight
    return design, residual


def _weights(polar: Residuals, spread: Spread, used: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Roots of the weights of the rows (k, 3), and what turns (x, y) to the weighted first two (k, 2, 2)."""
    miss = spread.miss(polar)[used]
    # Position and distance from the sphere are judged apart: a spot can be far off in one only.
    loss_xy = 1.0 / np.sqrt(np.sqrt(1.0 + spread.pulls2(polar)[used] / 4.0))
    loss_miss = 1.0 / np.sqrt(np.sqrt(1.0 + (polar.miss[used] / miss / 2.0) ** 2))
    weight = np.stack(
        [
            loss_xy / (spread.scale * polar.sigma[used]),
            loss_xy / spread.across(polar)[used],
            loss_miss / miss,
        ],
        axis=1,
    )
    outward = polar.outward[used]
    turn = np.empty((len(weight), 2, 2))
    turn[:, 0] = outward * weight[:, :1]
    turn[:, 1, 0] = -outward[:, 1] * weight[:, 1]
    turn[:, 1, 1] = outward[:, 0] * weight[:, 1]
    return weight, turn


def _by_turns(by_ray: FloatArray, vectors: FloatArray) -> FloatArray:
    """Derivatives by turns about x, y and z of vectors whose ends move rows by `by_ray`, (k, 3, 3)."""
    x, y, z = (vectors[:, i, None] for i in range(3))
    by_x, by_y, by_z = by_ray[:, :, 0], by_ray[:, :, 1], by_ray[:, :, 2]
    changes = np.empty_like(by_ray)
    changes[:, :, 0] = y * by_z - z * by_y
    changes[:, :, 1] = z * by_x - x * by_z
    changes[:, :, 2] = x * by_y - y * by_x
    return changes


def _by_cell(by_ray: FloatArray, reciprocal: FloatArray, hkl: FloatArray, cell: FloatArray) -> FloatArray:
    """Derivatives by changes of the metric; see `unknowns.ray_changes`, shape (k, 3, m)."""
    inner = by_ray.reshape(-1, 3) @ (half_size(reciprocal) * inverse3(reciprocal).T)
    outer = inner.reshape(-1, 3, 3, 1) * hkl[:, None, None, :]
    return np.asarray((outer.reshape(-1, 9) @ cell.reshape(-1, 9).T).reshape(len(hkl), 3, -1))
