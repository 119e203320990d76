"""Rings over the frame, with their spacings in Å where they can be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_gui.rings import Ring, RingKind

RING_NAMES: dict[RingKind, str] = {
    "resolution": "Resolution",
    "ice": "Ice",
    "calibrant": "Calibrant",
    "own": "Own",
}
# On a light ground, and on a dark one.
RING_COLORS: dict[RingKind, tuple[str, str]] = {
    "resolution": ("#2f6fb3", "#8fc4ff"),
    "ice": ("#008c9e", "#5fe3f0"),
    "calibrant": ("#b0461e", "#ffb08a"),
    "own": ("#7a3fa0", "#dba8ff"),
}
_DASHES: dict[RingKind, Qt.PenStyle] = {
    "resolution": Qt.PenStyle.DashLine,
    "ice": Qt.PenStyle.DotLine,
    "calibrant": Qt.PenStyle.SolidLine,
    "own": Qt.PenStyle.DashDotLine,
}
# What is drawn through must not hide the ring that it is laid on.
_WIDTHS: dict[RingKind, float] = {"resolution": 1.3, "ice": 1.3, "calibrant": 0.9, "own": 1.2}
# Labels stand along a different direction for each kind, so that they do not cover each other.
_LABEL_DEGREES: dict[RingKind, float] = {"resolution": -45.0, "ice": 45.0, "calibrant": 0.0, "own": 135.0}
_MARGIN_PX = 26.0
# A label that finds no room near its direction is left out.
_TRIES, _ROOM_PX, _EVERY = 14, 3.0, 8


class RingsItem(QGraphicsItem):
    """Draws rings in native pixels and their labels at constant size."""

    def __init__(self) -> None:
        super().__init__()
        self._rings: tuple[Ring, ...] = ()
        self._paths: list[QPainterPath] = []
        self._bounds = QRectF()
        self._dark = False

    def show_rings(self, rings: Sequence[Ring], shape: tuple[int, int], dark: bool) -> None:
        """Draw these on a frame of ``(slow, fast)`` pixels; `dark` if the picture's ground is."""
        self.prepareGeometryChange()
        self._rings, self._dark = tuple(rings), dark
        self._paths = [_path(ring, shape) for ring in rings]
        reach = max(shape)
        self._bounds = QRectF(-reach, -reach, shape[1] + 2 * reach, shape[0] + 2 * reach)
        self.update()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """What is drawn."""
        return self._rings

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """As far as the view can be moved."""
        return self._bounds if self._rings else QRectF()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the rings, then the labels in device coordinates."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ring, path in zip(self._rings, self._paths, strict=True):
            pen = QPen(QColor(RING_COLORS[ring.kind][self._dark]), _WIDTHS[ring.kind], _DASHES[ring.kind])
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(path)
        transform = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        ratio = painter.device().devicePixelRatioF()
        painter.scale(ratio, ratio)
        taken: list[QRectF] = []
        viewport = QRectF(widget.rect()) if widget is not None else QRectF(painter.viewport())
        for ring in self._rings:
            fast, slow = ring.x[::_EVERY], ring.y[::_EVERY]
            x = (transform.m11() * fast + transform.m21() * slow + transform.dx()) / ratio
            y = (transform.m12() * fast + transform.m22() * slow + transform.dy()) / ratio
            self._label(painter, ring, x, y, viewport, taken)
        painter.restore()

    def _label(
        self,
        painter: QPainter,
        ring: Ring,
        x: np.ndarray,
        y: np.ndarray,
        viewport: QRectF,
        taken: list[QRectF],
    ) -> None:
        """The label at the visible point of a ring that lies nearest to the direction of its kind."""
        inside = (x > viewport.left() + _MARGIN_PX) & (x < viewport.right() - _MARGIN_PX)
        inside &= (y > viewport.top() + _MARGIN_PX / 2) & (y < viewport.bottom() - _MARGIN_PX / 2)
        visible = np.flatnonzero(inside)
        if visible.size == 0:
            return
        degrees = np.linspace(0.0, 360.0, len(x))[visible]
        away = np.abs((degrees - _LABEL_DEGREES[ring.kind] + 180.0) % 360.0 - 180.0)
        metrics = QFontMetricsF(painter.font())
        size = metrics.boundingRect(ring.label)
        for place in visible[np.argsort(away)][:_TRIES]:
            box = QRectF(0, 0, size.width() + 8, metrics.height())
            box.moveCenter(QPointF(float(x[place]), float(y[place])))
            room = box.adjusted(-_ROOM_PX, -_ROOM_PX, _ROOM_PX, _ROOM_PX)
            if not any(room.intersects(other) for other in taken):
                break
        else:
            return
        taken.append(box)
        ground = QColor(20, 24, 30, 190) if self._dark else QColor(255, 255, 255, 215)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(RING_COLORS[ring.kind][self._dark]))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), ring.label)


def _path(ring: Ring, shape: tuple[int, int]) -> QPainterPath:
    """Outline of a ring, left out where it is far beyond the frame or where no ray arrives."""
    height, width = shape
    reach = 1.5 * max(shape)
    near = (ring.x > -reach) & (ring.x < width + reach) & (ring.y > -reach) & (ring.y < height + reach)
    # Not-a-number breaks the line.
    x, y = np.where(near, ring.x, np.nan), np.where(near, ring.y, np.nan)
    return pg.arrayToQPath(x, y, connect="finite")
