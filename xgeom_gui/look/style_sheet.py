"""The style sheet of the window, filled in with the colors of a theme."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

_SHEET = Template("""
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QToolBar { background: $paper; border: 0; border-bottom: 1px solid $line; padding: 4px 8px;
    spacing: 4px; }
QToolBar::separator { background: $line; width: 1px; margin: 4px 6px; }
QToolButton { padding: 5px 9px; border: 1px solid transparent; border-radius: 5px; color: $ink; }
QToolButton:hover { background: $ground; border-color: $line; }
QToolButton:checked { background: $chosen; border-color: $chosen_line; color: $accent; }
QToolButton:disabled { color: $faint_ink; }
QToolButton[role="framed"] { border-color: $line; background: $paper; padding: 4px 9px; }
QToolButton[role="framed"]:hover { background: $hover; }
QToolButton[role="framed"]:checked { background: $chosen; border-color: $chosen_line; }
QToolButton:focus, QPushButton:focus { border-color: $accent; }
QStatusBar { background: $paper; border-top: 1px solid $line; }
QStatusBar::item { border: 0; }
QDockWidget::title { background: $ground; padding: 6px 8px; }
QTabBar::tab { padding: 7px 16px; color: $soft_ink; border: 0; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $ink; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $ink; }
QPushButton { padding: 5px 12px; border: 1px solid $border; border-radius: 5px; background: $paper; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:checked { background: $chosen; border-color: $chosen_line; color: $accent; }
QPushButton:disabled { color: $faint_ink; background: $ground; border-color: $line; }
QPushButton[role="primary"] { background: $accent; border-color: $accent; color: $on_accent; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:disabled { background: $accent_off; border-color: $accent_off;
    color: $on_accent; }
QPushButton[role="row"] { border: 0; background: transparent; text-align: left; }
QPushButton[role="row"]:hover, QPushButton[role="row"]:focus { background: $chosen; }
QPushButton[role="danger"] { color: $failed; }
QPushButton[role="danger"]:disabled { color: $faint_ink; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    padding: 3px 6px; border: 1px solid $border; border-radius: 4px; background: $paper; min-height: 18px; }
QLineEdit { min-height: 20px; }
QComboBox { min-height: 20px; }
QAbstractSpinBox QLineEdit { border: 0; padding: 0 3px; min-height: 0; background: transparent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: 0; }
QComboBox QAbstractItemView { border: 1px solid $line; background: $paper; color: $ink; outline: 0;
    selection-background-color: $chosen; selection-color: $ink; }
QComboBox QAbstractItemView::item { padding: 3px 6px; min-height: 18px; }
QComboBox QAbstractItemView::item:hover, QComboBox QAbstractItemView::item:selected {
    background: $chosen; color: $ink; }
QMenu { background: $paper; color: $ink; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 22px 5px 30px; border-radius: 4px; }
QMenu::item:selected { background: $chosen; color: $ink; }
QMenu::item:disabled { color: $faint_ink; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QComboBox::drop-down { border: 0; width: 22px; }
QProgressBar { border: 0; border-radius: 3px; background: $track; }
QProgressBar::chunk { border-radius: 3px; background: $accent; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border-color: $accent; }
QLineEdit[invalid="true"] { border-color: $failed; background: $failed_ground; }
QLineEdit[missing="true"] { border-color: $uncertain; background: $uncertain_ground; }
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled { background: $ground; color: $faint_ink; }
QTableView, QTreeView { border: 1px solid $line; border-radius: 4px; background: $paper;
    gridline-color: transparent;
    selection-background-color: $chosen; selection-color: $ink; }
QHeaderView::section { background: $paper; color: $soft_ink; border: 0; border-bottom: 1px solid $line;
    padding: 5px 3px; }
QTableView::item { padding: 0 1px; }
QTreeView::item { padding: 3px 1px; }
QLabel[role="title"] { font-weight: 600; color: $ink; }
QLabel[role="soft"] { color: $soft_ink; }
QFrame[role="card"] { background: $paper; border: 1px solid $line; border-radius: 6px; }
QWidget[role="veil"] { background: $veil; border: 1px solid $line; border-radius: 6px; }
QWidget[role="veil"] QLabel { border: 0; background: transparent; }
QFrame[role="error"] { background: $error_ground; border: 0; border-bottom: 1px solid $error_line; }
QFrame[role="error"] QLabel { color: $error_ink; }
QFrame[role="info"] { background: $info_ground; border: 0; border-bottom: 1px solid $info_line; }
QFrame[role="info"] QLabel { color: $info_ink; }
QLabel[role="ok"] { color: $ok; }
QLabel[role="stated"] { color: $accent; }
QLabel[role="uncertain"] { color: $uncertain; }
QLabel[role="failed"] { color: $failed; }
QScrollArea { border: 0; background: transparent; }
QToolTip { background: $paper; color: $ink; border: 1px solid $line; padding: 4px; }
""")

_TICKS = Template("""
QCheckBox::indicator, QTableView::indicator, QMenu::indicator {
    width: 13px; height: 13px; border: 1px solid $hint; border-radius: 3px; background: $paper; }
QMenu::indicator { left: 9px; }
QMenu::indicator:exclusive { border-radius: 7px; }
QCheckBox::indicator:checked, QTableView::indicator:checked, QMenu::indicator:checked {
    background: $tick_ground; border-color: $tick_ground; image: url("$icons/check.svg"); }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {
    border-color: $line; background: $ground; }
QRadioButton::indicator {
    width: 13px; height: 13px; border: 1px solid $hint; border-radius: 7px; background: $paper; }
QRadioButton::indicator:checked { border-color: $tick_ground;
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5, stop: 0 $paper,
        stop: 0.4 $paper, stop: 0.5 $tick_ground, stop: 1 $tick_ground); }
""")

_ARROW = Template("""
QComboBox::down-arrow { image: url("$icons/chevron-down.svg"); width: 12px; height: 12px; }
QToolButton[popupMode="2"] { padding-right: 22px; }
QToolButton::menu-indicator { image: url("$icons/chevron-down.svg"); width: 12px; height: 12px;
    subcontrol-origin: padding; subcontrol-position: right center; right: 7px; }
""")


def style_sheet(colors: Mapping[str, str], icons: Path | None) -> str:
    """The style sheet in these colors.

    Parameters
    ----------
    colors : mapping of str to str
        By role, as in `xgeom_gui.look.palettes`.
    icons : Path or None
        Folder of the pictures: style sheets take them from files only. None leaves them to the style.
    """
    if icons is None:
        return _SHEET.substitute(colors)
    values = {**colors, "icons": icons.as_posix()}
    return "".join(part.substitute(values) for part in (_SHEET, _TICKS, _ARROW))
