"""The frame in the explaining picture: what was used, what was left out, spots and rings."""

from __future__ import annotations

from typing import Any

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.report.explain_style import KIND_COLORS, SOURCES, extent, gray
from xgeom_core.predict.report.explanation import KINDS, Explanation

_RINGS_A = (20.0, 10.0, 6.0, 4.0, 3.0, 2.5, 2.0, 1.7, 1.5, 1.2, 1.0, 0.8)


def draw_image(axes: Any, explanation: Explanation) -> None:
    """The frame with everything laid over it."""
    shown, low, high = gray(explanation.image)
    axes.imshow(
        shown, cmap="gray_r", vmin=low, vmax=high, extent=extent(explanation), interpolation="antialiased"
    )
    axes.imshow(_overlay(explanation.kinds), extent=extent(explanation), interpolation="nearest")
    height, width = explanation.shape
    _draw_rings(axes, explanation)
    spots = explanation.spots
    handles = _kind_handles(explanation)
    if spots is not None:
        for which, color, name in (
            (~spots.indexed, "#8a97a5", "other spots"),
            (spots.indexed, SOURCES["lattice"], "indexed spots"),
        ):
            if which.any():
                style = {"s": 26, "facecolors": "none", "linewidths": 0.8, "edgecolors": color}
                handles.append(
                    axes.scatter(spots.x[which], spots.y[which], label=f"{name} ({which.sum()})", **style)
                )
    x, y = explanation.answer.center_px
    axes.plot(x, y, "+", color=SOURCES["answer"], ms=15, mew=1.6)
    axes.set(xlim=(0, width), ylim=(height, 0), xlabel="x, fast (px)", ylabel="y, slow (px)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    axes.set_anchor("NW")
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, -0.045),
        ncols=4,
        columnspacing=1.6,
        handletextpad=0.5,
        borderaxespad=0.3,
    )


def _overlay(kinds: Any) -> FloatArray:
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - matplotlib takes half a second to import

    layer = np.zeros((*kinds.shape, 4))
    for code, color in KIND_COLORS.items():
        where = kinds == code
        layer[where, :3] = to_rgb(color)
        layer[where, 3] = 1.0 if code == 1 else 0.45
    return layer


def _kind_handles(explanation: Explanation) -> list[Any]:
    from matplotlib.patches import Patch  # noqa: PLC0415 - matplotlib takes half a second to import

    shares = explanation.shares()
    handles = []
    for code, color in KIND_COLORS.items():
        share = shares.get(KINDS[code], 0.0)
        if share > 0:
            name = {"spot": "spots left out"}.get(KINDS[code], KINDS[code])
            text = f"{name} {100 * share:.1f}%"
            handles.append(Patch(facecolor=color, alpha=1.0 if code == 1 else 0.6, label=text))
    return handles


def _draw_rings(axes: Any, explanation: Explanation) -> None:
    """Rings of resolution about the answer, or nothing where the wavelength is unknown."""
    geometry = explanation.geometry
    if geometry is None or geometry.wavelength_A is None:
        return
    height, width = explanation.shape
    angle = np.linspace(0.0, 2.0 * np.pi, 361)
    last = 0.0
    for d in _RINGS_A:
        sine = geometry.wavelength_A / (2.0 * d)
        if sine >= 0.7:
            continue
        two_theta = 2.0 * np.arcsin(sine)
        rays = np.stack(
            [
                np.cos(angle) * np.sin(two_theta),
                np.sin(angle) * np.sin(two_theta),
                np.full_like(angle, np.cos(two_theta)),
            ],
            axis=-1,
        )
        x, y = geometry.from_lab(rays)
        inside = (x > 0) & (x < width) & (y > 0) & (y < height)
        radius = np.tan(two_theta) * geometry.distance_mm / geometry.pixel_mm[0]
        if inside.mean() < 0.25 or radius - last < 0.05 * max(width, height):
            continue
        last = float(radius)
        axes.plot(x, y, color=SOURCES["answer"], lw=0.5, alpha=0.55)
        place = np.flatnonzero(inside)[np.argmin(np.abs(angle[inside] - 1.75 * np.pi))]
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        axes.text(
            x[place],
            y[place],
            f"{d:g} Å",
            fontsize=7,
            color=SOURCES["answer"],
            ha="center",
            va="center",
            bbox=box,
        )
