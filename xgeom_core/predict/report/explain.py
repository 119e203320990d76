"""The picture one looks at when one doubts an answer."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.errors import UsageError
from xgeom_core.predict.report.explain_image import draw_image
from xgeom_core.predict.report.explain_panels import draw_profiles, draw_sectors, draw_spots, draw_zoom
from xgeom_core.predict.report.explain_style import LINE, PAPER, SOFT, SOURCES, STATUS, style
from xgeom_core.predict.report.explanation import Explanation, Mark
from xgeom_core.system.safe_files import write_bytes

__all__ = ["Explanation", "explain_figure"]


def explain_figure(explanation: Explanation, path: Path | None = None) -> bytes:
    """Draw an explanation.

    Parameters
    ----------
    explanation : Explanation
    path : Path, optional
        Also written there.

    Returns
    -------
    bytes
        A PNG of 1760 x 1100 pixels.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - matplotlib takes half a second to import
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with rc_context(rc=style()):
        figure = Figure(figsize=(16.0, 10.0), dpi=110, facecolor=PAPER)
        FigureCanvasAgg(figure)
        _headline(figure, explanation)
        draw_image(figure.add_axes((0.035, 0.09, 0.49, 0.785)), explanation)
        _draw_table(figure.add_axes((0.565, 0.60, 0.41, 0.285)), explanation)
        draw_zoom(figure.add_axes((0.60, 0.335, 0.15, 0.22)), explanation)
        draw_spots(figure.add_axes((0.825, 0.335, 0.15, 0.22)), explanation)
        draw_profiles(figure, explanation)
        draw_sectors(figure.add_axes((0.855, 0.075, 0.12, 0.18)), explanation)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    picture = buffer.getvalue()
    if path is not None:
        try:
            write_bytes(Path(path), picture)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return picture


def _headline(figure: Any, explanation: Explanation) -> None:
    answer = explanation.answer
    (x, y), sigma = answer.center_px, answer.center_sigma_px
    center = f"center  x {x:.2f}   y {y:.2f}"
    center += f"   ± {sigma[0]:.2f}, {sigma[1]:.2f} px" if sigma else " px"
    if answer.tilt_deg is None:
        tilt = "tilt unknown"
    else:
        spread = answer.tilt_sigma_deg
        tilt = f"pitch {answer.tilt_deg[0]:+.3f}   yaw {answer.tilt_deg[1]:+.3f}"
        tilt += f"   ± {spread[0]:.3f}, {spread[1]:.3f}°" if spread else "°"
    figure.text(0.035, 0.955, explanation.title, fontsize=14, weight="bold", va="center")
    pill = {"boxstyle": "round,pad=0.45", "facecolor": STATUS[answer.status], "edgecolor": "none"}
    figure.text(
        0.9765, 0.955, answer.status, color="white", weight="bold", ha="right", va="center", bbox=pill
    )
    figure.text(0.035, 0.918, f"{center}      {tilt}", fontsize=11, va="center")
    reason = answer.reason or "; ".join(answer.warnings)
    figure.text(
        0.56,
        0.918,
        "\n".join(textwrap.wrap(reason, 100)[:3]),
        fontsize=9,
        color=SOFT,
        va="center",
        wrap=False,
    )


def _draw_table(axes: Any, explanation: Explanation) -> None:
    """Who says what, and the lines of words below."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    columns = (0.0, 0.36, 0.51, 0.62, 0.88, 1.0)
    names = ("", "x (px)", "y (px)", "±", "pitch, yaw (°)", "±")
    top, step = 0.975, 0.075
    for place, name in zip(columns, names, strict=True):
        axes.text(place, top, name, color=SOFT, fontsize=8, ha="left" if place == 0 else "right", va="center")
    axes.plot([0, 1], [top - 0.5 * step] * 2, color=LINE, lw=0.8)
    height = top - step
    for mark in explanation.marks:
        weight = "bold" if mark.name == "answer" else "normal"
        axes.plot(0.012, height, "s", color=SOURCES[mark.name], ms=6, clip_on=False)
        for place, text in zip(columns, _cells(mark), strict=True):
            first = place == 0
            axes.text(
                place + (0.035 if first else 0),
                height,
                text,
                ha="left" if first else "right",
                va="center",
                weight=weight,
            )
        height -= step
    axes.plot([0, 1], [height + 0.5 * step] * 2, color=LINE, lw=0.8)
    for name, value in explanation.lines[:_MOST_LINES]:
        axes.text(0.0, height, name, color=SOFT, va="center", fontsize=8.5)
        axes.text(0.235, height, value, va="center", fontsize=8.5)
        height -= 0.88 * step


_MOST_LINES = 8


def _cells(mark: Mark) -> tuple[str, str, str, str, str, str]:
    x, y = mark.center_px
    center_error = tilt_error = tilt = "–"
    if mark.covariance is not None:
        sigma = np.sqrt(np.abs(np.diag(mark.covariance)))
        center_error = _digits(float(sigma[:2].max()))
        if len(sigma) == 4:
            tilt_error = _digits(float(sigma[2:].max()))
    if mark.tilt_deg is not None:
        tilt = f"{mark.tilt_deg[0]:+.3f}, {mark.tilt_deg[1]:+.3f}"
    return mark.name, f"{x:.2f}", f"{y:.2f}", center_error, tilt, tilt_error


def _digits(value: float) -> str:
    return (
        f"{value:.0f}"
        if value >= 10
        else f"{value:.1f}"
        if value >= 1
        else f"{value:.2f}"
        if value >= 0.1
        else f"{value:.3f}"
    )
