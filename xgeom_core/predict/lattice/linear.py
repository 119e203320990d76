"""A model linearized at the spots that it explains: normal equations with a robust loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.model import Model, project
from xgeom_core.predict.lattice.observed import Assignment, Observed, assign, is_blurred
from xgeom_core.predict.lattice.spread import Residuals, Spread, measure_spread, residuals
from xgeom_core.predict.lattice.unknowns import EXTRAS, Freedom, Priors, add_priors, parameters, ray_changes

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
    if used.sum() * 2 < parameters(freedom) + 4:
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
    if used.sum() * 2 < parameters(freedom) + 4:
        return None
    design, residual = _weighted(*_rows(model, found, used, freedom), polar, spread, used)
    flat = design.reshape(-1, design.shape[2])
    normal, right = flat.T @ flat, flat.T @ residual.ravel()
    add_priors(normal, right, model, freedom, priors)
    return Linear(found, used, spread, design, residual, normal, right, tolerance)


def _weighted(
    design: FloatArray, residual: FloatArray, polar: Residuals, spread: Spread, used: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Rows turned to (radial, across, miss) and divided by their errors, with a robust loss."""
    miss = spread.miss(polar)
    turn = np.zeros((len(residual), 3, 3))
    outward = polar.outward[used]
    turn[:, 0, :2] = outward
    turn[:, 1, 0], turn[:, 1, 1] = -outward[:, 1], outward[:, 0]
    turn[:, 2, 2] = 1.0
    # Position and distance from the sphere are judged apart: a spot can be far off in one only.
    loss_xy = 1.0 / np.sqrt(1.0 + (spread.pulls(polar)[used] / 2.0) ** 2)
    loss_miss = 1.0 / np.sqrt(1.0 + (polar.miss[used] / miss[used] / 2.0) ** 2)
    sigma = np.stack(
        [
            spread.scale * polar.sigma[used],
            spread.across(polar)[used],
            miss[used],
        ],
        axis=1,
    )
    weight = np.sqrt(np.stack([loss_xy, loss_xy, loss_miss], axis=1)) / sigma
    turned = turn * weight[:, :, None]
    return turned @ design, (turned @ residual[:, :, None])[:, :, 0]


def _rows(
    model: Model, found: Assignment, used: NDArray[np.bool_], freedom: Freedom
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of (x, y, miss) by the unknowns, shape (k, 3, p), and the residuals (k, 3)."""
    hkl = found.hkl[used]
    rays = model.rays(hkl)
    projection = project(model.geometry, rays)
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    by_ray = np.concatenate([projection.by_ray, unit[:, None, :]], axis=1)
    count = len(hkl)
    parts: list[FloatArray] = []
    if freedom.origin:
        parts.append(by_ray)
    else:
        center = np.zeros((count, 3, 2))
        center[:, 0, 0] = center[:, 1, 1] = 1.0
        parts.append(center)
    if freedom.tilt:
        parts.append(np.concatenate([projection.by_tilt, np.zeros((count, 1, 2))], axis=1))
    parts.append(by_ray @ ray_changes(model, freedom.cell, hkl))
    if freedom.extras:
        extras = np.zeros((count, 3, EXTRAS))
        extras[:, :2, 0] = projection.by_distance
        extras[:, :2, 1] = np.einsum("nij,nj->ni", projection.by_ray, model.slide(rays))
        parts.append(extras)
    residual = np.concatenate([found.rest[used], -found.miss[used][:, None]], axis=1)
    return np.concatenate(parts, axis=2), residual


def inverse(normal: FloatArray) -> FloatArray:
    """Inverse of a normal matrix, scaled first, useless directions left out."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    outer = np.outer(scale, scale)
    return np.asarray(np.linalg.pinv(normal * outer, rcond=1e-12, hermitian=True) * outer)
