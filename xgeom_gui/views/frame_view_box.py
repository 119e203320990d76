"""Mouse on the image: drag pans, shift + drag zooms to a box, wheel zooms at the pointer."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPoint, Qt, Signal


class FrameViewBox(pg.ViewBox):
    """A view whose x runs right and y down, with square pixels.

    Signals
    -------
    menu_wanted : QPoint
        Right click, at this place of the screen.
    """

    menu_wanted = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.02)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: N802 (pyqtgraph's name)
        """Pan or zoom to a box; the right button does nothing, so that it cannot scale by accident."""
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()
            return
        box = ev.button() == Qt.MouseButton.LeftButton and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self.state["mouseMode"] = self.RectMode if box else self.PanMode
        super().mouseDragEvent(ev, axis)

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 (pyqtgraph's name)
        """A right click asks for the menu."""
        if ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_wanted.emit(ev.screenPos().toPoint())
