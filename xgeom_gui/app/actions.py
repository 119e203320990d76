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
    ActionSpec("file", "File", ("Alt+F",), "Open, reload, follow, save and export"),
    ActionSpec("open", "Open…", ("Ctrl+O",), "Open files of diffraction frames, or a saved session"),
    ActionSpec("open_folder", "Open folder…", ("Ctrl+Shift+O",), "Open the frames of a folder as one run"),
    ActionSpec("example", "Open the example", (), "Open the example frame that comes with xgeom"),
    ActionSpec("reload", "Reload", ("F5",), "Read the frame again from disk"),
    ActionSpec(
        "follow",
        "Follow the newest frame",
        ("Ctrl+F",),
        "Look every second whether the file or folder has grown, and jump to its newest frame",
        checkable=True,
    ),
    ActionSpec(
        "tree", "File contents", ("H",), "Groups, datasets and attributes of the HDF5 file", checkable=True
    ),
    ActionSpec("save_session", "Save session…", ("Ctrl+S",), "Save files, view, marks and masks in one file"),
    ActionSpec("export_view", "Export picture…", ("Ctrl+E",), "Save the view with its marks as PNG or SVG"),
    ActionSpec(
        "export_figure",
        "Export figure…",
        ("Ctrl+Alt+E",),
        "Save the frame with its marks as PNG for paper: light, cropped to the frame",
    ),
    ActionSpec(
        "export_table", "Export table…", ("Ctrl+Shift+E",), "Save the table of centers as CSV or JSON"
    ),
    ActionSpec("copy_table", "Copy table", (), "Copy the table of centers as text, for a spreadsheet"),
    ActionSpec("previous", "Previous frame", ("Left",), "Show the previous frame"),
    ActionSpec("next", "Next frame", ("Right",), "Show the next frame"),
    ActionSpec("reset_view", "Whole frame", ("Home", "Ctrl+R"), "Show the whole frame"),
    ActionSpec("zoom_center", "Zoom to center", ("C",), "Zoom to the best center known"),
    ActionSpec("log", "Logarithmic", ("L",), "Show counts on a logarithmic scale", checkable=True),
    ActionSpec("invert", "Inverted", ("I",), "Run the color map backwards", checkable=True),
    ActionSpec(
        "auto_contrast", "Automatic contrast", ("A",), "Let the contrast follow the frames", checkable=True
    ),
    ActionSpec("rings", "Resolution rings", ("G",), "Show rings of round resolutions in Å", checkable=True),
    ActionSpec(
        "lattice",
        "Spots and lattice",
        ("E",),
        "Spots found and indexed, and every reflection that the lattice predicts; hkl and Å at the pointer",
        checkable=True,
    ),
    ActionSpec("view", "View", ("V",), "How the picture is shown: scale, rings, mask, profiles"),
    ActionSpec(
        "display",
        "Display panel",
        ("D",),
        "Scale, colors, contrast, histogram and rings",
        checkable=True,
    ),
    ActionSpec("mask", "Mask tools", ("K",), "Paint, load and save a mask", checkable=True),
    ActionSpec(
        "line_profile", "Line profile", ("Shift+L",), "Counts along a line drawn on the image", checkable=True
    ),
    ActionSpec(
        "radial_profile",
        "Radial profile",
        ("Shift+R",),
        "Mean counts against the angle or the radius about the current center",
        checkable=True,
    ),
    ActionSpec(
        "cake",
        "Cake",
        ("Shift+C",),
        "The frame unrolled about the current center: a right center makes straight lines",
        checkable=True,
    ),
    ActionSpec("turn_left", "Turn left", ("Ctrl+[",), "Turn the view by 90° to the left"),
    ActionSpec("turn_right", "Turn right", ("Ctrl+]",), "Turn the view by 90° to the right"),
    ActionSpec(
        "flip_left_right",
        "Flip left and right",
        ("Ctrl+H",),
        "Mirror the view; the readout stays that of the file",
    ),
    ActionSpec(
        "flip_top_bottom",
        "Flip top and bottom",
        ("Ctrl+J",),
        "Mirror the view; the readout stays that of the file",
    ),
    ActionSpec("upright", "Upright", ("Ctrl+U",), "Fast to the right and slow down, as in the file"),
    ActionSpec("panel", "Panel", ("F9",), "Fold the panel on the right away, or unfold it", checkable=True),
    ActionSpec(
        "frame_alone", "Frame alone", ("F11",), "The frame on the whole screen, and back", checkable=True
    ),
    ActionSpec(
        "legend", "Legend", ("Shift+G",), "Names and numbers of the marks over the image", checkable=True
    ),
    ActionSpec(
        "restore_layout", "Restore the layout", (), "Put docks and panels back where they were at first"
    ),
    ActionSpec("play", "Play", ("S",), "Play the frames one after the other, or stop", checkable=True),
    ActionSpec("predict", "Predict", ("P",), "Find center and tilt of this frame now"),
    ActionSpec(
        "automatic",
        "Predict automatically",
        (),
        "Find center and tilt of every frame as soon as it is shown",
        checkable=True,
    ),
    ActionSpec("undo", "Undo", ("Ctrl+Z",), "Take back what was done last"),
    ActionSpec("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Do again what was taken back"),
    ActionSpec(
        "accept",
        "Accept",
        ("Ctrl+Return",),
        "Take the current center for true on this frame",
    ),
    ActionSpec("fit_here", "Fit from here", ("F",), "Fit again, starting from the current center"),
    ActionSpec("center_here", "Center here", ("X",), "Put a center of your own where the pointer is"),
    ActionSpec(
        "center_from_ring",
        "Center from a ring",
        ("O",),
        "Put a center in the middle of a ring: click three places on it",
        checkable=True,
    ),
    ActionSpec(
        "reset_center",
        "Reset",
        ("Ctrl+Backspace",),
        "Forget your own center, what was accepted and where the fit starts, on this frame",
    ),
    ActionSpec(
        "blink",
        "Blink",
        ("B",),
        "Look through a 20× loupe that blinks between the current center and the answer",
        checkable=True,
    ),
    ActionSpec("why", "Why?", ("W",), "What speaks for the answer: profiles, residuals, what was masked"),
    ActionSpec(
        "run", "Run", ("Ctrl+B",), "Open the run; pressed again there, predict every frame of the file"
    ),
    ActionSpec("next_doubtful", "Next doubtful frame", ("N",), "Go to the next frame in the list of doubt"),
    ActionSpec(
        "add_geometry",
        "Add geometry…",
        ("Ctrl+G",),
        "Compare with what DIALS, XDS, CrystFEL, pyFAI, a table… say: adds their centers",
    ),
    ActionSpec(
        "compare_with",
        "Compare with",
        ("Ctrl+Shift+G",),
        "Run DIALS, pyFAI or bblib on this frame, and put their centers beside the others",
    ),
    ActionSpec(
        "copy_as",
        "Copy as",
        ("Ctrl+Shift+C",),
        "Copy the current center in the words of another program",
    ),
    ActionSpec("copy_dials", "Copy for DIALS", (), "Copy the current center as options of dials.import"),
    ActionSpec(
        "copy_center", "Copy center", ("Ctrl+C",), "Copy the current center as numbers", of_table=True
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
        "hide", "Show or hide", ("Space",), "Show or hide the mark of the current center", of_table=True
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
    ("Drag a center", "Move it by hand; it becomes yours, and Ctrl+Z takes it back"),
    ("Arrows, center selected", "Nudge it by 0.1 px; Shift 1 px, Ctrl 10 px; Escape lets go"),
    ("Drop files", "Frames are opened, several as one run; other programs' geometry is compared"),
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
