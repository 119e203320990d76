"""Colors that tell runs and validation sets apart, on white and on dark paper."""

from __future__ import annotations

from PySide6.QtGui import QColor

from xgeom_gui.look.theme import THEME

# Degrees around the circle, far apart one after the other; blue is left to the training curve.
_HUES = (28, 150, 285, 185, 345, 55, 250, 105)
_LIGHT, _DARK = (0.72, 0.38), (0.62, 0.66)


def series_color(number: int) -> QColor:
    """Color of the n-th curve in the present theme."""
    saturation, lightness = _DARK if THEME.dark else _LIGHT
    return QColor.fromHslF(_HUES[number % len(_HUES)] / 360.0, saturation, lightness)
