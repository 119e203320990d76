"""What a fit may change, where its weak priors stand, and how a model moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import inverse3, turn_matrix
from xgeom_core.predict.lattice.model import Model

FloatArray = NDArray[np.float64]
# Strains of the reciprocal metric that leave all six cell constants free.
FREE_CELL: FloatArray = np.array(
    [np.outer(a, b) + np.outer(b, a) for i, a in enumerate(np.eye(3)) for b in np.eye(3)[i:]]
)
# And those that leave none.
FIXED_CELL: FloatArray = np.zeros((0, 3, 3))
# The header's distance, as a standard deviation of its logarithm.
_DISTANCE_PRIOR = 0.004
# Between blocks that only broaden the points (0) and blocks that only turn them (1).
_MOSAIC, _MOSAIC_PRIOR = 0.5, 1.0
# Unknowns that all lattices share besides center and tilt: distance and mosaic.
EXTRAS = 2
_TILT_PRIOR_DEG = 3.0
_LONGEST_TURN = 0.2


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


def parameters(freedom: Freedom) -> int:
    """Number of unknowns: center or origin, tilt, orientation, cell, extras."""
    return (3 if freedom.origin else 2) + 2 * freedom.tilt + 3 + len(freedom.cell) + EXTRAS * freedom.extras


def least_spots(freedom: Freedom) -> int:
    """How many spots a fit needs; of a known cell only origin or center and orientation are not held."""
    if not len(freedom.cell):
        return 5
    return parameters(freedom) // 2 + 2


@dataclass(frozen=True, eq=False)
class Priors:
    """Where the weak priors on tilt (degrees) and distance (mm) stand; that on mosaic needs no place."""

    tilt: tuple[float, float]
    distance: float
    tilt_sigma: float = _TILT_PRIOR_DEG

    def pulls(self, model: Model) -> tuple[FloatArray, FloatArray]:
        """What they want added to pitch, yaw, log distance and mosaic, and their inverse variances."""
        geometry = model.geometry
        wanted = [
            self.tilt[0] - geometry.pitch_deg,
            self.tilt[1] - geometry.yaw_deg,
            np.log(self.distance / geometry.distance_mm),
            _MOSAIC - model.mosaic,
        ]
        sigma = np.array([self.tilt_sigma, self.tilt_sigma, _DISTANCE_PRIOR, _MOSAIC_PRIOR])
        return np.array(wanted), sigma**-2


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
    return np.asarray(half_size(reciprocal) * (inverse3(reciprocal).T @ cell))


def half_size(reciprocal: FloatArray) -> float:
    """Half of the scale of the metric: a third of the trace."""
    return float((reciprocal * reciprocal).sum()) / 6.0


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
    metric = (strain @ freedom.cell.reshape(-1, 9)).reshape(1, 3, 3)
    reciprocal = turn_matrix(turn) @ (model.reciprocal + _strains(model.reciprocal, metric)[0])
    mosaic = model.mosaic
    if freedom.extras:
        change = float(np.clip(step[-EXTRAS], -0.02, 0.02))
        geometry = replace(geometry, distance_mm=geometry.distance_mm * float(np.exp(change)))
        mosaic = float(np.clip(mosaic + step[-EXTRAS + 1], -3.0, 4.0))
    return Model(geometry, origin, reciprocal, mosaic, model.blurred)
