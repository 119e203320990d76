"""Frames of one run share a geometry: combine what was said of each, and see whether it drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.run.shared_fit import NAMES, LinearDrift, drifts_of, robust_mean

_FLAG_SIGMA = 3.0
# No error bar is believed below this: px for the center, degrees for the tilt.
_FLOOR = np.array([0.005, 0.005, 0.001, 0.001])
# What an answer that states no error is taken to have.
_UNSTATED = np.array([1.0, 1.0, 0.5, 0.5])


@dataclass(frozen=True)
class FrameDrift:
    """One frame against the shared geometry.

    Parameters
    ----------
    name : str
        File and number of the frame.
    used : bool
        Whether it took part.
    off : tuple of float
        Its value minus the shared one, in the order of `NAMES`; NaN where unknown.
    sigma : tuple of float
        Error of the difference.
    flagged : bool
        Whether any difference is beyond three sigma.
    reason : str
        Why it took no part, or what was flagged; "" otherwise.
    """

    name: str
    used: bool
    off: tuple[float, ...]
    sigma: tuple[float, ...]
    flagged: bool
    reason: str


@dataclass(frozen=True, eq=False)
class SharedGeometry:
    """The geometry that frames share, and each frame's part in it.

    Parameters
    ----------
    estimate : Estimate
        Source ``"shared"``.
    status, reason
        As in the estimate.
    frames : tuple of FrameDrift
        In the order given.
    used : int
        Frames that took part.
    scatter : tuple of float
        By how much frames differ beyond their own error bars (standard deviation), in the order of
        `NAMES`; NaN for an unknown tilt.
    drifts : tuple of LinearDrift
        Empty with too few frames.
    """

    estimate: Estimate
    status: Status
    reason: str
    frames: tuple[FrameDrift, ...]
    used: int
    scatter: tuple[float, ...]
    drifts: tuple[LinearDrift, ...]

    def record(self) -> dict[str, Any]:
        """One JSON object; centers in native px (corner origin), tilts in degrees."""
        estimate = self.estimate
        return {
            "status": self.status,
            "reason": self.reason or None,
            "frames": len(self.frames),
            "used": self.used,
            "center_px": _rounded(estimate.center_px, 3),
            "center_sigma_px": _rounded(estimate.center_sigma_px, 3),
            "tilt_deg": _rounded(estimate.tilt_deg, 4),
            "tilt_sigma_deg": _rounded(estimate.tilt_sigma_deg, 4),
            "scatter": dict(zip(NAMES, _rounded(self.scatter, 4) or [], strict=True)),
            "drift_per_frame": {
                drift.name: {"value": drift.per_frame, "sigma": drift.sigma, "real": drift.real}
                for drift in self.drifts
            },
            "by_frame": [
                {
                    "frame": item.name,
                    "used": item.used,
                    "off": dict(zip(NAMES, _rounded(item.off, 4) or [], strict=True)),
                    "sigma": dict(zip(NAMES, _rounded(item.sigma, 4) or [], strict=True)),
                    "flagged": item.flagged,
                    "reason": item.reason or None,
                }
                for item in self.frames
            ],
        }

    def lines(self) -> list[str]:
        """The shared geometry and a table of the frames, to show."""
        return [*self._headline(), "", _HEADER, *(_row(item) for item in self.frames)]

    def _headline(self) -> list[str]:
        estimate = self.estimate
        (x, y), sigma = estimate.center_px, estimate.center_sigma_px
        line = f"shared by {self.used} of {len(self.frames)} frames: {self.status}"
        line += f"  center ({x:.2f}, {y:.2f})"
        line += f" ± ({sigma[0]:.2f}, {sigma[1]:.2f}) px" if sigma else " px"
        tilt, spread = estimate.tilt_deg, estimate.tilt_sigma_deg
        if tilt is not None:
            line += f"  pitch {tilt[0]:+.3f} yaw {tilt[1]:+.3f}"
            line += f" ± ({spread[0]:.3f}, {spread[1]:.3f}) deg" if spread else " deg"
        lines = [line]
        if self.reason:
            lines.append(f"    {self.reason}")
        for drift in self.drifts:
            if drift.real:
                lines.append(f"    {drift.name} drifts by {drift.per_frame:+.4f} ± {drift.sigma:.4f} a frame")
        return lines


_HEADER = f"{'frame':32s} {'x off, px':>16s} {'y off, px':>16s} {'pitch off, deg':>18s} {'yaw off, deg':>18s}"


def _row(item: FrameDrift) -> str:
    digits = (2, 2, 3, 3)
    widths = (16, 16, 18, 18)
    cells = [
        (f"{off:+.{digit}f} ± {sigma:.{digit}f}" if np.isfinite(off) else "-").rjust(width)
        for off, sigma, digit, width in zip(item.off, item.sigma, digits, widths, strict=True)
    ]
    name = item.name if len(item.name) <= 32 else "…" + item.name[-31:]
    return f"{name:32s} {' '.join(cells)}  {item.reason}".rstrip()


def share_geometry(
    answers: Sequence[Estimate | Prediction], names: Sequence[str] = ()
) -> SharedGeometry | None:
    """The geometry that frames of one run share.

    Parameters
    ----------
    answers : sequence of Estimate or Prediction
        One a frame, in the order of the run.
    names : sequence of str, optional
        What to call the frames; by default file and number.

    Returns
    -------
    SharedGeometry or None
        None if no frame has any answer.

    Notes
    -----
    Only answers that are "ok" count; if there are none, the uncertain ones do, and so is the result.
    The weighted mean is taken with variances ``sigma_i^2 + tau^2``, tau being the scatter of the
    frames beyond their error bars (method of moments), found together with the outliers in a few
    rounds that start from the median. The covariance is what the weights say, so it shrinks with the
    number of frames only as far as the frames agree.
    """
    found = [_best(answer) for answer in answers]
    labels = list(names) or [_name(answer, i) for i, answer in enumerate(answers)]
    good = np.array([item is not None and item.status == "ok" for item in found])
    sure = bool(good.any())
    if not sure:
        good = np.array([item is not None for item in found])
        if not good.any():
            return None
    values, sigmas = _tables(found)
    center, covariance, tau, kept = robust_mean(values, sigmas, good)
    tilted = np.isfinite(center[2:]).all()
    size = 4 if tilted else 2
    status: Status = "ok" if sure and kept.sum() > 0.5 * good.sum() else "uncertain"
    reason = "" if status == "ok" else _why(sure, int(kept.sum()), int(good.sum()))
    estimate = Estimate(
        "shared",
        (float(center[0]), float(center[1])),
        (float(center[2]), float(center[3])) if tilted else None,
        np.diag(covariance[:size]),
        status,
        reason,
    )
    frames = tuple(
        _against(labels[i], found[i], values[i], sigmas[i], (center, covariance, tau), bool(kept[i]))
        for i in range(len(found))
    )
    drifts = drifts_of(values, sigmas, tau, kept)
    return SharedGeometry(estimate, status, reason, frames, int(kept.sum()), tuple(map(float, tau)), drifts)


def _why(sure: bool, kept: int, good: int) -> str:
    if not sure:
        return "No frame has an answer that can be trusted by itself."
    return f"Only {kept} of {good} answers agree with each other."


def _best(answer: Estimate | Prediction) -> Estimate | None:
    return answer.best if isinstance(answer, Prediction) else answer


def _name(answer: Estimate | Prediction, number: int) -> str:
    if isinstance(answer, Prediction):
        return f"{answer.frame_path.rsplit('/', 1)[-1]} [{answer.index}]"
    return f"frame {number}"


def _tables(found: Sequence[Estimate | None]) -> tuple[FloatArray, FloatArray]:
    """Values and error bars, shape (n, 4); NaN where unknown."""
    values, sigmas = np.full((len(found), 4), np.nan), np.full((len(found), 4), np.nan)
    for i, item in enumerate(found):
        if item is None:
            continue
        values[i, :2], sigmas[i, :2] = item.center_px, item.center_sigma_px or _UNSTATED[:2]
        if item.tilt_deg is not None:
            values[i, 2:], sigmas[i, 2:] = item.tilt_deg, item.tilt_sigma_deg or _UNSTATED[2:]
    return values, np.hypot(sigmas, _FLOOR)


def _against(
    name: str,
    found: Estimate | None,
    value: FloatArray,
    sigma: FloatArray,
    shared: tuple[FloatArray, FloatArray, FloatArray],
    used: bool,
) -> FrameDrift:
    center, variance, tau = shared
    off = value - center
    # A frame that took part pulled the mean towards itself: its difference has the smaller variance.
    sign = -1.0 if used else 1.0
    spread = np.sqrt(np.maximum(sigma**2 + tau**2 + sign * variance, sigma**2 * 0.1))
    beyond = np.abs(off) > _FLAG_SIGMA * spread
    reason = ""
    if found is None:
        reason = "no answer"
    elif beyond.any():
        words = [name for name, far in zip(("x", "y", "pitch", "yaw"), beyond, strict=True) if far]
        reason = f"{', '.join(words)} off" + ("" if used else ": left out")
    elif not used:
        reason = found.status if found.status != "ok" else "left out"
    return FrameDrift(
        name, used, tuple(map(float, off)), tuple(map(float, spread)), bool(beyond.any()), reason
    )


def _rounded(values: Sequence[float] | None, digits: int) -> list[float | None] | None:
    """Rounded numbers, None for what is not finite (JSON knows no NaN)."""
    if values is None:
        return None
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
