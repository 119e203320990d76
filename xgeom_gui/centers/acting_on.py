"""Which center is current, by name and as two numbers that can be typed over."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLineEdit, QToolButton, QWidget

from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.look.theme import set_role
from xgeom_gui.state.session import Session

_WIDE = 400


class ActingOn(QWidget):
    """Names the current center and holds its two numbers, to be typed over.

    Signals
    -------
    finished
        Typing has ended.
    """

    finished = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name = ElidedLabel()
        self.name.setToolTip("Rings, profiles, loupe, Copy as, Accept, Fit from here and nudging act on it")
        self.field = CenterField()
        self.field.setFixedWidth(142)
        self.field.returnPressed.connect(self._put)
        self.field.left.connect(self.refresh)
        self.field.escaped.connect(self._leave)
        self.back = QToolButton()
        self.back.setText("← Answer")
        self.back.setProperty("role", "framed")
        self.back.setAccessibleName("Back to the answer")
        self.back.setToolTip("Let rings, profiles, copying and accepting act on the answer again")
        self.back.clicked.connect(lambda: session.current_center.choose(""))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        self._grid.setColumnStretch(0, 1)
        self._place()
        session.current_center.changed.connect(self.refresh)
        session.frame_changed.connect(self.refresh)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Where there is little room, the name has a line of its own."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        narrow = self.width() < _WIDE
        self._grid.addWidget(self.name, 0, 0, 1, 3 if narrow else 1)
        self._grid.addWidget(self.field, int(narrow), 1)
        self._grid.addWidget(self.back, int(narrow), 2)

    def refresh(self) -> None:
        """Name the current center."""
        current, frame = self._session.current_center, self._session.frame
        self.name.setText(f"acting on: {current.name}" if current.name else "no center yet")
        set_role(self.name, "" if current.is_answer else "stated")
        self.back.setEnabled(current.center is not None and not current.is_answer)
        self.field.setEnabled(frame is not None)
        if not (self.field.hasFocus() and self.field.isModified()):
            x, y = current.center.estimate.center_px if current.center else (0.0, 0.0)
            self.field.setText(f"{x:.2f}, {y:.2f}" if current.center else "")

    def _put(self) -> None:
        point = point_in(self.field.text())
        if point is None:
            typed = self.field.text()
            self._session.notice(f"A center is two numbers in px, such as 1261.5, 1307.3, not {typed!r}.")
            return
        if self.field.isModified():
            center = self._session.current_center.center
            self._session.user_centers.put(point, center.estimate.tilt_deg if center else None)
        self._leave()

    def _leave(self) -> None:
        self.field.setModified(False)
        self.refresh()
        self.finished.emit()


class CenterField(QLineEdit):
    """Two numbers; Escape gives back what was there.

    Signals
    -------
    escaped, left
        Escape was pressed; the keyboard went elsewhere.
    """

    escaped = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("x, y")
        self.setAccessibleName("Center x, y in px")
        self.setToolTip("Center in px (fast, slow; outer corner is 0). Type others to put a center there.")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Escape ends typing."""
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """What was typed and not entered is gone."""
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.setModified(False)
        self.left.emit()


def point_in(text: str) -> tuple[float, float] | None:
    """Two numbers in a text, ``"1261.5, 1307.3"`` or ``"1261.5 1307.3"``; None if it is anything else."""
    parts = text.replace(",", " ").replace(";", " ").split()
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        return None
    return (x, y) if abs(x) < 1e6 and abs(y) < 1e6 else None
