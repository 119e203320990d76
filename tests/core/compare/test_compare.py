"""Many frames, many sources: differences, sigmas, names, causes, the table and the report."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from xgeom_core.compare.charts import charts_svg
from xgeom_core.compare.comparison import compare
from xgeom_core.compare.confusions import Claim
from xgeom_core.compare.report import html_report
from xgeom_core.compare.sources import FrameEntry, Readings, frame_entry
from xgeom_core.compare.tables import COLUMNS, row_line, summary_lines, to_csv, to_records
from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.metadata import Choice

PIXEL = (0.1, 0.2)


def reading(
    source: str, center: tuple[float, float], path: str = "a.expt", where: str = "", frame: int | None = None
) -> Reading:
    return Reading(Estimate(source, center), path, where, frame)


def entry(index: int, *claims: Claim) -> FrameEntry:
    return FrameEntry(index, "run.h5", claims, (2000, 2100), PIXEL)


def test_differences_are_source_minus_reference_in_px_and_mm_with_combined_sigma() -> None:
    fit = Claim("fit", (1003.0, 1000.0), (0.3, 0.4), (1.0, 2.0))
    xds = Claim("XDS", (1000.0, 1004.0), (0.4, 0.3), (0.5, 2.5))
    result = compare([entry(0, fit, xds)], reference="xds")
    row = result.rows[0]
    assert (row.source, result.reference) == ("fit", "XDS")
    assert row.difference_px == pytest.approx((3.0, -4.0))
    assert row.difference_mm == pytest.approx((0.3, -0.8))
    assert row.combined_sigma_px == pytest.approx((0.5, 0.5))
    assert row.tilt_difference_deg == pytest.approx((0.5, -0.5))
    (summary,) = result.summaries
    assert summary.median_px == pytest.approx((3.0, -4.0))
    assert summary.median_mm == pytest.approx((0.3, -0.8))
    assert "10.0 sigma" in row_line(row)


def test_unknown_stays_unknown() -> None:
    frame = FrameEntry(0, "run.h5", (Claim("header", (1.0, 2.0)), Claim("fit", (3.0, 4.0), (0.1, 0.1))))
    result = compare([frame], reference="header")
    row = result.rows[1]
    assert row.difference_mm is None
    assert row.tilt_difference_deg is None
    assert row.combined_sigma_px == (0.1, 0.1)
    only_one_speaks = compare([entry(0, Claim("a", (1.0, 1.0))), entry(1, Claim("b", (1.0, 1.0)))], "a")
    assert only_one_speaks.rows[1].difference_px is None
    assert only_one_speaks.summaries[0].frames == 0
    assert "no frame in common" in "\n".join(summary_lines(only_one_speaks))


def test_the_reference_is_the_most_believable_source() -> None:
    claims = {name: Claim(name, (1.0, 1.0)) for name in ("header", "network", "fit", "DIALS", "truth")}
    for wanted in ("truth", "DIALS", "fit", "network", "header"):
        assert compare([entry(0, *claims.values())]).reference == wanted
        del claims[wanted]
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([])
    with pytest.raises(UsageError, match="'MOSFLM' is none of the sources here: a"):
        compare([entry(0, Claim("a", (1.0, 1.0)))], "MOSFLM")


def test_summary_is_robust_and_names_the_cause_over_frames() -> None:
    rng = np.random.default_rng(3)
    frames = []
    for index in range(60):
        x, y = rng.normal(1000, 3, 2)
        noise = rng.normal(0, 0.2, 2)
        wild = 400 if index == 7 else 0
        frames.append(
            entry(
                index,
                Claim("DIALS", (x, y)),
                Claim("table", (x + 0.5 + noise[0] + wild, y + 0.5 + noise[1]), (0.2, 0.2)),
            )
        )
    (summary,) = compare(frames).summaries
    assert summary.median_px == pytest.approx((0.5, 0.5), abs=0.1)
    assert summary.scatter_px == pytest.approx((0.2, 0.2), abs=0.07)
    assert [finding.cause for finding in summary.findings] == ["half pixel"]


def test_an_ambiguous_convention_that_would_agree_is_named() -> None:
    ambiguous = Reading(
        Estimate("MOSFLM", (1000.0, 900.0)),
        "beam.dat",
        choices=(
            Choice("from the corner (+0)", (1000.0, 900.0)),
            Choice("pixel centers are integers (+0.5)", (1000.5, 900.5)),
        ),
    )
    readings = Readings([[ambiguous]])
    own = [Claim("fit", (1000.51, 900.48), (0.03, 0.03))]
    (summary,) = compare([frame_entry(0, "a.cbf", own, readings.of_frame(0))], "fit").summaries
    (other,) = [finding for finding in summary.findings if finding.cause == "ambiguous convention"]
    assert "pixel centers are integers" in other.sentence
    assert other.residual_px == pytest.approx(math.hypot(0.01, 0.02))
    agreeing = [Claim("fit", (1000.02, 900.01), (0.03, 0.03))]
    (summary,) = compare([frame_entry(0, "a.cbf", agreeing, readings.of_frame(0))], "fit").summaries
    assert summary.findings == ()


def test_names_are_as_short_as_they_can_be_told_apart() -> None:
    experiments = [reading("DIALS", (i, i), where=f"experiment {i}") for i in range(2)]
    named = Readings([experiments, [reading("XDS", (1, 1), "/x/XPARM.XDS")]])
    assert named.names == ("DIALS experiment 0", "DIALS experiment 1", "XDS")
    twice = Readings([[reading("XDS", (1, 1), "/x/XPARM.XDS")], [reading("XDS", (1, 1), "/x/GXPARM.XDS")]])
    assert twice.names == ("XDS (XPARM.XDS)", "XDS (GXPARM.XDS)")
    same = Readings([[reading("XDS", (1, 1), "/x/XPARM.XDS")], [reading("XDS", (1, 1), "/y/XPARM.XDS")]])
    assert len(set(same.names)) == 2
    assert "header" not in Readings([[reading("header", (1, 1), "t.csv")]]).names


def test_tables_are_matched_frame_by_frame() -> None:
    rows = [reading("table", (float(i), 0.0), "t.csv", frame=i) for i in (0, 2, 5)]
    everywhere = reading("DIALS", (9.0, 9.0))
    readings = Readings([rows, [everywhere]])
    frames = [frame_entry(i, "run.h5", [], readings.of_frame(i)) for i in range(4)]
    centers = [frame.claim("table") for frame in frames]
    assert [claim and claim.center_px[0] for claim in centers] == [0.0, None, 2.0, None]
    assert all(frame.claim("DIALS") for frame in frames)


def test_a_table_of_several_files_is_matched_by_their_names() -> None:
    rows = [
        reading("CrystFEL", (float(10 * k + i), 0.0), "all.stream", f"/data/{name} //{i}", i)
        for k, name in enumerate(("one.h5", "two.h5"))
        for i in range(2)
    ]
    readings = Readings([rows], "/elsewhere/two.h5::/entry/data")
    assert [named.reading.estimate.center_px[0] for named in readings.of_frame(1)] == [11.0]
    assert readings.notes == ()
    foreign = Readings([rows], "three.h5")
    assert foreign.of_frame(1) == []
    assert "2 files of frames and not of three.h5" in foreign.notes[0]


def test_failed_rows_say_nothing() -> None:
    failed = Reading(Estimate("table", (0.0, 0.0), status="failed", reason="dark"), "t.csv", frame=0)
    assert frame_entry(0, "a", [], Readings([[failed]]).of_frame(0)).claims == ()


@pytest.fixture
def busy():
    """Three sources over five frames, one of them hostile to HTML."""
    frames = [
        entry(
            i,
            Claim("fit", (1100 + 0.1 * i, 900.0), (0.1, 0.1), (0.1, 0.2)),
            Claim("<b>&XDS", (1100.5 + 0.1 * i, 900.5), None, (0.3, -0.2)),
            Claim("header", (900.0, 1100.0)),
        )
        for i in range(5)
    ]
    return compare(frames, "fit")


def test_the_csv_has_a_line_for_each_source_on_each_frame(busy) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(busy))))
    assert len(rows) == 15
    assert tuple(rows[0]) == COLUMNS
    xds = next(row for row in rows if row["source"] == "<b>&XDS" and row["frame"] == "3")
    assert float(xds["dx_px"]) == pytest.approx(0.5)
    assert float(xds["dx_mm"]) == pytest.approx(0.05)
    assert float(xds["dy_mm"]) == pytest.approx(0.1)
    assert xds["x_sigma_px"] == ""
    assert float(xds["dx_sigma_px"]) == pytest.approx(0.1)


def test_the_json_is_strict(busy) -> None:
    text = json.dumps(to_records(busy), allow_nan=False)
    record = json.loads(text)
    assert record["reference"] == "fit"
    assert len(record["rows"]) == 15
    causes = {s["source"]: [f["cause"] for f in s["findings"]] for s in record["summaries"]}
    assert causes["header"] == ["swapped axes"]


class _Page(HTMLParser):
    """Collects what a browser would load, and whether tags close."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_stands_alone_and_escapes_what_it_is_given(busy) -> None:
    text = html_report(busy, "<run>.h5", {"<b>&XDS": "ORGX <is> a foot"}, ["a note & more"])
    page = _Page()
    page.feed(text)
    assert page.open == []
    # Marks of the charts are named within the page.
    assert all(place.startswith("#") for place in [*page.loads, *re.findall(r"url\((.*?)\)", text)])
    assert "@import" not in text and "script" not in page.tags
    assert page.tags.count("svg") == 1
    assert "<b>&" not in text.replace("<b>&lt;b&gt;&amp;XDS</b>", "")
    assert "&lt;run&gt;.h5" in text
    assert "has x and y swapped" in text
    assert "ORGX &lt;is&gt; a foot" in text


