"""Painting the mask with the mouse: brush, rectangle and polygon."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from xgeom_gui.image.frame_view_box import FrameViewBox
from xgeom_gui.state.masks import MaskDesk

Tool = Literal["none", "brush", "rectangle", "polygon"]
_FEWEST_CORNERS = 3
_MASK_COLOR, _UNMASK_COLOR = "#5b74d6", "#2e9d5f"


class MaskPainter(QObject):
    """The tool at hand; a stroke is shown while it is made and becomes one undoable step.

    Signals
    -------
    tool_changed
        Another tool is at hand.
    """

    tool_changed = Signal()

    def __init__(self, box: FrameViewBox, desk: MaskDesk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._box, self._desk = box, desk
        self._tool: Tool = "none"
        self.brush_px = 21
        self.unmasking = False
        self._path = QPainterPath()
        self._corners: list[QPointF] = []
        self._preview = QGraphicsPathItem()
        self._preview.setZValue(30)
        box.addItem(self._preview, ignoreBounds=True)

    @property
    def tool(self) -> Tool:
        """The tool at hand."""
        return self._tool

    def choose(self, tool: Tool) -> None:
        """Take another tool; "none" lets the left button pan."""
        self.cancel()
        if tool != self._tool:
            self._tool = tool
            self._box.tool = None if tool == "none" else self
            self._box.setCursor(Qt.CursorShape.ArrowCursor if tool == "none" else Qt.CursorShape.CrossCursor)
            self.tool_changed.emit()

    def cancel(self) -> None:
        """Forget the stroke or polygon begun."""
        self._path, self._corners = QPainterPath(), []
        self._preview.setPath(QPainterPath())

    def drag(self, start: QPointF, now: QPointF, finished: bool, erase: bool) -> None:
        """A drag with the left button."""
        if self._tool == "brush":
            if self._path.isEmpty():
                self._path.moveTo(start)
            self._path.lineTo(now)
            self._show(self._path, self.brush_px, erase)
            if finished:
                self._commit(stroke_region(self._path, self.brush_px), "brush", erase)
        elif self._tool == "rectangle":
            path = QPainterPath()
            path.addRect(QRectF(start, now).normalized())
            self._show(path, 0, erase)
            if finished:
                self._commit(filled_region(path), "rectangle", erase)

    def click(self, place: QPointF, double: bool, erase: bool) -> None:
        """A click with the left button."""
        if self._tool == "brush":
            path = QPainterPath(place)
            path.lineTo(place + QPointF(1e-3, 0))
            self._commit(stroke_region(path, self.brush_px), "brush", erase)
        elif self._tool == "polygon":
            if not double:
                self._corners.append(place)
            self._show(self._polygon(), 0, erase)
            if double:
                self.close_polygon(erase)

    def close_polygon(self, erase: bool = False) -> None:
        """Mask what the corners enclose."""
        if len(self._corners) >= _FEWEST_CORNERS:
            self._commit(filled_region(self._polygon()), "polygon", erase)
        else:
            self.cancel()

    def _polygon(self) -> QPainterPath:
        path = QPainterPath()
        for i, corner in enumerate(self._corners):
            (path.lineTo if i else path.moveTo)(corner)
        path.closeSubpath()
        return path

    def _show(self, path: QPainterPath, width: float, erase: bool) -> None:
        color = QColor(_UNMASK_COLOR if erase or self.unmasking else _MASK_COLOR)
        color.setAlpha(120)
        if width:
            pen = QPen(
                color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            )
            brush = QBrush()
        else:
            pen = QPen(color.darker(140), 1.5)
            pen.setCosmetic(True)
            brush = QBrush(color)
        self._preview.setPen(pen)
        self._preview.setBrush(brush)
        self._preview.setPath(path)

    def _commit(self, made: tuple[NDArray[np.bool_], tuple[int, int]], what: str, erase: bool) -> None:
        region, corner = made
        masked = not (erase or self.unmasking)
        self._desk.paint(region, corner, masked, f"{'mask' if masked else 'unmask'} by {what}")
        self.cancel()


def stroke_region(path: QPainterPath, width: float) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Pixels whose centers lie under a stroke; with the ``(row, column)`` of the first."""
    pen = QPen(Qt.GlobalColor.white, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return _raster(path, path.controlPointRect().adjusted(-width, -width, width, width), pen, QBrush())


def filled_region(path: QPainterPath) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Pixels whose centers lie within an outline; with the ``(row, column)`` of the first."""
    return _raster(path, path.controlPointRect(), QPen(Qt.PenStyle.NoPen), QBrush(Qt.GlobalColor.white))


def circle_region(center: tuple[float, float], radius: float) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Pixels whose centers lie within a circle; with the ``(row, column)`` of the first."""
    path = QPainterPath()
    path.addEllipse(QPointF(*center), radius, radius)
    return filled_region(path)


def _raster(
    path: QPainterPath, bounds: QRectF, pen: QPen, brush: QBrush
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    left, top = math.floor(bounds.left()) - 1, math.floor(bounds.top()) - 1
    width = max(math.ceil(bounds.right()) + 1 - left, 1)
    height = max(math.ceil(bounds.bottom()) + 1 - top, 1)
    image = QImage(width, height, QImage.Format.Format_Grayscale8)
    image.fill(0)
    painter = QPainter(image)
    painter.translate(-left, -top)
    painter.setPen(pen)
    painter.setBrush(brush)
    painter.drawPath(path)
    painter.end()
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(height, image.bytesPerLine())
    return rows[:, :width] > 0, (top, left)
