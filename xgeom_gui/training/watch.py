"""How the selected job stands: title, state, progress, pace, errors beside the constant predictor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from xgeom_gui.look.theme import FAILED, OK, SOFT_INK, THEME, UNCERTAIN
from xgeom_gui.services.training_history import TrainingHistory
from xgeom_gui.services.training_signs import Parting, parting
from xgeom_gui.training.words import facts, sentence, state_color, state_text

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status

_MOST_SETS = 4
_COLUMNS = ("center", "constant", "better by", "tilt", "constant", "better by")
_STEP_STATES = frozenset({"running", "starting", "paused", "stopping"})


class WatchHeader(QWidget):
    """Words and a bar; `show_job` writes them anew.

    Nothing here asks: whoever owns it hands over job, status and history.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Job | None, Status | None, TrainingHistory] = (None, None, TrainingHistory())
        self._parting: tuple[int, Parting | None] = (-1, None)
        self.title = _Elided()
        self.title.setProperty("role", "title")
        self.state = QLabel()
        self.state.setAccessibleName("State of the job")
        self.sentence = _wrapped()
        self.progress = QProgressBar(textVisible=False, maximum=1000)
        self.progress.setAccessibleName("Progress of the job")
        self.progress.setFixedHeight(6)
        self.facts = _wrapped("soft")
        self.errors = _wrapped()
        self.errors.setTextFormat(Qt.TextFormat.RichText)
        self.errors.setToolTip(
            "Median error on each validation set, in px of a frame 820 px wide and in degrees, beside that "
            "of the constant predictor, which always guesses the middle: a model must beat it."
        )
        self.warning = _wrapped()
        self._lay_out()
        THEME.changed.connect(self._repaint)

    def show_job(self, job: Job | None, status: Status | None, history: TrainingHistory) -> None:
        """Write what is known of a job."""
        self._shown = (job, status, history)
        self._repaint()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.title, 1)
        row.addWidget(self.state)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addLayout(row)
        layout.addWidget(self.progress)
        for label in (self.sentence, self.facts, self.errors, self.warning):
            layout.addWidget(label)

    def _repaint(self) -> None:
        job, status, history = self._shown
        if job is None:
            return
        self.title.set_text(job.title)
        _put(self.state, f'<span style="color:{state_color(status)}">● {state_text(status)}</span>')
        bad = bool(job.trouble) or (status is not None and status.state in {"failed", "lost"})
        said = _escaped(sentence(job, status, history))
        _put(self.sentence, f'<span style="color:{FAILED}">{said}</span>' if bad else said)
        _put(self.facts, "  ·  ".join(facts(status, history)))
        _put(self.errors, error_text(history))
        found = self._sign(history)
        _put(
            self.warning,
            f'<span style="color:{UNCERTAIN}">{_escaped(found.sentence)}</span>' if found else "",
        )
        self._show_progress(status, history)

    def _sign(self, history: TrainingHistory) -> Parting | None:
        """Where the curves part; asked anew only after a validation."""
        scores = sum(len(held.loss) for held in history.sets.values()) + 1_000_000 * len(history.sets)
        state = hash((id(history), scores, history.validations[-1].step if history.validations else 0))
        if self._parting[0] != state:
            self._parting = (state, parting(history))
        return self._parting[1]

    def _show_progress(self, status: Status | None, history: TrainingHistory) -> None:
        going = status is not None and status.state in _STEP_STATES
        busy = going and not history.steps and status is not None and status.state != "paused"
        # A range of 0 to 0 is Qt's busy indicator: something goes on, but nobody knows how long.
        self.progress.setRange(0, 0 if busy else 1000)
        self.progress.setValue(round(1000 * history.progress))
        self.progress.setVisible(going)


def error_text(history: TrainingHistory) -> str:
    """The newest errors as a small table (HTML); "" before the first validation."""
    if not history.sets:
        return ""
    words = ("validation", *_COLUMNS[:3] * history.has_center, *_COLUMNS[3:] * history.has_tilt)
    rows = [[f'<span style="color:{SOFT_INK}">{word}</span>' for word in words]]
    for name, held in list(history.sets.items())[:_MOST_SETS]:
        last = held.last
        row = [_escaped(name)]
        if history.has_center:
            row += _score_cells(last.center_px, last.center_constant_px, "{:.2f} px")
        if history.has_tilt:
            row += _score_cells(last.tilt_deg, last.tilt_constant_deg, "{:.3f}°")
        rows.append(row)
    lines = [
        "<tr>" + "".join(f'<td style="padding-right:16px">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    ]
    more = len(history.sets) - _MOST_SETS
    if more > 0:
        said = f"and {more} more, in the curves"
        lines.append(f'<tr><td colspan="{len(words)}" style="color:{SOFT_INK}">{said}</td></tr>')
    return f'<table cellspacing="0" cellpadding="0">{"".join(lines)}</table>'


def _score_cells(error: float, constant: float, form: str) -> list[str]:
    """An error, the constant predictor's, and how many times smaller it is."""
    times = constant / error if error > 0 else float("inf")
    color = OK if times > 1.05 else FAILED
    return [
        f"<b>{form.format(error)}</b>",
        f'<span style="color:{SOFT_INK}">{form.format(constant)}</span>',
        f'<span style="color:{color}">{times:.1f} times</span>',
    ]


class _Elided(QLabel):
    """A line that is cut with an ellipsis where it is too long, and whole in its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        """Show another text."""
        if text != self._whole:
            self._whole = text
            self.setToolTip(text)
            self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """More or less of it fits."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        cut = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        self.setText(cut)


def _wrapped(role: str = "") -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if role:
        label.setProperty("role", role)
    return label


def _put(label: QLabel, text: str) -> None:
    """Another text, if it is another: laying out rich text costs; an empty label takes no room."""
    if label.text() != text:
        label.setText(text)
    label.setVisible(bool(text))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
