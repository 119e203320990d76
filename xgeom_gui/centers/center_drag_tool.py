"""Takes centers by the mouse and moves them by keys, on the image."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from xgeom_core.estimate import Estimate
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.state.session import Session
from xgeom_gui.state.user_words import MANUAL

_REACH = 14.0
_START = 3.0
_HALO = 22.0
# On the picture, whose colors do not follow the theme of the window.
_HALO_COLOR = "#2563a8"
_STEPS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
_FINE_PX, _MIDDLE_PX, _COARSE_PX = 0.1, 1.0, 10.0


class HaloItem(QGraphicsItem):
    """A dashed circle about the current center, of constant size on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(15)
        self.hide()

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        """Space it takes, in screen pixels about its place."""
        reach = _HALO + 3
        return QRectF(-reach, -reach, 2 * reach, 2 * reach)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw it, light below dark so that it shows on any ground."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, width in ((QColor(255, 255, 255, 200), 3.4), (QColor(_HALO_COLOR), 1.6)):
            pen = QPen(color, width)
            pen.setDashPattern([4.0, 3.0] if width < 2 else [1000.0, 1.0])
            painter.setPen(pen)
            painter.drawEllipse(QPointF(0, 0), _HALO, _HALO)


class CenterHand(QObject):
    """Drags marks of centers, nudges the current one, and shows which it is.

    A click takes hold of a center; a drag makes or moves the center by hand ("Mine") and leaves the
    one it was taken from where it is. While a center is held, arrow keys on the image nudge it;
    Escape, a click elsewhere or another frame lets go of it.

    Parameters
    ----------
    session : Session
    image : ImageView
    """

    def __init__(self, session: Session, image: ImageView) -> None:
        super().__init__(image)
        self._session, self._image = session, image
        self.enabled = True
        self._holding = False
        self._frame = session.frame_id
        self._taken: Estimate | None = None
        self._pressed = QPointF()
        self._offset = QPointF()
        self._dragging = False
        self.halo = HaloItem()
        image.box.addItem(self.halo, ignoreBounds=True)
        self._view = image.box.scene().views()[0]
        self._view.viewport().installEventFilter(self)
        for watched in (image, self._view):
            watched.installEventFilter(self)
        session.current_center.changed.connect(self._place_halo)
        session.frame_changed.connect(self._on_frame)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Take what concerns centers; everything else goes on its way."""
        if isinstance(event, QMouseEvent) and watched is self._view.viewport():
            return self._on_mouse(event)
        if isinstance(event, QKeyEvent):
            return self._on_key(event)
        return False

    @property
    def holding(self) -> bool:
        """Whether arrow keys move the current center."""
        return self._holding and self._selected() is not None

    def hold(self, source: str) -> None:
        """Take hold of a center, so that the arrow keys move it."""
        self._session.current_center.choose(source)
        self._holding = True
        self._image.setFocus()
        self._place_halo()

    def let_go(self) -> None:
        """Give the arrow keys back to the frames."""
        self._holding = False
        self._place_halo()

    def nudge(self, step: tuple[float, float]) -> None:
        """Move the current center by a step in native px."""
        origin = self._selected()
        if origin is not None:
            self._session.user_centers.nudge(origin, step)

    def _on_mouse(self, event: QMouseEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress:
            return self._press(event)
        if kind == QEvent.Type.MouseMove:
            return self._move(event)
        if kind == QEvent.Type.MouseButtonRelease and self._taken is not None:
            self._release()
            return True
        return False

    def _press(self, event: QMouseEvent) -> bool:
        plain = event.button() == Qt.MouseButton.LeftButton and not event.modifiers()
        taken = self._under(event.position()) if plain and self.enabled else None
        if taken is None:
            if plain and self._holding:
                self.let_go()
            return False
        self._taken, self._pressed, self._dragging = taken, event.position(), False
        self._offset = self._on_screen(taken.center_px) - event.position()
        self.hold(taken.source)
        return True

    def _move(self, event: QMouseEvent) -> bool:
        if self._taken is None:
            self._show_cursor(event)
            return False
        away = event.position() - self._pressed
        if not self._dragging and math.hypot(away.x(), away.y()) < _START:
            return True
        if not self._dragging:
            self._dragging = True
            self._view.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        scene = self._view.mapToScene((event.position() + self._offset).toPoint())
        # The view maps whole pixels only; what is lost there is put back.
        lost = (event.position() + self._offset) - QPointF((event.position() + self._offset).toPoint())
        point = self._image.box.mapSceneToView(scene + lost)
        self._session.user_centers.drag(self._taken, (point.x(), point.y()))
        self._image.hovered.emit((point.x(), point.y()))
        return True

    def _release(self) -> None:
        if self._dragging:
            self._session.user_centers.drop()
        self._taken, self._dragging = None, False
        self._view.viewport().unsetCursor()

    def _show_cursor(self, event: QMouseEvent) -> None:
        if event.buttons() or not self.enabled:
            return
        viewport = self._view.viewport()
        if self._under(event.position()) is not None:
            viewport.setCursor(Qt.CursorShape.OpenHandCursor)
        elif viewport.cursor().shape() == Qt.CursorShape.OpenHandCursor:
            viewport.unsetCursor()

    def _on_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and event.type() == QEvent.Type.KeyPress:
            return self._escape()
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self.holding:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            # Else the window takes the key for the next frame.
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            size = _step_size(event.modifiers())
            # The arrow points where the center goes, also where the frame is turned.
            self.nudge(self._image.orientation.on_frame(step[0] * size, step[1] * size))
            return True
        return False

    def _escape(self) -> bool:
        if self._taken is not None:
            self._session.user_centers.cancel_drag()
            self._release()
            return True
        if self._holding:
            self.let_go()
            return True
        return False

    def _on_frame(self) -> None:
        if self._session.frame_id != self._frame:
            self._frame = self._session.frame_id
            self.let_go()

    def _selected(self) -> Estimate | None:
        center = self._session.current_center.center
        return center.estimate if center is not None else None

    def _under(self, place: QPointF) -> Estimate | None:
        """The center to take at a place of the viewport: one's own first, then the nearest."""
        found = []
        for source, mark in self._image.marks.items():
            away = self._on_screen(mark.center.estimate.center_px) - place
            distance = math.hypot(away.x(), away.y())
            if distance <= _REACH:
                found.append((source != MANUAL, distance, source))
        return self._image.marks[min(found)[2]].center.estimate if found else None

    def _on_screen(self, center_px: tuple[float, float]) -> QPointF:
        scene = self._image.box.mapViewToScene(QPointF(*center_px))
        return self._view.viewportTransform().map(scene)

    def _place_halo(self) -> None:
        selected = self._selected()
        if selected is not None:
            self.halo.setPos(*selected.center_px)
        self.halo.setVisible(self._holding and selected is not None)


def _step_size(modifiers: Qt.KeyboardModifier) -> float:
    if modifiers & Qt.KeyboardModifier.ControlModifier:
        return _COARSE_PX
    return _MIDDLE_PX if modifiers & Qt.KeyboardModifier.ShiftModifier else _FINE_PX
