"""Runs side by side: the settings in which they differ, above what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.panels.jobs.compare_rows import CompareRow, compare_rows
from xgeom_gui.theme import OK, SOFT_INK, THEME
from xgeom_gui.views.run_colors import series_color

if TYPE_CHECKING:
    from xgeom_core.jobs.compare import Comparison

HINT_TEXT = "Choose two or more trainings in the list (Ctrl or Shift and a click) to compare them."
_LEAST_COLUMN = 96


class ComparePane(QWidget):
    """A table with one column a run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles: tuple[str, ...] = ()
        self.rows: tuple[CompareRow, ...] = ()
        self.hint = QLabel(HINT_TEXT)
        self.hint.setProperty("role", "soft")
        self.hint.setWordWrap(True)
        self.table = QTableWidget()
        self.table.setAccessibleName("Runs compared")
        self.table.setToolTip("Settings that differ, and the last errors on each validation set")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(25)
        self.table.horizontalHeader().setHighlightSections(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.hint)
        layout.addWidget(self.table, 1)
        self.table.hide()
        THEME.changed.connect(self._fill)

    def show_hint(self, text: str = HINT_TEXT) -> None:
        """Show words in place of the table."""
        self.rows = ()
        self.hint.setText(text)
        self.hint.show()
        self.table.hide()

    def show_comparison(self, titles: Sequence[str], comparison: Comparison) -> None:
        """Show how runs compare."""
        self._titles = tuple(titles)
        self.rows = compare_rows(comparison)
        self.hint.hide()
        self.table.show()
        self._fill()

    def _fill(self) -> None:
        if not self.rows:
            return
        table = self.table
        table.clear()
        table.setRowCount(len(self.rows))
        table.setColumnCount(1 + len(self._titles))
        table.setHorizontalHeaderItem(0, QTableWidgetItem(""))
        for column, title in enumerate(self._titles, start=1):
            item = QTableWidgetItem(f"● {title}")
            item.setForeground(QBrush(series_color(column - 1)))
            item.setToolTip(title)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setHorizontalHeaderItem(column, item)
        for i, row in enumerate(self.rows):
            self._fill_row(i, row)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(_LEAST_COLUMN)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)

    def _fill_row(self, i: int, row: CompareRow) -> None:
        label = QTableWidgetItem(row.label)
        label.setToolTip(row.label)
        if row.heading:
            font = QFont(self.table.font())
            font.setBold(True)
            label.setFont(font)
        else:
            label.setForeground(QBrush(SOFT_INK.color))
        self.table.setItem(i, 0, label)
        for column, text in enumerate(row.cells, start=1):
            cell = QTableWidgetItem(text)
            cell.setToolTip(text)
            cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column - 1 in row.best:
                cell.setForeground(QBrush(OK.color))
            self.table.setItem(i, column, cell)
