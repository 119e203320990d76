"""How often a source is wrong, and by how much more than it says, given what it says of itself.

The coefficients stand in ``resources/reliability.toml``, written by ``benchmarks/reliability.py``, which
maximizes the likelihood of known truths under the density below.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from xgeom_core.errors import XgeomError
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.resources import resource

FloatArray = NDArray[np.float64]

# Standard deviations of the tail of a right finding in those of its core.
TAIL = 2.5
# A wrong finding far off lies anywhere in a square of this many sides of the frame, its tilt anywhere in a
# square of so many degrees.
ANYWHERE_SIDES, ANYWHERE_DEG = 2.0, 10.0
# No finding is surer than this, whatever it says of itself.
_LEAST_WRONG = 2e-4


@dataclass(frozen=True)
class Reliability:
    """What is known of the errors of one kind of source.

    Parameters
    ----------
    features : tuple of str
        Names of the numbers that a finding states about itself.
    middle, spread : tuple of float
        Their mean and standard deviation where the coefficients were fitted.
    wrong : tuple of float
        Logit of the probability that the finding is wrong: a constant, and a coefficient a feature.
    width : tuple of float
        Logarithm of the factor on its stated standard deviations: a constant, and a coefficient a feature.
    tilt_factor : float
        What the tilt's standard deviations are multiplied by besides.
    tail : float
        Share of right findings whose errors are `TAIL` times wider.
    floor_share, floor_deg : float
        Systematic standard deviation of center and tilt: share of the longer side, degrees.
    near : float
        Share of wrong findings that are off by little; the others lie anywhere, or near where they began.
    near_share, near_deg : float
        How far off a wrong finding is by little: standard deviations of center (share of the side) and tilt.
    drawn_share, drawn_deg : float
        How far from its start a source that searches ends if it is wrong and not off by little: widths of
        Cauchy distributions. What is drawn to its start says nothing of the beam.
    temper : float
        By which the log weights of places are multiplied.
    """

    features: tuple[str, ...] = ()
    middle: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    wrong: tuple[float, ...] = (-3.0,)
    width: tuple[float, ...] = (0.0,)
    tilt_factor: float = 1.0
    tail: float = 0.1
    floor_share: float = 1e-5
    floor_deg: float = 0.003
    near: float = 0.5
    near_share: float = 0.01
    near_deg: float = 1.0
    drawn_share: float = 0.02
    drawn_deg: float = 1.0
    temper: float = 1.0

    def _scaled(self, features: Mapping[str, float]) -> FloatArray:
        values = np.array([features.get(name, np.nan) for name in self.features])
        scaled = (values - np.array(self.middle)) / np.array(self.spread)
        # Beyond what was ever seen a feature says no more; one that is missing says nothing.
        return np.concatenate([[1.0], np.clip(np.nan_to_num(scaled), -4.0, 4.0)])

    def p_wrong(self, features: Mapping[str, float]) -> float:
        """Probability that a finding with these features is wrong."""
        return float(np.clip(expit(self._scaled(features) @ np.array(self.wrong)), _LEAST_WRONG, 1.0 - 1e-3))

    def factor(self, features: Mapping[str, float]) -> float:
        """By which stated standard deviations are to be multiplied."""
        return float(np.exp(np.clip(self._scaled(features) @ np.array(self.width), -2.0, 3.0)))


# Of a source that nobody has measured.
UNKNOWN = Reliability(wrong=(0.0,))


def log_cauchy(away: float, width: float) -> float:
    """Log density in two dimensions of a Cauchy distribution at a distance from its middle."""
    return float(np.log(width / (2.0 * np.pi)) - 1.5 * np.log(away**2 + width**2))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The probability density of what a source says, given center and tilt, as a sum of Gaussians.

    Parameters
    ----------
    log_weight : ndarray, shape (n,)
        Of each Gaussian.
    mean : ndarray, shape (n, d)
        d is 2 or 4.
    covariance : ndarray, shape (n, d, d)
    place : ndarray of int, shape (n,)
        Which place of the finding each belongs to.
    right : ndarray of bool, shape (n,)
        Whether the finding is right in this part.
    log_anywhere : float
        Log density of a finding that says nothing of the beam.
    """

    log_weight: FloatArray
    mean: FloatArray
    covariance: FloatArray
    place: NDArray[np.int64]
    right: NDArray[np.bool_]
    log_anywhere: float

    @classmethod
    def of(cls, finding: Finding, known: Reliability, side_px: float) -> Likelihood:
        """The likelihood of a finding whose source errs as is known."""
        wrong, factor = known.p_wrong(finding.features), known.factor(finding.features)
        size = finding.mean.shape[1]
        weight = finding.log_weight * known.temper
        weight = weight - np.logaddexp.reduce(weight) - finding.against
        floor = np.square([known.floor_share * side_px] * 2 + [known.floor_deg] * 2)[:size]
        scale = factor * np.array([1.0, 1.0, known.tilt_factor, known.tilt_factor])[:size]
        core = np.outer(scale, scale) * finding.covariance + np.diag(floor)
        off = np.square([known.near_share * side_px] * 2 + [known.near_deg] * 2)[:size]
        parts = (
            (np.log1p(-wrong) + np.log1p(-known.tail), core, True),
            (np.log1p(-wrong) + np.log(known.tail), TAIL**2 * core, True),
            (np.log(wrong) + np.log(known.near), core + np.diag(off), False),
        )
        count = len(weight)
        anywhere = -np.log((ANYWHERE_SIDES * side_px) ** 2 * (ANYWHERE_DEG**2 if size == 4 else 1.0))
        if finding.begun is not None:
            moved = finding.mean[finding.best] - finding.begun[:size]
            anywhere = log_cauchy(np.hypot(*moved[:2]), known.drawn_share * side_px)
            anywhere += log_cauchy(np.hypot(*moved[2:]), known.drawn_deg) if size == 4 else 0.0
        return cls(
            np.concatenate([weight + part for part, _, _ in parts]),
            np.tile(finding.mean, (3, 1)),
            np.concatenate([covariance for _, covariance, _ in parts]),
            np.tile(np.arange(count), 3),
            np.repeat([right for _, _, right in parts], count),
            float(np.log(wrong) + np.log1p(-known.near) + anywhere),
        )


@cache
def reliabilities() -> dict[str, Reliability]:
    """What is known of each kind of source, by its name.

    Raises
    ------
    XgeomError
        If the bundled file cannot be read.
    """
    path = resource("reliability.toml")
    try:
        with path.open("rb") as stream:
            return {name: _read(row) for name, row in tomllib.load(stream).items()}
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise XgeomError(f"{path} cannot be read ({error}); install xgeom again.") from error


def _read(row: dict[str, Any]) -> Reliability:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    return Reliability(**values)
