"""In the corner of the image: which way the axes run, and how long a millimeter is."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from xgeom_gui.look.theme import INK, LINE, VEIL
from xgeom_gui.state.orientation import Orientation

_WIDTH, _HEIGHT = 206, 58
_ARROW, _LEFT, _TOP = 34.0, 14.0, 12.0
_BAR_LEFT, _BAR_Y, _LONGEST = 82.0, 42.0, 112.0


class CornerGlyph(QWidget):
    """Axis arrows (fast and slow, as the frame lies) and a scale bar; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self.setAccessibleName("Axes of the detector and scale")
        self._scale, self._pixel_mm = 1.0, 0.0
        self._orientation = Orientation()

    def set_scale(self, native_per_screen_pixel: float, pixel_mm: float | None) -> None:
        """How many native pixels a screen pixel covers, and how large a native one is."""
        wanted = (native_per_screen_pixel, pixel_mm or 0.0)
        if wanted != (self._scale, self._pixel_mm):
            self._scale, self._pixel_mm = wanted
            self.update()

    def set_orientation(self, orientation: Orientation) -> None:
        """Which way the axes run on the screen."""
        self._orientation = orientation
        self.update()

    @property
    def bar(self) -> tuple[float, str]:
        """Length of the bar on the screen in px, and its label."""
        native = round_length(_LONGEST * self._scale)
        label = f"{native:g} px"
        if self._pixel_mm:
            label += f" = {native * self._pixel_mm:.3g} mm"
        return native / self._scale, label

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw on a veil, so that the lines are legible on any picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(LINE.color, 1))
        painter.setBrush(VEIL.color)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        ink = INK.color
        painter.setPen(QPen(ink, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.setBrush(ink)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        self._paint_axes(painter)
        length, label = self.bar
        painter.drawLine(QPointF(_BAR_LEFT, _BAR_Y), QPointF(_BAR_LEFT + length, _BAR_Y))
        for end in (_BAR_LEFT, _BAR_LEFT + length):
            painter.drawLine(QPointF(end, _BAR_Y - 4), QPointF(end, _BAR_Y + 4))
        painter.drawText(QPointF(_BAR_LEFT, _BAR_Y - 9), label)
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        """Two arrows from the corner of the first pixel; their names stand where there is room."""
        fast, slow = (QPointF(*ends) for ends in self._orientation.matrix)
        # The arrows and their names take the same place, wherever they point.
        reach = fast + slow
        origin = QPointF(_LEFT if reach.x() > 0 else _LEFT + _ARROW, _TOP if reach.y() > 0 else _TOP + _ARROW)
        for along, across, name in ((fast, slow, "fast"), (slow, fast, "slow")):
            _arrow(painter, origin, along * _ARROW)
            if along.y() == 0:
                # Beside the arrow's line, on the side where the other one is not.
                place = QPointF(_LEFT + _ARROW + 7, origin.y() + 4)
            else:
                place = QPointF(_LEFT + 8 if across.x() > 0 else _LEFT + _ARROW + 7, 0.0)
                place.setY(_TOP + _ARROW + 6 if along.y() > 0 else _TOP + 2)
            painter.drawText(place, name)


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20... that is no longer."""
    decade = 10.0 ** math.floor(math.log10(longest))
    return float(next(step for step in (5, 2, 1) if step * decade <= longest) * decade)


def _arrow(painter: QPainter, start: QPointF, along: QPointF) -> None:
    tip = start + along
    unit = along / math.hypot(along.x(), along.y())
    across = QPointF(-unit.y(), unit.x())
    painter.drawLine(start, tip - unit * 4)
    painter.drawPolygon(QPolygonF([tip, tip - unit * 7 + across * 3.5, tip - unit * 7 - across * 3.5]))
