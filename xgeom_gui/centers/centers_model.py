"""The table of centers as Qt wants it; the numbers come from `xgeom_gui.state.formatting`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QBrush, QFont, QIcon

from xgeom_gui.centers.compare_wording import row_tip
from xgeom_gui.image.marks import mark_icon
from xgeom_gui.look.marker_styles import SourceStyle
from xgeom_gui.look.theme import SOFT_INK, STATUS_COLORS, UNCERTAIN, Role
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import CenterRow, sigma, signed, standing

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Column:
    """One column: its heading, what it means, and its text for a row."""

    title: str
    tip: str
    text: Callable[[CenterRow], str]


def _tilt(which: int) -> Callable[[CenterRow], str]:
    return lambda row: signed(row.tilt_deg[which]) if row.tilt_deg else "–"


def _reference_or(value: Callable[[CenterRow], float | None], form: str) -> Callable[[CenterRow], str]:
    def text(row: CenterRow) -> str:
        if row.is_reference:
            return "ref."
        found = value(row)
        return "–" if found is None else format(found, form)

    return text


COLUMNS = (
    Column("Source", "Who says so; the box shows or hides its mark", lambda row: row.center.name),
    Column(
        "x px",
        "Beam center along the fast axis, native px; the frame's outer corner is 0",
        lambda row: f"{row.estimate.center_px[0]:.2f}",
    ),
    Column(
        "y px",
        "Beam center along the slow axis, native px; the frame's outer corner is 0",
        lambda row: f"{row.estimate.center_px[1]:.2f}",
    ),
    Column(
        "± px",
        "One standard deviation of the center, the larger of x and y, px",
        lambda row: sigma(row.estimate.center_sigma_px) or "–",
    ),
    Column(
        "pitch °",
        "Tilt about the fast axis, degrees; + : the bottom edge leans away from the sample",
        _tilt(0),
    ),
    Column(
        "yaw °", "Tilt about the slow axis, degrees; + : the left edge leans away from the sample", _tilt(1)
    ),
    Column(
        "± °",
        "One standard deviation of the tilt, the larger of pitch and yaw, degrees",
        lambda row: sigma(row.tilt_sigma_deg) or "–",
    ),
    Column(
        "Δ px",
        "Distance from the reference (the best answer, or the one you measure from), native px",
        _reference_or(lambda row: row.distance_px, ".2f"),
    ),
    Column(
        "Δ mm",
        "Distance from the reference (the best answer, or the one you measure from), mm on the detector",
        _reference_or(lambda row: row.difference_mm, ".3f"),
    ),
    Column("Status", "What the value is worth", lambda row: standing(row.center)),
)


class CentersModel(QAbstractTableModel):
    """Rows of centers, read-only but for the box that shows or hides a mark.

    Signals
    -------
    shown_changed : str, bool
        The user wants the mark of this source to be shown, or not.
    """

    shown_changed = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[CenterRow, ...] = ()
        self._icons: dict[SourceStyle, QIcon] = {}

    def set_rows(self, rows: Sequence[CenterRow]) -> None:
        """Show other rows; the same sources with other values keep their rows and the selection."""
        same = [row.estimate.source for row in rows] == [row.estimate.source for row in self._rows]
        if same and rows:
            # A drag changes values many times a second; a reset would cost the table its layout each time.
            self._rows = tuple(rows)
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def _icon(self, style: SourceStyle) -> QIcon:
        # The table is filled anew at every step of a drag.
        if style not in self._icons:
            self._icons[style] = mark_icon(style)
        return self._icons[style]

    @property
    def rows(self) -> tuple[CenterRow, ...]:
        """The rows shown."""
        return self._rows

    def center_at(self, row: int) -> Center:
        """The center of a row."""
        return self._rows[row].center

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 (Qt's signature)
        """Number of sources."""
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
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section].tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, mark, color and tooltip of a cell."""
        row, section = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                misfit = row.center.for_size is not None and 0 < section < len(COLUMNS) - 1
                return "–" if misfit else COLUMNS[section].text(row)
            case Qt.ItemDataRole.DecorationRole if section == 0:
                return self._icon(row.center.style)
            case Qt.ItemDataRole.CheckStateRole if section == 0 and row.center.for_size is None:
                return Qt.CheckState.Unchecked if row.center.hidden else Qt.CheckState.Checked
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
            case Qt.ItemDataRole.ToolTipRole:
                return row_tip(row)
            case Qt.ItemDataRole.ForegroundRole:
                return _brush(row, section)
            case Qt.ItemDataRole.FontRole if row.is_reference and section == 0:
                font = QFont()
                font.setBold(True)
                return font
            case _:
                return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """The first column has the box."""
        if self._rows[index.row()].center.for_size is not None:
            return Qt.ItemFlag.ItemNeverHasChildren
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 (Qt's name)
        """Take a tick in the box as a wish; whoever owns the state fills the table anew."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        shown = Qt.CheckState(value) == Qt.CheckState.Checked
        self.shown_changed.emit(self._rows[index.row()].estimate.source, shown)
        return True


def _alignment(section: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if section in {0, len(COLUMNS) - 1} else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _brush(row: CenterRow, section: int) -> QBrush | None:
    if section == len(COLUMNS) - 1:
        return QBrush(_standing_color(row).color)
    if row.center.hidden or COLUMNS[section].text(row) in {"–", "ref."}:
        return QBrush(SOFT_INK.color)
    return None


def _standing_color(row: CenterRow) -> Role:
    if row.center.for_size is not None:
        return SOFT_INK
    word = standing(row.center)
    if word == "ambiguous":
        return UNCERTAIN
    return (
        SOFT_INK if word in {"stated", "rough", "chosen", "by hand"} else STATUS_COLORS[row.estimate.status]
    )
