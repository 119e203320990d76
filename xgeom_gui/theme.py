"""Colors, fonts and spacing: one place, so that everything looks alike."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

INK, SOFT_INK, LINE = "#1f2933", "#5f6b7a", "#d5dae1"
GROUND, PAPER, ACCENT = "#f4f6f8", "#ffffff", "#2563a8"
OK, UNCERTAIN, FAILED = "#2e7d4f", "#a86400", "#b3261e"
MASKED, SATURATED = (164, 112, 98, 255), (247, 201, 0, 255)
SPACE = 8

STATUS_COLORS = {"ok": OK, "uncertain": UNCERTAIN, "failed": FAILED}


def apply_theme(app: QApplication, chevron: Path) -> None:
    """A light, calm look on every platform.

    Parameters
    ----------
    chevron : Path
        Picture of the arrow of choices; style sheets take it from a file only.
    """
    app.setStyle("Fusion")
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: GROUND,
        QPalette.ColorRole.WindowText: INK,
        QPalette.ColorRole.Base: PAPER,
        QPalette.ColorRole.AlternateBase: "#f8fafb",
        QPalette.ColorRole.Text: INK,
        QPalette.ColorRole.PlaceholderText: "#8a94a1",
        QPalette.ColorRole.Button: PAPER,
        QPalette.ColorRole.ButtonText: INK,
        QPalette.ColorRole.ToolTipBase: PAPER,
        QPalette.ColorRole.ToolTipText: INK,
        QPalette.ColorRole.Highlight: ACCENT,
        QPalette.ColorRole.HighlightedText: PAPER,
        QPalette.ColorRole.Link: ACCENT,
    }
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#a3abb5"))
    app.setPalette(palette)
    picture = f'image: url("{chevron.as_posix()}")'
    arrow = (
        f"QComboBox::down-arrow {{ {picture}; width: 12px; height: 12px; }}"
        'QToolButton[popupMode="2"] { padding-right: 22px; }'
        f"QToolButton::menu-indicator {{ {picture}; width: 12px; height: 12px;"
        "    subcontrol-origin: padding; subcontrol-position: right center; right: 7px; }"
    )
    app.setStyleSheet(_STYLE_SHEET + (arrow if chevron.exists() else ""))


_STYLE_SHEET = f"""
QMainWindow::separator {{ background: {LINE}; width: 1px; height: 1px; }}
QToolBar {{ background: {PAPER}; border: 0; border-bottom: 1px solid {LINE}; padding: 4px 8px;
    spacing: 4px; }}
QToolBar::separator {{ background: {LINE}; width: 1px; margin: 4px 6px; }}
QToolButton {{ padding: 5px 9px; border: 1px solid transparent; border-radius: 5px; color: {INK}; }}
QToolButton:hover {{ background: {GROUND}; border-color: {LINE}; }}
QToolButton:checked {{ background: #e3edf8; border-color: #b7cfe9; color: {ACCENT}; }}
QToolButton:disabled {{ color: #a3abb5; }}
QToolButton[role="framed"] {{ border-color: {LINE}; background: {PAPER}; padding: 4px 9px; }}
QToolButton[role="framed"]:hover {{ background: #eef3f8; }}
QToolButton[role="framed"]:checked {{ background: #e3edf8; border-color: #b7cfe9; }}
QStatusBar {{ background: {PAPER}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: 0; }}
QDockWidget::title {{ background: {GROUND}; padding: 6px 8px; }}
QTabBar::tab {{ padding: 7px 16px; color: {SOFT_INK}; border: 0; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {INK}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:hover {{ color: {INK}; }}
QPushButton {{ padding: 5px 12px; border: 1px solid #c3cad3; border-radius: 5px; background: {PAPER}; }}
QPushButton:hover {{ background: #eef3f8; }}
QPushButton:pressed {{ background: #dfe8f2; }}
QPushButton:checked {{ background: #e3edf8; border-color: #b7cfe9; color: {ACCENT}; }}
QPushButton:disabled {{ color: #a3abb5; background: {GROUND}; border-color: {LINE}; }}
QPushButton[role="primary"] {{ background: {ACCENT}; border-color: {ACCENT}; color: white; }}
QPushButton[role="primary"]:hover {{ background: #1f5592; }}
QPushButton[role="primary"]:disabled {{ background: #b9cbe0; border-color: #b9cbe0; color: white; }}
QPushButton[role="row"] {{ border: 0; background: transparent; text-align: left; }}
QPushButton[role="row"]:hover, QPushButton[role="row"]:focus {{ background: #e3edf8; }}
QPushButton[role="danger"] {{ color: {FAILED}; }}
QPushButton[role="danger"]:disabled {{ color: #a3abb5; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{
    padding: 3px 6px; border: 1px solid #c3cad3; border-radius: 4px; background: {PAPER}; min-height: 18px; }}
QLineEdit {{ min-height: 20px; }}
QComboBox {{ min-height: 20px; }}
QAbstractSpinBox QLineEdit {{ border: 0; padding: 0 3px; min-height: 0; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QProgressBar {{ border: 0; border-radius: 3px; background: #e3e8ee; }}
QProgressBar::chunk {{ border-radius: 3px; background: {ACCENT}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{ border-color: {ACCENT}; }}
QLineEdit[invalid="true"] {{ border-color: {FAILED}; background: #fdf1f0; }}
QLineEdit[missing="true"] {{ border-color: {UNCERTAIN}; background: #fffaf0; }}
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled {{ background: {GROUND}; color: #a3abb5; }}
QTableView, QTreeView {{ border: 1px solid {LINE}; border-radius: 4px; background: {PAPER};
    gridline-color: transparent;
    selection-background-color: #e3edf8; selection-color: {INK}; }}
QHeaderView::section {{ background: {PAPER}; color: {SOFT_INK}; border: 0; border-bottom: 1px solid {LINE};
    padding: 5px 3px; }}
QTableView::item {{ padding: 0 1px; }}
QTreeView::item {{ padding: 3px 1px; }}
QLabel[role="title"] {{ font-weight: 600; color: {INK}; }}
QLabel[role="soft"] {{ color: {SOFT_INK}; }}
QScrollArea {{ border: 0; background: transparent; }}
QToolTip {{ background: {PAPER}; color: {INK}; border: 1px solid {LINE}; padding: 4px; }}
"""
