"""From a finished fit to an answer: the mean over plausible nuisance strengths, and error bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import Strength
from xgeom_core.predict.background.hyperparameters import System, first_order
from xgeom_core.predict.background.likelihood import Equations
from xgeom_core.predict.background.model import Model
from xgeom_core.predict.background.spread import one_fold, parts, scatter, scores, shifted

# Nuisance so strong that only the positions of features are left to tell the geometry.
LOOSE = Strength((0.3, 0.3, 0.1), 0.7, 0.1)
# The counting part of the scatter between parts of a frame is itself uncertain; these many parts'
# worth of belief in the counting noise steady it.
_STEADY = 12.0
# Share of the uncertainty by positions alone that no belief about amplitudes takes away.
_POSITION_SHARE = 0.1
# What dims rays is never quite the same at all radii: share of the rays' strength that may differ from
# one radial zone to the next, one-fold in azimuth.
_UNEVEN_SHARE = 0.15
# Modules of real detectors lie 0.1 to 0.3 px aside, sensors are bent by as much: standard deviation in px.
_SHIFT_PX = 0.1


@dataclass(frozen=True, eq=False)
class Answer:
    """Geometry with error bars, native px and radians.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center x, y, pitch, yaw.
    covariance : ndarray, shape (4, 4)
        The honest one.
    counting : ndarray, shape (4, 4)
        From counting noise and the priors alone.
    evidence : ndarray, shape (4, 4)
        If only positions counted.
    inflation : dict
        Scatter between sectors, zones and patches over counting noise, the largest of the four.
    """

    theta: FloatArray
    covariance: FloatArray
    counting: FloatArray
    evidence: FloatArray
    inflation: dict[str, float]


def answer(model: Model, found: Equations, base: FloatArray, start: FloatArray, side: float) -> Answer:
    """Geometry and error bars at a converged model.

    Parameters
    ----------
    model : Model
    found : Equations
        At the model.
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    start : ndarray, shape (4,)
        Middle of that prior.
    side : float
        Longer side of the frame in px.
    """
    change, counting = _mean_over_strengths(model, found, base, start)
    single = scores(found, model.strength, base)
    plain: FloatArray = np.asarray(np.linalg.inv(single.normal), dtype=np.float64)
    loose = scores(found, LOOSE, np.zeros((4, 4)))
    evidence: FloatArray = np.asarray(np.linalg.inv(loose.normal), dtype=np.float64)
    larger, inflation = np.ones(4), {}
    for name, (part, count) in parts(found, side).items():
        ratio = np.diag(scatter(single, part, count)) / np.diag(plain)
        steadied = (_STEADY + count * ratio) / (_STEADY + count)
        inflation[name] = float(np.sqrt(ratio.max()))
        larger = np.maximum(larger, steadied)
    covariance = counting * np.sqrt(np.outer(larger, larger)) + _POSITION_SHARE**2 * evidence
    covariance += one_fold(single, found, plain, _UNEVEN_SHARE * model.strength.rays)
    covariance += shifted(single, found, plain, side, _SHIFT_PX)
    return Answer(model.theta[:4] + change, covariance, counting, evidence, inflation)


def _mean_over_strengths(
    model: Model, found: Equations, base: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Change of the geometry and its covariance, over all strengths of the one-fold waves."""
    present = model.from_prior()
    present[:4] = model.theta[:4] - start
    solutions = first_order(System.of(found.normal, found.right, present, base), model.strength)
    score = np.array([item.score for item in solutions])
    share = np.exp(score - score.max())
    share /= share.sum()
    heavy = [(item, part) for item, part in zip(solutions, share, strict=True) if part > 1e-3]
    mean = np.sum([part * (item.at[:4] - present[:4]) for item, part in heavy], axis=0)
    covariance = np.zeros((4, 4))
    for item, part in heavy:
        off = item.at[:4] - present[:4] - mean
        covariance += part * (item.covariance(4) + np.outer(off, off))
    return mean, covariance / sum(part for _, part in heavy)
