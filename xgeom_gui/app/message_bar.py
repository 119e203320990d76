"""Messages in the window: one sentence in a bar that can be dismissed, never a dialog in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from xgeom_gui.look.theme import set_role
from xgeom_gui.state.notifications import Notice


class MessageBar(QFrame):
    """Shows the newest message; hidden when there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.setAccessibleName("Message")
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.action_button = QPushButton()
        self.dismiss_button = QPushButton("Dismiss")
        self.dismiss_button.setToolTip("Hide this message")
        self.dismiss_button.clicked.connect(self.dismiss)
        self.action_button.clicked.connect(self._act)
        self._action: Callable[[], object] | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 7, 8, 7)
        for widget in (self.label, self.action_button, self.dismiss_button):
            layout.addWidget(widget)
        self.hide()

    @property
    def text(self) -> str:
        """The message shown; "" when there is none."""
        return "" if self.isHidden() else self.label.text()

    def show_notice(
        self, notice: Notice, label: str = "", action: Callable[[], object] | None = None
    ) -> None:
        """Show a message, with a button if there is something to do about it."""
        set_role(self, notice.kind)
        set_role(self.label, "")
        self.label.setText(notice.text)
        self._action = action
        self.action_button.setText(label)
        self.action_button.setVisible(action is not None)
        self.show()

    def dismiss(self) -> None:
        """Hide the message."""
        self._action = None
        self.hide()

    def _act(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()
