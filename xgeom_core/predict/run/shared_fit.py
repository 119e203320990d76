"""Weighted means, scatter beyond the error bars, and straight lines, for frames of one run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.statistics import robust_sigma

# Beyond this many standard deviations, scatter included, a frame takes no part.
_OUTLIER_SIGMA = 5.0
# A drift is real below this probability of chance, divided by the four quantities looked at.
_CHANCE = 0.01
_LEAST_FOR_DRIFT = 5
NAMES = ("x_px", "y_px", "pitch_deg", "yaw_deg")


@dataclass(frozen=True)
class LinearDrift:
    """A straight line through the values of a quantity against the number of the frame.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    per_frame, sigma : float
        Slope and its error.
    probability : float
        Of a slope at least as steep by chance.
    """

    name: str
    per_frame: float
    sigma: float
    probability: float

    @property
    def real(self) -> bool:
        """Whether chance does not explain it."""
        return self.probability < _CHANCE / len(NAMES)


def robust_mean(
    values: FloatArray, sigmas: FloatArray, good: np.ndarray
) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
    """Weighted mean, its variances, the scatter beyond the error bars, and which frames took part."""
    kept = good.copy()
    center, tau = np.full(4, np.nan), np.zeros(4)
    for k in range(4):
        known = kept & np.isfinite(values[:, k])
        if known.any():
            center[k] = np.median(values[known, k])
            spread = robust_sigma(values[known, k])
            tau[k] = np.sqrt(max(spread**2 - float(np.median(sigmas[known, k])) ** 2, 0.0))
    variance = np.full(4, np.nan)
    for _ in range(5):
        pull = np.abs(values - center) / np.hypot(sigmas, tau)
        kept = good & ~(pull > _OUTLIER_SIGMA).any(axis=1)
        if not kept.any():
            kept = good.copy()
        for k in range(4):
            known = kept & np.isfinite(values[:, k])
            if known.any():
                center[k], variance[k], tau[k] = _weighted(values[known, k], sigmas[known, k])
    return center, variance, np.where(np.isfinite(center), tau, np.nan), kept


def _weighted(values: FloatArray, sigmas: FloatArray) -> tuple[float, float, float]:
    """Mean, its variance and the scatter beyond the error bars (DerSimonian and Laird 1986)."""
    weight = sigmas**-2.0
    mean = float(np.sum(weight * values) / np.sum(weight))
    surplus = float(np.sum(weight * (values - mean) ** 2)) - (len(values) - 1)
    norm = float(np.sum(weight) - np.sum(weight**2) / np.sum(weight))
    excess = max(surplus / norm, 0.0) if norm > 0 else 0.0
    weight = 1.0 / (sigmas**2 + excess)
    return (
        float(np.sum(weight * values) / np.sum(weight)),
        float(1.0 / np.sum(weight)),
        float(np.sqrt(excess)),
    )


def drifts_of(
    values: FloatArray, sigmas: FloatArray, tau: FloatArray, kept: np.ndarray
) -> tuple[LinearDrift, ...]:
    """Straight lines against the number of the frame, with errors from the scatter about them."""
    drifts = []
    for k, name in enumerate(NAMES):
        known = np.flatnonzero(kept & np.isfinite(values[:, k]))
        if len(known) < _LEAST_FOR_DRIFT:
            continue
        weight = 1.0 / (sigmas[known, k] ** 2 + tau[k] ** 2)
        place = known - np.sum(weight * known) / np.sum(weight)
        norm = float(np.sum(weight * place**2))
        slope = float(np.sum(weight * place * values[known, k]) / norm)
        level = float(np.sum(weight * values[known, k]) / np.sum(weight))
        left = values[known, k] - level - slope * place
        # Scatter about the line, not the error bars: those may boast.
        scale = float(np.sum(weight * left**2)) / (len(known) - 2)
        sigma = np.sqrt(scale / norm)
        chance = 2.0 * float(stdtr(len(known) - 2, -abs(slope) / max(sigma, 1e-12)))
        drifts.append(LinearDrift(name, slope, float(sigma), chance))
    return tuple(drifts)
