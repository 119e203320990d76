"""Rings over the frame, with their spacings in Å where they can be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_gui.image.ring_labels import RingLabels
from xgeom_gui.image.ring_lines import Line, on_screen
from xgeom_gui.state.rings import Ring, RingKind

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

_Look = tuple[QTransform, QSize, float, str]


class RingsItem(QGraphicsItem):
    """Draws rings in native pixels and their labels at constant size.

    Painted once for a look at the frame and kept as a picture: a mark that moves or a legend that
    changes over the rings must not cost their painting again. While they move they are drawn as quickly
    as can be, without smooth edges and with the labels where they were on their rings.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rings: tuple[Ring, ...] = ()
        self._shape = (1, 1)
        self._bounds = QRectF()
        self._dark = False
        self._moving = False
        self._labels = RingLabels()
        self._kept: tuple[_Look, QPixmap] | None = None

    def show_rings(
        self, rings: Sequence[Ring], shape: tuple[int, int], dark: bool, moving: bool = False
    ) -> None:
        """Draw these on a frame of ``(slow, fast)`` pixels.

        Parameters
        ----------
        rings : sequence of Ring
        shape : tuple of int
        dark : bool
            Whether the picture's ground is.
        moving : bool
            Whether others will follow at once; `settle` afterwards.
        """
        self._rings, self._dark, self._moving, self._kept = tuple(rings), dark, moving, None
        reach = max(shape)
        bounds = QRectF(-reach, -reach, shape[1] + 2 * reach, shape[0] + 2 * reach) if rings else QRectF()
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds, self._shape = bounds, shape
        self.update()

    def settle(self) -> None:
        """Draw with care what was drawn quickly."""
        if self._moving:
            self._moving, self._kept = False, None
            self.update()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """What is drawn."""
        return self._rings

    @property
    def moving(self) -> bool:
        """Whether they are drawn quickly."""
        return self._moving

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """As far as the view can be moved."""
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the rings, then the labels, in device coordinates."""
        ratio = painter.device().devicePixelRatioF()
        transform = QTransform(painter.worldTransform())
        painter.save()
        painter.resetTransform()
        painter.scale(ratio, ratio)
        if widget is None:
            # To a file or a printer: as lines, sharp at every size.
            self._draw(painter, transform, QRectF(painter.viewport()), ratio, moving=False, sharp=True)
        else:
            look = (transform, widget.size(), ratio, painter.font().key())
            if self._kept is None or self._kept[0] != look:
                self._kept = (look, self._picture(painter, look))
            painter.drawPixmap(QPointF(0, 0), self._kept[1])
        painter.restore()

    def _picture(self, painter: QPainter, look: _Look) -> QPixmap:
        """Everything on nothing, as large as the view."""
        transform, size, ratio, _ = look
        pixmap = QPixmap(size * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        inner = QPainter(pixmap)
        inner.setFont(painter.font())
        self._draw(
            inner, transform, QRectF(0, 0, size.width(), size.height()), ratio, self._moving, sharp=False
        )
        inner.end()
        return pixmap

    def _draw(
        self,
        painter: QPainter,
        transform: QTransform,
        viewport: QRectF,
        ratio: float,
        moving: bool,
        sharp: bool,
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not moving)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        lines = {ring: on_screen(ring, transform, ratio) for ring in self._rings}
        for kind, group in self._groups(moving):
            # Qt has a quick way for lines of one pixel only.
            width = 1.0 if moving else _WIDTHS[kind]
            pen = QPen(QColor(RING_COLORS[kind][self._dark]), width, _DASHES[kind])
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(_path([lines[ring] for ring in group], viewport))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self._labels.places(lines, viewport, painter.font(), stay=moving)
        for ring, center in places:
            self._labels.draw(painter, ring, center, RING_COLORS[ring.kind][self._dark], self._dark, sharp)

    def _groups(self, moving: bool) -> list[tuple[RingKind, list[Ring]]]:
        """Rings that are drawn as one path.

        Where smooth lines of one path may cross, Qt looks for it, which is slow: those go one by one.
        """
        if not moving:
            return [(ring.kind, [ring]) for ring in self._rings]
        kinds = dict.fromkeys(ring.kind for ring in self._rings)
        return [(kind, [ring for ring in self._rings if ring.kind == kind]) for kind in kinds]


def _path(lines: Sequence[Line], viewport: QRectF) -> QPainterPath:
    """Rings without what lies out of sight."""
    gap = np.array([np.nan])
    x = np.concatenate([part for line in lines for part in (line.x, gap)])
    y = np.concatenate([part for line in lines for part in (line.y, gap)])
    # A step that begins or ends out of sight may still cross it: its length is the margin.
    step = np.hypot(x[1:] - x[:-1], y[1:] - y[:-1])
    margin = np.zeros(len(x))
    margin[:-1] = step
    margin[1:] = np.fmax(margin[1:], step)
    seen = (x > viewport.left() - margin) & (x < viewport.right() + margin)
    seen &= (y > viewport.top() - margin) & (y < viewport.bottom() + margin)
    # Not-a-number breaks the line, once for each stretch out of sight.
    kept = seen | np.roll(seen, 1)
    return pg.arrayToQPath(np.where(seen, x, np.nan)[kept], np.where(seen, y, np.nan)[kept], connect="finite")
