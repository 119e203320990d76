"""The table of centers as a widget: as high as its rows, whatever happens to its width."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from xgeom_gui.centers.centers_model import CentersModel
from xgeom_gui.state.centers import Center

_ROW_HEIGHT = 28
_FRAME = 4
_LEAST_NAME = 130
# Beside a box and an icon, the hint of a styled cell is a few pixels short of what it then takes.
_SLACK = 6


class CentersTable(QTableView):
    """Shows a `CentersModel`; as high as its rows.

    Signals
    -------
    menu_wanted : Center, QPoint
        Right click on a row, or the menu key; at this place of the screen.
    """

    menu_wanted = Signal(object, QPoint)

    def __init__(self, model: CentersModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._centers = model
        self.setModel(model)
        self.setAccessibleName("Table of centers")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.94)
        self.setFont(font)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setFont(font)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(34)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        model.modelReset.connect(self._fit)
        self._fit()

    @property
    def selected(self) -> Center | None:
        """The center whose row is selected."""
        rows = self.selectionModel().selectedRows()
        return self._centers.center_at(rows[0].row()) if rows else None

    def select(self, source: str) -> bool:
        """Select the row of a source; whether there is one."""
        for row, one in enumerate(self._centers.rows):
            if one.estimate.source == source:
                self.setCurrentIndex(self._centers.index(row, 0))
                return True
        return False

    def place_of(self, center: Center) -> QPoint:
        """Where on the screen a menu about a center belongs."""
        rows = [row.estimate.source for row in self._centers.rows]
        row = rows.index(center.estimate.source) if center.estimate.source in rows else 0
        return self.viewport().mapToGlobal(self.visualRect(self._centers.index(row, 1)).bottomLeft())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """Ask for the menu of the row under the pointer, or of the selected row from the keyboard."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            center = self.selected
            place = self.place_of(center) if center else event.globalPos()
        else:
            index = self.indexAt(event.pos())
            center = self._centers.center_at(index.row()) if index.isValid() else None
            place = event.globalPos()
        if center is not None:
            self.select(center.estimate.source)
            self.menu_wanted.emit(center, place)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """A narrower table may need a scroll bar, and then room for it."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Give each column its width; be as high as the rows, and the scroll bar if there is one.

        Qt's own modes settle late, and would hide the last row under a scroll bar until then.
        """
        header, width = self.horizontalHeader(), self.viewport().width()
        widths = [max(self._content_width(i), header.sectionSizeHint(i)) for i in range(header.count())]
        spare = width - sum(widths)
        # The names give way first, in their middle: the numbers at their end tell them apart.
        widths[0] = max(widths[0] + min(spare, 0), min(widths[0], _LEAST_NAME))
        overflows = sum(widths) > width
        widths[-1] += max(spare, 0)
        for section, pixels in enumerate(widths):
            header.resizeSection(section, pixels)
        bar = self.horizontalScrollBar().sizeHint().height() if overflows else 0
        rows = max(len(self._centers.rows), 1)
        self.setFixedHeight(header.sizeHint().height() + _ROW_HEIGHT * rows + _FRAME + bar)

    def _content_width(self, column: int) -> int:
        """Room that the widest cell needs."""
        cells = (self._centers.index(row, column) for row in range(len(self._centers.rows)))
        slack = _SLACK if column == 0 else 0
        return max((self.sizeHintForIndex(cell).width() + slack for cell in cells), default=0)
