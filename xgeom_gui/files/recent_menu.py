"""The files opened last: a list in the empty window, and a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from xgeom_gui.files.recent_files import RecentFiles
from xgeom_gui.services.locations import folder_of, name_of

_IN_WINDOW, _WIDTH = 6, 460
_GONE = "It is not there any more"


class RecentRow(QPushButton):
    """One file: its name, and softly its folder."""

    def __init__(self, spec: str, gone: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.setProperty("role", "row")
        self.setEnabled(not gone)
        self.setFlat(True)
        self._name, self._folder = name_of(spec), _GONE if gone else folder_of(spec)
        self.setAccessibleName(f"{self._name}, {self._folder}")
        self.setToolTip(f"{spec}\n{_GONE}" if gone else spec)
        self._labels = (QLabel(), QLabel())
        self._labels[1].setProperty("role", "soft")
        self._labels[1].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 5, 10, 5)
        layout.setSpacing(16)
        for label in self._labels:
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            label.setEnabled(not gone)
        layout.addWidget(self._labels[0])
        layout.addWidget(self._labels[1], 1)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as a line of text."""
        return QSize(_WIDTH, QFontMetrics(self.font()).height() + 14)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Elide what does not fit."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Another font elides elsewhere."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_labels"):
            self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        room = max(80, self.width() - 36)
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, int(0.6 * room))
        used = metrics.horizontalAdvance(name)
        self._labels[0].setText(name)
        self._labels[0].setMinimumWidth(used + 2)
        folder = metrics.elidedText(self._folder, Qt.TextElideMode.ElideMiddle, room - used - 8)
        self._labels[1].setText(folder)


class RecentList(QWidget):
    """The newest files as rows to click; nothing at all before the first.

    Parameters
    ----------
    recent : RecentFiles
    open_spec : callable
        Opens a spec.
    """

    def __init__(
        self, recent: RecentFiles, open_spec: Callable[[str], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._recent, self._open = recent, open_spec
        self.rows: list[RecentRow] = []
        self.setMaximumWidth(_WIDTH)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        title = QLabel("Recent")
        title.setProperty("role", "soft")
        title.setContentsMargins(10, 0, 0, 4)
        self._layout.addWidget(title)
        recent.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        for row in self.rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        self.rows = [RecentRow(spec, self._recent.is_gone(spec)) for spec in self._recent.specs[:_IN_WINDOW]]
        for row in self.rows:
            row.clicked.connect(lambda _checked, spec=row.spec: self._open(spec))
            self._layout.addWidget(row)
        self.setVisible(bool(self.rows))

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Files may have gone meanwhile."""
        self._recent.look()


class RecentMenu(QMenu):
    """The same files as a menu."""

    def __init__(
        self, recent: RecentFiles, open_spec: Callable[[str], object], parent: QWidget | None = None
    ) -> None:
        super().__init__("Open &recent", parent)
        self._recent, self._open = recent, open_spec
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(recent.look)
        recent.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        self.clear()
        for spec in self._recent.specs:
            gone = self._recent.is_gone(spec)
            name = name_of(spec).replace("&", "&&")
            action = self.addAction(f"{name} (gone)" if gone else name)
            action.setToolTip(f"{spec}\n{_GONE}" if gone else spec)
            action.setEnabled(not gone)
            action.triggered.connect(lambda _checked, one=spec: self._open(one))
        if self._recent.specs:
            self.addSeparator()
            self.addAction("Forget these").triggered.connect(self._recent.forget)
        self.menuAction().setEnabled(bool(self._recent.specs))
