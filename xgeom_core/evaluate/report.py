"""A report of an evaluation as one HTML file: tables, the poster's figures, the hardest frames."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xgeom_core.errors import UsageError
from xgeom_core.evaluate import figures
from xgeom_core.evaluate.metrics import WITHIN_PX, Scores, Summary
from xgeom_core.evaluate.run import Evaluation, Row
from xgeom_core.models.settings import REFERENCE_PX
from xgeom_core.system.safe_files import write_text
from xgeom_core.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HARDEST = 9
_MARKED = 6
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1150px; padding: 0 1rem;
  color: #222; }
table { border-collapse: collapse; font-size: 13px; margin: .6rem 0 1.6rem; display: block;
  overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr.constant { color: #777; }
img { max-width: 100%; }
h2 { margin-top: 2.4rem; }
"""


@dataclass(frozen=True)
class Scored:
    """One model on one set.

    Parameters
    ----------
    model, data : str
        Names to show.
    evaluation : Evaluation
    """

    model: str
    data: str
    evaluation: Evaluation


def write_report(
    path: Path,
    scored: Sequence[Scored],
    curves: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]] | None = None,
) -> None:
    """Write a report.

    Parameters
    ----------
    path : Path
        The HTML file; figures are inside it.
    scored : sequence of Scored
        Every model on every set.
    curves : dict, optional
        Validation losses of training runs; see `figures.loss_curves`.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    parts = [
        f"<h1>Evaluation</h1><p>xgeom {html.escape(__version__)}. Errors of centers are distances, those of "
        "tilts the larger of pitch and yaw. The constant predictor says the mean of the true values every "
        f"time; 820-px units are those of a frame {REFERENCE_PX} px wide.</p>",
        _table(scored),
    ]
    if curves:
        drawn = figures.loss_curves(curves, "center error, px of 820 (median)")
        parts += ["<h2>Loss curves</h2>", _picture(drawn, "loss curves")]
    for data in dict.fromkeys(item.data for item in scored):
        parts += _section(data, [item for item in scored if item.data == data])
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )
    try:
        write_text(path, text)
    except OSError as error:
        raise UsageError(f"The report {path} cannot be written: {error.strerror}.") from None


def _section(data: str, scored: Sequence[Scored]) -> list[str]:
    parts = [f"<h2>{html.escape(data)}</h2>"]
    for item in scored:
        truth, said = _answers(item.evaluation.rows)
        shown = 4 if np.isfinite(said[:, 2:]).any() else 2
        drawn = figures.predicted_against_actual(truth[:, :shown], said[:, :shown], f"{item.model}, network")
        parts.append(_picture(drawn, f"actual against predicted, {item.model} on {data}"))
    rows = scored[0].evaluation.rows
    quantities = {
        "distance, mm": np.array([row.distance_mm for row in rows]),
        "counts per px": np.array([row.dose for row in rows]),
        "tilt, deg": np.array([float(np.hypot(*(row.truth.tilt_deg or (np.nan, np.nan)))) for row in rows]),
        "spots": np.array([max(row.spots, 0.5) for row in rows]),
    }
    center = {item.model: np.array([r.error_px820() for r in item.evaluation.rows]) for item in scored}
    tilt = {item.model: np.array([r.tilt_error_deg() for r in item.evaluation.rows]) for item in scored}
    parts.append(_picture(figures.error_against(quantities, center, "px of 820"), "error of the center"))
    if any(np.isfinite(errors).any() for errors in tilt.values()):
        parts.append(_picture(figures.error_against(quantities, tilt, "deg"), "error of the tilt"))
    parts += ["<h3>Frames</h3>", _gallery(scored, range(min(_MARKED, len(rows))))]
    order = np.argsort([-row.error_px820() for row in rows], kind="stable")
    parts += [
        f"<h3>The hardest frames for {html.escape(scored[0].model)}</h3>",
        _gallery(scored, [int(i) for i in order[:_HARDEST]]),
    ]
    return parts


def _answers(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted (n, 4): px of 820 and degrees; NaN where unknown."""
    nothing = (math.nan, math.nan)
    truth, said = [], []
    for row in rows:
        scale = REFERENCE_PX / row.side_px
        truth.append([*(scale * v for v in row.truth.center_px), *(row.truth.tilt_deg or nothing)])
        network = row.network
        center = nothing if network is None else network.center_px
        tilt = nothing if network is None else network.tilt_deg or nothing
        said.append([*(scale * v for v in center), *tilt])
    return np.array(truth), np.array(said)


