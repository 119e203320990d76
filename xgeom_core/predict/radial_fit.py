"""Fit center and tilt to the background of a frame: Gauss-Newton with the profile projected out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial_steps import FitState, RadialSteps

# The longer side of the frame on which the last digits are found, in pooled px.
_FINE_PX = 410
_ALL = (0, 1, 2, 3)
_CENTER = (0, 1)
# Gain in chi-square by which a one-fold wave proves itself. Its six parameters bring about 6 when
# they are not needed, and more than this once in 3000 symmetric frames.
_WAVE_GAIN = 25.0
_IDLE_GAIN = 6.0


@dataclass(frozen=True, eq=False)
class RadialFit:
    """Outcome of a radial fit, in native pixels and degrees.

    Parameters
    ----------
    center_px : tuple of float
        Beam center ``(x, y)``.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)``; None if the distance is unknown.
    covariance : ndarray, shape (4, 4) or (2, 2)
        Counting noise scaled by the misfit, or the scatter between azimuth sectors, whichever is
        larger, and the doubt about lopsided background.
    misfit : float
        Robust scatter of the residuals in units of counting noise; 1 if the model holds.
    evidence_px : float
        Standard deviation of the center if only the positions of features count, not brightness.
    evidence_deg : float
        Likewise for the tilt; NaN if the distance is unknown.
    contrast : float
        How much the profile varies over the frame (middle 80% relative to the median).
    lopsided : bool
        Whether the background needed a one-fold wave in azimuth.
    pixels : int
        Pooled pixels used.
    converged : bool
        Whether the last step was small.
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    covariance: FloatArray
    misfit: float
    evidence_px: float
    evidence_deg: float
    contrast: float
    lopsided: bool
    pixels: int
    converged: bool


def fit_radial(frame: Frame, start_px: tuple[float, float]) -> RadialFit | None:
    """Fit the geometry to a frame's background.

    Parameters
    ----------
    frame : Frame
        Where its metadata lack distance or pixel size, a distance is assumed, the tilt is fitted to
        free the center from it, and the center alone is reported.
    start_px : tuple of float
        Rough center ``(x, y)`` in native px; within about 20 px of 820 will do.

    Returns
    -------
    RadialFit or None
        None if the frame has too few usable pixels or no background to fit.

    Notes
    -----
    Coarse to fine; center first, tilt later. The fit is done with and without a one-fold wave in
    the amplitude. The wave is kept only if the data demand it, since on a symmetric background it
    costs precision; but the evidence is always judged with it.
    """
    fine = max(1, round(max(frame.shape) / _FINE_PX))
    steps = RadialSteps(pool(frame, 2 * fine), frame.metadata)
    state = FitState(np.array([*start_px, 0.0, 0.0]))
    if not steps.prepare(state, rounds=3):
        return None
    steps.iterate(state, free=_CENTER, orders=(2,), passes=12)
    steps.iterate(state, free=_ALL, orders=(2,), passes=8)
    steps = RadialSteps(pool(frame, fine), frame.metadata)
    if not steps.prepare(state, rounds=1):
        return None
    plain = state.fresh()
    steps.iterate(plain, free=_ALL, orders=(2,), passes=5)
    wavy = plain.fresh()
    steps.iterate(wavy, free=_ALL, orders=(1, 2), passes=1)
    lopsided = _gain(wavy) > _WAVE_GAIN
    if lopsided:
        steps.iterate(wavy, free=_ALL, orders=(1, 2), passes=10)
    return _outcome(wavy if lopsided else plain, wavy, lopsided, steps.detector.assumed)


def _gain(state: FitState) -> float:
    """What the first step took off chi-square, in units of the noise found."""
    return state.gain / max(state.misfit, 1.0) ** 2


def _outcome(best: FitState, wavy: FitState, lopsided: bool, assumed: bool) -> RadialFit:
    degrees = np.array([1.0, 1.0, *[np.degrees(1.0)] * 2])
    size = 2 if assumed else 4
    counting = best.covariance * max(best.misfit, 1.0) ** 2
    excess = np.diag(best.scatter) / np.maximum(np.diag(counting), 1e-30)
    larger = np.sqrt(np.maximum(excess, 1.0))
    covariance = counting * np.outer(larger, larger)
    if not lopsided:
        # A wave too weak to be kept may still be there: the more it would explain, the more of the
        # wider error it brings.
        doubt = np.clip((_gain(wavy) - _IDLE_GAIN) / (_WAVE_GAIN - _IDLE_GAIN), 0.0, 1.0)
        covariance = covariance + doubt * wavy.covariance
    evidence = np.sqrt(np.diag(wavy.covariance)) * max(wavy.misfit, 1.0) * degrees
    pitch, yaw = np.degrees(best.parameters[2:])
    return RadialFit(
        center_px=(float(best.parameters[0]), float(best.parameters[1])),
        tilt_deg=None if assumed else (float(pitch), float(yaw)),
        covariance=(covariance * np.outer(degrees, degrees))[:size, :size],
        misfit=best.misfit,
        evidence_px=float(evidence[:2].max()),
        evidence_deg=float("nan") if assumed else float(evidence[2:].max()),
        contrast=best.contrast,
        lopsided=lopsided,
        pixels=best.pixels,
        converged=best.converged,
    )
