"""A command as one would type it: always in sight, to be copied."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from xgeom_gui.training.form import button

_THANKS_MS = 1500


class CommandLine(QWidget):
    """A line that cannot be edited, and a button that copies it.

    Parameters
    ----------
    name, tip : str
        For screen readers and the tooltip.

    Signals
    -------
    copied : str
        The text that is in the clipboard now.
    """

    copied = Signal(str)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit(readOnly=True)
        self.line.setAccessibleName(name)
        self.line.setToolTip(tip)
        self.line.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.button = button("Copy", f"Copy: {name.lower()}")
        self.button.setAccessibleName(f"Copy: {name.lower()}")
        self.button.clicked.connect(self.copy)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self._back = QTimer(self, singleShot=True, interval=_THANKS_MS)
        self._back.timeout.connect(lambda: self.button.setText("Copy"))

    @property
    def text(self) -> str:
        """The command."""
        return self.line.text()

    def set_text(self, text: str) -> None:
        """Another command."""
        if text != self.line.text():
            self.line.setText(text)
            self.line.setCursorPosition(0)

    def copy(self) -> None:
        """Put the command into the clipboard."""
        QGuiApplication.clipboard().setText(self.line.text())
        self.button.setText("Copied")
        self._back.start()
        self.copied.emit(self.line.text())
