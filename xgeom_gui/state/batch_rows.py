"""One frame of a run: what was found on it, and how much to doubt it. Knows no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xgeom_core.estimate import Estimate, Status

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_RANK = {"failed": 0, "uncertain": 1, "stated": 2, "ok": 3}


@dataclass(frozen=True)
class RunPlan:
    """Which frames are predicted.

    Parameters
    ----------
    spec, path, dataset : str
        The file as it was asked for, and where its frames are.
    frames : range
        Numbers of the frames, from 0.
    """

    spec: str
    path: str
    dataset: str
    frames: range


@dataclass(frozen=True, eq=False)
class BatchRow:
    """What was found on one frame of a run.

    Parameters
    ----------
    path, dataset : str
        Where the frame is.
    index : int
        Number of the frame, from 0.
    prediction : Prediction or None
        None where the frame could not be read or predicted.
    error : str
        Why not, in a sentence.
    known_px : tuple of float or None
        The true center in native px, where the file states it.
    """

    path: str
    dataset: str
    index: int
    prediction: Prediction | None
    error: str = ""
    known_px: tuple[float, float] | None = None

    @property
    def best(self) -> Estimate | None:
        """The answer."""
        return self.prediction.best if self.prediction else None

    @property
    def status(self) -> Status:
        """What the answer is worth."""
        return self.prediction.status if self.prediction else "failed"

    @property
    def reason(self) -> str:
        """Why it is not "ok", in a sentence."""
        return self.prediction.reason if self.prediction else self.error

    @cached_property
    def sigma_px(self) -> float:
        """Standard deviation of the center in px, the larger of x and y; NaN if unknown."""
        spread = self.best.center_sigma_px if self.best else None
        return max(spread) if spread else math.nan

    @cached_property
    def disagreement_px(self) -> float:
        """How far background and lattice, each by itself, are from the answer in px; NaN without them.

        A network is rough by design and a header says the same of every frame: neither counts.
        """
        best = self.best
        if best is None or self.prediction is None:
            return math.nan
        others = (self.prediction.background, self.prediction.lattice)
        apart = [math.dist(one.center_px, best.center_px) for one in others if one is not None]
        return max(apart, default=math.nan)

    @property
    def off_known_px(self) -> float:
        """How far the answer is from the true center in px; NaN where that is not known."""
        return off_px(self, self.known_px)

    def record(self) -> dict[str, Any]:
        """One flat row for a table of text; centers in native px, tilts in degrees."""
        best = self.best
        x, y = best.center_px if best else (None, None)
        pitch, yaw = (best.tilt_deg if best else None) or (None, None)
        sigma = (best.center_sigma_px if best else None) or (None, None)
        tilt_sigma = (best.tilt_sigma_deg if best else None) or (None, None)
        return {
            "file": self.path,
            "dataset": self.dataset,
            "frame": self.index,
            "status": self.status,
            "source": best.source if best else "",
            "x_px": x,
            "y_px": y,
            "sigma_x_px": sigma[0],
            "sigma_y_px": sigma[1],
            "pitch_deg": pitch,
            "yaw_deg": yaw,
            "sigma_pitch_deg": tilt_sigma[0],
            "sigma_yaw_deg": tilt_sigma[1],
            "disagreement_px": self.disagreement_px if math.isfinite(self.disagreement_px) else None,
            "off_known_px": self.off_known_px if math.isfinite(self.off_known_px) else None,
            "reason": self.reason,
        }


def off_px(row: BatchRow, middle: tuple[float, float] | None) -> float:
    """How far a frame's center is from the middle of its run in px; NaN if unknown."""
    return math.dist(row.best.center_px, middle) if row.best is not None and middle is not None else math.nan


def doubt(row: BatchRow, middle: tuple[float, float] | None) -> tuple[int, float, int]:
    """Sorts rows, the most doubtful first: by status, then by the largest of their reasons in px."""
    reasons = (row.sigma_px, row.disagreement_px, off_px(row, middle))
    known = [value for value in reasons if math.isfinite(value)]
    return _RANK[row.status], -max(known, default=math.inf), row.index
