"""Scores of predicted centers and tilts, always beside the constant predictor's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.geometry import FloatArray

WITHIN_PX = (1.0, 3.0, 5.0)
_NAN = float("nan")
# Fewer pairs than this correlate by accident.
_FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Summary:
    """Absolute errors of one kind over a set of frames; NaN throughout if there are none."""

    median: float = _NAN
    mean: float = _NAN
    p90: float = _NAN
    worst: float = _NAN

    @classmethod
    def of(cls, errors: FloatArray) -> Summary:
        """Of absolute errors, shape (n,); infinite ones count as such."""
        if not len(errors):
            return cls()
        return cls(
            float(np.median(errors)), float(errors.mean()), _quantile(errors, 0.9), float(errors.max())
        )

    def scaled(self, factor: float) -> Summary:
        """In another unit."""
        return Summary(*(factor * v for v in (self.median, self.mean, self.p90, self.worst)))


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
    x, y, pitch, yaw, tilt : Summary
        Absolute errors along each axis, and the larger of pitch and yaw.
    pearson : dict
        Correlation of predicted and true ``x, y, pitch, yaw``; NaN for fewer than three frames.
    within : dict
        Share of frames whose center is within 1, 3 and 5 of the unit of the input.
    """

    frames: int
    center_median: float
    center_mean: float
    center_p90: float
    center_worst: float
    center_constant: float
    tilt_median: float
    tilt_constant: float
    x: Summary = Summary()
    y: Summary = Summary()
    pitch: Summary = Summary()
    yaw: Summary = Summary()
    tilt: Summary = Summary()
    pearson: dict[str, float] = field(default_factory=dict)
    within: dict[str, float] = field(default_factory=dict)


def score(center: FloatArray, true_center: FloatArray, tilt: FloatArray, true_tilt: FloatArray) -> Scores:
    """Compare predictions with the truth.

    Parameters
    ----------
    center, true_center : ndarray, shape (n, 2)
        ``(x, y)`` in any one unit of length; infinite where nothing was answered.
    tilt, true_tilt : ndarray, shape (n, 2)
        ``(pitch, yaw)`` in degrees; rows of NaN where unknown.

    Returns
    -------
    Scores
    """
    off = np.abs(center - true_center)
    distance = np.hypot(*off.T)
    constant = np.hypot(*(true_center.mean(axis=0) - true_center).T)
    true = np.isfinite(true_tilt).all(axis=1)
    claimed = true & np.isfinite(tilt).all(axis=1)
    around_mean = true_tilt[true] - true_tilt[true].mean(axis=0) if true.any() else true_tilt[true]
    turned = np.abs(tilt[claimed] - true_tilt[claimed])
    larger = Summary.of(turned.max(axis=1) if len(turned) else np.array([]))
    radial = Summary.of(distance)
    pairs = zip(["x", "y", "pitch", "yaw"], (*center.T, *tilt.T), (*true_center.T, *true_tilt.T), strict=True)
    return Scores(
        frames=len(center),
        center_median=radial.median,
        center_mean=radial.mean,
        center_p90=radial.p90,
        center_worst=radial.worst,
        center_constant=float(np.median(constant)),
        tilt_median=larger.median,
        tilt_constant=Summary.of(
            np.abs(around_mean).max(axis=1) if len(around_mean) else np.array([])
        ).median,
        x=Summary.of(off[:, 0]),
        y=Summary.of(off[:, 1]),
        pitch=Summary.of(turned[:, 0]),
        yaw=Summary.of(turned[:, 1]),
        tilt=larger,
        pearson={name: pearson(said, known) for name, said, known in pairs},
        within={f"{limit:g}": float(np.mean(distance <= limit)) for limit in WITHIN_PX},
    )


def pearson(x: FloatArray, y: FloatArray) -> float:
    """Correlation of the finite pairs; NaN for fewer than three, 0 for a constant."""
    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < _FEWEST_PAIRS:
        return _NAN
    a, b = x[there] - x[there].mean(), y[there] - y[there].mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _quantile(errors: FloatArray, share: float) -> float:
    """A quantile; infinite where it falls between a number and infinity."""
    low, high = np.quantile(errors, share, method="lower"), np.quantile(errors, share, method="higher")
    if not np.isfinite(high):
        return float(high)
    return float(np.quantile(errors, share)) if np.isfinite(low) else float(low)
