"""Steps of the fit until they are small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.hyperparameters import System, choose_strength
from xgeom_core.predict.background.likelihood import Equations, equations, smooth, step_all
from xgeom_core.predict.background.model import Model
from xgeom_core.predict.background.noise import excess_of, misfit_of, sample_of
from xgeom_core.predict.background.state import RadialState

_LONGEST_STEP = 8.0
_FIXED = 1e12


@dataclass(frozen=True, eq=False)
class Pace:
    """What steps are measured by.

    Parameters
    ----------
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    start : ndarray, shape (4,)
        Middle of that prior.
    lever : ndarray, shape (4,)
        What each parameter does to the image at the middle of an edge, native px.
    factor : int
        Native px per pooled px.
    """

    base: FloatArray
    start: FloatArray
    lever: FloatArray
    factor: int


def iterate(
    pace: Pace,
    state: RadialState,
    free: int,
    most: int,
    *,
    robust: bool,
    small: float,
    tune: bool = False,
    smoothen: bool = True,
) -> None:
    """Steps until they are small.

    Parameters
    ----------
    pace : Pace
    state : RadialState
    free : int
        How many of the four parameters may move.
    most : int
        Steps at the most.
    robust : bool
        Whether cells far off count less.
    small : float
        Size of a small step beyond a tenth of the noise, pooled px.
    tune : bool
        Whether the strength of the nuisance is chosen anew, at the first step and the third.
    smoothen : bool
        Whether the roughness of the profile is chosen anew at the first step.
    """
    cells = state.cells
    some = sample_of(cells.place, cells.grid[0] * cells.grid[1])
    for number in range(most):
        tuned = tune and number in (0, 2)
        found = equations(
            state.model,
            state.cells,
            robust=2.5 if robust else 0.0,
            hats=tuned or not state.model.strength.plain,
        )
        if smoothen and number == 0:
            smooth(state.model, found, local=not robust)
        excess = state.model.excess
        size = _step(pace, state.model, found, free, tuned)
        state.model.excess = excess_of(cells.counts[some], found.expected[some])
        state.steps += 1
        state.converged = size < small
        if number == most - 1 or (state.converged and (number > 0 or not tune)):
            state.misfit = misfit_of(cells.counts[some], found.expected[some], excess)
            break


def _step(pace: Pace, model: Model, found: Equations, free: int, tune: bool) -> float:
    base = pace.base.copy()
    for i in range(free, 4):
        base[i, i] = _FIXED
    present = model.from_prior()
    present[:4] = model.theta[:4] - pace.start
    for i in range(free, 4):
        present[i] = 0.0
    system = System.of(found.normal, found.right, present, base)
    if tune:
        model.strength = choose_strength(system, model.strength)
    solution = system.solve(model.strength)
    change = system.change(solution, present)
    moved = np.abs(change[:4]) * pace.lever
    noise = 0.1 * np.sqrt(np.diag(solution.covariance(4))) * pace.lever
    damp = min(1.0, _LONGEST_STEP * pace.factor / max(float(moved.max()), 1e-12))
    step_all(model, found, damp * change)
    return float(np.maximum(moved - noise, 0.0).max()) / pace.factor
