"""The sheet of keys and mouse, made from the list of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from xgeom_gui.app.actions import MOUSE, SPECS

_HIGHEST = 600


class KeySheet(QDialog):
    """Not modal: it may stay open beside the work."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(5)
        rows = [(" or ".join(spec.keys), spec.tip) for spec in SPECS if spec.keys]
        for row, (keys, meaning) in enumerate([*rows, *MOUSE]):
            name = QLabel(keys)
            name.setProperty("role", "title")
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(QLabel(meaning), row, 1)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(14)
        sheet = QWidget()
        sheet.setLayout(grid)
        grid.setContentsMargins(0, 0, 12, 0)
        # Small screens cannot hold all of it at once.
        area = QScrollArea()
        area.setWidget(sheet)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumSize(sheet.sizeHint().width() + 24, min(sheet.sizeHint().height(), _HIGHEST))
        layout.addWidget(area, 1)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
