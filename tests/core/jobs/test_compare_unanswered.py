"""What a network does not answer is not compared."""

from __future__ import annotations

import pytest

from xgeom_core.cli.jobs_text import comparison_lines
from xgeom_core.jobs.compare import compare
from xgeom_core.training.events import RunStarted, Validation, to_line


@pytest.mark.parametrize(
    ("predicts", "center", "tilt"),
    [("both", "3.00 (9.00)", "2.00 (2.00)"), ("center", "3.00 (9.00)", "-"), ("tilt", "-", "2.00 (2.00)")],
)
def test_scores_of_what_a_network_does_not_answer_are_left_out(tmp_path, predicts, center, tilt):
    score = Validation(
        step=5,
        data="flat",
        loss=1.0,
        center_px=3.0,
        center_constant_px=9.0,
        tilt_deg=2.0,
        tilt_constant_deg=2.0,
    )
    begin = RunStarted(pid=1, command="", xgeom_version="0", steps=5, predicts=predicts)
    text = "".join(to_line(event) + "\n" for event in (begin, score))
    (tmp_path / "events.jsonl").write_text(text, encoding="utf-8")
    lines = list(comparison_lines(compare([tmp_path]), ["a"]))
    rows = {label: next(line for line in lines if label in line) for label in (": center, px", ": tilt, deg")}
    assert rows[": center, px"].endswith(f"(constant)  {center}")
    assert rows[": tilt, deg"].rstrip().endswith(f"(constant)   {tilt}")
