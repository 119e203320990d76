"""A loupe of 20x over the image that blinks between two centers."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from xgeom_gui.image.color_maps import colored, look_up_table
from xgeom_gui.image.marks import paint_mark
from xgeom_gui.look.theme import INK, LINE, PAPER, SOFT_INK
from xgeom_gui.state.centers import Center
from xgeom_gui.state.session import Session

ZOOM = 20
_SIDE, _FOOT, _RIM = 240, 44, 12
_BLINK_MS = 600
_HAIR = 26.0


class Loupe(QWidget):
    """Shows the surroundings of two centers in turn, each under the same crosshair.

    What is symmetric about the beam stands still under the right center. The two are the selected
    center and the reference; without a selection, the reference and the next source.

    Parameters
    ----------
    session : Session
    parent : QWidget
        Its lower right corner is covered.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._turn = 0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Loupe")
        self.resize(self.sizeHint())
        self._timer = QTimer(self, interval=_BLINK_MS)
        self._timer.timeout.connect(self.blink)
        session.frame_changed.connect(self.update)
        for signal in (session.centers_changed, session.external.changed, session.current_center.changed):
            signal.connect(self.update)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """A square of the image, and two lines of words."""
        return QSize(_SIDE, _SIDE + _FOOT)

    def set_shown(self, shown: bool) -> None:
        """Show and blink, or not."""
        if shown:
            self.place()
            self._timer.start()
            self.raise_()
        self.setVisible(shown)

    def place(self) -> None:
        """Go to the corner of the image."""
        parent = self.parentWidget()
        if parent is not None:
            self.move(parent.width() - self.width() - _RIM, parent.height() - self.height() - _RIM)

    def blink(self) -> None:
        """Show the other center."""
        self._turn += 1
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Nothing blinks unseen."""
        self._timer.stop()
        super().hideEvent(event)

    @property
    def pair(self) -> tuple[Center, ...]:
        """The centers compared: two, or fewer if there are no more."""
        centers = self._session.centers
        reference = self._session.reference
        first = next(
            (one for one in centers if reference and one.estimate.source == reference.source),
            centers[0] if centers else None,
        )
        if first is None:
            return ()
        chosen = self._session.current_center.source
        others = [one for one in centers if one is not first]
        second = next((one for one in others if one.estimate.source == chosen), None)
        mine = next((one for one in reversed(others) if not one.hidden), None)
        second = second or mine
        return (first, second) if second else (first,)

    @property
    def shown(self) -> Center | None:
        """The center under the crosshair."""
        pair = self.pair
        return pair[self._turn % len(pair)] if pair else None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw the image under the crosshair, the mark, and what it is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(LINE.color, 1))
        painter.setBrush(PAPER.color)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        center = self.shown
        if center is None:
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No center to look at yet.")
            return
        field = QRectF(1, 1, _SIDE - 2, _SIDE - 2)
        painter.setClipRect(field)
        self._draw_pixels(painter, field, center.estimate.center_px)
        self._draw_marks(painter, field, center)
        painter.setClipping(False)
        self._draw_words(painter, center)

    def _draw_pixels(self, painter: QPainter, field: QRectF, center_px: tuple[float, float]) -> None:
        picture = self._session.picture
        if picture is None:
            return
        codes = picture.levels[0].codes
        reach = field.width() / ZOOM / 2
        x, y = center_px
        left, top = max(math.floor(x - reach), 0), max(math.floor(y - reach), 0)
        part = codes[top : max(math.ceil(y + reach), 0), left : max(math.ceil(x + reach), 0)]
        if part.size == 0:
            return
        pixels = colored(part, look_up_table(self._session.display, picture.coding, 0))
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        corner = field.center() + QPointF((left - x) * ZOOM, (top - y) * ZOOM)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(corner.x(), corner.y(), width * ZOOM, height * ZOOM), image)

    def _draw_marks(self, painter: QPainter, field: QRectF, center: Center) -> None:
        middle = field.center()
        for color, width in ((QColor(255, 255, 255, 190), 3.0), (QColor(center.style.color), 1.2)):
            painter.setPen(QPen(color, width))
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(
                    middle + QPointF(dx, dy) * _HAIR, middle + QPointF(dx, dy) * field.width() / 2
                )
        painter.save()
        painter.translate(middle)
        paint_mark(painter, center.style, 11)
        painter.restore()

    def _draw_words(self, painter: QPainter, center: Center) -> None:
        x, y = center.estimate.center_px
        pair = self.pair
        painter.setPen(INK.color)
        painter.drawText(QRectF(12, _SIDE + 3, _SIDE - 24, 20), f"{center.name}   {x:.2f}, {y:.2f} px")
        painter.setPen(SOFT_INK.color)
        if len(pair) > 1:
            dx, dy = (
                b - a for a, b in zip(pair[0].estimate.center_px, pair[1].estimate.center_px, strict=True)
            )
            words = f"{pair[1].name} − {pair[0].name}: {dx:+.2f}, {dy:+.2f} px"
        else:
            words = "Select another center to blink between the two."
        painter.drawText(QRectF(12, _SIDE + 21, _SIDE - 24, 20), words.replace("-", "\N{MINUS SIGN}"))
