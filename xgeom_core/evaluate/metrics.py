"""Scores of predicted centers and tilts, always beside the constant predictor's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class Scores:
    """Errors over a set of frames.

    Parameters
    ----------
    frames : int
        Number of frames.
    center_median, center_mean, center_p90, center_worst : float
        Distance between predicted and true center, in the unit of the input.
    center_constant : float
        Median distance of the constant predictor: the set's own mean center, every time.
    tilt_median, tilt_constant : float
        Median over frames of the larger absolute error of pitch and yaw, in degrees; NaN where no tilt
        is claimed or known.
    """

    frames: int
    center_median: float
    center_mean: float
    center_p90: float
    center_worst: float
    center_constant: float
    tilt_median: float
    tilt_constant: float


def score(center: FloatArray, true_center: FloatArray, tilt: FloatArray, true_tilt: FloatArray) -> Scores:
    """Compare predictions with the truth.

    Parameters
    ----------
    center, true_center : ndarray, shape (n, 2)
        ``(x, y)`` in any one unit of length.
    tilt, true_tilt : ndarray, shape (n, 2)
        ``(pitch, yaw)`` in degrees; rows of NaN where unknown.

    Returns
    -------
    Scores
    """
    distance = np.hypot(*(center - true_center).T)
    constant = np.hypot(*(true_center.mean(axis=0) - true_center).T)
    true = np.isfinite(true_tilt).all(axis=1)
    claimed = true & np.isfinite(tilt).all(axis=1)
    around_mean = true_tilt[true] - true_tilt[true].mean(axis=0) if true.any() else true_tilt[true]
    return Scores(
        frames=len(center),
        center_median=float(np.median(distance)),
        center_mean=float(distance.mean()),
        center_p90=float(np.quantile(distance, 0.9)),
        center_worst=float(distance.max()),
        center_constant=float(np.median(constant)),
        tilt_median=_median_of_larger(tilt[claimed] - true_tilt[claimed]),
        tilt_constant=_median_of_larger(around_mean),
    )


def _median_of_larger(errors: FloatArray) -> float:
    """Median over rows of the larger absolute entry; NaN for no rows."""
    return float(np.median(np.abs(errors).max(axis=1))) if len(errors) else float("nan")