def _gallery(scored: Sequence[Scored], which: Sequence[int] | range) -> str:
    """Frames with a red X where the center is and one for every model."""
    images, marks, titles = [], [], []
    for number in which:
        row = scored[0].evaluation.rows[number]
        scale = max(row.thumbnail.shape) / row.side_px
        places = {"known": np.multiply(row.truth.center_px, scale)}
        for item in scored:
            said = item.evaluation.rows[number].network
            if said is not None:
                places[item.model] = np.multiply(said.center_px, scale)
        images.append(row.thumbnail)
        marks.append(places)
        tilt = row.tilt_error_deg()
        more = "" if math.isnan(tilt) else f", {tilt:.2f} deg"
        titles.append(f"{Path(row.path).name} #{row.index}: {row.error_px820():.1f} px{more}")
    return _picture(figures.frames_with_marks(images, marks, titles), "frames with marks")


def _picture(drawn: Figure, words: str) -> str:
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=110)
    figures.close(drawn)
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<p><img alt="{html.escape(words)}" src="data:image/png;base64,{code}"></p>'


_COLUMNS = (
    *("who", "frames", "center median px", "820-px median", "mean", "90%", "worst", "x", "y"),
    *("within 1", "3", "5", "r(x)", "r(y)", "tilt median deg", "mean", "90%", "worst", "pitch", "yaw"),
    *("r(pitch)", "r(yaw)"),
)


def _table(scored: Sequence[Scored]) -> str:
    lines = []
    for item in scored:
        done, scale = item.evaluation, REFERENCE_PX / item.evaluation.side_px
        who = f"{item.model} on {item.data}"
        lines.append(_line(who, done.network, scale, done.rows))
        if done.fit is not None:
            lines.append(_line(f"... with the fit, ok on {done.ok}", done.fit, scale, done.rows, fit=True))
        lines.append(
            f'<tr class="constant"><td>constant predictor</td><td>{done.frames}</td>'
            f"<td>{_n(done.network.center_constant)}</td><td>{_n(done.network.center_constant * scale)}</td>"
            + "<td></td>" * 10
            + f"<td>{_n(done.network.tilt_constant)}</td>"
            + "<td></td>" * 7
            + "</tr>"
        )
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _line(who: str, result: Scores, scale: float, rows: Sequence[Row], fit: bool = False) -> str:
    radial = Summary(result.center_median, result.center_mean, result.center_p90, result.center_worst).scaled(
        scale
    )
    cells = [
        *(html.escape(who), str(result.frames), _n(result.center_median)),
        *(_n(value) for value in (radial.median, radial.mean, radial.p90, radial.worst)),
        *(_n(axis.median * scale) for axis in (result.x, result.y)),
        *(f"{100 * share:.0f}%" for share in _within_820(rows, fit)),
        *(_n(result.pearson.get(name, math.nan)) for name in ("x", "y")),
        *(_n(value) for value in (result.tilt.median, result.tilt.mean, result.tilt.p90, result.tilt.worst)),
        *(_n(axis.median) for axis in (result.pitch, result.yaw)),
        *(_n(result.pearson.get(name, math.nan)) for name in ("pitch", "yaw")),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _within_820(rows: Sequence[Row], fit: bool) -> list[float]:
    """Shares of answered frames within 1, 3 and 5 px of 820."""
    errors = np.array([row.error_px820(fit) for row in rows if not fit or row.fit is not None])
    return [float(np.mean(errors <= limit)) if len(errors) else 0.0 for limit in WITHIN_PX]


def _n(value: float) -> str:
    return "–" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.3g}"