def test_a_report_of_very_many_frames_stays_small() -> None:
    frames = [
        entry(i, Claim("fit", (1000.0, 900.0)), Claim("XDS", (1000.1, 900.0 + i % 7))) for i in range(6000)
    ]
    text = html_report(compare(frames, "fit"), "big")
    assert len(text) < 3_000_000
    assert "10000 more rows" in text


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0.0, 1.0)],
        [(0.0, 0.0), (1.0, 0.0)],
        [(0.0, float("nan")), (1.0, float("inf"))],
        [(0.0, 1e300), (1.0, 1e300)],
        [(0.0, 1e-300), (1.0, -1e-300)],
    ],
)
def test_charts_of_odd_values_are_whole(points: list[tuple[float, float]]) -> None:
    svg = charts_svg({"dx": {"a": points}}, {"a $& b": points})
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert svg == charts_svg({"dx": {"a": points}}, {"a $& b": points}), "the same every time"


def test_marks_lie_where_the_values_say() -> None:
    svg = ElementTree.fromstring(
        charts_svg({"dx": {"a": [(0.0, 1.0), (1.0, 2.0)]}}, {"a": [(1.0, 1.0), (-1.0, -1.0)]})
    )
    over, plane = (
        [(float(use.get("x")), float(use.get("y"))) for use in group.iter() if use.tag.endswith("use")]
        for group in svg.iter()
        if group.get("id") == "source-0"
    )
    assert over[1][1] < over[0][1], "values over frames grow upwards"
    assert plane[0][0] > plane[1][0]
    assert plane[0][1] > plane[1][1], "y grows downwards, as in the image"
    assert plane[0][0] - plane[1][0] == pytest.approx(plane[0][1] - plane[1][1], abs=0.2), "equal scales"


def test_of_several_experiments_the_one_of_this_frame_is_the_reference() -> None:
    claims = (
        Claim("header", (730.0, 865.0)),
        Claim("DIALS experiments 0-2", (191.8, 866.1), tilt_deg=(0.1, 29.6)),
        Claim("DIALS experiment 3", (729.0, 866.1), tilt_deg=(0.0, 0.2)),
    )
    assert compare([FrameEntry(0, "a.cbf", claims, (1475, 1679))]).reference == "DIALS experiment 3"


def test_a_network_is_rough_and_a_fit_is_not_to_blame() -> None:
    claims = (
        Claim("network", (487.3, 512.6)),
        Claim("fit", (487.3, 530.4), sigma_px=(0.3, 0.3)),
        Claim("pyFAI", (487.26, 512.55)),
    )
    found = {
        item.source: item.findings for item in compare([FrameEntry(0, "a", claims, (981, 1043))]).summaries
    }
    assert found["network"] == ()
    assert "flip" in found["fit"][0].sentence
    assert found["fit"][0].sentence.startswith("pyFAI")
