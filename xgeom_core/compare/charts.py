"""Two small charts as SVG, drawn by hand: differences over frames, and differences in the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Series = Mapping[str, Sequence[tuple[float, float]]]

# Distinguishable in print and to the color-blind (Okabe and Ito), with a shape besides.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
SHAPES = ("circle", "square", "diamond", "triangle", "cross")
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 40
# More points than this add weight to the file and nothing to the picture.
_MOST_POINTS = 2000


def over_frames(series: Series, x_label: str, y_label: str, size: tuple[int, int] = (720, 240)) -> str:
    """Values over frame numbers, one mark a value and one color and shape a source.

    Parameters
    ----------
    series : mapping of str to sequence of (float, float)
        Source -> ``(frame, value)``; values that are no numbers are left out.
    x_label, y_label : str
        Words at the axes.
    size : tuple of int
        Width and height in px.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    shown = _finite(series)
    return _chart(shown, _range(shown, 0), _range(shown, 1, zero=True), (x_label, y_label), size, whole=True)


def in_plane(series: Series, label: str, side: int = 300) -> str:
    """Differences ``(dx, dy)`` in the plane of the image: x to the right, y *downwards*, equal scales."""
    shown = _finite(series)
    values = [abs(value) for points in shown.values() for point in points for value in point]
    reach = 1.1 * max([*values, 0.1])
    size = (side + _LEFT + _RIGHT, side + _TOP + _BOTTOM)
    return _chart(shown, (-reach, reach), (-reach, reach), (f"x {label}", f"y {label} (down)"), size)


def legend_mark(number: int) -> str:
    """The mark of a source, as a small ``<svg>`` for the legend."""
    return f'<svg class="mark" width="14" height="14">{_mark(number, 7, 7)}</svg>'


def _finite(series: Series) -> dict[str, list[tuple[float, float]]]:
    """Only finite points, thinned evenly where there are very many."""
    shown = {}
    for name, points in series.items():
        good = [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1])]
        step = -(-len(good) // _MOST_POINTS) or 1
        shown[name] = good[::step]
    return shown


def _range(
    shown: Mapping[str, Sequence[tuple[float, float]]], axis: int, zero: bool = False
) -> tuple[float, float]:
    values = [point[axis] for points in shown.values() for point in points] + ([0.0] if zero else [])
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    # One value, or values too large to tell apart, still need a range.
    margin = max(0.08 * (high - low), 1e-6 * max(abs(high), abs(low))) or 0.5
    # Values grow upwards, which SVG does not.
    return (high + margin, low - margin) if zero else (low - margin, high + margin)


def _chart(
    shown: Mapping[str, Sequence[tuple[float, float]]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    labels: tuple[str, str],
    size: tuple[int, int],
    whole: bool = False,
) -> str:
    """Axes, grid and marks; ``y_range`` is (value at the top, value at the bottom).

    With `whole`, the x axis counts things: half of one gets no tick.
    """
    width, height = size
    inner = (width - _LEFT - _RIGHT, height - _TOP - _BOTTOM)

    def at(x: float, y: float) -> tuple[float, float]:
        u = (x - x_range[0]) / (x_range[1] - x_range[0])
        v = (y - y_range[0]) / (y_range[1] - y_range[0])
        return _LEFT + u * inner[0], _TOP + v * inner[1]

    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(labels[1])} against {escape(labels[0])}">',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{inner[0]}" height="{inner[1]}" class="plot"/>',
    ]
    for value in _ticks(min(x_range), max(x_range)):
        if whole and value != round(value):
            continue
        x, _ = at(value, y_range[0])
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + inner[1]}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP + inner[1] + 14}" text-anchor="middle">{value:g}</text>')
    for value in _ticks(min(y_range), max(y_range)):
        _, y = at(x_range[0], value)
        kind = "zero" if value == 0 else "grid"
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + inner[0]}" y1="{y:.1f}" y2="{y:.1f}" class="{kind}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = _LEFT + inner[0] / 2, _TOP + inner[1] / 2
    parts.append(
        f'<text x="{middle[0]:.0f}" y="{height - 8}" text-anchor="middle">{escape(labels[0])}</text>'
        f'<text transform="translate(14 {middle[1]:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(labels[1])}</text>"
    )
    for number, points in enumerate(shown.values()):
        parts += [_mark(number, *at(x, y)) for x, y in points]
    return "".join([*parts, "</svg>"])


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within a range."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step)
    # Rounding drops the noise of the multiplication, and "-0".
    return [round(i * step, 12) + 0.0 for i in range(first, math.floor(high / step) + 1)]


def _mark(number: int, x: float, y: float) -> str:
    color, shape = COLORS[number % len(COLORS)], SHAPES[number % len(SHAPES)]
    style = f'fill="{color}" fill-opacity="0.75"'
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" {style}/>'
    if shape == "square":
        return f'<rect x="{x - 2.7:.1f}" y="{y - 2.7:.1f}" width="5.4" height="5.4" {style}/>'
    if shape == "diamond":
        return f'<path d="M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4z" {style}/>'
    if shape == "triangle":
        return f'<path d="M{x:.1f} {y - 4:.1f}l3.8 7h-7.6z" {style}/>'
    return (
        f'<path d="M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6" stroke="{color}" stroke-width="1.6" fill="none"/>'
    )
