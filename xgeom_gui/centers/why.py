"""The tab that answers why: explanation, background or Bragg, the network's input, a second model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget


class WhyPanel(QWidget):
    """Panels under their titles, from top to bottom.

    Parameters
    ----------
    sections : sequence of (str, QWidget)
    """

    def __init__(self, sections: Sequence[tuple[str, QWidget]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        for title, panel in sections:
            label = QLabel(title)
            label.setProperty("role", "title")
            layout.addWidget(label)
            layout.addWidget(panel)
            layout.addSpacing(8)
        layout.addStretch(1)
