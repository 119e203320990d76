"""The dock on the right: centers, tilt and experiment of the open frame; training behind a second tab."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

DOCK_WIDTH, NARROWEST = 640, 320
"""Width of the dock at first, and as narrow as it can be drawn."""


class ResultsDock(QDockWidget):
    """Cannot be closed or moved.

    Parameters
    ----------
    sections : sequence of (str, QWidget)
        Titles and panels of the first tab, from top to bottom.
    training : QWidget
        The second tab.
    """

    def __init__(self, sections: Sequence[tuple[str, QWidget]], training: QWidget) -> None:
        super().__init__()
        self.setObjectName("panels")
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.setTitleBarWidget(QWidget())
        hint = QLabel("The center and the tilt of the open frame appear here.")
        hint.setProperty("role", "soft")
        hint.setWordWrap(True)
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(hint)
        self._pages.addWidget(_scrolled(_stacked(sections)))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._pages, "Center and tilt")
        self.tabs.addTab(_scrolled(training), "Training")
        self.setWidget(self.tabs)
        self.setMinimumWidth(NARROWEST)

    def add_tab(self, title: str, panel: QWidget, tip: str, *, scrolls: bool = True) -> None:
        """One more tab, before the last: training stays at the end."""
        page = _scrolled(panel) if scrolls else panel
        # Narrower than its row of fields a panel is cut at its right rather than holding the dock wide.
        page.setMinimumWidth(1)
        index = self.tabs.insertTab(self.tabs.count() - 1, page, title)
        self.tabs.setTabToolTip(index, tip)

    def show_tab(self, title: str) -> None:
        """Bring a tab to the front; if it is there already, the first one."""
        titles = [self.tabs.tabText(i) for i in range(self.tabs.count())]
        index = titles.index(title)
        self.tabs.setCurrentIndex(0 if self.tabs.currentIndex() == index else index)

    def bring(self, title: str) -> None:
        """Bring a tab to the front."""
        titles = [self.tabs.tabText(i) for i in range(self.tabs.count())]
        self.tabs.setCurrentIndex(titles.index(title))

    def show_results(self, shown: bool) -> None:
        """Show the panels, or the hint before a frame is open."""
        self._pages.setCurrentIndex(1 if shown else 0)


def _stacked(sections: Sequence[tuple[str, QWidget]]) -> QWidget:
    """Panels under their titles."""
    widget = QWidget()
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(12, 10, 12, 10)
    layout.setSpacing(8)
    for title, panel in sections:
        if title:
            label = QLabel(title)
            label.setProperty("role", "title")
            layout.addWidget(label)
        layout.addWidget(panel)
        layout.addSpacing(8)
    layout.addStretch(1)
    return widget


def _scrolled(widget: QWidget) -> QScrollArea:
    """A panel that scrolls on small screens instead of being cut off."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    # Narrower than its tables a panel scrolls sideways; nothing of it is out of reach.
    return area
