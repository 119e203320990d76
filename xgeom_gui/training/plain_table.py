"""A table to look at: no grid, no editing, numbers on the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

_ROW = 25
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PlainTable(QTableWidget):
    """A table of texts.

    Parameters
    ----------
    name, tip : str
        For screen readers and the tooltip.
    """

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.horizontalHeader().setHighlightSections(False)

    def begin(self, rows: int, columns: int) -> None:
        """Empty it and give it another size."""
        self.clear()
        self.setRowCount(rows)
        self.setColumnCount(columns)

    def head(self, column: int, text: str, tip: str) -> QTableWidgetItem:
        """Write a heading."""
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        self.setHorizontalHeaderItem(column, item)
        return item

    def put(self, row: int, column: int, text: str, tip: str = "", color: QColor | None = None) -> None:
        """Write a cell on the right."""
        item = QTableWidgetItem(text)
        item.setToolTip(tip or text)
        item.setTextAlignment(RIGHT)
        if color is not None:
            item.setForeground(QBrush(color))
        self.setItem(row, column, item)
