"""Counts written into the pixels once these are large enough on the screen to hold them."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_core.frame import Frame
from xgeom_gui.image.picture_item import PictureItem

SMALLEST_PX = 34.0
"""Side of a pixel on the screen from which on its counts are written."""

_MOST_PIXELS = 3_000
_INKS = (QColor("#ffffff"), QColor("#101418"))
_MIDDLE_GRAY = 140
_LONGEST = 5


class PixelCounts(QGraphicsItem):
    """Lies over the picture; nothing is written of pixels that are not valid, save "sat".

    Parameters
    ----------
    picture : PictureItem
        Tells how light each pixel is drawn, so that its counts can be read on it.
    """

    def __init__(self, picture: PictureItem) -> None:
        super().__init__()
        self._picture = picture
        self._frame: Frame | None = None
        self.written = 0

    def set_frame(self, frame: Frame | None) -> None:
        """Write the counts of another frame."""
        self.prepareGeometryChange()
        self._frame = frame
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """The whole frame."""
        height, width = self._frame.shape if self._frame is not None else (0, 0)
        return QRectF(0, 0, width, height)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Write upright, also where the frame is turned or mirrored."""
        self.written = 0
        frame, world = self._frame, painter.worldTransform()
        side = math.sqrt(abs(world.determinant()))
        if frame is None or side < SMALLEST_PX:
            return
        part = self._in_sight(painter, frame.shape)
        if part.width() * part.height() > _MOST_PIXELS:
            return
        painter.save()
        painter.resetTransform()
        font = painter.font()
        font.setPixelSize(max(round(side * 0.26), 9))
        painter.setFont(font)
        room = QFontMetricsF(font).horizontalAdvance("0" * _LONGEST) <= side
        for y in range(part.top(), part.top() + part.height()):
            for x in range(part.left(), part.left() + part.width()):
                text = counts_text(frame, x, y)
                if text and (room or len(text) < _LONGEST):
                    middle = world.map(QPointF(x + 0.5, y + 0.5))
                    box = QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side)
                    painter.setPen(_INKS[self._picture.gray_at(x, y) > _MIDDLE_GRAY])
                    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
                    self.written += 1
        painter.restore()

    def _in_sight(self, painter: QPainter, shape: tuple[int, int]) -> QRect:
        """Pixels of the frame that are seen."""
        device = QPolygonF(QRectF(painter.viewport()))
        seen = painter.worldTransform().inverted()[0].map(device).boundingRect()
        clip = painter.clipBoundingRect() if painter.hasClipping() else seen
        both = seen.intersected(clip).intersected(QRectF(0, 0, shape[1], shape[0]))
        left, top = math.floor(both.left()), math.floor(both.top())
        return QRect(left, top, math.ceil(both.right()) - left, math.ceil(both.bottom()) - top)


def counts_text(frame: Frame, x: int, y: int) -> str:
    """Counts of a pixel in at most five letters where they can be said so; "" where there are none."""
    if not frame.valid[y, x]:
        return "sat" if frame.saturated[y, x] else ""
    counts = float(frame.data[y, x])
    if counts == int(counts) and abs(counts) < 10**_LONGEST:
        return str(int(counts))
    return f"{counts:.1f}" if abs(counts) < 1000 else f"{counts:.1e}".replace("e+0", "e").replace("e+", "e")
