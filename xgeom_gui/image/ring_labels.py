"""Where the spacings of rings are written, and how."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap

from xgeom_gui.image.ring_lines import Line
from xgeom_gui.state.rings import Ring, RingKind

# Labels stand along a different direction for each kind, so that they do not cover each other.
_DEGREES: dict[RingKind, float] = {"resolution": -45.0, "ice": 45.0, "calibrant": 0.0, "own": 135.0}
_MARGIN_PX = 26.0
# A label that finds no room near its direction is left out.
_TRIES, _ROOM_PX, _STEP_DEGREES = 14, 3.0, 2.0
_PADDING_PX, _CORNER_PX = 4.0, 4.0
_MOST_PICTURES = 200
_GROUNDS = (QColor(255, 255, 255, 215), QColor(20, 24, 30, 190))


class RingLabels:
    """Finds places for labels that do not cover each other, and draws each from a picture of it."""

    def __init__(self) -> None:
        self._fractions: dict[tuple[RingKind, float], float] = {}
        self._pictures: dict[tuple[str, str, bool, float, str], QPixmap] = {}
        self._sizes: dict[tuple[str, str], QSizeF] = {}
        self._font = QFont()

    def places(
        self, lines: Mapping[Ring, Line], viewport: QRectF, font: QFont, stay: bool = False
    ) -> list[tuple[Ring, QPointF]]:
        """Rings that are labeled, with the middles of their labels.

        Parameters
        ----------
        lines : mapping
            Rings with their lines on the screen.
        viewport : QRectF
            What is seen.
        font : QFont
            Of the labels.
        stay : bool
            Whether labels keep the places on their rings that they had, which is quick.
        """
        self._font = font
        if stay and self._fractions:
            return self._as_before(lines, _within(viewport))
        self._fractions = {}
        found: list[tuple[Ring, QPointF]] = []
        taken: list[QRectF] = []
        for ring, line in lines.items():
            place = self._place(ring, line, _within(viewport), taken)
            if place is not None:
                self._fractions[ring.kind, ring.d_A] = place / max(len(line.x) - 1, 1)
                found.append((ring, QPointF(float(line.x[place]), float(line.y[place]))))
        return found

    def draw(
        self, painter: QPainter, ring: Ring, center: QPointF, color: str, dark: bool, sharp: bool
    ) -> None:
        """Draw one label about a point; `sharp` as letters, which is slow, else from a picture of it."""
        size = self._size(ring.label)
        corner = center - QPointF(size.width() / 2, size.height() / 2)
        if sharp:
            self._write(painter, QRectF(corner, size), ring.label, color, dark)
            return
        ratio = painter.device().devicePixelRatioF()
        key = (ring.label, color, dark, ratio, self._font.key())
        if key not in self._pictures:
            if len(self._pictures) >= _MOST_PICTURES:
                self._pictures.clear()
            self._pictures[key] = self._picture(ring.label, size, color, dark, ratio)
        # On whole pixels letters stay sharp.
        painter.drawPixmap(QPointF(round(corner.x()), round(corner.y())), self._pictures[key])

    def _as_before(self, lines: Mapping[Ring, Line], inside: QRectF) -> list[tuple[Ring, QPointF]]:
        found = []
        for ring, line in lines.items():
            fraction = self._fractions.get((ring.kind, ring.d_A))
            if fraction is not None:
                place = round(fraction * (len(line.x) - 1))
                center = QPointF(float(line.x[place]), float(line.y[place]))
                if inside.contains(center):
                    found.append((ring, center))
        return found

    def _place(self, ring: Ring, line: Line, inside: QRectF, taken: list[QRectF]) -> int | None:
        """The visible point of a ring that lies nearest to the direction of its kind and is free."""
        near = _near(len(line.x), _DEGREES[ring.kind])
        x, y = line.x[near], line.y[near]
        seen = (x > inside.left()) & (x < inside.right()) & (y > inside.top()) & (y < inside.bottom())
        size = self._size(ring.label)
        for place in near[seen][:_TRIES]:
            box = QRectF(QPointF(), size)
            box.moveCenter(QPointF(float(line.x[place]), float(line.y[place])))
            room = box.adjusted(-_ROOM_PX, -_ROOM_PX, _ROOM_PX, _ROOM_PX)
            if not any(room.intersects(other) for other in taken):
                taken.append(box)
                return int(place)
        return None

    def _size(self, text: str) -> QSizeF:
        key = (text, self._font.key())
        if key not in self._sizes:
            if len(self._sizes) >= _MOST_PICTURES:
                self._sizes.clear()
            metrics = QFontMetricsF(self._font)
            width = metrics.boundingRect(text).width() + 2 * _PADDING_PX
            self._sizes[key] = QSizeF(np.ceil(width), np.ceil(metrics.height()))
        return self._sizes[key]

    def _picture(self, text: str, size: QSizeF, color: str, dark: bool, ratio: float) -> QPixmap:
        pixmap = QPixmap((size * ratio).toSize())
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._write(painter, QRectF(QPointF(), size), text, color, dark)
        painter.end()
        return pixmap

    def _write(self, painter: QPainter, box: QRectF, text: str, color: str, dark: bool) -> None:
        painter.setFont(self._font)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_GROUNDS[dark])
        painter.drawRoundedRect(box, _CORNER_PX, _CORNER_PX)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(color))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)


def _within(viewport: QRectF) -> QRectF:
    """Where the middle of a label may lie."""
    return viewport.adjusted(_MARGIN_PX, _MARGIN_PX / 2, -_MARGIN_PX, -_MARGIN_PX / 2)


def _near(points: int, degrees: float) -> NDArray[np.intp]:
    """Places along a ring of so many points, two degrees apart, the nearest to a direction first."""
    every = max(round(_STEP_DEGREES * points / 360.0), 1)
    places = np.arange(0, points, every)
    away = np.abs((360.0 * places / max(points - 1, 1) - degrees + 180.0) % 360.0 - 180.0)
    return places[np.argsort(away, kind="stable")]
