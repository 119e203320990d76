"""The frame with its marks; follows the session and never edits it while drawing."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QGraphicsEllipseItem, QMenu, QVBoxLayout, QWidget

from xgeom_gui.image.canvas import Canvas
from xgeom_gui.image.frame_view_box import FrameViewBox
from xgeom_gui.image.legend import Legend
from xgeom_gui.image.marks import MarkItem, mark_size
from xgeom_gui.image.overlays import Overlays
from xgeom_gui.image.picture_item import PictureView
from xgeom_gui.image.pixel_counts import PixelCounts
from xgeom_gui.look.theme import CANVAS, THEME
from xgeom_gui.state.orientation import Orientation
from xgeom_gui.state.session import Session

_ZOOM_REACH_PX = 30.0
_ROOM_ABOUT = 1.04
# Closer there is nothing more to see: the counts of so few pixels can all be read.
_CLOSEST_PX = 6
# Below this size on the screen an ellipse is a smudge under its mark.
_SMALLEST_ELLIPSE = 4.0


class ImageView(QWidget):
    """The image, its marks and their legend.

    Signals
    -------
    hovered : object
        ``(x, y)`` in native pixels under the pointer, or None when it left.
    oriented
        The frame lies in another way.
    menu_opening : float, float
        The right-click menu is about to open over this native place.
    """

    hovered = Signal(object)
    oriented = Signal()
    menu_opening = Signal(float, float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName("Diffraction frame")
        self._canvas = Canvas(self)
        # Files dropped on the image belong to the window.
        self._canvas.setAcceptDrops(False)
        self._canvas.viewport().setAcceptDrops(False)
        self._canvas.viewport().installEventFilter(self)
        self.box = FrameViewBox()
        self._canvas.setCentralItem(self.box)
        self.picture = PictureView(self.box, session.display, self)
        self.counts = PixelCounts(self.picture.item)
        self.counts.setZValue(1)
        self.box.addItem(self.counts, ignoreBounds=True)
        self.legend = Legend(self._canvas)
        self.overlays = Overlays(self.box, self._canvas, session, self)
        self._marks: list[MarkItem] = []
        self._menu = QMenu(self)
        self._shape: tuple[int, int] | None = None
        self._whole = True
        self._pointer: QPointF | None = None
        self._orientation = Orientation()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas)
        THEME.changed.connect(self._recolor)
        self._recolor()
        session.frame_changed.connect(self._show_frame)
        session.centers_changed.connect(self._show_marks)
        self.box.sigTransformChanged.connect(self._size_ellipses)
        self.box.sigTransformChanged.connect(self._tell_place)
        # Docks that open beside it leave it less room: a whole frame stays whole.
        self.box.sigResized.connect(self._on_resized)
        self.box.sigRangeChangedManually.connect(self._on_manual_zoom)
        self.box.menu_wanted.connect(self._open_menu)
        self._canvas.scene().sigMouseMoved.connect(self._on_move)

    def _recolor(self) -> None:
        self._canvas.setBackground(CANVAS.color)

    def set_menu(self, actions: Sequence[QAction | None]) -> None:
        """Actions of the right-click menu; None separates."""
        self._menu.clear()
        for action in actions:
            if action is None:
                self._menu.addSeparator()
            else:
                self._menu.addAction(action)

    @property
    def menu(self) -> QMenu:
        """The right-click menu."""
        return self._menu

    def reset_view(self) -> None:
        """Show the whole frame."""
        if self._shape is not None:
            height, width = self._shape
            # Of the box's own proportions: else pyqtgraph keeps one side and lets the other run over.
            room = self.box.rect()
            scale = _ROOM_ABOUT * max(width / max(room.width(), 1.0), height / max(room.height(), 1.0))
            seen = QRectF(0, 0, room.width() * scale, room.height() * scale)
            seen.moveCenter(QPointF(width / 2.0, height / 2.0))
            self.box.setRange(seen, padding=0)
            self._whole = True

    def show_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show a part of the frame, from and to in native pixels; the shape of the window may add to it."""
        self._whole = False
        self.box.setRange(QRectF(x[0], y[0], x[1] - x[0], y[1] - y[0]), padding=0)

    def zoom_to(self, point: tuple[float, float], reach: float = _ZOOM_REACH_PX) -> None:
        """Show a place with so many native pixels to each side."""
        x, y = point
        self._whole = False
        self.box.setRange(QRectF(x - reach, y - reach, 2 * reach, 2 * reach), padding=0)

    @property
    def orientation(self) -> Orientation:
        """How the frame lies on the screen."""
        return self._orientation

    def orient(self, orientation: Orientation) -> None:
        """Lay the frame down in another way; what was in the middle stays there."""
        if orientation == self._orientation:
            return
        middle = self.box.viewRect().center()
        reach = min(self.box.viewRect().width(), self.box.viewRect().height()) / 2.0
        self._orientation = orientation
        self.box.invertX(orientation.mirrored)
        self._canvas.turn(orientation.turns)
        self.overlays.glyph.set_orientation(orientation)
        if self._whole:
            self.reset_view()
        else:
            self.zoom_to((middle.x(), middle.y()), reach)
        self.oriented.emit()

    @property
    def frame_on_screen(self) -> QRect:
        """The part of this widget that the frame takes; all of it before there is one."""
        if self._shape is None:
            return self.rect()
        scene = self.box.mapViewToScene(QRectF(0, 0, self._shape[1], self._shape[0]))
        part = self._canvas.mapFromScene(scene).boundingRect().translated(self._canvas.pos())
        return part & self.rect()

    @property
    def canvas(self) -> pg.GraphicsView:
        """What everything is drawn on."""
        return self._canvas

    @property
    def marks(self) -> dict[str, MarkItem]:
        """The marks shown, by source."""
        return {mark.center.estimate.source: mark for mark in self._marks}

    @property
    def ellipses(self) -> list[QGraphicsEllipseItem]:
        """The uncertainty ellipses, visible or not."""
        return [mark.ellipse for mark in self._marks if mark.ellipse.rect().width() > 0]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Keep the legend in its corner and a whole frame whole."""
        super().resizeEvent(event)
        self.place_corners(self.rect())

    def place_corners(self, area: QRect) -> None:
        """Put the legend and what else stays in a corner into those of this part of the view."""
        self.legend.move(area.left() + 12, area.top() + 12)
        self.overlays.place(area)

    def _on_resized(self) -> None:
        if self._whole:
            self.reset_view()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Notice when the pointer leaves the image."""
        if event.type() == QEvent.Type.Leave:
            self._pointer = None
            self.hovered.emit(None)
        return super().eventFilter(watched, event)

    def _show_frame(self) -> None:
        picture = self._session.picture
        if picture is None:
            return
        self.picture.show(picture)
        self.counts.set_frame(self._session.frame)
        # The zoom is kept from frame to frame; only another detector starts afresh.
        if picture.shape != self._shape:
            self._shape = picture.shape
            self._limit_zoom()
            self.reset_view()

    def _limit_zoom(self) -> None:
        assert self._shape is not None
        height, width = self._shape
        margin = max(width, height)
        least = dict.fromkeys(("minXRange", "minYRange"), _CLOSEST_PX)
        self.box.setLimits(xMin=-margin, xMax=width + margin, yMin=-margin, yMax=height + margin, **least)

    def _show_marks(self) -> None:
        # Small marks on top of large ones, so that sources that agree can all be seen.
        shown = sorted((one for one in self._session.centers if not one.hidden), key=mark_size, reverse=True)
        before = self.marks
        self._marks = []
        for one in shown:
            source = one.estimate.source
            self._marks.append(before.pop(source) if source in before else self._add(MarkItem(one)))
        for gone in before.values():
            self.box.removeItem(gone.ellipse)
            self.box.removeItem(gone)
        for place, (mark, center) in enumerate(zip(self._marks, shown, strict=True)):
            mark.show_center(center)
            mark.setZValue(21 + place)
        self.legend.show_centers([one for one in self._session.centers if not one.hidden])
        self._size_ellipses()

    def _add(self, mark: MarkItem) -> MarkItem:
        mark.ellipse.setZValue(10)
        for item in (mark.ellipse, mark):
            self.box.addItem(item, ignoreBounds=True)
        return mark

    def _size_ellipses(self) -> None:
        pixel = max(self.box.viewPixelSize())
        for mark in self._marks:
            mark.ellipse.setVisible(mark.ellipse.rect().width() / pixel >= _SMALLEST_ELLIPSE)

    def _on_manual_zoom(self) -> None:
        self._whole = False

    def _open_menu(self, place: QPoint) -> None:
        there = self._canvas.mapToScene(self._canvas.mapFromGlobal(place))
        point = self.box.mapSceneToView(QPointF(there))
        self.menu_opening.emit(point.x(), point.y())
        self._menu.popup(place)

    def _on_move(self, place: QPointF) -> None:
        self._pointer = place
        self._tell_place()

    def _tell_place(self) -> None:
        """What lies under the pointer, also where the picture moved and the pointer did not."""
        if self._shape is not None and self._pointer is not None:
            point = self.box.mapSceneToView(self._pointer)
            self.hovered.emit((point.x(), point.y()))
