"""The status bar: what goes on or what was found, and what lies under the pointer."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from xgeom_gui.look.theme import set_role
from xgeom_gui.state.formatting import cursor_text, prediction_text
from xgeom_gui.state.overlay_center import aim_of, network_pooling
from xgeom_gui.state.session import Session

_REMEMBERED_MS = 8_000


class StatusBar(QStatusBar):
    """What goes on, what was done a moment ago, and what lies under the pointer.

    What was done stands beside the answer: Qt's own messages would hide it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setSizeGripEnabled(False)
        self.setContentsMargins(8, 0, 8, 0)
        self.answer = QLabel()
        self.answer.setAccessibleName("Answer")
        self.deed = QLabel()
        self.deed.setAccessibleName("Done")
        self._forget = QTimer(self, singleShot=True, interval=_REMEMBERED_MS)
        self._forget.timeout.connect(self.deed.clear)
        self.cursor_readout = QLabel()
        self.cursor_readout.setAccessibleName("Under the pointer")
        self.addWidget(self.answer, 1)
        self.addWidget(self.deed)
        self.addPermanentWidget(self.cursor_readout)
        session.said.connect(self._show_deed)
        for signal in (session.activity_changed, session.prediction_changed):
            signal.connect(self._show_answer)
        about = (session.metadata_changed, session.current_center.changed)
        for signal in (session.cursor_changed, session.frame_changed, *about):
            signal.connect(self._show_cursor)

    def _show_answer(self) -> None:
        session = self._session
        role = "soft"
        if session.activity:
            text = session.activity
        elif session.prediction is not None:
            text, role = prediction_text(session.prediction), session.prediction.status
        else:
            text = "" if session.frame is None else "not predicted"
        self.answer.setText(text)
        set_role(self.answer, role)

    def _show_deed(self, text: str) -> None:
        self.deed.setText(text)
        self._forget.start()

    def _show_cursor(self) -> None:
        frame, point = self._session.frame, self._session.cursor
        text = ""
        if frame is not None and point is not None:
            aim = aim_of(self._session)
            text = cursor_text(frame, aim.geometry if aim else None, point, network_pooling(frame.shape))
        self.cursor_readout.setText(text)
