"""A comparison as CSV, as JSON objects and as lines for people."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from xgeom_core.compare.comparison import Comparison, Row, Summary
from xgeom_core.compare.confusions import Point

_PAIRS = {
    "center_px": ("x_px", "y_px"),
    "sigma_px": ("x_sigma_px", "y_sigma_px"),
    "tilt_deg": ("pitch_deg", "yaw_deg"),
    "difference_px": ("dx_px", "dy_px"),
    "difference_mm": ("dx_mm", "dy_mm"),
    "combined_sigma_px": ("dx_sigma_px", "dy_sigma_px"),
    "tilt_difference_deg": ("dpitch_deg", "dyaw_deg"),
}
COLUMNS = ("file", "frame", "source", "reference", *(name for pair in _PAIRS.values() for name in pair))


def to_csv(comparison: Comparison) -> str:
    """One line for each source on each frame; empty where a value is unknown."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in comparison.rows:
        values: dict[str, Any] = {
            "file": row.label,
            "frame": row.frame,
            "source": row.source,
            "reference": comparison.reference,
        }
        for field, names in _PAIRS.items():
            pair = getattr(row, field) or ("", "")
            values |= dict(zip(names, (_round(value) for value in pair), strict=True))
        writer.writerow(values)
    return buffer.getvalue()


def to_records(comparison: Comparison) -> dict[str, Any]:
    """One JSON object: rows, summaries, findings; finite numbers or null only."""
    return {
        "reference": comparison.reference,
        "sources": list(comparison.sources),
        "summaries": [_summary_record(summary) for summary in comparison.summaries],
        "rows": [_row_record(row) for row in comparison.rows],
    }


def summary_lines(comparison: Comparison) -> Iterator[str]:
    """The comparison in a few lines for a terminal."""
    yield f"differences to {comparison.reference} (source minus reference)"
    width = max((len(summary.source) for summary in comparison.summaries), default=0)
    for summary in comparison.summaries:
        yield f"  {summary.source:<{width}}  {_words(summary)}"
        for finding in summary.findings:
            yield f"  {'':<{width}}  likely: {finding.sentence}"
    if not comparison.summaries:
        yield "  there is no other source"


def row_line(row: Row) -> str:
    """One source on one frame in words."""
    text = f"{row.label} [{row.frame}]  {row.source}  ({row.center_px[0]:.2f}, {row.center_px[1]:.2f})"
    if row.sigma_px:
        text += f" ± ({row.sigma_px[0]:.2f}, {row.sigma_px[1]:.2f})"
    text += " px"
    if row.tilt_deg:
        text += f"  pitch {row.tilt_deg[0]:+.3f} yaw {row.tilt_deg[1]:+.3f} deg"
    if row.difference_px:
        text += f"  difference ({row.difference_px[0]:+.2f}, {row.difference_px[1]:+.2f}) px"
    if row.difference_mm:
        text += f" ({row.difference_mm[0]:+.3f}, {row.difference_mm[1]:+.3f}) mm"
    if row.combined_sigma_px and row.difference_px:
        text += f"  {_in_sigmas(row.difference_px, row.combined_sigma_px)}"
    return text


def _in_sigmas(difference: Point, sigma: Point) -> str:
    if min(sigma) <= 0:
        return ""
    return f"{math.hypot(difference[0] / sigma[0], difference[1] / sigma[1]):.1f} sigma"


def _words(summary: Summary) -> str:
    if summary.median_px is None or summary.scatter_px is None:
        return "no frame in common"
    text = f"({summary.median_px[0]:+.2f}, {summary.median_px[1]:+.2f}) px"
    if summary.median_mm:
        text += f" ({summary.median_mm[0]:+.3f}, {summary.median_mm[1]:+.3f}) mm"
    if summary.frames > 1:
        text += f", scatter ({summary.scatter_px[0]:.2f}, {summary.scatter_px[1]:.2f}) px"
    return text + f", {summary.frames} frame" + ("s" if summary.frames != 1 else "")


def _row_record(row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {"file": row.label, "frame": row.frame, "source": row.source}
    return record | {field: _finite(getattr(row, field)) for field in _PAIRS}


def _summary_record(summary: Summary) -> dict[str, Any]:
    return {
        "source": summary.source,
        "frames": summary.frames,
        "median_px": _finite(summary.median_px),
        "scatter_px": _finite(summary.scatter_px),
        "median_mm": _finite(summary.median_mm),
        "findings": [
            {
                "cause": finding.cause,
                "sentence": finding.sentence,
                "residual_px": finding.residual_px,
                "exact": finding.exact,
            }
            for finding in summary.findings
        ],
    }


def _finite(pair: Point | None) -> list[float | None] | None:
    return None if pair is None else [value if math.isfinite(value) else None for value in pair]


def _round(value: float | str) -> float | str:
    return value if isinstance(value, str) else round(value, 6)
