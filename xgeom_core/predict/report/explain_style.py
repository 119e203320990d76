"""Colors and small things that the panels of the explaining picture share."""

from __future__ import annotations

from typing import Any

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.report.explanation import Explanation

INK, SOFT, LINE, PAPER = "#1f2933", "#66737f", "#d5dbe1", "#ffffff"
SOURCES = {
    "header": "#7b8794",
    "network": "#2f6fb3",
    "start": "#2f6fb3",
    "background": "#2c8a57",
    "lattice": "#c77700",
    "answer": "#c2264b",
}
STATUS = {"ok": "#2c8a57", "uncertain": "#c77700", "failed": "#b3261e"}
# Colors laid over what was left out: masked, inner part, spot, shadow, bright patch.
KIND_COLORS = {1: "#c9d1d9", 2: "#b7a3d9", 3: "#f0c14b", 4: "#6b8fd6", 5: "#e58a6f"}


def extent(explanation: Explanation) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of the image in native px."""
    rows, columns = explanation.image.shape
    x0, y0 = explanation.pooling.to_native((0.0, 0.0))
    x1, y1 = explanation.pooling.to_native((float(columns), float(rows)))
    return x0, x1, y1, y0


def gray(image: FloatArray) -> tuple[FloatArray, float, float]:
    """The image on a root scale and the limits of the gray; dark where there are counts."""
    shown = np.sqrt(np.clip(image, 0.0, None))
    seen = shown[np.isfinite(shown)]
    if not seen.size:
        return shown, 0.0, 1.0
    low, high = np.percentile(seen, [1.0, 99.5])
    return shown, float(low), float(max(high * 1.3, low + 1e-6))


def few_ticks(axes: Any, count: int = 4) -> None:
    """Few and round numbers along the axes."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - matplotlib takes half a second to import

    axes.xaxis.set_major_locator(MaxNLocator(count))
    axes.yaxis.set_major_locator(MaxNLocator(count))


def style() -> Any:
    """Settings of matplotlib for the whole picture."""
    return {
        "font.family": "DejaVu Sans",
        "font.size": 9.0,
        "axes.edgecolor": LINE,
        "axes.labelcolor": SOFT,
        "axes.titlecolor": INK,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "axes.titlepad": 7.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "text.color": INK,
        "legend.frameon": False,
        "legend.fontsize": 8.0,
    }
