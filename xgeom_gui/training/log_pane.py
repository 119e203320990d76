"""What the program of a job wrote, with a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QHideEvent, QShowEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job
    from xgeom_gui.training.training_desk import TrainingDesk

LAST_BYTES = 100_000
_REFRESH_MS = 1000
_MOST_LINES = 5000
# So much text is laid out in a few milliseconds; the rest waits for the next turn of the event loop.
_SLICE = 8000
_OVERLAP = 400


class LogPane(QWidget):
    """Follows the log of the selected job while it is in sight.

    Parameters
    ----------
    desk : TrainingDesk
    """

    def __init__(self, desk: TrainingDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._job: Job | None = None
        self._text, self._left = "", ""
        self._asking = False
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Log of the job")
        self.text.setToolTip("What the job's program wrote; its end, where it is long")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setTabChangesFocus(True)
        self.search = QLineEdit(placeholderText="Search")
        self.search.setAccessibleName("Search the log")
        self.search.setToolTip("Words to look for; Enter goes to the next place, upwards from the end")
        self.search.setClearButtonEnabled(True)
        self.found = QLabel()
        self.found.setProperty("role", "soft")
        self.previous_button = QPushButton("Up")
        self.previous_button.setToolTip("The place before")
        self.next_button = QPushButton("Down")
        self.next_button.setToolTip("The next place")
        self.search.textChanged.connect(self._count)
        self.search.returnPressed.connect(self.find_previous)
        self.previous_button.clicked.connect(self.find_previous)
        self.next_button.clicked.connect(self.find_next)
        self._lay_out()
        self._refresh = QTimer(self, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self.refresh)
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._insert)

    def show_job(self, job: Job | None) -> None:
        """Follow another job."""
        if job is not None and self._job is not None and job.id == self._job.id:
            self._job = job
            return
        self._job = job
        self._clear("")
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Read what has been written since."""
        job = self._job
        if job is None or self._asking or self._left:
            return
        self._asking = True
        self._desk.ask(
            lambda store: store.log(job, LAST_BYTES),
            lambda text: self._on_text(job.id, text),
            lambda sentence: self._on_text(job.id, sentence),
            self,
        )

    def find_next(self) -> bool:
        """Go to the next place where the words stand, from the top again after the last."""
        return self._find(QTextDocument.FindFlag(0))

    def find_previous(self) -> bool:
        """Go to the place before, from the bottom again after the first."""
        return self._find(QTextDocument.FindFlag.FindBackward)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Begin to follow."""
        super().showEvent(event)
        self._refresh.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Nobody looks."""
        super().hideEvent(event)
        self._refresh.stop()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.search, 1)
        row.addWidget(self.found)
        row.addWidget(self.previous_button)
        row.addWidget(self.next_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.text, 1)

    def _on_text(self, job_id: str, text: str) -> None:
        self._asking = False
        if self._job is None or job_id != self._job.id:
            self.refresh()
            return
        if text == self._text:
            if not text:
                self.text.setPlaceholderText("The job has written nothing.")
            return
        overlap = self._text[-_OVERLAP:]
        at = text.rfind(overlap) if overlap else -1
        if self._text and at < 0:
            self._clear(text)
        else:
            self._left += text[at + len(overlap) :] if overlap else text
        self._text = text
        self._insert()

    def _clear(self, left: str) -> None:
        self.text.clear()
        self.text.setPlaceholderText("")
        self._text, self._left = left, left

    def _insert(self) -> None:
        """Add some of what waits to the end, and stay at the end if that is where the user is."""
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        piece, self._left = self._left[:_SLICE], self._left[_SLICE:]
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(piece)
        if at_end:
            bar.setValue(bar.maximum())
        if self._left:
            self._turn.start()
        else:
            self._count()

    def _find(self, flags: QTextDocument.FindFlag) -> bool:
        words = self.search.text()
        if not words:
            return False
        if self.text.find(words, flags):
            return True
        back = flags == QTextDocument.FindFlag.FindBackward
        where = QTextCursor.MoveOperation.End if back else QTextCursor.MoveOperation.Start
        cursor = self.text.textCursor()
        cursor.movePosition(where)
        self.text.setTextCursor(cursor)
        return self.text.find(words, flags)

    def _count(self) -> None:
        words = self.search.text().lower()
        if not words:
            self.found.setText("")
            return
        places = self._text.lower().count(words)
        self.found.setText(f"{places} place{'' if places == 1 else 's'}" if places else "nowhere")
