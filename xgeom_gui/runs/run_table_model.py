"""The frames of a run as a table, the most doubtful first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush

from xgeom_gui.look.theme import STATUS_COLORS
from xgeom_gui.state.batch import BatchRow, off_px
from xgeom_gui.state.formatting import signed

_Index = QModelIndex | QPersistentModelIndex
_WORDS = {"ok": "trusted", "stated": "header stands", "uncertain": "uncertain", "failed": "failed"}


@dataclass(frozen=True)
class _Column:
    title: str
    tip: str
    text: Callable[[BatchRow], str]
    off: bool = False


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def _place(which: int) -> Callable[[BatchRow], str]:
    return lambda row: f"{row.best.center_px[which]:.2f}" if row.best else "–"


def _tilt(which: int) -> Callable[[BatchRow], str]:
    return lambda row: signed(row.best.tilt_deg[which]) if row.best and row.best.tilt_deg else "–"


COLUMNS = (
    _Column("Frame", "Number of the frame, from 0", lambda row: str(row.index)),
    _Column("Status", "What the answer is worth", lambda row: _WORDS[row.status]),
    _Column("± px", "One standard deviation of the center, px", lambda row: _number(row.sigma_px)),
    _Column(
        "apart px",
        "How far background and lattice, each by itself, are from the answer, px",
        lambda row: _number(row.disagreement_px),
    ),
    _Column("off px", "Distance from the middle (median) of the run, px", lambda row: "", off=True),
    _Column(
        "known px",
        "Distance from the true center, which simulated files state, px",
        lambda row: _number(row.off_known_px),
    ),
    _Column("x px", "Beam center along the fast axis, native px", _place(0)),
    _Column("y px", "Beam center along the slow axis, native px", _place(1)),
    _Column("pitch °", "Tilt about the fast axis, degrees", _tilt(0)),
    _Column("yaw °", "Tilt about the slow axis, degrees", _tilt(1)),
    _Column("Why", "Why the answer is not trusted", lambda row: row.reason),
)
_LEFT = (1, len(COLUMNS) - 1)


class DoubtModel(QAbstractTableModel):
    """Rows of a run, read-only."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[BatchRow, ...] = ()
        self._middle: tuple[float, float] | None = None

    def set_rows(self, rows: Sequence[BatchRow], middle: tuple[float, float] | None = None) -> None:
        """Show other rows of a run with this median center."""
        self.beginResetModel()
        self._rows, self._middle = tuple(rows), middle
        self.endResetModel()

    @property
    def rows(self) -> tuple[BatchRow, ...]:
        """The rows shown."""
        return self._rows

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 (Qt's signature)
        """Number of frames."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 (Qt's signature)
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802 (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Headings and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].tip
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
            case _:
                return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, color and tooltip of a cell."""
        row, section = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                column = COLUMNS[section]
                return _number(off_px(row, self._middle)) if column.off else column.text(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
            case Qt.ItemDataRole.ToolTipRole:
                return row.reason or "Double click to go to this frame"
            case Qt.ItemDataRole.ForegroundRole if section == 1:
                return QBrush(STATUS_COLORS[row.status].color)
            case _:
                return None


def _alignment(section: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if section in _LEFT else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
