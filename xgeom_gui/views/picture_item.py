"""The frame as drawn: counts in inverted grey, masked and saturated pixels painted over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QTransform

from xgeom_gui.services.picture import MASKED, SATURATED, Contrast, Picture, PictureLevel
from xgeom_gui.theme import MASKED as MASKED_COLOR
from xgeom_gui.theme import SATURATED as SATURATED_COLOR

_GREY = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)


def _code_colors() -> np.ndarray:
    colors = np.zeros((256, 4), dtype=np.uint8)
    colors[MASKED], colors[SATURATED] = MASKED_COLOR, SATURATED_COLOR
    return colors


class _ClippedItem(pg.ImageItem):
    """An image whose last, padded blocks are cut off at the frame's edge."""

    clip = QRectF()

    def paint(self, painter: QPainter, *args: Any) -> None:
        """Draw what lies within the frame."""
        painter.save()
        painter.setClipRect(self.clip, Qt.ClipOperation.IntersectClip)
        super().paint(painter, *args)
        painter.restore()


class PictureItems:
    """Two image items of one view: the counts, and the codes above them.

    Parameters
    ----------
    view : pyqtgraph.ViewBox
        Where they are drawn, in native pixels.
    """

    def __init__(self, view: pg.ViewBox) -> None:
        self._view = view
        self.counts = _ClippedItem()
        self.counts.setLookupTable(_GREY)
        self.codes = _ClippedItem()
        self.codes.setLookupTable(_code_colors())
        for z, item in enumerate((self.counts, self.codes)):
            item.setZValue(z)
            view.addItem(item, ignoreBounds=True)
        self._picture: Picture | None = None
        self._contrasts: Sequence[Contrast] = ()
        self._drawn: tuple[PictureLevel, bool, Contrast] | None = None
        self._logarithmic = False
        view.sigTransformChanged.connect(self.refresh)

    @property
    def factor(self) -> int:
        """Native pixels per drawn pixel at present; 0 when nothing is drawn."""
        return self._drawn[0].factor if self._drawn else 0

    def show(self, picture: Picture, contrasts: Sequence[Contrast], logarithmic: bool) -> None:
        """Draw another picture, or the same one otherwise."""
        self._picture, self._contrasts = picture, contrasts
        self._logarithmic = logarithmic and picture.has_log
        self.refresh()

    def refresh(self) -> None:
        """Draw the level of the pyramid that suits the present zoom."""
        if self._picture is None:
            return
        level = self._picture.level_for(self._native_per_screen_pixel())
        contrast = self._contrasts[self._picture.levels.index(level)]
        wanted = (level, self._logarithmic, contrast)
        if self._drawn is not None and all(a is b for a, b in zip(self._drawn, wanted, strict=True)):
            return
        self._drawn = wanted
        image = level.log_counts if self._logarithmic else level.counts
        limits = contrast.logarithmic if self._logarithmic else contrast.linear
        self.counts.setImage(image, autoLevels=False, levels=limits)
        self.codes.setImage(level.codes, autoLevels=False, levels=(0, 255))
        height, width = self._picture.shape
        for item in (self.counts, self.codes):
            item.setTransform(QTransform.fromScale(level.factor, level.factor))
            item.clip = QRectF(0, 0, width / level.factor, height / level.factor)

    def _native_per_screen_pixel(self) -> float:
        """Native pixels per device pixel: a sharp display deserves the finer level."""
        width, height = self._view.viewPixelSize()
        scene = self._view.scene()
        ratio = scene.views()[0].devicePixelRatioF() if scene is not None and scene.views() else 1.0
        return float(max(width, height)) / ratio
