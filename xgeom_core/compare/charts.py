"""Differences over frames and in the plane, as one SVG that stands in a page of HTML."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Series = Mapping[str, Sequence[tuple[float, float]]]

# Distinguishable in print and to the color-blind (Okabe and Ito), with a shape besides.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")
_SHAPES = "osD^x"
# More points than this add weight to the file and nothing to the picture.
_MOST_POINTS = 2000


def charts_svg(over_frames: Mapping[str, Series], plane: Series) -> str:
    """The charts below each other, with a legend.

    Parameters
    ----------
    over_frames : mapping of str to Series
        Label of an axis -> source -> ``(frame, value)``; one chart each.
    plane : Series
        Source -> differences ``(dx, dy)`` in px: y is drawn downwards, at equal scales.

    Returns
    -------
    str
        An ``<svg>`` element; the same input gives the same text.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - takes most of a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    heights = [2.2] * len(over_frames) + [3.6]
    with rc_context({"svg.hashsalt": "xgeom", "svg.fonttype": "none", "font.size": 8.0}):
        drawn = Figure(figsize=(7.5, sum(heights)), layout="constrained")
        panels = drawn.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (label, series) in zip(panels, over_frames.items(), strict=False):
            _marks(axes, series)
            axes.axhline(0.0, color="0.5", linewidth=0.8)
            axes.set_ylabel(label)
            axes.xaxis.get_major_locator().set_params(integer=True)
        panels[-2 if len(panels) > 1 else 0].set_xlabel("frame")
        _marks(panels[-1], plane)
        panels[-1].set(xlabel="dx (px)", ylabel="dy (px), down", aspect="equal", adjustable="datalim")
        panels[-1].invert_yaxis()
        if plane:
            drawn.legend(*panels[-1].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawn.savefig(buffer, format="svg", metadata=nothing, transparent=False)
    text = buffer.getvalue()
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def _marks(axes: Axes, series: Series) -> None:
    for number, (source, points) in enumerate(series.items()):
        pairs = np.array(points, dtype=float).reshape(-1, 2)
        # What is no number, or too large for a plot, has no place in one.
        pairs = pairs[np.abs(np.nan_to_num(pairs, nan=np.inf)).max(axis=1, initial=0.0) < 1e12]
        pairs = pairs[:: -(-len(pairs) // _MOST_POINTS) or 1]
        # "$" would begin a formula and "_" hide a name from the legend.
        label = "\u200b" + source.replace("$", r"\$")
        axes.plot(
            *pairs.T,
            linestyle="",
            color=_COLORS[number % len(_COLORS)],
            marker=_SHAPES[number % len(_SHAPES)],
            markersize=4,
            alpha=0.75,
            label=label,
            gid=f"source-{number}",
        )
