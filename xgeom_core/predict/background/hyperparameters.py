"""Normal equations under a prior of the nuisance, and how strong the nuisance is.

The strength is what makes the frame likeliest (empirical Bayes). Strengths that are compared differ in the
prior of few unknowns: the others are solved for once, and what is compared are small systems.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import (
    ABSENT,
    COLUMNS,
    MODULES,
    ORDERS,
    POLARIZATION,
    WAVES,
    Strength,
)

_PANEL_STRENGTHS = (ABSENT, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)
_STRENGTHS = tuple(10.0 ** (-0.5 * k) for k in range(1, 8))
_RAY_STRENGTHS = (*_STRENGTHS[:6], ABSENT)
_STEEPNESS = (0.25, 0.7)
_RIDGE = 1e-10


@dataclass(frozen=True, eq=False)
class Solution:
    """Outcome of normal equations with a prior.

    Parameters
    ----------
    score : float
        Log marginal likelihood, up to a constant.
    at : ndarray, shape (p,)
        The unknowns, counted from the prior's middle.
    factor : ndarray, shape (p, p)
        Lower Cholesky factor of the scaled matrix, for `covariance`.
    scale : ndarray, shape (p,)
    """

    score: float
    at: FloatArray
    factor: FloatArray
    scale: FloatArray

    def covariance(self, size: int) -> FloatArray:
        """Covariance of the first unknowns, shape (size, size)."""
        unit = np.zeros((len(self.scale), size))
        unit[np.arange(size), np.arange(size)] = self.scale[:size]
        inverse = lapack.dpotrs(self.factor, unit, lower=1)[0]
        return np.asarray(inverse[:size] * self.scale[:size, None])


@dataclass(frozen=True, eq=False)
class System:
    """Normal equations of some of the unknowns, without these unknowns' own prior.

    Parameters
    ----------
    normal : ndarray, shape (p, p)
    right : ndarray, shape (p,)
        As a function of the unknowns themselves, counted from the prior's middle.
    which : ndarray of int, shape (p,)
        Number of each unknown.
    """

    normal: FloatArray
    right: FloatArray
    which: NDArray[np.int64]

    @classmethod
    def of(cls, normal: FloatArray, right: FloatArray, present: FloatArray, base: FloatArray) -> System:
        """All that the frame tells something of; the others stay at the middle of their prior.

        Parameters
        ----------
        normal, right : ndarray, shape (UNKNOWNS, UNKNOWNS) and (UNKNOWNS,)
            Normal equations of the likelihood at the present unknowns, profile projected out.
        present : ndarray, shape (UNKNOWNS,)
            Present unknowns, counted from the prior's middle.
        base : ndarray, shape (4, 4)
            Prior precision of the geometry.
        """
        told = np.diag(normal) > 0
        told[:COLUMNS] = True
        which = np.flatnonzero(told)
        part = normal[np.ix_(which, which)]
        full = right[which] + part @ present[which]
        part[:4, :4] += base
        return cls(part, full, which)

    def without(self, gone: NDArray[np.bool_], strength: Strength) -> System:
        """The system of the remaining unknowns, some being solved for under their prior.

        Parameters
        ----------
        gone : ndarray of bool, shape (p,)
        strength : Strength
        """
        out, left = np.flatnonzero(gone), np.flatnonzero(~gone)
        factor, scale = _factor(self.normal[np.ix_(out, out)], strength.precision()[self.which[out]])
        beside = np.column_stack([self.normal[np.ix_(out, left)], self.right[out]]) * scale[:, None]
        half = lapack.dtrtrs(factor, beside, lower=1)[0]
        both = half[:, :-1].T @ half
        return System(
            self.normal[np.ix_(left, left)] - both[:, :-1], self.right[left] - both[:, -1], self.which[left]
        )

    def change(self, solution: Solution, present: FloatArray) -> FloatArray:
        """By how much a solution differs from the present unknowns, shape (UNKNOWNS,)."""
        change = -present
        change[self.which] += solution.at
        return change

    def solve(self, strength: Strength) -> Solution:
        """The solution under a prior."""
        prior = strength.precision()[self.which]
        factor, scale = _factor(self.normal, prior)
        at = scale * lapack.dpotrs(factor, scale * self.right, lower=1)[0]
        # The geometry has no prior here: its zeros count as ones.
        log_prior = 0.5 * float(np.log(np.where(prior > 0, prior, 1.0)).sum())
        log_det = float(np.log(np.diagonal(factor) / scale).sum())
        return Solution(0.5 * float(self.right @ at) - log_det + log_prior, at, factor, scale)


def _factor(normal: FloatArray, prior: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower Cholesky factor of a matrix with a prior, scaled, and the scale."""
    full = normal.copy()
    diagonal = np.einsum("ii->i", full)
    diagonal += prior
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-30))
    full *= scale
    full *= scale[:, None]
    diagonal += _RIDGE
    # Transposed (it is symmetric) it need not be copied.
    factor, info = lapack.dpotrf(full.T, lower=1, overwrite_a=1)
    if info:
        raise np.linalg.LinAlgError("the normal equations are not positive definite")
    return factor, scale


def choose_strength(system: System, strength: Strength) -> Strength:
    """The strength of the largest marginal likelihood, one kind after the other.

    Parameters
    ----------
    system : System
        Of all unknowns.
    strength : Strength
        The present one.
    """
    # Modules first: waves and rays can imitate them, they can hardly imitate waves.
    kinds = (
        (len(ORDERS) + 1, system.which >= MODULES),
        (len(ORDERS), (system.which >= COLUMNS) & (system.which < MODULES)),
    )
    for i, compared in kinds:
        if compared.any():
            strength = _best(system.without(~compared, strength), candidates(strength, i))
        else:
            strength = candidates(strength, i)[-1 if i == len(ORDERS) else 0]
    waves = system.without((system.which < WAVES) | (system.which >= COLUMNS), strength)
    for i in reversed(range(len(ORDERS))):
        strength = _best(waves, candidates(strength, i))
    return strength


def _best(system: System, choices: list[Strength]) -> Strength:
    scores = [system.solve(choice).score for choice in choices]
    return choices[int(np.argmax(scores))]


def first_order(system: System, strength: Strength) -> list[Solution]:
    """Solutions for the geometry under all strengths of the one-fold waves; see `candidates`.

    Parameters
    ----------
    system : System
        Of all unknowns.
    strength : Strength
        Of the other kinds.

    Returns
    -------
    list of Solution
        Their first four unknowns are the geometry.
    """
    # All waves: their steepness is compared too.
    kept = (system.which < POLARIZATION) | ((system.which >= WAVES) & (system.which < COLUMNS))
    small = system.without(~kept, strength)
    return [small.solve(choice) for choice in candidates(strength, 0)]


def candidates(strength: Strength, index: int) -> list[Strength]:
    """All strengths that differ from a given one in one kind; the first order tries all slopes.

    Parameters
    ----------
    strength : Strength
    index : int
        Place in `ORDERS`, or one more for the rays, or two more for the modules.
    """
    if index > len(ORDERS):
        return [replace(strength, panels=size) for size in _PANEL_STRENGTHS]
    if index == len(ORDERS):
        return [replace(strength, rays=size) for size in _RAY_STRENGTHS]
    slopes = _STEEPNESS if index == 0 else (strength.steepness,)
    return [
        replace(strength, size=(*strength.size[:index], size, *strength.size[index + 1 :]), steepness=slope)
        for size in _STRENGTHS
        for slope in slopes
    ]
