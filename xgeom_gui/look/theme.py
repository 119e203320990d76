"""Colors by role, in a light and a dark theme: one place, so that everything looks alike.

A color is asked for when it is used, never kept: ``painter.setPen(INK.color)``, ``f"color:{SOFT_INK}"``,
``pg.mkPen(ACCENT, width=2)``. What is not painted anew by itself (pens of plots, rich text, style sheets
of single widgets) is made again on `THEME.changed`; connect a method, and call it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from xgeom_gui.look.palettes import DARK, LIGHT
from xgeom_gui.look.style_sheet import style_sheet

ThemeChoice = Literal["system", "light", "dark"]
THEME_CHOICES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)
SPACE = 8


class Theme(QObject):
    """Which colors are in use.

    Signals
    -------
    changed
        Every role has another color.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choice: ThemeChoice = "system"
        self._colors: Mapping[str, str] = LIGHT
        self._icons: Path | None = None
        self._listening = False

    @property
    def choice(self) -> ThemeChoice:
        """What the user chose."""
        return self._choice

    @property
    def dark(self) -> bool:
        """Whether the dark colors are in use."""
        return self._colors is DARK

    def hex_of(self, role: str) -> str:
        """The color of a role as ``#rrggbb``, or ``#aarrggbb`` where it lets something through."""
        return self._colors[role]

    def choose(self, choice: ThemeChoice) -> None:
        """Follow the system, or be light or dark."""
        self._choice = choice
        self.apply()

    def start(self, icons: Path | None) -> None:
        """Put the colors into the application, and follow the system from now on."""
        app = _application()
        app.setStyle("Fusion")
        self._icons = icons
        if not self._listening:
            self._listening = True
            app.styleHints().colorSchemeChanged.connect(self.apply)
        self._put(app)

    def apply(self) -> None:
        """Use the colors that the choice, or else the system, asks for."""
        app = _application()
        wanted = DARK if self._wants_dark(app) else LIGHT
        if wanted is not self._colors:
            self._colors = wanted
            self._put(app)
            self.changed.emit()

    def _wants_dark(self, app: QApplication) -> bool:
        if self._choice == "system":
            return app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._choice == "dark"

    def _put(self, app: QApplication) -> None:
        app.setPalette(_palette())
        app.setStyleSheet(style_sheet(self._colors, self._icons))


THEME = Theme()
"""The theme of the application: there is one application, so there is one theme."""


class Role:
    """A color that follows the theme: it is looked up each time it is used.

    ``color`` is for painting, ``str()`` for style sheets and rich text; Qt takes it as a number and
    pyqtgraph as a sequence of red, green, blue and alpha.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def color(self) -> QColor:
        """The present color."""
        return QColor(THEME.hex_of(self._name))

    def __str__(self) -> str:
        return THEME.hex_of(self._name)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"Role({self._name!r})"

    def __index__(self) -> int:
        return self.color.rgb()

    def __iter__(self) -> Iterator[int]:
        color = self.color
        return iter((color.red(), color.green(), color.blue(), color.alpha()))

    def __len__(self) -> int:
        return 4


INK, SOFT_INK, FAINT_INK, HINT = Role("ink"), Role("soft_ink"), Role("faint_ink"), Role("hint")
LINE, BORDER, TRACK = Role("line"), Role("border"), Role("track")
GROUND, PAPER, STRIPE, CANVAS = Role("ground"), Role("paper"), Role("stripe"), Role("canvas")
VEIL = Role("veil")
"""Behind words that lie on the picture."""

HOVER, PRESSED, CHOSEN, CHOSEN_LINE = Role("hover"), Role("pressed"), Role("chosen"), Role("chosen_line")
ACCENT, ON_ACCENT = Role("accent"), Role("on_accent")
OK, UNCERTAIN, FAILED = Role("ok"), Role("uncertain"), Role("failed")
BEFORE, AFTER = Role("before"), Role("after")
STATUS_COLORS = {"ok": OK, "stated": ACCENT, "uncertain": UNCERTAIN, "failed": FAILED}

_PALETTE = {
    QPalette.ColorRole.Window: GROUND,
    QPalette.ColorRole.WindowText: INK,
    QPalette.ColorRole.Base: PAPER,
    QPalette.ColorRole.AlternateBase: STRIPE,
    QPalette.ColorRole.Text: INK,
    QPalette.ColorRole.BrightText: INK,
    QPalette.ColorRole.PlaceholderText: HINT,
    QPalette.ColorRole.Button: PAPER,
    QPalette.ColorRole.ButtonText: INK,
    QPalette.ColorRole.ToolTipBase: PAPER,
    QPalette.ColorRole.ToolTipText: INK,
    QPalette.ColorRole.Highlight: ACCENT,
    QPalette.ColorRole.HighlightedText: ON_ACCENT,
    QPalette.ColorRole.Link: ACCENT,
    QPalette.ColorRole.Mid: BORDER,
    QPalette.ColorRole.Midlight: LINE,
    QPalette.ColorRole.Light: PAPER,
    QPalette.ColorRole.Dark: BORDER,
    QPalette.ColorRole.Shadow: BORDER,
}
_DISABLED = (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText)


def _palette() -> QPalette:
    palette = QPalette()
    for place, role in _PALETTE.items():
        palette.setColor(place, role.color)
    for place in _DISABLED:
        palette.setColor(QPalette.ColorGroup.Disabled, place, FAINT_INK.color)
    return palette


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget the look of a role of the style sheet, such as "soft", "title" or "uncertain"."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _application() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app


def apply_theme(icons: Path | None) -> None:
    """A calm look on every platform, light or dark.

    Parameters
    ----------
    icons : Path or None
        Folder of the bundled icons, where there is one.
    """
    THEME.start(icons)
