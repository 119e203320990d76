"""Marks of centers: one shape and color for each source, the same size at every zoom."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QGraphicsEllipseItem, QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_core.estimate import Estimate
from xgeom_gui.theme import Shape, style_of
from xgeom_gui.wording import center_text, name_of

MARK_RADIUS = 12.0
_SIGMAS = 3.0
# Sources that agree lie on top of each other: each shape leaves room for the others.
_SCALES: dict[str, float] = {"x": 1.45, "circled_x": 0.75, "diamond": 1.35, "plus": 1.25, "square": 1.3}
_OTHER_SCALE = 1.2


def mark_size(estimate: Estimate) -> float:
    """How large an estimate's mark is, relative to the others."""
    return _SCALES.get(style_of(estimate.source).shape, _OTHER_SCALE)


def mark_path(shape: Shape, radius: float) -> QPainterPath:
    """Outline of a mark about the origin."""
    path = QPainterPath()
    r = radius * _SCALES.get(shape, _OTHER_SCALE)
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
    elif shape == "diamond":
        _polygon(path, [(0, -r), (r, 0), (0, r), (-r, 0)])
    elif shape == "square":
        _polygon(path, [(-r * 0.7, -r * 0.7), (r * 0.7, -r * 0.7), (r * 0.7, r * 0.7), (-r * 0.7, r * 0.7)])
    else:
        _polygon(path, [(0, -r), (r * 0.87, r * 0.5), (-r * 0.87, r * 0.5)])
    return path


def paint_mark(painter: QPainter, source: str, radius: float, width: float = 2.2) -> None:
    """Draw the mark of a source about the origin, on a white rim that keeps it legible on dark spots."""
    style = style_of(source)
    path = mark_path(style.shape, radius)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, pen_width in ((QColor(255, 255, 255, 215), width + 2.6), (QColor(style.color), width)):
        pen = QPen(color, pen_width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPath(path)


def mark_icon(source: str, size: int = 18, ratio: float = 2.0) -> QIcon:
    """The mark of a source as an icon for tables and legends."""
    pixmap = QPixmap(QSize(size, size) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.translate(size / 2, size / 2)
    paint_mark(painter, source, size * 0.3, width=1.6)
    painter.end()
    return QIcon(pixmap)


class MarkItem(QGraphicsItem):
    """A mark at an exact place of the image, of constant size on the screen.

    Parameters
    ----------
    estimate : Estimate
        Whose center is marked.
    """

    def __init__(self, estimate: Estimate, parent: QGraphicsItem | None = None) -> None:
        super().__init__(parent)
        self.estimate = estimate
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setPos(*estimate.center_px)
        self.setToolTip(f"{name_of(estimate.source)}: {center_text(estimate)}")

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """Space the mark takes, in screen pixels about its place."""
        reach = MARK_RADIUS * max(_SCALES.values()) + 4
        return QRectF(-reach, -reach, 2 * reach, 2 * reach)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the mark."""
        paint_mark(painter, self.estimate.source, MARK_RADIUS)


def ellipse_item(estimate: Estimate) -> QGraphicsEllipseItem | None:
    """The ellipse of three standard deviations about a center, in native pixels.

    Notes
    -----
    Axes and direction are those of the covariance's (x, y) block: its eigenvectors, three times
    the square root of its eigenvalues long.
    """
    if estimate.covariance is None:
        return None
    values, vectors = np.linalg.eigh(estimate.covariance[:2, :2])
    if not (np.isfinite(values).all() and (values >= 0).all()):
        return None
    minor, major = _SIGMAS * np.sqrt(values)
    item = QGraphicsEllipseItem(QRectF(-major, -minor, 2 * major, 2 * minor))
    item.setPos(*estimate.center_px)
    item.setRotation(math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])))
    color = QColor(style_of(estimate.source).color)
    pen = QPen(color, 1.6)
    pen.setCosmetic(True)
    item.setPen(pen)
    color.setAlpha(36)
    item.setBrush(color)
    item.setToolTip(f"{name_of(estimate.source)}: 3σ of the center")
    return item


def _stroke_diagonals(path: QPainterPath, reach: float) -> None:
    for sign in (1, -1):
        path.moveTo(-reach, -sign * reach)
        path.lineTo(reach, sign * reach)


def _polygon(path: QPainterPath, corners: list[tuple[float, float]]) -> None:
    path.moveTo(*corners[0])
    for corner in corners[1:]:
        path.lineTo(*corner)
    path.closeSubpath()
