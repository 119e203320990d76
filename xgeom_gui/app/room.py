"""Room for the frame: the panel folds away, and F11 shows the frame alone."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QToolBar, QToolButton, QWidget

from xgeom_gui.image.legend import Legend
from xgeom_gui.look.stacked_panels import ResultsDock

_HANDLE_WIDTH = 14
_STRIPS = ("fileStrip", "frameStrip", "playStrip", "handle")


class Room(QObject):
    """Folds the panel and hides everything but the frame.

    Parameters
    ----------
    window : QMainWindow
    panel : ResultsDock
        The panel on the right.
    legend : Legend
    actions : mapping of str to QAction
        "panel", "frame_alone" and "legend" of the whole window.
    """

    def __init__(
        self, window: QMainWindow, panel: ResultsDock, legend: Legend, actions: Mapping[str, QAction]
    ) -> None:
        super().__init__(window)
        self._window, self._panel = window, panel
        self._panel_action, self._alone_action = actions["panel"], actions["frame_alone"]
        self._hidden: list[QWidget] = []
        self._maximized = False
        self.handle = QToolButton()
        self.handle.setObjectName("handle")
        self.handle.setAccessibleName("Fold or unfold the panel")
        self.handle.setToolTip("Fold or unfold the panel (F9)")
        self.handle.setFixedWidth(_HANDLE_WIDTH)
        self.handle.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.handle.setStyleSheet("padding: 0; border-radius: 0;")
        self.handle.clicked.connect(self._panel_action.trigger)
        self._panel_action.triggered.connect(self.show_panel)
        self._alone_action.triggered.connect(self.show_alone)
        actions["legend"].setChecked(True)
        actions["legend"].triggered.connect(legend.unfold)
        panel.installEventFilter(self)
        self._show_state()

    def show_panel(self, on: bool) -> None:
        """Unfold the panel or fold it away."""
        self.show_alone(False)
        self._panel.setVisible(on)

    def show_alone(self, on: bool) -> None:
        """Hide all but the frame and fill the screen, or bring everything back."""
        window = self._window
        if on and not self._hidden:
            around: list[QWidget] = [*window.findChildren(QToolBar), *window.findChildren(QDockWidget)]
            around += [one for name in _STRIPS for one in window.findChildren(QWidget, name)]
            self._hidden = [one for one in (*around, window.statusBar()) if not one.isHidden()]
            self._maximized = window.isMaximized()
            for one in self._hidden:
                one.hide()
            window.showFullScreen()
        elif not on and self._hidden:
            for one in self._hidden:
                one.show()
            self._hidden = []
            if self._maximized:
                window.showMaximized()
            else:
                window.showNormal()
        self._alone_action.setChecked(on)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """The action and the handle follow the panel, whoever hides it."""
        if event.type() in {QEvent.Type.ShowToParent, QEvent.Type.HideToParent}:
            self._show_state()
        return super().eventFilter(watched, event)

    def _show_state(self) -> None:
        shown = not self._panel.isHidden()
        self._panel_action.setChecked(shown)
        self.handle.setArrowType(Qt.ArrowType.RightArrow if shown else Qt.ArrowType.LeftArrow)
