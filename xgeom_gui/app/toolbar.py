"""The bar of actions on top of the window."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

_GROUPS = (
    ("file", "open"),
    ("reset_view", "zoom_center", "view"),
    ("predict", "automatic"),
    ("add_geometry", "compare_with", "copy_as"),
)
_AT_THE_END = ("keys",)


def make_toolbar(actions: Mapping[str, QAction], menus: Mapping[str, QMenu]) -> QToolBar:
    """The bar; some of its buttons open menus.

    Parameters
    ----------
    actions : mapping of str to QAction
        Of the whole window.
    menus : mapping of str to QMenu
        By the action whose button opens it.
    """
    bar = QToolBar("Actions")
    bar.setObjectName("toolbar")
    bar.setMovable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for i, group in enumerate(_GROUPS):
        if i:
            bar.addSeparator()
        bar.addActions([actions[name] for name in group])
    spacer = QWidget()
    spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(spacer)
    bar.addActions([actions[name] for name in _AT_THE_END])
    for name, menu in menus.items():
        button = bar.widgetForAction(actions[name])
        assert isinstance(button, QToolButton)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    for action in bar.actions():
        # Buttons of tool bars cannot be reached by Tab unless they are told so.
        if isinstance(button := bar.widgetForAction(action), QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(action.text().rstrip("…"))
    return bar
