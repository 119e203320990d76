"""What lies over the picture besides the marks: rings, axes with a scale, the legend of bad pixels."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QElapsedTimer, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QWidget

from xgeom_gui.image.color_maps import special_colors
from xgeom_gui.image.corner_glyph import CornerGlyph
from xgeom_gui.image.rings_item import RingsItem
from xgeom_gui.services.coding import GAP, HOT, MASKED, PAINTED, SATURATED
from xgeom_gui.state.overlay_center import aim_of
from xgeom_gui.state.session import Session

_GAP_PX = 12
# Rings that follow each other within this time are on the move; so long after the last they stand.
_MOVING_MS = 250
_WORDS = {GAP: "gap", MASKED: "masked", PAINTED: "masked by you", SATURATED: "saturated", HOT: "hot?"}


class PixelLegend(QWidget):
    """Colors of pixels without counts, those that occur in the frame; lets the mouse through.

    Signals
    -------
    resized
        It takes more or less room than before.
    """

    resized = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("pixelLegend")
        self.setAccessibleName("Colors of pixels that are not counts")
        self.setProperty("role", "veil")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(9, 4, 9, 4)
        self._row.setSpacing(5)
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        self._shown: tuple[tuple[str, str], ...] = ()
        self._labels: list[QLabel] = []
        self.hide()

    def show_tally(self, tally: dict[int, int], color_map: str) -> bool:
        """Show what occurs; whether anything changed."""
        colors = special_colors(color_map)
        wanted = tuple((colors[code], word) for code, word in _WORDS.items() if tally.get(code))
        if wanted == self._shown:
            return False
        self._shown = wanted
        for label in self._labels:
            self._row.removeWidget(label)
            label.hide()
            label.deleteLater()
        self._labels = []
        for color, word in wanted:
            swatch, text = QLabel(), QLabel(word)
            pixmap = QPixmap(11, 11)
            pixmap.fill(QColor(color))
            swatch.setPixmap(pixmap)
            for label in (swatch, text):
                self._row.addWidget(label)
                self._labels.append(label)
        self.setVisible(bool(wanted))
        self.adjustSize()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Its size follows its words only once they are laid out."""
        super().resizeEvent(event)
        self.resized.emit()

    @property
    def words(self) -> list[str]:
        """What is named at present."""
        return [word for _, word in self._shown]


class Overlays(QObject):
    """Keeps them in step with the session.

    Parameters
    ----------
    view : pyqtgraph.ViewBox
    canvas : QWidget
        Holds what stays in its corner.
    session : Session
    """

    def __init__(
        self, view: pg.ViewBox, canvas: QWidget, session: Session, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._view, self._canvas, self._session = view, canvas, session
        self.rings = RingsItem()
        self.rings.setZValue(5)
        view.addItem(self.rings, ignoreBounds=True)
        self._drawn: object = None
        self._since = QElapsedTimer()
        self._settle = QTimer(self, singleShot=True, interval=_MOVING_MS)
        self._settle.timeout.connect(self.rings.settle)
        self.glyph, self.legend = CornerGlyph(canvas), PixelLegend(canvas)
        self.glyph.hide()
        self.legend.resized.connect(self.place)
        for signal in (session.frame_changed, session.current_center.changed, session.rings.changed):
            signal.connect(self._show_rings)
        session.frame_changed.connect(self._show_frame)
        session.metadata_changed.connect(self._show_scale)
        session.display.changed.connect(self._show_frame)
        session.display.changed.connect(self._show_rings)
        view.sigTransformChanged.connect(self._show_scale)

    def place(self, area: QRect | None = None) -> None:
        """Put what stays in a corner there: of the canvas, or of a part of it."""
        area = area or self._canvas.rect()
        left, bottom = area.left() + _GAP_PX, area.top() + area.height() - _GAP_PX
        self.glyph.move(left, bottom - self.glyph.height())
        above = bottom - self.glyph.height() - _GAP_PX // 2
        self.legend.move(left, above - self.legend.height())

    def _show_frame(self) -> None:
        picture = self._session.picture
        if picture is None:
            return
        self.glyph.show()
        self.legend.show_tally(picture.tally, self._session.display.color_map)
        self._show_scale()
        self.place()

    def _show_scale(self) -> None:
        pixel = self._session.metadata.pixel_mm
        # A bar drawn along the fast axis is as long as it says along that axis only.
        self.glyph.set_scale(float(self._view.viewPixelSize()[0]), pixel[0] if pixel else None)

    def _show_rings(self) -> None:
        frame, wanted, dark = self._session.frame, self._session.rings, not self._session.display.inverted
        aim = aim_of(self._session) if frame is not None and wanted.any else None
        geometry = aim.geometry if aim is not None else None
        shape = frame.shape if frame is not None else (1, 1)
        drawn = (geometry, shape, dark, wanted.state())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        rings = wanted.on(geometry, shape) if geometry is not None else ()
        if rings or self.rings.rings:
            soon = self._since.isValid() and not self._since.hasExpired(_MOVING_MS)
            moving = self._session.user_centers.dragging or soon
            self._since.start()
            self.rings.show_rings(rings, shape, dark, moving)
            if moving:
                self._settle.start()
