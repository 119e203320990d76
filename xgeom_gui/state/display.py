"""How counts are drawn: scale, colors and contrast. Observable, and without any widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_gui.services.contrast import PERCENTILES, SCALES, Levels, Scale, automatic_levels, resembles
from xgeom_gui.services.picture import Picture

COLOR_MAPS = ("grey", "viridis", "inferno", "magma", "cividis")
_LEAST_RANGE = 1e-9


class Display(QObject):
    """The look of the picture.

    Signals
    -------
    changed
        The picture must be drawn anew.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale = "linear"
        self._color_map, self._inverted = "grey", True
        self._percentiles: dict[Scale, Levels] = dict(PERCENTILES)
        self._manual: Levels | None = None
        self._picture: Picture | None = None
        self._automatic: tuple[Levels, ...] = ()

    @property
    def scale(self) -> Scale:
        """Scale of counts."""
        return self._scale

    @property
    def color_map(self) -> str:
        """One of `COLOR_MAPS`."""
        return self._color_map

    @property
    def inverted(self) -> bool:
        """Whether the color map runs backwards: for grey, spots are dark on a light ground."""
        return self._inverted

    @property
    def automatic(self) -> bool:
        """Whether the contrast follows the frames."""
        return self._manual is None

    @property
    def percentiles(self) -> Levels:
        """Percent of the pixels at the ends of the automatic contrast of the present scale."""
        return self._percentiles[self._scale]

    @property
    def unit(self) -> float:
        """Counts that the frame shown tells apart."""
        return self._picture.coding.unit if self._picture else 1.0

    def levels(self, number: int = 0) -> Levels:
        """Counts at the two ends of the color map, for a level of the picture's pyramid."""
        if self._manual is not None:
            return self._manual
        return self._automatic[min(number, len(self._automatic) - 1)] if self._automatic else (0.0, 1.0)

    def set_scale(self, scale: Scale) -> None:
        """Draw counts on another scale."""
        if scale != self._scale and scale in SCALES:
            self._scale = scale
            self._measure()
            self.changed.emit()

    def set_colors(self, color_map: str, inverted: bool) -> None:
        """Draw with another color map, from one end or the other."""
        if (color_map, inverted) != (self._color_map, self._inverted) and color_map in COLOR_MAPS:
            self._color_map, self._inverted = color_map, inverted
            self.changed.emit()

    def set_levels(self, low: float, high: float) -> None:
        """Fix the contrast."""
        levels = (low, max(high, low + _LEAST_RANGE))
        if levels != self._manual:
            self._manual = levels
            self.changed.emit()

    def set_automatic(self) -> None:
        """Let the contrast follow the frames, beginning with the one shown."""
        self._manual = None
        self._measure()
        self.changed.emit()

    def set_percentiles(self, low: float, high: float) -> None:
        """Percent of the pixels at the ends of the automatic contrast of the present scale."""
        if not 0 <= low < high <= 100:
            return
        self._percentiles[self._scale] = (low, high)
        self.set_automatic()

    def follow(self, picture: Picture, fresh: bool) -> None:
        """Another picture is shown; `fresh` if it is of another file: then nothing is kept steady."""
        if fresh and self._picture is not None:
            # What suited another file would draw this one all black or all white.
            self._manual = None
        self._picture = picture
        before = self._automatic
        self._measure()
        keep = not fresh and len(before) == len(self._automatic) and resembles(before[0], self._automatic[0])
        if keep:
            self._automatic = before

    def state(self) -> dict[str, Any]:
        """Everything the user chose, as plain values for preferences and session files."""
        return {
            "scale": self._scale,
            "color_map": self._color_map,
            "inverted": self._inverted,
            "percentiles": {scale: list(pair) for scale, pair in self._percentiles.items()},
            "levels": list(self._manual) if self._manual is not None else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave; whatever does not make sense is left as it is."""
        if state.get("scale") in SCALES:
            self._scale = state["scale"]
        if state.get("color_map") in COLOR_MAPS:
            self._color_map = state["color_map"]
        self._inverted = bool(state.get("inverted", self._inverted))
        percentiles = state.get("percentiles")
        for scale, pair in percentiles.items() if isinstance(percentiles, Mapping) else ():
            found = _pair(pair)
            if scale in SCALES and found and 0 <= found[0] < found[1] <= 100:
                self._percentiles[scale] = found
        levels = _pair(state.get("levels"))
        self._manual = levels if levels and levels[0] < levels[1] else None
        self._measure()
        self.changed.emit()

    def _measure(self) -> None:
        if self._picture is not None:
            percent = self.percentiles
            self._automatic = tuple(automatic_levels(one.histogram, percent) for one in self._picture.levels)


def _pair(value: Any) -> Levels | None:
    """Two numbers, or None."""
    try:
        low, high = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return low, high
