"""In the corner of the image: which way the axes run, and how long a millimeter is."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

_WIDTH, _HEIGHT = 206, 58
_ARROW, _ORIGIN = 34.0, QPointF(14.0, 12.0)
_BAR_LEFT, _BAR_Y, _LONGEST = 82.0, 42.0, 112.0


class CornerGlyph(QWidget):
    """Axis arrows (fast to the right, slow down) and a scale bar; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self.setAccessibleName("Axes of the detector and scale")
        self._scale, self._pixel_mm = 1.0, 0.0

    def set_scale(self, native_per_screen_pixel: float, pixel_mm: float | None) -> None:
        """How many native pixels a screen pixel covers, and how large a native one is."""
        wanted = (native_per_screen_pixel, pixel_mm or 0.0)
        if wanted != (self._scale, self._pixel_mm):
            self._scale, self._pixel_mm = wanted
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
        """Draw each line twice: a light rim keeps the dark one legible on any picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(255, 255, 255, 205))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        ink = QColor("#33404f")
        painter.setPen(QPen(ink, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.setBrush(ink)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        _arrow(painter, _ORIGIN, QPointF(_ARROW, 0))
        _arrow(painter, _ORIGIN, QPointF(0, _ARROW))
        painter.drawText(QPointF(_ORIGIN.x() + _ARROW + 7, _ORIGIN.y() + 4), "fast")
        painter.drawText(QPointF(_ORIGIN.x() + 8, _ORIGIN.y() + _ARROW + 6), "slow")
        length, label = self.bar
        painter.drawLine(QPointF(_BAR_LEFT, _BAR_Y), QPointF(_BAR_LEFT + length, _BAR_Y))
        for end in (_BAR_LEFT, _BAR_LEFT + length):
            painter.drawLine(QPointF(end, _BAR_Y - 4), QPointF(end, _BAR_Y + 4))
        painter.drawText(QPointF(_BAR_LEFT, _BAR_Y - 9), label)
        painter.end()


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
