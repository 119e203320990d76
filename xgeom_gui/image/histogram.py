"""Histogram of the counts drawn, in the colors they are drawn with, with two handles for the contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from xgeom_gui.image.color_maps import shades
from xgeom_gui.services.coding import Coding
from xgeom_gui.services.contrast import Levels, stretch
from xgeom_gui.services.picture import Histogram
from xgeom_gui.state.display import Display

_SIDE, _TOP, _AXIS = 9.0, 6.0, 17.0
_BINS, _HEIGHT, _GRIP = 120, 118, 6.0
_KEY_STEP = 0.01
_LEAST_GAP = 0.004


class HistogramSlider(QWidget):
    """Counts run logarithmically to the right, numbers of pixels logarithmically upwards.

    Drag a handle, or what lies between them; double click for the automatic contrast. By keyboard: up and
    down choose the handle, left and right move it.

    Signals
    -------
    levels_wanted : float, float
        Counts for the two ends of the color map.
    automatic_wanted
        Back to the automatic contrast.
    """

    levels_wanted = Signal(float, float)
    automatic_wanted = Signal()

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = display
        self._coding, self._bars = Coding(), np.zeros(_BINS)
        self._reach = 1.0
        self._levels: Levels = (0.0, 1.0)
        self._active, self._grabbed = 1, ""
        self._grab_at = 0.0
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Histogram of counts, with the range of the color map")
        self.setToolTip(
            "Counts of the pixels drawn (masked and saturated ones left out).\n"
            "Drag a handle or the range between; double click: automatic.\n"
            "Keys: up, down choose the handle, left, right move it."
        )

    def show_histogram(self, histogram: Histogram, coding: Coding, levels: Levels) -> None:
        """Show these counts, and this range of them."""
        self._levels = levels
        if self._grabbed:
            # The axis must not move under the hand.
            self.update()
            return
        self._coding = coding
        top = float(histogram.counts[-1]) if histogram.counts.size else 1.0
        self._reach = max(float(self._place(max(2.0 * top, levels[1]))), 1e-6) * 1.02
        self._bars = _bars(self._place(histogram.counts) / self._reach, histogram.pixels, self._reach)
        self.update()

    def set_levels(self, levels: Levels) -> None:
        """Show another range."""
        self._levels = levels
        self.update()

    @property
    def levels(self) -> Levels:
        """The range shown, in counts."""
        return self._levels

    def x_of(self, counts: float) -> float:
        """Where a count lies, in px of the widget."""
        return _SIDE + float(self._place(counts)) / self._reach * (self.width() - 2 * _SIDE)

    def counts_at(self, x: float) -> float:
        """Counts at a place of the widget."""
        share = (x - _SIDE) / max(self.width() - 2 * _SIDE, 1.0)
        return self._counts(min(max(share, 0.0), 1.0))

    def _place(self, counts: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.log1p(np.maximum((np.asarray(counts) - self._coding.base) / self._coding.unit, 0.0))

    def _counts(self, share: float) -> float:
        return float(np.expm1(share * self._reach)) * self._coding.unit + self._coding.base

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Take the handle that is near, or the range between."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        low, high = (self.x_of(value) for value in self._levels)
        if low + 2 * _GRIP < x < high - 2 * _GRIP:
            self._grabbed = "range"
        else:
            self._grabbed = "handle"
            self._active = 0 if abs(x - low) < abs(x - high) else 1
        self._grab_at = x
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Move what was taken."""
        x = event.position().x()
        if self._grabbed == "handle":
            self._move_handle(x)
        elif self._grabbed == "range":
            step, self._grab_at = x - self._grab_at, x
            ends = [self.x_of(value) + step for value in self._levels]
            if ends[0] >= _SIDE and ends[1] <= self.width() - _SIDE:
                self._want(self.counts_at(ends[0]), self.counts_at(ends[1]))
        else:
            near = min(abs(x - self.x_of(value)) for value in self._levels) < 2 * _GRIP
            self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Let go."""
        self._grabbed = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Back to the automatic contrast."""
        self._grabbed = ""
        self.automatic_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Arrows choose and move a handle."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._active = 1 if key == Qt.Key.Key_Up else 0
            self.update()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            sign = 1 if key == Qt.Key.Key_Right else -1
            step = sign * max(_KEY_STEP * (self.width() - 2 * _SIDE), 1.0)
            self._move_handle(self.x_of(self._levels[self._active]) + step)
        else:
            super().keyPressEvent(event)

    def event(self, event: object) -> bool:
        """Arrow keys belong to the handles here, not to the frames."""
        mine = isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.ShortcutOverride
        if mine and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):  # type: ignore[attr-defined]
            event.accept()  # type: ignore[attr-defined]
            return True
        return super().event(event)  # type: ignore[arg-type]

    def _move_handle(self, x: float) -> None:
        gap = _LEAST_GAP * (self.width() - 2 * _SIDE)
        low, high = (self.x_of(value) for value in self._levels)
        if self._active == 0:
            self._want(self.counts_at(min(x, high - gap)), self._levels[1])
        else:
            self._want(self._levels[0], self.counts_at(max(x, low + gap)))

    def _want(self, low: float, high: float) -> None:
        self._levels = (low, high)
        self.update()
        self.levels_wanted.emit(low, high)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Bars in the colors of their counts, the axis, the handles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        area = QRectF(_SIDE, _TOP, self.width() - 2 * _SIDE, self.height() - _TOP - _AXIS)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(area.adjusted(-_SIDE + 1, 0, _SIDE - 1, 0), 4, 4)
        self._paint_bars(painter, area)
        self._paint_axis(painter, area)
        self._paint_handles(painter, area)
        painter.end()

    def _paint_bars(self, painter: QPainter, area: QRectF) -> None:
        outline = QPainterPath(QPointF(area.left(), area.bottom()))
        tallest = max(float(self._bars.max()), 1e-9)
        for i, bar in enumerate(self._bars):
            y = area.bottom() - float(bar) / tallest * (area.height() - 8)
            for edge in (i, i + 1):
                outline.lineTo(area.left() + edge / _BINS * area.width(), y)
        outline.lineTo(area.right(), area.bottom())
        counts = np.expm1((np.arange(256) + 0.5) / 256 * self._reach) * self._coding.unit + self._coding.base
        place = stretch(counts, self._levels, self._display.scale, self._coding.unit)
        colors = shades(self._display.color_map, self._display.inverted)
        row = np.ascontiguousarray(colors[(place * 255 + 0.5).astype(np.uint8)][None])
        painter.save()
        painter.setClipPath(outline)
        painter.drawImage(area, QImage(row.data, 256, 1, 1024, QImage.Format.Format_RGB32))
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.PlaceholderText), 1))
        painter.drawPath(outline)

    def _paint_axis(self, painter: QPainter, area: QRectF) -> None:
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.8)
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        unit = 10.0 ** np.ceil(np.log10(self._coding.unit))
        last = -100.0
        for value in (0.0, *(unit * 10.0**k for k in range(12))):
            x = self.x_of(value + (self._coding.base if value == 0 else 0.0))
            if x > area.right() + 1:
                break
            if x - last >= 34:
                painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 3))
                box = QRectF(x - 30, area.bottom() + 3, 60, _AXIS - 3)
                align = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
                painter.drawText(box, int(align), _short(value + (self._coding.base if value == 0 else 0.0)))
                last = x

    def _paint_handles(self, painter: QPainter, area: QRectF) -> None:
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        low, high = (self.x_of(value) for value in self._levels)
        shade = QColor(accent)
        shade.setAlpha(26)
        painter.fillRect(QRectF(low, area.top(), high - low, area.height()), shade)
        for i, x in enumerate((low, high)):
            chosen = i == self._active and self.hasFocus()
            painter.setPen(QPen(accent, 2.4 if chosen else 1.6))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setBrush(accent if chosen else self.palette().color(QPalette.ColorRole.Base))
            painter.drawEllipse(QPointF(x, area.center().y()), 4.2, 4.2)


def _bars(places: NDArray[np.float64], pixels: NDArray[np.int64], reach: float) -> NDArray[np.float64]:
    """Heights of the bars; a bar narrower than one whole count shows the count it belongs to."""
    number = np.zeros(_BINS)
    np.add.at(number, np.minimum((places * _BINS).astype(int), _BINS - 1), pixels)
    narrow = np.diff(np.expm1(np.arange(_BINS + 1) / _BINS * reach)) < 1.0
    filled = (number > 0) | ~narrow
    last = np.maximum.accumulate(np.where(filled, np.arange(_BINS), 0))
    return np.log1p(number[last])


def _short(value: float) -> str:
    """A number in few characters: 100, 1k, 1M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.3g}"
