"""Marks of centers: one shape and color for each source, the same size at every zoom."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QGraphicsEllipseItem, QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_gui.look.marker_styles import Shape, SourceStyle
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import center_text

MARK_RADIUS = 12.0
_SIGMAS = 3.0
# Sources that agree lie on top of each other: each shape leaves room for the others.
_SCALES: dict[Shape, float] = {
    "x": 1.45,
    "circled_x": 0.75,
    "diamond": 1.35,
    "plus": 1.25,
    "square": 1.3,
    "triangle": 1.3,
    "circle": 1.05,
    "hexagon": 1.35,
    "nabla": 1.3,
    "star": 1.45,
    "target": 1.5,
    "pentagon": 1.4,
    "kite": 1.2,
}


def _regular(corners: int, first_deg: float, *radii: float) -> list[tuple[float, float]]:
    """Corners on circles of these radii in turn; the first at this angle from +x towards +y (down)."""
    angles = [math.radians(first_deg + 360 * i / corners) for i in range(corners)]
    return [
        (radii[i % len(radii)] * math.cos(angle), radii[i % len(radii)] * math.sin(angle))
        for i, angle in enumerate(angles)
    ]


_OUTLINES: dict[Shape, list[tuple[float, float]]] = {
    "diamond": _regular(4, -90, 1.0),
    "square": _regular(4, -45, 1.0),
    "triangle": _regular(3, -90, 1.0),
    "nabla": _regular(3, 90, 1.0),
    "hexagon": _regular(6, 0, 1.0),
    "star": _regular(10, -90, 1.0, 0.45),
    "pentagon": _regular(5, -90, 1.0),
    "kite": _regular(4, -90, 1.25, 0.7),
}


def mark_size(center: Center) -> float:
    """How large the mark of a center is, relative to the others."""
    return _SCALES[center.style.shape]


def mark_path(shape: Shape, radius: float) -> QPainterPath:
    """Outline of a mark about the origin."""
    path = QPainterPath()
    r = radius * _SCALES[shape]
    if shape == "x":
        _stroke_diagonals(path, r / math.sqrt(2))
    elif shape == "circled_x":
        path.addEllipse(QPointF(0, 0), r, r)
        _stroke_diagonals(path, r / math.sqrt(2))
    elif shape == "plus":
        # The gap keeps the pixel under the mark in sight.
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(dx * r * 0.3, dy * r * 0.3)
            path.lineTo(dx * r, dy * r)
    elif shape == "target":
        path.addEllipse(QPointF(0, 0), r * 0.62, r * 0.62)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(dx * r * 0.3, dy * r * 0.3)
            path.lineTo(dx * r, dy * r)
    elif shape == "circle":
        path.addEllipse(QPointF(0, 0), r, r)
    else:
        _polygon(path, [(r * u, r * v) for u, v in _OUTLINES[shape]])
    return path


def paint_mark(painter: QPainter, style: SourceStyle, radius: float, width: float = 2.2) -> None:
    """Draw a mark about the origin, on a white rim that keeps it legible on dark spots."""
    path = mark_path(style.shape, radius)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, pen_width in ((QColor(255, 255, 255, 215), width + 2.6), (QColor(style.color), width)):
        pen = QPen(color, pen_width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPath(path)


def mark_icon(style: SourceStyle, size: int = 18, ratio: float = 2.0) -> QIcon:
    """The mark of a source as an icon for tables and legends."""
    pixmap = QPixmap.fromImage(_small_mark(style, size, ratio))
    icon = QIcon(pixmap)
    # Qt would tint it in selected rows, but its color is what it is for.
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


@lru_cache(maxsize=128)
def _small_mark(style: SourceStyle, size: int, ratio: float) -> QImage:
    """Kept, because legends are written anew at each step of a drag."""
    image = QImage(QSize(size, size) * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.translate(size / 2, size / 2)
    paint_mark(painter, style, size * 0.3, width=1.6)
    painter.end()
    return image


class MarkItem(QGraphicsItem):
    """A mark at an exact place of the image, of constant size on the screen, and the ellipse about it.

    The ellipse is an item of its own, as it grows with the zoom.
    """

    def __init__(self, center: Center) -> None:
        super().__init__()
        self.ellipse = QGraphicsEllipseItem()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self._show(center)

    def show_center(self, center: Center) -> None:
        """Mark this center of the same source instead."""
        if center != self.center:
            self._show(center)
            self.update()

    def _show(self, center: Center) -> None:
        self.center = center
        self.setPos(*center.estimate.center_px)
        self.setToolTip(f"{center.name}: {center_text(center.estimate)}")
        shape_ellipse(self.ellipse, center)

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """Space the mark takes, in screen pixels about its place."""
        reach = MARK_RADIUS * max(_SCALES.values()) + 4
        return QRectF(-reach, -reach, 2 * reach, 2 * reach)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the mark."""
        paint_mark(painter, self.center.style, MARK_RADIUS)


def shape_ellipse(item: QGraphicsEllipseItem, center: Center) -> None:
    """Make it the ellipse of three standard deviations about a center, in native pixels, empty if unknown.

    Notes
    -----
    Axes and direction are those of the covariance's (x, y) block: its eigenvectors, three times
    the square root of its eigenvalues long.
    """
    estimate = center.estimate
    minor = major = 0.0
    if estimate.covariance is not None:
        values, vectors = np.linalg.eigh(estimate.covariance[:2, :2])
        if np.isfinite(values).all() and (values >= 0).all():
            minor, major = (float(reach) for reach in _SIGMAS * np.sqrt(values))
            item.setRotation(math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])))
    item.setRect(QRectF(-major, -minor, 2 * major, 2 * minor))
    item.setPos(*estimate.center_px)
    color = QColor(center.style.color)
    pen = QPen(color, 1.6)
    pen.setCosmetic(True)
    item.setPen(pen)
    color.setAlpha(36)
    item.setBrush(color)
    item.setToolTip(f"{center.name}: 3σ of the center")


def _stroke_diagonals(path: QPainterPath, reach: float) -> None:
    for sign in (1, -1):
        path.moveTo(-reach, -sign * reach)
        path.lineTo(reach, sign * reach)


def _polygon(path: QPainterPath, corners: list[tuple[float, float]]) -> None:
    path.moveTo(*corners[0])
    for corner in corners[1:]:
        path.lineTo(*corner)
    path.closeSubpath()
