"""What was found over a whole run: one row a frame, and which of them to doubt first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate, Status

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_RANK = {"failed": 0, "uncertain": 1, "ok": 2}


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
    """

    path: str
    dataset: str
    index: int
    prediction: Prediction | None
    error: str = ""

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
            "reason": self.reason,
        }


def off_px(row: BatchRow, middle: tuple[float, float] | None) -> float:
    """How far a frame's center is from the middle of its run in px; NaN if unknown."""
    return math.dist(row.best.center_px, middle) if row.best is not None and middle is not None else math.nan


def _doubt(row: BatchRow, middle: tuple[float, float] | None) -> tuple[int, float, int]:
    reasons = (row.sigma_px, row.disagreement_px, off_px(row, middle))
    known = [value for value in reasons if math.isfinite(value)]
    return _RANK[row.status], -max(known, default=math.inf), row.index


@dataclass(eq=False)
class _Run:
    plan: RunPlan
    rows: dict[int, BatchRow] = field(default_factory=dict)
    shared: Estimate | None = None


class Batch(QObject):
    """The run that is predicted, or was last.

    Signals
    -------
    changed
        Another frame was done.
    state_changed
        A run began or ended.
    """

    changed = Signal()
    state_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run: _Run | None = None
        self._running = False

    @property
    def plan(self) -> RunPlan | None:
        """Which frames are, or were, predicted."""
        return self._run.plan if self._run else None

    @property
    def running(self) -> bool:
        """Whether frames are being predicted."""
        return self._running

    @property
    def rows(self) -> tuple[BatchRow, ...]:
        """What was found so far, in the order of the frames."""
        return tuple(row for _, row in sorted(self._run.rows.items())) if self._run else ()

    @property
    def doubtful(self) -> tuple[BatchRow, ...]:
        """The same, the most doubtful first.

        By status; then by the largest of three: the answer's own sigma, how far background and lattice
        are apart, and how far the center is from the middle of the run.
        """
        middle = self.middle
        return tuple(sorted(self.rows, key=lambda row: _doubt(row, middle)))

    @property
    def middle(self) -> tuple[float, float] | None:
        """Median center of the run in px, of trusted answers if there are any; None without one."""
        rows = [row for row in self.rows if row.best is not None]
        sure = [row for row in rows if row.status == "ok"] or rows
        centers = [row.best.center_px for row in sure if row.best is not None]
        if not centers:
            return None
        return median(x for x, _ in centers), median(y for _, y in centers)

    @property
    def done(self) -> int:
        """Frames done so far."""
        return len(self._run.rows) if self._run else 0

    @property
    def total(self) -> int:
        """Frames of the run."""
        return len(self._run.plan.frames) if self._run else 0

    @property
    def shared(self) -> Estimate | None:
        """The geometry that the frames share; None before the run is over."""
        return self._run.shared if self._run else None

    def set_shared(self, shared: Estimate | None) -> None:
        """The shared geometry was found."""
        if self._run is not None:
            self._run.shared = shared
            self.changed.emit()

    def begin(self, plan: RunPlan) -> None:
        """A run begins; what was found before is forgotten."""
        self._run, self._running = _Run(plan), True
        self.state_changed.emit()
        self.changed.emit()

    def add(self, row: BatchRow) -> None:
        """Another frame is done."""
        if self._run is not None:
            self._run.rows[row.index] = row
            self.changed.emit()

    def end(self) -> None:
        """The run is over, or was cancelled; what was found stays."""
        if self._running:
            self._running = False
            self.state_changed.emit()

    def records(self, rows: Iterable[BatchRow] | None = None) -> list[dict[str, Any]]:
        """Flat rows for export, in the order of the frames."""
        return [row.record() for row in (self.rows if rows is None else rows)]
