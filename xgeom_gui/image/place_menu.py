"""What the right-click menu of the image says and does about the place under the pointer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from xgeom_gui.image.image_view import ImageView
from xgeom_gui.services.profiles import Point, radii_px
from xgeom_gui.state.formatting import cursor_text
from xgeom_gui.state.overlay_center import aim_of
from xgeom_gui.state.session import Session

RING_HALF_WIDTH_PX = 4.0
_OF_CENTERS = ("center_here", "center_from_ring")


class PlaceMenu(QObject):
    """Puts its actions on top of the image's menu.

    Parameters
    ----------
    session : Session
    image : ImageView
    measure : callable
        Begins a line at a place.
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self,
        session: Session,
        image: ImageView,
        measure: Callable[[Point], object],
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(image)
        self._session, self._image = session, image
        self._place: Point = (0.0, 0.0)
        self.title = self._action("", self._copy)
        self.title.setToolTip("Copy this line")
        self.ring = self._action("Mask this &ring", self._mask_ring)
        self.actions: list[QAction | None] = [
            self.title,
            *(actions[name] for name in _OF_CENTERS if name in actions),
            self._action("&Measure from here", lambda: measure(self._place)),
            self._action("Mask this &pixel", self._mask_pixel),
            self.ring,
            self._action("&Zoom to here", lambda: image.zoom_to(self._place)),
            None,
        ]
        image.menu_opening.connect(self._prepare)

    def _action(self, text: str, act: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda _checked: act())
        return action

    def _prepare(self, x: float, y: float) -> None:
        frame, aim = self._session.frame, aim_of(self._session)
        if frame is None:
            return
        self._place = (x, y)
        # Actions of centers put them where the pointer is.
        self._session.set_cursor(self._place)
        text = cursor_text(frame, aim.geometry if aim else None, self._place)
        self.title.setText(" · ".join(part for part in text.split("   ")))
        inside = 0 <= x < frame.shape[1] and 0 <= y < frame.shape[0]
        for action in self.actions:
            if action is not None and action is not self.title:
                action.setEnabled(inside)
        self.ring.setEnabled(inside and aim is not None)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.title.text())
        self._session.say("Copied what lies under the pointer.")

    def _mask_pixel(self) -> None:
        x, y = (int(value) for value in self._place)
        self._session.masks.paint(np.ones((1, 1), dtype=bool), (y, x), True, f"mask pixel {x}, {y}")

    def _mask_ring(self) -> None:
        """Mask what is as far from the beam as this place; under tilt, what has its resolution."""
        frame, aim = self._session.frame, aim_of(self._session)
        if frame is None or aim is None:
            return
        radius = radii_px(frame.shape, 1, aim.center_px, aim.geometry)
        x, y = (int(value) for value in self._place)
        ring = np.abs(radius - radius[y, x]) <= RING_HALF_WIDTH_PX
        self._session.masks.paint(ring, (0, 0), True, f"mask the ring through {x}, {y}")
