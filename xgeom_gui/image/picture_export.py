"""The view with its marks as a picture: pixels for PNG, lines and text for SVG."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView, QWidget

from xgeom_core.errors import UsageError
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.look.theme import CANVAS, THEME
from xgeom_gui.services.exports import write_bytes

SCALE = 2.0
"""Pixels of a PNG for each pixel of the screen, so that print stays sharp."""


def png_image(widget: QWidget, scale: float = SCALE) -> QImage:
    """A widget and everything on it as an image."""
    size = widget.size()
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    widget.render(painter, QPoint(0, 0))
    painter.end()
    return image


def paper_image(image: ImageView, scale: float = SCALE) -> QImage:
    """The frame as paper takes it: on white, in the light theme, without the empty margins beside it."""
    window, before = image.window(), THEME.choice
    part = image.frame_on_screen
    window.setUpdatesEnabled(False)
    try:
        THEME.choose("light")
        image.canvas.setBackground("w")
        image.place_corners(part)
        whole = png_image(image, scale)
    finally:
        image.place_corners(image.rect())
        THEME.choose(before)
        image.canvas.setBackground(CANVAS.color)
        window.setUpdatesEnabled(True)
    return whole.copy(QRect(part.topLeft() * scale, part.size() * scale))


def svg_bytes(view: QGraphicsView, title: str) -> bytes:
    """A graphics view and the small widgets on it as SVG: the frame as an image, marks as shapes."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(view.viewport().size())
    generator.setViewBox(QRect(QPoint(0, 0), view.viewport().size()))
    # Else text would be drawn for a screen of 72 dots per inch.
    generator.setResolution(view.logicalDpiX())
    generator.setTitle(title)
    painter = QPainter(generator)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.render(painter)
    for child in view.findChildren(QWidget):
        if (
            child.isVisible()
            and child.parentWidget() in {view, view.viewport()}
            and child is not view.viewport()
        ):
            painter.save()
            painter.translate(child.mapTo(view, QPoint(0, 0)))
            child.render(painter, QPoint(0, 0), renderFlags=QWidget.RenderFlag.DrawChildren)
            painter.restore()
    painter.end()
    buffer.close()
    return bytes(content.data())


def write_png(image: QImage, path: Path) -> None:
    """Write an image, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # "PNG" as bytes is what the binding's signature asks for.
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise UsageError(f"{path} could not be written: the picture could not be encoded.")
    buffer.close()
    write_bytes(path, bytes(content.data()))
