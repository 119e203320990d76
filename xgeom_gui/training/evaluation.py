"""What an evaluation found: each measure of a model, one column a set of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidgetItem, QVBoxLayout, QWidget

from xgeom_core.system.records import UNPARSABLE, parse_json
from xgeom_gui.training.plain_table import RIGHT, PlainTable

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, JobState, Status
    from xgeom_gui.training.training_desk import TrainingDesk

Record = Mapping[str, Any]
_LAST_BYTES = 200_000
_NONE = "–"
# What is shown, where it stands in a record of ``xgeom evaluate --json``, and how it is written.
_MEASURES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("frames", ("frames",), "{}"),
    ("center, median", ("network", "center_median"), "{:.2f} px"),
    ("center, always guessing the middle", ("network", "center_constant"), "{:.2f} px"),
    ("better by", ("times_better_than_constant",), "{:.1f} times"),
    ("center, mean", ("network", "center_mean"), "{:.2f} px"),
    ("center, 90% within", ("network", "center_p90"), "{:.2f} px"),
    ("center, worst", ("network", "center_worst"), "{:.2f} px"),
    ("center, median for a frame 820 px wide", ("network_px820", "center_median"), "{:.2f} px"),
    ("tilt, median", ("network", "tilt_median"), "{:.3f}°"),
    ("tilt, always guessing the middle", ("network", "tilt_constant"), "{:.3f}°"),
    ("time a frame", ("seconds_per_frame",), "{:.2g} s"),
)
_TILT_MEDIAN = ("network", "tilt_median")


class EvaluationPane(QWidget):
    """A sentence and a table, read from what the evaluation wrote.

    Parameters
    ----------
    desk : TrainingDesk
    """

    def __init__(self, desk: TrainingDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._asked: tuple[str, JobState | None] | None = None
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.table = PlainTable("Result of the evaluation", "Errors in px of the frames and in degrees")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.words)
        layout.addWidget(self.table, 1)
        self.show_records(())

    def show_job(self, job: Job, status: Status | None) -> None:
        """Read what a job found, once for each state that it comes to."""
        asked = job.id, status.state if status is not None else None
        if asked == self._asked:
            return
        if self._asked is None or self._asked[0] != job.id:
            self.show_records(())
        self._asked = asked
        over = status is not None and status.over

        def take(text: str) -> None:
            if self._asked == asked:
                self.show_records(read_records(text), over)

        self._desk.ask(lambda store: store.log(job, _LAST_BYTES), take, owner=self)

    def show_records(self, records: Sequence[Record], over: bool = False) -> None:
        """Show what was found; words while nothing is, or where nothing was."""
        self.table.setVisible(bool(records))
        if not records:
            self.words.setText("No scores were found; the log says why." if over else "Scoring the frames…")
            return
        self.words.setText("\n".join(map(verdict, records)))
        # A network that claims no tilt is not scored on it.
        tilts = any(_value(record, _TILT_MEDIAN) is not None for record in records)
        measures = [one for one in _MEASURES if tilts or not one[0].startswith("tilt")]
        self.table.begin(len(measures), 1 + len(records))
        self.table.head(0, "", "")
        for column, record in enumerate(records, start=1):
            head = self.table.head(column, Path(str(record["data"])).name, str(record["data"]))
            head.setTextAlignment(RIGHT)
        for i, (label, where, form) in enumerate(measures):
            self.table.setItem(i, 0, QTableWidgetItem(label))
            for column, record in enumerate(records, start=1):
                value = _value(record, where)
                self.table.put(i, column, form.format(value) if value is not None else _NONE)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)


def read_records(text: str) -> tuple[Record, ...]:
    """The scores among the lines of a log of ``xgeom evaluate --json``."""
    records = []
    for line in text.splitlines():
        try:
            record = parse_json(line) if line.startswith("{") else None
        except UNPARSABLE:
            continue
        if isinstance(record, dict) and {"data", "frames", "network"} <= set(record):
            records.append(record)
    return tuple(records)


def verdict(record: Record) -> str:
    """What an evaluation found on one set, in a sentence."""
    name, frames = Path(str(record["data"])).name, record["frames"]
    median, constant = (_value(record, ("network", f"center_{what}")) for what in ("median", "constant"))
    if median is None:
        return f"{name}: no median error of the center; half of its {frames} frames or more have no answer."
    said = f"{name}: center off by {median:.2f} px (median of {frames} frames)"
    if constant is None or median <= 0:
        return f"{said}."
    better = constant / median
    if better <= 1:
        return f"{said}, no better than always guessing the middle ({constant:.2f} px)."
    return f"{said}, {better:.1f} times better than always guessing the middle."


def _value(record: Record, where: Sequence[str]) -> float | None:
    """A number of a record; None where there is none."""
    found: Any = record
    for key in where:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
