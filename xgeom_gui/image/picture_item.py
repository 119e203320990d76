"""The frame as drawn: one image of what is in sight, made from codes by one look-up table."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect, QRectF, Signal
from PySide6.QtGui import QImage, QPainter, qGray
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_gui.image.color_maps import colored, look_up_table
from xgeom_gui.services.picture import Picture
from xgeom_gui.state.display import Display

# So much more than what is in sight is drawn, so that small moves need no new image.
_MARGIN = 0.25


class PictureItem(QGraphicsItem):
    """Pixels at their place in the frame; nearest neighbor, so that a pixel is a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        # QImage borrows the memory.
        self._pixels: NDArray[np.uint32] | None = None
        self._target, self._frame = QRectF(), QRectF()

    def set_frame(self, shape: tuple[int, int]) -> None:
        """The frame's native size ``(slow, fast)``."""
        frame = QRectF(0, 0, shape[1], shape[0])
        if frame != self._frame:
            self.prepareGeometryChange()
            self._frame = frame

    def set_pixels(self, pixels: NDArray[np.uint32], target: QRectF) -> None:
        """Draw these pixels over this part of the frame (in native pixels)."""
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._image, self._pixels, self._target = image, pixels, target
        self.update()

    @property
    def image(self) -> QImage | None:
        """What is drawn at present."""
        return self._image

    def gray_at(self, x: int, y: int) -> int:
        """How light a native pixel is drawn, 0 to 255; 255 where nothing is drawn."""
        if self._image is None or not self._target.contains(x + 0.5, y + 0.5):
            return 255
        across = (x + 0.5 - self._target.left()) / self._target.width()
        down = (y + 0.5 - self._target.top()) / self._target.height()
        color = self._image.pixel(int(across * self._image.width()), int(down * self._image.height()))
        return qGray(color)

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """The whole frame."""
        return self._frame

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw what lies within the frame: its last, partial blocks are cut off at its edge."""
        if self._image is not None:
            painter.save()
            painter.setClipRect(self._frame)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(self._target, self._image)
            painter.restore()


class PictureView(QObject):
    """Keeps the picture item in step with the zoom, the frame and the display.

    Parameters
    ----------
    view : pyqtgraph.ViewBox
        Where it is drawn, in native pixels.
    display : Display

    Signals
    -------
    level_changed
        Another level of the pyramid is drawn.
    """

    level_changed = Signal()

    def __init__(self, view: pg.ViewBox, display: Display, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._display = view, display
        self.item = PictureItem()
        view.addItem(self.item, ignoreBounds=True)
        self._picture: Picture | None = None
        self._number = -1
        self._drawn = QRect()
        self._table: NDArray[np.uint32] | None = None
        view.sigTransformChanged.connect(self._on_view)
        display.changed.connect(self._recolor)

    @property
    def number(self) -> int:
        """Number of the pyramid's level that is drawn; -1 when nothing is."""
        return self._number

    @property
    def factor(self) -> int:
        """Native pixels per drawn pixel at present; 0 when nothing is drawn."""
        return self._picture.levels[self._number].factor if self._picture and self._number >= 0 else 0

    def show(self, picture: Picture) -> None:
        """Draw another picture."""
        self._picture = picture
        self.item.set_frame(picture.shape)
        self._table = None
        self._draw()

    def _recolor(self) -> None:
        self._table = None
        self._draw()

    def _on_view(self) -> None:
        if self._picture is None:
            return
        number = self._picture.level_for(self._native_per_screen_pixel())
        if number != self._number or not self._drawn.contains(self._in_sight(number)):
            self._draw()

    def _draw(self) -> None:
        """Color the part in sight of the level that suits the present zoom."""
        picture = self._picture
        if picture is None:
            return
        number = picture.level_for(self._native_per_screen_pixel())
        before, self._number = self._number, number
        if self._table is None or number != before:
            self._table = look_up_table(self._display, picture.coding, number)
        level = picture.levels[number]
        self._drawn = part = self._in_sight(number, _MARGIN)
        codes = level.codes[part.top() : part.bottom() + 1, part.left() : part.right() + 1]
        factor = level.factor
        target = QRectF(
            part.left() * factor, part.top() * factor, codes.shape[1] * factor, codes.shape[0] * factor
        )
        if codes.size:
            self.item.set_pixels(colored(codes, self._table), target)
        if number != before:
            self.level_changed.emit()

    def _in_sight(self, number: int, margin: float = 0.0) -> QRect:
        """Pixels of a level that are in sight, and so much more of them to each side."""
        assert self._picture is not None
        level = self._picture.levels[number]
        height, width = level.codes.shape
        (x0, x1), (y0, y1) = self._view.viewRange()
        more_x, more_y = margin * (x1 - x0), margin * (y1 - y0)
        left = max(math.floor((x0 - more_x) / level.factor), 0)
        top = max(math.floor((y0 - more_y) / level.factor), 0)
        right = min(math.ceil((x1 + more_x) / level.factor), width)
        bottom = min(math.ceil((y1 + more_y) / level.factor), height)
        return QRect(left, top, max(right - left, 0), max(bottom - top, 0))

    def _native_per_screen_pixel(self) -> float:
        """Native pixels per device pixel: a sharp display deserves the finer level."""
        width, height = self._view.viewPixelSize()
        scene = self._view.scene()
        ratio = scene.views()[0].devicePixelRatioF() if scene is not None and scene.views() else 1.0
        return float(max(width, height)) / ratio
