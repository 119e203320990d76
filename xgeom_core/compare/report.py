"""The comparison as one HTML page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from xgeom_core.compare.charts import charts_svg
from xgeom_core.compare.comparison import Comparison, Row, Summary
from xgeom_core.compare.confusions import Point

# A table longer than this is for the CSV; browsers grow slow.
_MOST_ROWS = 2000
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --line: #d0d0d0; --soft: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #1b1c1e; --line: #47494d; --soft: #26282b; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.88rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
th { background: var(--soft); position: sticky; top: 0; }
.wide { overflow-x: auto; }
.finding { border-left: 4px solid #d55e00; padding: 0.3rem 0.8rem; margin: 0.5rem 0;
  background: var(--soft); }
svg { max-width: 100%; height: auto; }
"""


def html_report(
    comparison: Comparison,
    title: str,
    conventions: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The report: summary, likely causes, plots over frames, conventions and the whole table.

    Parameters
    ----------
    comparison : Comparison
        What was compared.
    title : str
        Heading, such as the name of the file of frames.
    conventions : mapping of str to str, optional
        Source -> its convention in words.
    notes : sequence of str
        Further sentences, such as warnings of the readers.

    Returns
    -------
    str
        A whole HTML document; every text in it is escaped.
    """
    body = [
        f"<h1>Beam centers of {escape(title)}</h1>",
        f"<p>Differences are <em>source minus {escape(comparison.reference)}</em>. Pixels count from the "
        "outer corner of the first pixel: x along the fast axis (right), y along the slow axis (down).</p>",
        _summary_table(comparison),
        _findings(comparison),
        _plots(comparison),
        _conventions(conventions or {}, notes),
        _table(comparison),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: beam centers compared</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _summary_table(comparison: Comparison) -> str:
    head = _head(
        *("source", "frames", "median dx, dy (px)", "scatter (px)", "median dx, dy (mm)", "likely cause"),
        text=1,
    )
    rows = "".join(
        f"<tr><td>{escape(s.source)}</td><td>{s.frames}</td><td>{_pair(s.median_px, 2)}</td>"
        f"<td>{_pair(s.scatter_px, 2, sign=False)}</td><td>{_pair(s.median_mm, 3)}</td>"
        f'<td class="text">{escape(_causes(s))}</td></tr>'
        for s in comparison.summaries
    )
    return f'<h2>Summary</h2><div class="wide"><table>{head}{rows}</table></div>'


def _causes(summary: Summary) -> str:
    if summary.median_px is None:
        return "no frame in common with the reference"
    return " or ".join(finding.cause for finding in summary.findings) or "-"


def _findings(comparison: Comparison) -> str:
    if not comparison.findings:
        return "<h2>Likely causes</h2><p>No known confusion of conventions explains a difference here.</p>"
    items = "".join(f'<p class="finding">{escape(f.sentence)}</p>' for f in comparison.findings)
    return f"<h2>Likely causes</h2>{items}"


def _plots(comparison: Comparison) -> str:
    sources = [summary.source for summary in comparison.summaries]
    of: dict[str, list[Row]] = {source: [] for source in sources}
    for row in comparison.rows:
        if row.source in of and row.difference_px is not None:
            of[row.source].append(row)
    if not any(of.values()):
        return ""
    charts = {}
    for field, axis, label in (
        ("difference_px", 0, "dx (px)"),
        ("difference_px", 1, "dy (px)"),
        ("tilt_difference_deg", 0, "pitch difference (deg)"),
        ("tilt_difference_deg", 1, "yaw difference (deg)"),
    ):
        series = {
            source: [(row.frame, getattr(row, field)[axis]) for row in of[source] if getattr(row, field)]
            for source in sources
        }
        if any(series.values()):
            charts[label] = series
    plane = {source: [row.difference_px for row in of[source] if row.difference_px] for source in sources}
    return f"<h2>Over frames</h2><p>{charts_svg(charts, plane)}</p>"


def _conventions(conventions: Mapping[str, str], notes: Sequence[str]) -> str:
    items = "".join(
        f"<li><b>{escape(source)}</b>: {escape(words)}</li>" for source, words in conventions.items() if words
    )
    items += "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h2>Conventions and notes</h2><ul>{items}</ul>" if items else ""


def _table(comparison: Comparison) -> str:
    head = _head(
        *("source", "frame", "x, y (px)", "sigma (px)", "dx, dy (px)", "dx, dy (mm)"),
        *("combined sigma (px)", "pitch, yaw (deg)"),
    )
    rows = "".join(
        f"<tr><td>{escape(row.source)}</td><td>{row.frame}</td><td>{_pair(row.center_px, 2, sign=False)}</td>"
        f"<td>{_pair(row.sigma_px, 2, sign=False)}</td><td>{_pair(row.difference_px, 2)}</td>"
        f"<td>{_pair(row.difference_mm, 3)}</td><td>{_pair(row.combined_sigma_px, 2, sign=False)}</td>"
        f"<td>{_pair(row.tilt_deg, 3)}</td></tr>"
        for row in comparison.rows[:_MOST_ROWS]
    )
    left = len(comparison.rows) - _MOST_ROWS
    more = f"<p>{left} more rows are left out here; the CSV has them all.</p>" if left > 0 else ""
    return f'<h2>Every frame</h2><div class="wide"><table>{head}{rows}</table></div>{more}'


def _head(*names: str, text: int = 0) -> str:
    last = len(names) - text
    cells = "".join(
        f'<th class="text">{escape(name)}</th>' if i >= last else f"<th>{escape(name)}</th>"
        for i, name in enumerate(names)
    )
    return f"<tr>{cells}</tr>"


def _pair(pair: Point | None, digits: int, sign: bool = True) -> str:
    if pair is None:
        return "-"
    form = f"{'+' if sign else ''}.{digits}f"
    return f"{pair[0]:{form}}, {pair[1]:{form}}"
