"""Robust least squares of spot positions over geometry, orientation and cell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from xgeom_core.predict.lattice.model import Model, observed_rays, project
from xgeom_core.predict.lattice.spread import Residuals, Spread, measure_spread, residuals

FloatArray = NDArray[np.float64]

# Strains of the reciprocal metric that leave all six cell constants free.
FREE_CELL: FloatArray = np.array(
    [np.outer(a, b) + np.outer(b, a) for i, a in enumerate(np.eye(3)) for b in np.eye(3)[i:]]
)
# The header's distance, as a standard deviation of its logarithm.
_DISTANCE_PRIOR = 0.004
# Between blocks that only broaden the points (0) and blocks that only turn them (1).
_MOSAIC, _MOSAIC_PRIOR = 0.5, 1.0
# Unknowns that all lattices share besides center and tilt: distance and mosaic.
EXTRAS = 2
_TILT_PRIOR_DEG = 3.0
_LONGEST_TURN = 0.2


@dataclass(frozen=True, eq=False)
class Observed:
    """Spots to be explained.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Positions in px.
    sigma : ndarray, shape (n,)
        Standard error per coordinate in px.
    """

    xy: FloatArray
    sigma: FloatArray

    def take(self, which: NDArray[np.bool_]) -> Observed:
        """The chosen spots."""
        return Observed(self.xy[which], self.sigma[which])


@dataclass(frozen=True, eq=False)
class Freedom:
    """What a fit may change.

    Parameters
    ----------
    origin : bool
        True: the origin is any point, and the center stays. False: the origin is where the beam
        meets the Ewald sphere, and the center is fitted.
    cell : ndarray, shape (m, 3, 3)
        Changes allowed to the reciprocal metric; `FREE_CELL` or those of a symmetry.
    tilt : bool
        Whether it is fitted, with a weak prior.
    extras : bool
        Whether the distance (prior: the header's) and the way spots slide (`Model.mosaic`) are fitted.
    """

    origin: bool
    cell: FloatArray
    tilt: bool = True
    extras: bool = True


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of a fit.

    Parameters
    ----------
    model : Model
        The best model.
    used : ndarray of bool, shape (n,)
        Spots that it explains.
    hkl : ndarray, shape (n, 3)
        Nearest indices.
    rest : ndarray, shape (n, 2)
        Observed minus predicted, px.
    miss : ndarray, shape (n,)
        Distance of each lattice point from the Ewald sphere in 1/Å.
    spread : Spread
        How the used spots scatter.
    normal : ndarray, shape (p, p)
        Normal matrix in units of the scaled errors.
    design : ndarray, shape (k, 3, p)
        Rows of the used spots (radial, across, miss), weighted.
    residual : ndarray, shape (k, 3)
        Weighted residuals of the used spots.
    freedom : Freedom
        What was fitted.
    tolerance : float
        How far from an index spots could be, in index units.
    """

    model: Model
    used: NDArray[np.bool_]
    hkl: FloatArray
    rest: FloatArray
    miss: FloatArray
    spread: Spread
    normal: FloatArray
    design: FloatArray
    residual: FloatArray
    freedom: Freedom
    tolerance: float

    @property
    def share(self) -> float:
        """Share of the spots explained."""
        return float(self.used.mean()) if len(self.used) else 0.0

    @property
    def rms_px(self) -> float:
        """Root mean square residual per coordinate of the used spots."""
        return float(np.sqrt((self.rest[self.used] ** 2).mean())) if self.used.any() else np.inf


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which index each spot is near, and how near."""

    hkl: FloatArray
    off: FloatArray
    rest: FloatArray
    miss: FloatArray


def assign(model: Model, observed: Observed) -> Assignment:
    """Nearest indices, their distance in index units, in px, and from the Ewald sphere."""
    rays = observed_rays(model.geometry, observed.xy[:, 0], observed.xy[:, 1])
    fractional = model.indices(rays)
    hkl = np.round(fractional)
    predicted = model.rays(hkl)
    rest = observed.xy - project(model.geometry, model.recorded(predicted)).xy
    miss = np.linalg.norm(predicted, axis=1) - model.radius
    return Assignment(hkl, np.abs(fractional - hkl).max(axis=1), rest, miss)


def fit_model(
    model: Model,
    observed: Observed,
    freedom: Freedom,
    *,
    tolerance: float,
    rounds: int = 4,
    start_tilt: tuple[float, float] = (0.0, 0.0),
    header_distance: float | None = None,
) -> Fit | None:
    """Fit a model to the spots that it indexes.

    Parameters
    ----------
    model : Model
        The start.
    observed : Observed
        All spots.
    freedom : Freedom
        What may change.
    tolerance : float
        Spots further than this from an index (in index units) take no part.
    rounds : int
        Assignments; each is followed by one Gauss-Newton step.
    start_tilt, header_distance
        Where the priors stand.

    Returns
    -------
    Fit or None
        None where fewer spots than unknowns are left, or the model ran away.
    """
    priors = Priors(start_tilt, header_distance or model.geometry.distance_mm)
    for _ in range(rounds):
        state = linearize(model, observed, freedom, priors, tolerance)
        if state is None:
            return None
        step = inverse(state.normal) @ state.right
        moved = moved_by(model, freedom, step)
        if moved is None:
            return None
        model = moved
    state = linearize(model, observed, freedom, priors, tolerance)
    if state is None:
        return None
    found = state.assignment
    return Fit(
        model,
        state.used,
        found.hkl,
        found.rest,
        found.miss,
        state.spread,
        state.normal,
        state.design,
        state.residual,
        freedom,
        tolerance,
    )


@dataclass(frozen=True, eq=False)
class Priors:
    """Where the weak priors on tilt (degrees) and distance (mm) stand; that on mosaic needs no place."""

    tilt: tuple[float, float]
    distance: float

    def pulls(self, model: Model) -> tuple[FloatArray, FloatArray]:
        """What they want added to pitch, yaw, log distance and mosaic, and their inverse variances."""
        geometry = model.geometry
        wanted = [
            self.tilt[0] - geometry.pitch_deg,
            self.tilt[1] - geometry.yaw_deg,
            np.log(self.distance / geometry.distance_mm),
            _MOSAIC - model.mosaic,
        ]
        sigma = np.array([_TILT_PRIOR_DEG, _TILT_PRIOR_DEG, _DISTANCE_PRIOR, _MOSAIC_PRIOR])
        return np.array(wanted), sigma**-2


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


def parameters(freedom: Freedom) -> int:
    """Number of unknowns: center or origin, tilt, orientation, cell, extras."""
    return (3 if freedom.origin else 2) + 2 * freedom.tilt + 3 + len(freedom.cell) + EXTRAS * freedom.extras


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


def ray_changes(model: Model, cell: FloatArray, hkl: FloatArray) -> FloatArray:
    """Derivatives of rays by the three turns and by the changes of the cell, shape (n, 3, 3 + m)."""
    changes = np.concatenate([_turns(model.reciprocal), _strains(model.reciprocal, cell)])
    return np.asarray(np.einsum("nj,mij->nim", hkl, changes))


def _turns(reciprocal: FloatArray) -> FloatArray:
    """Change of the reciprocal basis with small turns about x, y and z, shape (3, 3, 3)."""
    return np.asarray([np.cross(axis, reciprocal.T).T for axis in np.eye(3)])


def _strains(reciprocal: FloatArray, cell: FloatArray) -> FloatArray:
    """Change of the reciprocal basis B that changes its metric B^T B by each of `cell`.

    Notes
    -----
    ``dB = B^-T M / 2`` gives ``B^T dB + dB^T B = M``. The metric's scale makes the unknowns numbers
    of order one.
    """
    size = np.trace(reciprocal.T @ reciprocal) / 3.0
    return np.asarray(0.5 * size * np.einsum("ji,mjk->mik", np.linalg.inv(reciprocal), cell))


def add_priors(normal: FloatArray, right: FloatArray, model: Model, freedom: Freedom, priors: Priors) -> None:
    """Add the weak priors to normal equations, in place."""
    wanted, weight = priors.pulls(model)
    places: list[tuple[int, int]] = []
    if freedom.tilt:
        at = 3 if freedom.origin else 2
        places += [(0, at), (1, at + 1)]
    if freedom.extras:
        places += [(2 + i, len(right) - EXTRAS + i) for i in range(EXTRAS)]
    for which, place in places:
        normal[place, place] += weight[which]
        right[place] += weight[which] * wanted[which]


def inverse(normal: FloatArray) -> FloatArray:
    """Inverse of a normal matrix, scaled first, useless directions left out."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    outer = np.outer(scale, scale)
    return np.asarray(np.linalg.pinv(normal * outer, rcond=1e-12, hermitian=True) * outer)


def moved_by(model: Model, freedom: Freedom, step: FloatArray) -> Model | None:
    """The model after a step; None if the step leads out of all reason."""
    if not np.isfinite(step).all():
        return None
    geometry, origin = model.geometry, model.origin
    at = 3 if freedom.origin else 2
    if freedom.origin:
        origin = origin + step[:3]
    else:
        x, y = geometry.center_px
        geometry = replace(geometry, center_px=(x + float(step[0]), y + float(step[1])))
    if freedom.tilt:
        pitch, yaw = geometry.pitch_deg + float(step[at]), geometry.yaw_deg + float(step[at + 1])
        if max(abs(pitch), abs(yaw)) > 60:
            return None
        geometry = replace(geometry, pitch_deg=pitch, yaw_deg=yaw)
        at += 2
    turn, strain = step[at : at + 3], step[at + 3 : at + 3 + len(freedom.cell)]
    if np.abs(turn).max() > _LONGEST_TURN or (len(strain) and np.abs(strain).max() > 0.5):
        return None
    reciprocal = model.reciprocal + np.einsum("m,mij->ij", strain, _strains(model.reciprocal, freedom.cell))
    reciprocal = Rotation.from_rotvec(turn).as_matrix() @ reciprocal
    mosaic = model.mosaic
    if freedom.extras:
        change = float(np.clip(step[-EXTRAS], -0.02, 0.02))
        geometry = replace(geometry, distance_mm=geometry.distance_mm * float(np.exp(change)))
        mosaic = float(np.clip(mosaic + step[-EXTRAS + 1], -3.0, 4.0))
    return Model(geometry, origin, reciprocal, mosaic)
