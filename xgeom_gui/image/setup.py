"""Everything about looking at the picture, put into the window: docks, actions, keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QDockWidget, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from xgeom_gui.image.cake_panel import CakePanel
from xgeom_gui.image.display_panel import DisplayPanel
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.image.lattice_overlay import LatticeOverlay
from xgeom_gui.image.line_profile import LineProfilePanel
from xgeom_gui.image.mask_painter import MaskPainter
from xgeom_gui.image.mask_panel import MaskPanel
from xgeom_gui.image.place_menu import PlaceMenu
from xgeom_gui.image.playback import PlayStrip
from xgeom_gui.image.radial_profile import RadialProfilePanel
from xgeom_gui.image.rings_panel import RingsPanel
from xgeom_gui.services.mask_files import MaskFiles
from xgeom_gui.services.profiles import ProfileThread
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

SIDE_WIDTH, PROFILE_HEIGHT = 268, 210
_LEFT, _BOTTOM = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea


class ImageTools(QObject):
    """Builds the docks of the picture and connects their actions.

    Parameters
    ----------
    window : QMainWindow
        Takes the docks: display and mask on the left, profiles below the image.
    image : ImageView
    session : Session
    controller : SessionController
        Shuts the threads down.
    settings : Settings
        Keeps how counts are drawn.
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self,
        window: QMainWindow,
        image: ImageView,
        session: Session,
        controller: SessionController,
        settings: Settings,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(window)
        self._image = image
        self._window, self._session, self._settings, self._actions = window, session, settings, actions
        profiles, mask_files = ProfileThread(self), MaskFiles(self)
        controller.adopt(profiles)
        controller.adopt(mask_files)
        self.painter = MaskPainter(image.box, session.masks, self)
        self.display = DisplayPanel(session, image.picture)
        self.rings = RingsPanel(session)
        self.lattice = LatticeOverlay(image.box, session, controller, self)
        self.mask = MaskPanel(session, self.painter, mask_files)
        self.line_profile = LineProfilePanel(session, image.box)
        self.radial_profile = RadialProfilePanel(session, profiles)
        self.cake = CakePanel(session, profiles)
        self.play_strip = PlayStrip(session)
        window.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        side = _stacked((("Picture", self.display), ("Rings", self.rings)))
        self.docks = {
            "display": self._dock("Display", "display", _LEFT, side),
            "mask": self._dock("Mask", "mask", _LEFT, _stacked((("Mask", self.mask),))),
            "line_profile": self._dock("Line profile", "line_profile", _BOTTOM, self.line_profile),
            "radial_profile": self._dock("Radial profile", "radial_profile", _BOTTOM, self.radial_profile),
            "cake": self._dock("Cake", "cake", _BOTTOM, self.cake),
        }
        window.tabifyDockWidget(self.docks["display"], self.docks["mask"])
        window.tabifyDockWidget(self.docks["line_profile"], self.docks["radial_profile"])
        # Beside the profiles, not under them: a drag is judged by both.
        window.splitDockWidget(self.docks["radial_profile"], self.docks["cake"], Qt.Orientation.Horizontal)
        self.place_menu = PlaceMenu(session, image, self.measure_from, actions)
        self._connect(image)

    def _dock(self, title: str, name: str, area: Qt.DockWidgetArea, widget: QWidget) -> QDockWidget:
        """A dock that starts hidden, with the action that shows and hides it."""
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        self._window.addDockWidget(area, dock)
        dock.hide()
        action = self._actions[name]
        action.triggered.connect(lambda on: self._show_dock(name, on))
        dock.visibilityChanged.connect(lambda _shown: action.setChecked(not dock.isHidden()))
        return dock

    def _show_dock(self, name: str, on: bool) -> None:
        dock = self.docks[name]
        first = on and dock.isHidden()
        dock.setVisible(on)
        if on:
            dock.raise_()
        if first and self._window.dockWidgetArea(dock) == _BOTTOM and not dock.isFloating():
            self._window.resizeDocks([dock], [PROFILE_HEIGHT], Qt.Orientation.Vertical)

    def measure_from(self, place: tuple[float, float]) -> None:
        """Begin a line at a place; its other end, a quarter of the view away, is there to be dragged."""
        self._show_dock("line_profile", True)
        self.line_profile.set_line(place, (place[0] + self._image.box.viewRect().width() / 4.0, place[1]))

    def _connect(self, image: ImageView) -> None:
        display, rings = self._session.display, self._session.rings
        toggles: dict[str, Callable[[bool], object]] = {
            "log": lambda on: display.set_scale("log" if on else "linear"),
            "invert": lambda on: display.set_colors(display.color_map, on),
            "rings": lambda on: rings.choose(resolution=on),
            "lattice": self.lattice.set_on,
            "play": self.play_strip.play,
        }
        # Triggered, not toggled: only the user's own doing counts, not what the state shows.
        for name, handler in toggles.items():
            self._actions[name].triggered.connect(handler)
        self._actions["auto_contrast"].triggered.connect(display.set_automatic)
        self.play_strip.playing_changed.connect(self._actions["play"].setChecked)
        display.changed.connect(self._show_display)
        display.changed.connect(self._keep)
        rings.changed.connect(self._show_display)
        self._session.source_changed.connect(self._show_display)
        self._show_display()
        for key, act in (("Esc", self._escape), ("Return", self.painter.close_polygon)):
            shortcut = QShortcut(QKeySequence(key), image)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setEnabled(False)
            shortcut.activated.connect(act)
            self.painter.tool_changed.connect(
                lambda one=shortcut: one.setEnabled(self.painter.tool != "none")
            )

    def _escape(self) -> None:
        self.painter.cancel()
        self.painter.choose("none")

    def _show_display(self) -> None:
        display = self._session.display
        self._actions["log"].setChecked(display.scale == "log")
        self._actions["auto_contrast"].setChecked(display.automatic)
        self._actions["invert"].setChecked(display.inverted)
        self._actions["rings"].setChecked(self._session.rings.resolution)

    def _keep(self) -> None:
        # Fixed counts suit one experiment; the next start begins with the automatic contrast.
        self._settings.display = self._session.display.state() | {"levels": None}


def _stacked(sections: tuple[tuple[str, QWidget], ...]) -> QWidget:
    """Panels under their titles, scrolling on small screens."""
    inner = QWidget()
    layout = QVBoxLayout(inner)
    layout.setContentsMargins(12, 8, 12, 10)
    layout.setSpacing(8)
    for title, panel in sections:
        if len(sections) > 1:
            label = QLabel(title)
            label.setProperty("role", "title")
            layout.addWidget(label)
        layout.addWidget(panel)
        layout.addSpacing(6)
    layout.addStretch(1)
    area = QScrollArea()
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(SIDE_WIDTH)
    return area
