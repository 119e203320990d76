"""The small panels of the explaining picture: centers, spots, profiles, sectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.report.explain_style import INK, LINE, SOFT, SOURCES, extent, few_ticks, gray
from xgeom_core.predict.report.explanation import Explanation
from xgeom_core.predict.report.sector_profiles import SectorProfiles


def draw_zoom(axes: Any, explanation: Explanation) -> None:
    """The centers of all sources, with ellipses of two standard deviations."""
    from matplotlib.patches import Ellipse  # noqa: PLC0415 - matplotlib takes half a second to import

    x, y = explanation.answer.center_px
    reach = _zoom_reach(explanation)
    shown, low, high = gray(explanation.image)
    axes.imshow(shown, cmap="gray_r", vmin=low, vmax=2.5 * high, extent=extent(explanation), alpha=0.35)
    for cx, cy, probability in explanation.origins[1:]:
        axes.plot(cx, cy, "o", mfc="none", mec=SOURCES["lattice"], ms=5 + 6 * probability, mew=1)
    for mark in explanation.marks:
        color = SOURCES[mark.name]
        if mark.covariance is not None and np.isfinite(mark.covariance).all():
            width, height, angle = _ellipse(mark.covariance[:2, :2])
            face = {"facecolor": color, "alpha": 0.13, "edgecolor": "none"}
            line = {"facecolor": "none", "edgecolor": color, "lw": 1.0}
            for style in (face, line):
                axes.add_patch(Ellipse(mark.center_px, 4 * width, 4 * height, angle=angle, **style))
        size = 12 if mark.name == "answer" else 8
        axes.plot(*mark.center_px, "+", color=color, ms=size, mew=1.8, label=mark.name)
    axes.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach), xlabel="x (px)", ylabel="y (px)")
    _point_outside(axes, explanation, reach)
    axes.set_title("who puts the center where (2σ)")
    few_ticks(axes)


def _zoom_reach(explanation: Explanation) -> float:
    """Half the width of the zoom in native px.

    It shows what decides: the network and the header only where nothing else spoke, or where they are
    about as near.
    """
    center = np.array(explanation.answer.center_px)
    far = {m.name: float(np.hypot(*(np.array(m.center_px) - center))) for m in explanation.marks}
    fine = [value for name, value in far.items() if name in {"background", "lattice"}]
    reach = max([*(fine or far.values()), 2.5 * max(explanation.answer.center_sigma_px or (1.0,)), 0.3])
    reach = max([reach, *(value for value in far.values() if value < 3.0 * reach)])
    near = [float(np.hypot(x - center[0], y - center[1])) for x, y, p in explanation.origins if p > 1e-3]
    return 1.3 * min(max([reach, *near]), 0.25 * max(explanation.shape))


def _point_outside(axes: Any, explanation: Explanation, reach: float) -> None:
    """Arrows at the rim towards the sources that lie outside the zoom."""
    x, y = explanation.answer.center_px
    for mark in explanation.marks:
        dx, dy = mark.center_px[0] - x, mark.center_px[1] - y
        if max(abs(dx), abs(dy)) <= reach:
            continue
        length = float(np.hypot(dx, dy))
        ux, uy = dx / length, dy / length
        scale = 0.93 * reach / max(abs(ux), abs(uy))
        color = SOURCES[mark.name]
        tip, tail = (x + scale * ux, y + scale * uy), (x + 0.72 * scale * ux, y + 0.72 * scale * uy)
        axes.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.4})
        axes.text(
            x + 0.62 * scale * ux,
            y + 0.62 * scale * uy,
            f"{mark.name} {length:.1f} px",
            color=color,
            fontsize=7.5,
            ha="center",
            va="center",
        )


def _ellipse(covariance: FloatArray) -> tuple[float, float, float]:
    """Standard deviations along the principal axes, and the angle of the first in degrees."""
    values, vectors = np.linalg.eigh(covariance)
    width, height = np.sqrt(np.maximum(values[::-1], 1e-12))
    return float(width), float(height), float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))


def draw_spots(axes: Any, explanation: Explanation) -> None:
    """Predicted minus observed positions of the indexed spots."""
    spots = explanation.spots
    axes.set_title("spots: predicted − observed")
    if spots is None or not spots.indexed.any():
        _empty(axes, "no lattice")
        return
    off = spots.predicted[spots.indexed] - np.stack([spots.x, spots.y], axis=1)[spots.indexed]
    off = off[np.isfinite(off).all(axis=1)]
    reach = max(1.0, float(np.quantile(np.abs(off), 0.98)) * 1.2) if len(off) else 1.0
    axes.axhline(0, color=LINE, lw=0.8)
    axes.axvline(0, color=LINE, lw=0.8)
    axes.plot(off[:, 0], off[:, 1], ".", color=SOURCES["lattice"], ms=4, alpha=0.6, mew=0)
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach), xlabel="Δx (px)", ylabel="Δy (px)")
    few_ticks(axes)


def _empty(axes: Any, text: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=SOFT)


def draw_profiles(figure: Any, explanation: Explanation) -> None:
    """Profiles of sectors about the start and about the answer, side by side on one scale."""
    left = figure.add_axes((0.60, 0.075, 0.095, 0.18))
    right = figure.add_axes((0.71, 0.075, 0.095, 0.18))
    both = [item for item in (explanation.before, explanation.after) if item is not None]
    _profile(left, explanation.before, "sectors, before")
    _profile(right, explanation.after, "after")
    left.set_ylabel("counts / px")
    right.set_yticklabels([])
    values = [item.leveled[np.isfinite(item.leveled)] for item in both]
    if values and values[0].size:
        high = max(float(np.quantile(item, 0.995)) for item in values)
        low = min(float(np.quantile(item, 0.005)) for item in values)
        reach = max(float(item.radius_px[np.isfinite(item.mean)].max()) for item in both)
        for axes in (left, right):
            axes.set(ylim=(low - 0.05 * (high - low), high + 0.08 * (high - low)), xlim=(0, reach))
    few_ticks(left)
    few_ticks(right)


def _profile(axes: Any, profiles: SectorProfiles | None, title: str) -> None:
    from matplotlib import colormaps  # noqa: PLC0415 - matplotlib takes half a second to import

    axes.set_title(title)
    axes.set_xlabel("radius (px)")
    if profiles is None:
        _empty(axes, "nothing to cut")
        return
    colors = colormaps["twilight_shifted"](np.linspace(0.12, 0.88, len(profiles.leveled)))
    for row, color in zip(profiles.leveled, colors, strict=True):
        axes.plot(profiles.radius_px, row, color=color, lw=0.7, alpha=0.9)
    axes.plot(profiles.radius_px, profiles.mean, color=INK, lw=0.9)


def draw_sectors(axes: Any, explanation: Explanation) -> None:
    """How far outwards the features of each sector lie, before and after."""
    axes.set_title("shift by sector (px)")
    reach = 0.0
    for name, table, style in (
        ("before", _table(explanation.before), {"color": "#a3aeb9", "mfc": "white", "lw": 0.8}),
        ("after", _after(explanation), {"color": SOURCES["answer"], "lw": 1.0}),
    ):
        if len(table):
            azimuth, shift, sigma = table.T
            axes.errorbar(azimuth % 360.0, shift, sigma, fmt="o", ms=4, capsize=0, label=name, **style)
            reach = max(reach, float(np.abs(shift).max()))
    if not reach:
        _empty(axes, "nothing to compare")
        return
    axes.axhline(0, color=LINE, lw=0.8, zorder=0)
    axes.set(xlim=(0, 360), xticks=[0, 90, 180, 270, 360], xlabel="azimuth (°), right → down")
    axes.set_ylim(-1.3 * reach - 0.05, 1.6 * reach + 0.05)
    axes.legend(loc="upper right", ncols=2, borderaxespad=0, handletextpad=0.1, columnspacing=0.8)


def _table(profiles: SectorProfiles | None) -> FloatArray:
    """Rows of azimuth, shift and sigma."""
    if profiles is None:
        return np.zeros((0, 3))
    table = np.stack([profiles.azimuth_deg, profiles.shift_px, profiles.sigma_px], axis=1)
    return np.asarray(table[np.isfinite(table).all(axis=1)])


def _after(explanation: Explanation) -> FloatArray:
    """The background fit's own residuals where it is part of the answer: its model knows more."""
    fitted = explanation.fitted_shifts
    if fitted is not None and any(
        "background" in value for name, value in explanation.lines if name == "evidence"
    ):
        return np.asarray(fitted[np.isfinite(fitted).all(axis=1)])
    return _table(explanation.after)
