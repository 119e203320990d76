"""A center from three clicks on one ring: the middle of the circle through them."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from xgeom_gui.image.image_view import ImageView
from xgeom_gui.state.session import Session

Point = tuple[float, float]
# Of the circle's radius: flatter arcs tell no center.
_FLATTEST = 1e-3
_MOVED_PX = 4.0


class RingTool(QObject):
    """Takes three clicks on the image while it is on; dragging and zooming go on as usual.

    Signals
    -------
    ended
        Three clicks were made, or Escape was pressed.
    """

    ended = Signal()

    def __init__(self, session: Session, image: ImageView) -> None:
        super().__init__(image)
        self._session, self._image = session, image
        self._points: list[Point] = []
        self._pressed: QPointF | None = None
        self._on = False
        self._view = image.box.scene().views()[0]
        for watched in (self._view.viewport(), self._view, image):
            watched.installEventFilter(self)
        session.frame_changed.connect(lambda: self.set_on(False))

    @property
    def on(self) -> bool:
        """Whether clicks are taken."""
        return self._on

    def set_on(self, on: bool) -> None:
        """Begin, or give up."""
        if on == self._on:
            return
        self._on, self._points, self._pressed = on, [], None
        viewport = self._view.viewport()
        if on:
            viewport.setCursor(Qt.CursorShape.CrossCursor)
            self._image.setFocus()
            self._session.say("Click three places on one ring, far apart; Escape ends.")
        else:
            viewport.unsetCursor()
            self.ended.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """A click without a drag is a point of the ring."""
        if not self._on:
            return False
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.set_on(False)
            return True
        if isinstance(event, QMouseEvent) and watched is self._view.viewport():
            if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                self._pressed = event.position()
            elif event.type() == QEvent.Type.MouseButtonRelease and self._pressed is not None:
                moved, self._pressed = event.position() - self._pressed, None
                if math.hypot(moved.x(), moved.y()) < _MOVED_PX:
                    self._take(event.position())
        return False

    def _take(self, place: QPointF) -> None:
        scene = self._view.viewportTransform().inverted()[0].map(place)
        point = self._image.box.mapSceneToView(scene)
        self._points.append((point.x(), point.y()))
        if len(self._points) < 3:
            self._session.say(f"{len(self._points)} of 3 places on the ring.")
            return
        center = circle_center(*self._points)
        self.set_on(False)
        if center is None:
            self._session.notice("These three places lie on a line: click places far apart on one ring.")
            return
        # A circle says nothing of a tilt.
        self._session.user_centers.put(center, None)
        self._session.say(f"Center of the ring: ({center[0]:.2f}, {center[1]:.2f}).")


def circle_center(a: Point, b: Point, c: Point) -> Point | None:
    """The middle of the circle through three points; None where they lie on a line."""
    (bx, by), (cx, cy) = ((p[0] - a[0], p[1] - a[1]) for p in (b, c))
    cross = 2.0 * (bx * cy - by * cx)
    longest = max(math.hypot(bx, by), math.hypot(cx, cy))
    if abs(cross) <= _FLATTEST * longest**2:
        return None
    b2, c2 = bx * bx + by * by, cx * cx + cy * cy
    return a[0] + (cy * b2 - by * c2) / cross, a[1] + (bx * c2 - cx * b2) / cross
