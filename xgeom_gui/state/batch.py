"""What was found over a whole run: one row a frame, and which of them to doubt first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_gui.state.batch_rows import BatchRow, RunPlan, doubt, off_px
from xgeom_gui.state.batch_state import BatchState

__all__ = ["Batch", "BatchRow", "RunPlan", "off_px"]


@dataclass(eq=False)
class _Run:
    plan: RunPlan
    rows: dict[int, BatchRow] = field(default_factory=dict)
    known: dict[int, tuple[float, float]] = field(default_factory=dict)
    shared: Estimate | None = None


class Batch(QObject):
    """The run that is predicted, or was last.

    Signals
    -------
    changed
        Another frame was done.
    state_changed
        A run began or ended.
    replacing
        What an older session found is about to take the place of the run: whoever drives it lets go.
    """

    changed = Signal()
    state_changed = Signal()
    replacing = Signal()

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
        return tuple(sorted(self.rows, key=lambda row: doubt(row, middle)))

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
            self._run.rows[row.index] = replace(row, known_px=self._run.known.get(row.index, row.known_px))
            self.changed.emit()

    def set_known(self, index: int, center_px: tuple[float, float]) -> None:
        """The true center of a frame was read."""
        if self._run is not None:
            self._run.known[index] = center_px
            if index in self._run.rows:
                self.add(self._run.rows[index])

    def end(self) -> None:
        """The run is over, or was cancelled; what was found stays."""
        if self._running:
            self._running = False
            self.state_changed.emit()

    def state(self) -> BatchState | None:
        """The run as it stands now; None before there is one."""
        return BatchState(self._run.plan, self.rows, self._run.shared) if self._run else None

    def restore(self, state: BatchState | None) -> None:
        """Take over what `state` gave; a run that is going on is given up."""
        self.replacing.emit()
        self.end()
        if state is None:
            self._run = None
        else:
            self._run = _Run(state.plan, {row.index: row for row in state.rows}, shared=state.shared)
        self.state_changed.emit()
        self.changed.emit()

    def records(self, rows: Iterable[BatchRow] | None = None) -> list[dict[str, Any]]:
        """Flat rows for export, in the order of the frames."""
        return [row.record() for row in (self.rows if rows is None else rows)]
