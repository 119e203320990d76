"""Mouse on the image: drag pans, shift + drag zooms to a box, wheel zooms at the pointer.

A tool, such as the brush of the mask, takes the left button; the middle one still pans.
"""

from __future__ import annotations

from typing import Any, Protocol

import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, Qt, Signal


class PointerTool(Protocol):
    """What the left button does instead of panning; places are native pixels."""

    def drag(self, start: QPointF, now: QPointF, finished: bool, erase: bool) -> None: ...  # noqa: D102

    def click(self, place: QPointF, double: bool, erase: bool) -> None: ...  # noqa: D102


class FrameViewBox(pg.ViewBox):
    """A view whose x runs right and y down, with square pixels.

    Signals
    -------
    menu_wanted : QPoint
        Right click, at this place of the screen.
    line_drawn : QPointF, QPointF
        Ctrl and drag: from where to where, in native pixels.
    """

    menu_wanted = Signal(QPoint)
    line_drawn = Signal(QPointF, QPointF)

    def __init__(self) -> None:
        self.tool: PointerTool | None = None
        self._keys_at_start = Qt.KeyboardModifier.NoModifier
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.02)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: N802 (pyqtgraph's name)
        """Pan or zoom to a box; the right button does nothing, so that it cannot scale by accident."""
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()
            return
        if ev.button() == Qt.MouseButton.LeftButton and self._taken(ev):
            ev.accept()
            return
        box = ev.button() == Qt.MouseButton.LeftButton and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self.state["mouseMode"] = self.RectMode if box else self.PanMode
        super().mouseDragEvent(ev, axis)

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 (pyqtgraph's name)
        """A right click asks for the menu."""
        if ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_wanted.emit(ev.screenPos().toPoint())
        elif self.tool is not None and ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.tool.click(self.mapToView(ev.pos()), ev.double(), _erases(ev))

    def _taken(self, ev: Any) -> bool:
        """Whether a drag belongs to the line or to the tool."""
        start, now = self.mapToView(ev.buttonDownPos()), self.mapToView(ev.pos())
        if ev.isStart():
            # What a drag is for is settled at its start, also if a key is let go before the button.
            self._keys_at_start = ev.modifiers()
        if self._keys_at_start & Qt.KeyboardModifier.ControlModifier:
            self.line_drawn.emit(start, now)
            return True
        if self.tool is None or self._keys_at_start & Qt.KeyboardModifier.ShiftModifier:
            return False
        erase = bool(self._keys_at_start & Qt.KeyboardModifier.AltModifier)
        self.tool.drag(start, now, ev.isFinish(), erase)
        return True


def _erases(ev: Any) -> bool:
    return bool(ev.modifiers() & Qt.KeyboardModifier.AltModifier)
