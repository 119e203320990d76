"""What can be done with the current center, as buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget


class CenterStrip(QWidget):
    """One button for each action.

    Parameters
    ----------
    actions : sequence of QAction
    """

    def __init__(self, actions: Sequence[QAction]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setSpacing(6)
        row.setContentsMargins(0, 0, 0, 0)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setProperty("role", "framed")
            button.setAccessibleName(action.text())
            row.addWidget(button)
        row.addStretch(1)
