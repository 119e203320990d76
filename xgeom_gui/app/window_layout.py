"""Size and place of the window and of its docks: remembered, and put back on demand."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow

from xgeom_gui.state.settings import Settings

_VERSION = 1
"""Grows when docks change so much that what was stored makes no sense any more."""


class WindowLayout:
    """Takes over what was stored once every dock is there.

    Parameters
    ----------
    window : QMainWindow
    settings : Settings
    """

    def __init__(self, window: QMainWindow, settings: Settings) -> None:
        self._window, self._settings = window, settings
        self._at_first = window.saveState(_VERSION)

    def take(self) -> None:
        """Lay the window out as it was left; what cannot be used is ignored."""
        if self._settings.window_geometry is not None:
            self._window.restoreGeometry(self._settings.window_geometry)
        if self._settings.dock_layout is not None:
            self._put(self._settings.dock_layout)

    def keep(self) -> None:
        """Remember the present layout."""
        self._settings.window_geometry = self._window.saveGeometry()
        self._settings.dock_layout = self._window.saveState(_VERSION)

    def reset(self) -> None:
        """Put every dock back where it was at first."""
        self._put(self._at_first)

    def _put(self, state: QByteArray) -> None:
        self._window.restoreState(state, _VERSION)
