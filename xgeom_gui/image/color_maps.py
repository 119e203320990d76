"""Color maps, and the colors of pixels that have no counts to show."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from xgeom_gui.services.coding import GAP, HOT, MASKED, PAINTED, SATURATED, TOP, Codes, Coding
from xgeom_gui.services.contrast import stretch
from xgeom_gui.state.display import Display

COLOR_MAP_NAMES = {
    "grey": "Grey",
    "viridis": "Viridis",
    "inferno": "Inferno",
    "magma": "Magma",
    "cividis": "Cividis",
}

SPECIAL_NAMES = {
    GAP: "Gap between modules",
    MASKED: "Masked",
    PAINTED: "Masked by you",
    SATURATED: "Saturated",
    HOT: "Hot? (stands alone)",
}

_SPECIAL = {
    GAP: "#d0b4a6",
    MASKED: "#a47062",
    PAINTED: "#7a8fd6",
    SATURATED: "#f7c900",
    HOT: "#e0218a",
}
# On colored maps yellow and magenta are counts; these are not.
_SPECIAL_COLORED = {
    GAP: "#77709a",
    MASKED: "#a58fd0",
    PAINTED: "#ffffff",
    SATURATED: "#00d5ff",
    HOT: "#39ff14",
}
_SHADES = 256
_OPAQUE = np.uint32(0xFF000000)


def special_colors(color_map: str) -> dict[int, str]:
    """Color of each special code beside a color map, in the order of the legend."""
    return _SPECIAL if color_map == "grey" else _SPECIAL_COLORED


@cache
def shades(color_map: str, inverted: bool) -> NDArray[np.uint32]:
    """The colors of a map as 256 opaque pixels ``0xffRRGGBB``."""
    if color_map == "grey":
        rgb = np.repeat(np.arange(_SHADES, dtype=np.uint32)[:, None], 3, axis=1)
    else:
        rgb = pg.colormap.get(color_map).getLookupTable(nPts=_SHADES, alpha=False).astype(np.uint32)
    pixels = (_OPAQUE | (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]).astype(np.uint32)
    return pixels[::-1] if inverted else pixels


@cache
def _all_counts(coding: Coding) -> NDArray[np.float64]:
    return coding.decode(np.arange(TOP + 1, dtype=np.uint16))


def look_up_table(display: Display, coding: Coding, number: int) -> NDArray[np.uint32]:
    """The pixel ``0xffRRGGBB`` of each code, for a level of the pyramid.

    Returns
    -------
    ndarray of uint32, shape (65536,)
    """
    colors = shades(display.color_map, display.inverted)
    place = stretch(_all_counts(coding), display.levels(number), display.scale, coding.unit)
    table = np.full(1 << 16, _OPAQUE, dtype=np.uint32)
    table[: TOP + 1] = colors[(place * (_SHADES - 1) + 0.5).astype(np.uint8)]
    for code, color in special_colors(display.color_map).items():
        table[code] = _OPAQUE | np.uint32(int(color[1:], 16))
    return table


def colored(codes: Codes, table: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Pixels of an image of codes."""
    return table.take(codes)
