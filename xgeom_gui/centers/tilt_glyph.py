"""A small drawing of the tilt: beam, sample and detector from the side or from above."""

from __future__ import annotations

import math
from typing import Literal

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from xgeom_gui.look.theme import ACCENT, LINE, SOFT_INK

_EXAGGERATION, _LARGEST = 12.0, 35.0


def drawn_angle(angle_deg: float) -> float:
    """Angle in the drawing: exaggerated, since real tilts are too small to see, and limited."""
    return max(-_LARGEST, min(angle_deg * _EXAGGERATION, _LARGEST))


class TiltGlyph(QWidget):
    """The beam runs from left to right; the detector's edges are named at their ends.

    Parameters
    ----------
    axis : {"pitch", "yaw"}
        Pitch is seen from the side (top edge up), yaw from above (right edge down).
    """

    def __init__(self, axis: Literal["pitch", "yaw"], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edges = ("top", "bottom") if axis == "pitch" else ("left", "right")
        # Positive pitch moves the bottom away from the sample, positive yaw the left edge.
        self._sense = 1.0 if axis == "pitch" else -1.0
        self._angle: float | None = None
        self.setFixedSize(self.sizeHint())
        self.setAccessibleName(f"Drawing of the {axis}")
        view = "from the side" if axis == "pitch" else "from above"
        self.setToolTip(f"The detector seen {view}; the beam comes from the left. The tilt is exaggerated.")

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Size of the drawing."""
        return QSize(110, 76)

    def set_angle(self, angle_deg: float | None) -> None:
        """Show a tilt; None when it is unknown."""
        self._angle = angle_deg
        self.update()

    def detector_line(self) -> QLineF:
        """The detector in the drawing, from its upper end to its lower end."""
        turn = math.radians(self._sense * drawn_angle(self._angle or 0.0))
        middle, reach = QPointF(78, self.height() / 2), 25.0
        along = QPointF(math.sin(turn), math.cos(turn)) * reach
        return QLineF(middle - along, middle + along)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw beam, sample, upright and detector."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self.height() / 2
        painter.setPen(QPen(SOFT_INK.color, 1.2))
        painter.drawLine(QLineF(4, height, 76, height))
        painter.setBrush(SOFT_INK.color)
        painter.drawEllipse(QPointF(22, height), 3.5, 3.5)
        painter.drawPolygon([QPointF(62, height), QPointF(56, height - 3), QPointF(56, height + 3)])
        painter.setPen(QPen(LINE.color, 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(78, height - 28, 78, height + 28))
        self._paint_detector(painter)
        painter.end()

    def _paint_detector(self, painter: QPainter) -> None:
        line = self.detector_line()
        color = ACCENT.color if self._angle is not None else LINE.color
        painter.setPen(QPen(color, 3.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(line)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.8)
        painter.setFont(font)
        painter.setPen(SOFT_INK.color)
        upper, lower = self._edges
        aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, line.p1().y() - 5, line.p1().x() - 6, 12), int(aligned), upper)
        painter.drawText(QRectF(0, line.p2().y() - 7, line.p2().x() - 6, 12), int(aligned), lower)
