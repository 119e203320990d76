"""Runs side by side: the settings in which they differ, above what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QBrush, QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.look.theme import OK, SOFT_INK, THEME
from xgeom_gui.training.compare_rows import CompareRow, compare_rows
from xgeom_gui.training.plain_table import RIGHT, PlainTable
from xgeom_gui.training.run_colors import series_color

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
        tip = "Settings that differ, and the last errors on each validation set"
        self.table = PlainTable("Runs compared", tip)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
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
        table.begin(len(self.rows), 1 + len(self._titles))
        table.head(0, "", "")
        for column, title in enumerate(self._titles, start=1):
            item = table.head(column, f"● {title}", title)
            item.setForeground(QBrush(series_color(column - 1)))
            item.setTextAlignment(RIGHT)
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
            self.table.put(i, column, text, color=OK.color if column - 1 in row.best else None)
