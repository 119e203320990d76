"""Everything the user can do from menus and keys; the key sheet is made from the same list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class ActionSpec:
    """One action: its name in code, its label, its keys and what it does in a sentence.

    Keys of an action `of_table` work only while the table of centers has the focus.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    tip: str
    checkable: bool = False
    of_table: bool = False


SPECS = (
    ActionSpec("open", "Open…", ("Ctrl+O",), "Open a file of diffraction frames"),
    ActionSpec("example", "Example", (), "Open the example frame that comes with xgeom"),
    ActionSpec("reload", "Reload", ("F5",), "Read the frame again from disk"),
    ActionSpec("previous", "Previous frame", ("Left",), "Show the previous frame"),
    ActionSpec("next", "Next frame", ("Right",), "Show the next frame"),
    ActionSpec("reset_view", "Whole frame", ("Home", "Ctrl+R"), "Show the whole frame"),
    ActionSpec("zoom_center", "Zoom to center", ("C",), "Zoom to the best center known"),
    ActionSpec("log", "Logarithmic", ("L",), "Show counts on a logarithmic scale", checkable=True),
    ActionSpec("predict", "Predict", ("P",), "Find center and tilt of this frame now"),
    ActionSpec(
        "automatic",
        "Predict automatically",
        (),
        "Find center and tilt of every frame as soon as it is shown",
        checkable=True,
    ),
    ActionSpec(
        "add_geometry",
        "Add geometry…",
        ("Ctrl+G",),
        "Compare with what DIALS, XDS, CrystFEL, pyFAI, a table… say: adds their centers",
    ),
    ActionSpec(
        "copy_as",
        "Copy as",
        ("Ctrl+Shift+C",),
        "Copy the selected center (else the reference) in the words of another program",
    ),
    ActionSpec(
        "copy_center", "Copy center", ("Ctrl+C",), "Copy the selected center as numbers", of_table=True
    ),
    ActionSpec("read_as", "Read as…", ("R",), "Choose how an ambiguous convention is read"),
    ActionSpec(
        "measure_from",
        "Measure from it",
        ("M",),
        "Measure differences from the selected center, or from the best answer again",
        of_table=True,
    ),
    ActionSpec(
        "hide", "Show or hide", ("Space",), "Show or hide the mark of the selected center", of_table=True
    ),
    ActionSpec("remove", "Remove", ("Delete", "Backspace"), "Remove the selected geometry", of_table=True),
    ActionSpec("train", "Training", ("Ctrl+T",), "Show the training panel"),
    ActionSpec("keys", "Keys", ("?", "F1"), "Show keys and mouse"),
    ActionSpec("quit", "Quit", ("Ctrl+Q",), "Close the window"),
)

MOUSE = (
    ("Drag", "Move the image"),
    ("Wheel", "Zoom at the pointer"),
    ("Shift + drag", "Zoom to a box"),
    ("Right click", "Menu of the image"),
    ("Double click on a center", "Zoom to it (in the table of centers)"),
    ("Right click on a center", "Read as, copy as, measure from it, remove (in the table)"),
    ("Drop a file", "Frames are opened, other programs' geometry is compared"),
)


def make_actions(owner: QWidget) -> dict[str, QAction]:
    """One QAction for every entry of `SPECS`, by name; keys work in the whole window, or in the table."""
    actions = {}
    for spec in SPECS:
        action = QAction(spec.text, owner)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        keys = f" ({', '.join(spec.keys)})" if spec.keys else ""
        action.setToolTip(f"{spec.tip}{keys}")
        action.setStatusTip("")
        action.setCheckable(spec.checkable)
        if spec.of_table:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        else:
            owner.addAction(action)
        actions[spec.name] = action
    return actions
