"""Robust least squares of spot positions over geometry, orientation and cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import solved
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.linear import Linear, linearize
from xgeom_core.predict.lattice.model import Model
from xgeom_core.predict.lattice.parameterization import Freedom, Priors, moved_by
from xgeom_core.predict.lattice.residual_model import Spread

FloatArray = NDArray[np.float64]


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
    refined = refine(model, observed, freedom, priors, tolerance=tolerance, rounds=rounds)
    if refined is None:
        return None
    model = refined[0]
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
        freedom,
        tolerance,
    )


def refine(
    model: Model, observed: Observed, freedom: Freedom, priors: Priors, *, tolerance: float, rounds: int
) -> tuple[Model, Linear] | None:
    """The steps of `fit_model` alone: the model after the last one, and what it explained before that."""
    state: Linear | None = None
    for _ in range(rounds):
        state = linearize(model, observed, freedom, priors, tolerance)
        if state is None:
            return None
        moved = moved_by(model, freedom, solved(state.normal, state.right))
        if moved is None:
            return None
        model = moved
    return None if state is None else (model, state)
