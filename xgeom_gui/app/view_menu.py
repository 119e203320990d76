"""The view menu: how the picture is shown, how it lies, which docks are open, light or dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from xgeom_gui.image.image_view import ImageView
from xgeom_gui.look.theme import THEME, THEME_CHOICES, ThemeChoice
from xgeom_gui.state.settings import Settings

PICTURE_MENU = (
    *("reset_view", "zoom_center", "", "log", "invert", "auto_contrast", "rings", "lattice", ""),
    *("display", "mask", "line_profile", "radial_profile", "cake", "", "play"),
)
"""Actions of the view menu by name, also those of the menu of the image; "" separates."""

_ORIENTATION_MENU = ("turn_left", "turn_right", "flip_left_right", "flip_top_bottom", "", "upright")
_THEME_WORDS: dict[ThemeChoice, tuple[str, str]] = {
    "system": ("As the system", "Light or dark as the desktop is, also when that changes"),
    "light": ("Light", "Dark ink on light ground"),
    "dark": ("Dark", "Light ink on dark ground; the picture keeps its own colors"),
}


def fill(menu: QMenu, names: Sequence[str], actions: Mapping[str, QAction]) -> None:
    """Add actions by their names; "" separates."""
    for name in names:
        if name:
            menu.addAction(actions[name])
        else:
            menu.addSeparator()


class ViewMenu(QObject):
    """Builds the menu and connects what only it can do.

    Parameters
    ----------
    owner : QWidget
        Owns the menu.
    image : ImageView
        Is turned and mirrored.
    settings : Settings
        Remembers the theme.
    actions : mapping of str to QAction
        Of the whole window.
    """

    def __init__(
        self, owner: QWidget, image: ImageView, settings: Settings, actions: Mapping[str, QAction]
    ) -> None:
        super().__init__(owner)
        self._image, self._settings = image, settings
        self.menu = QMenu(owner)
        self.menu.setToolTipsVisible(True)
        fill(self.menu, PICTURE_MENU, actions)
        self.menu.addSeparator()
        orientation = self.menu.addMenu("&Orientation")
        orientation.setToolTipsVisible(True)
        fill(orientation, _ORIENTATION_MENU, actions)
        fill(self.menu, ("", "panel", "frame_alone", "legend", "restore_layout"), actions)
        self.themes = self._add_themes(self.menu.addMenu("&Theme"))
        handlers: dict[str, Callable[[], object]] = {
            "turn_left": lambda: image.orient(image.orientation.turned(-1)),
            "turn_right": lambda: image.orient(image.orientation.turned(1)),
            "flip_left_right": lambda: image.orient(image.orientation.flipped(left_right=True)),
            "flip_top_bottom": lambda: image.orient(image.orientation.flipped(left_right=False)),
            "upright": lambda: image.orient(type(image.orientation)()),
        }
        for name, handler in handlers.items():
            actions[name].triggered.connect(lambda _checked, act=handler: act())

    def _add_themes(self, menu: QMenu) -> dict[ThemeChoice, QAction]:
        menu.setToolTipsVisible(True)
        group, found = QActionGroup(menu), {}
        for choice in THEME_CHOICES:
            text, tip = _THEME_WORDS[choice]
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setChecked(choice == THEME.choice)
            action.triggered.connect(lambda _checked, one=choice: self._choose(one))
            group.addAction(action)
            found[choice] = action
        return found

    def _choose(self, choice: ThemeChoice) -> None:
        self._settings.theme = choice
        THEME.choose(choice)
