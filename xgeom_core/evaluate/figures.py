"""Figures, drawn without a screen. matplotlib is imported when the first one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xgeom_core.evaluate.metrics import pearson
from xgeom_core.geometry import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The poster's colors: red for the known center, orange and blue for two models.
KNOWN, FIRST, SECOND = "#d62728", "#ff7f0e", "#1f77b4"
_MARKS = (FIRST, SECOND, "#2ca02c", "#9467bd")
# Tell the validation sets of one run apart, which share its color.
_SETS = "osD^vP*X"
_AXES = ("center x, px of 820", "center y, px of 820", "pitch, deg", "yaw, deg")


def figure(width: float, height: float) -> Figure:
    """An empty figure, inches; belongs to no window."""
    from matplotlib.figure import Figure as Made  # noqa: PLC0415 - takes most of a second

    return Made(figsize=(width, height), layout="constrained")


def close(drawn: Figure) -> None:
    """Let a figure's memory go."""
    drawn.clear()


def predicted_against_actual(truth: FloatArray, predicted: FloatArray, title: str = "") -> Figure:
    """Actual against predicted values, one panel per output, with Pearson correlations.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n, 2) or (n, 4)
        Center x, y in pixels, then pitch, yaw in degrees; NaN where unknown.
    title : str
    """
    count = truth.shape[1]
    drawn = figure(3 * count, 3.4)
    drawn.suptitle(title)
    for column, name in enumerate(_AXES[:count]):
        axes = drawn.add_subplot(1, count, column + 1)
        x, y = truth[:, column], predicted[:, column]
        there = np.isfinite(x) & np.isfinite(y)
        axes.scatter(x[there], y[there], s=8, color=SECOND, alpha=0.6, linewidths=0)
        if there.any():
            ends = [float(x[there].min()), float(x[there].max())]
            axes.plot(ends, ends, color="0.4", linewidth=1)
        axes.set_title(f"Pearson {pearson(x, y):.3f}", fontsize=9)
        axes.set_xlabel(f"actual {name}")
        axes.set_ylabel("predicted")
    return drawn


def frames_with_marks(
    images: Sequence[FloatArray],
    marks: Sequence[Mapping[str, Any]],
    titles: Sequence[str] = (),
    columns: int = 3,
) -> Figure:
    """Frames, black is bright, with an X for every opinion on the center.

    Parameters
    ----------
    images : sequence of ndarray, shape (H, W)
        Values of any scale; shown between their 1% and 99.5% quantiles.
    marks : sequence of dict
        Name to ``(x, y)`` in pixels; "known" is red, others take the poster's colors in their order.
    titles : sequence of str
    columns : int
    """
    rows = max(1, -(-len(images) // columns))
    drawn = figure(3.4 * columns, 3.5 * rows)
    for number, image in enumerate(images):
        axes = drawn.add_subplot(rows, columns, number + 1)
        low, high = np.quantile(image, [0.01, 0.995])
        axes.imshow(image, cmap="gray_r", vmin=low, vmax=max(high, low + 1e-6), extent=_extent(image))
        others = [name for name in marks[number] if name != "known"]
        for name, place in marks[number].items():
            color = KNOWN if name == "known" else _MARKS[others.index(name) % len(_MARKS)]
            axes.plot(*place, "x", color=color, markersize=8, markeredgewidth=1.6, label=name)
        axes.set_axis_off()
        if number < len(titles):
            axes.set_title(titles[number], fontsize=8)
        if number == 0:
            axes.legend(fontsize=7, loc="upper right")
    return drawn


def _extent(image: FloatArray) -> tuple[float, float, float, float]:
    """Corner-origin pixel coordinates."""
    return (0.0, float(image.shape[1]), float(image.shape[0]), 0.0)


def loss_curves(runs: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]], quantity: str) -> Figure:
    """Curves of several runs in one plot, each run in one color.

    Parameters
    ----------
    runs : dict
        Name of the run to name of the curve (``"training"``, or a validation set) to its points
        ``(step, value)``; training is dashed, each validation set has its own marker.
    quantity : str
        Label of the ordinate.
    """
    drawn = figure(7, 4)
    axes = drawn.add_subplot()
    sets = dict.fromkeys(name for curves in runs.values() for name in curves if name != "training")
    marks = {name: _SETS[place % len(_SETS)] for place, name in enumerate(sets)}
    for number, (run, curves) in enumerate(runs.items()):
        for name, points in curves.items():
            if not points:
                continue
            steps, values = zip(*points, strict=True)
            style = "--" if name == "training" else "-"
            axes.plot(
                *(steps, values, style),
                color=f"C{number % 10}",
                marker=marks.get(name),
                markersize=4,
                alpha=0.8,
                label=f"{run}: {name}",
            )
    axes.set_xlabel("step")
    axes.set_ylabel(quantity)
    if axes.lines:
        axes.legend(fontsize=7)
    return drawn


def error_against(
    quantities: Mapping[str, FloatArray], errors: Mapping[str, FloatArray], unit: str
) -> Figure:
    """Errors against what may cause them: points, and medians of equally filled bins.

    Parameters
    ----------
    quantities : dict
        Name to values, shape (n,); logarithmic where all are above 0 and span a decade.
    errors : dict
        Name of a model to its errors, shape (n,).
    unit : str
        Of the errors.
    """
    drawn = figure(3.6 * len(quantities), 3.4)
    for column, (name, values) in enumerate(quantities.items()):
        axes = drawn.add_subplot(1, len(quantities), column + 1)
        for number, (model, wrong) in enumerate(errors.items()):
            there = np.isfinite(values) & np.isfinite(wrong) & (wrong > 0)
            color = _MARKS[number % len(_MARKS)]
            axes.scatter(values[there], wrong[there], s=5, alpha=0.35, color=color, linewidths=0)
            middle, typical = binned_medians(values[there], wrong[there])
            axes.plot(middle, typical, "o-", color=color, markersize=4, label=model)
        finite = values[np.isfinite(values)]
        if len(finite) and finite.min() > 0 and finite.max() > 10 * finite.min():
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter("")
        if any(np.size(line.get_ydata()) for line in axes.lines):
            axes.set_yscale("log")
        axes.set_xlabel(name)
        axes.set_ylabel(f"error, {unit}")
        if column == 0 and axes.lines:
            axes.legend(fontsize=7)
    return drawn


def binned_medians(values: FloatArray, errors: FloatArray, bins: int = 6) -> tuple[FloatArray, FloatArray]:
    """Medians of values and errors in bins that hold about as many points each."""
    if not len(values):
        return np.array([]), np.array([])
    parts = np.array_split(np.argsort(values, kind="stable"), min(bins, max(1, len(values) // 4)))
    middle = [float(np.median(values[part])) for part in parts]
    return np.array(middle), np.array([float(np.median(errors[part])) for part in parts])
