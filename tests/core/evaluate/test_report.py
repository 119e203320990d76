"""Evaluations frame by frame, and the report made of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.evaluate import figures
from xgeom_core.evaluate.report import Scored, write_report
from xgeom_core.evaluate.run import Row, count_spots, evaluate, scores
from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.models.inference import network_of
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import Model
from xgeom_core.predict.predictor import Predictor
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "set.h5"
    write_training_file(path, load_recipe("standard"), (128, 128), 6, seed=2)
    torch.manual_seed(1)
    settings = NetworkSettings(width=4, input_px=64, activations=8)
    card = ModelCard(name="tiny", xgeom_version="0", network=settings, frames_seen=0, steps=0)
    with open_frames(str(path)) as source:
        return evaluate(
            Predictor(Model(network_of(settings, build_network(settings).state_dict()), card)), source
        )


def test_rows_and_scores_agree(evaluated) -> None:
    errors = [np.hypot(*np.subtract(r.network.center_px, r.truth.center_px)) for r in evaluated.rows]
    assert evaluated.network.center_median == pytest.approx(np.median(errors))
    assert evaluated.rows[0].error_px820() == pytest.approx(errors[0] * 820 / 128)
    assert evaluated.network.within["5"] == pytest.approx(np.mean(np.array(errors) <= 5))
    assert all(row.distance_mm > 0 and row.dose > 0 for row in evaluated.rows)
    assert evaluated.fit is None


def test_a_frame_without_an_answer_is_infinitely_far_off() -> None:
    truth = Estimate("truth", (10.0, 10.0))
    result = scores([None, Estimate("network", (10.0, 13.0)), None], [truth] * 3)
    assert result.center_worst == np.inf
    assert result.center_p90 == np.inf
    assert result.within == {"1": 0.0, "3": pytest.approx(1 / 3), "5": pytest.approx(1 / 3)}
    row = Row("f.h5", 0, truth, None, None, "failed", "dark", 1.0, 0.0, 0, 100, np.zeros((4, 4)), 0.0)
    assert row.error_px820() == np.inf
    assert np.isnan(row.tilt_error_deg())


def test_spots_are_counted_roughly() -> None:
    rng = np.random.default_rng(0)
    data = rng.poisson(20.0, (400, 400)).astype(np.float32)
    for place in rng.choice(1600, 50, replace=False):
        y, x = divmod(int(place), 40)
        data[10 * y + 4 : 10 * y + 6, 10 * x + 4 : 10 * x + 6] += 300
    valid = np.ones(data.shape, bool)
    assert count_spots(Frame(data, valid, ~valid)) == pytest.approx(50, abs=5)
    empty = rng.poisson(20.0, (400, 400)).astype(np.float32)
    assert count_spots(Frame(empty, valid, ~valid)) < 15


def test_the_report_holds_every_figure_and_number(evaluated, tmp_path) -> None:
    path = tmp_path / "report.html"
    scored = [Scored("one", "set <a>", evaluated), Scored("two", "set <a>", evaluated)]
    write_report(path, scored, {"run": {"training": [(1, 5.0), (2, 4.0)], "standard": [(2, 4.5)]}})
    text = path.read_text()
    alts = re.findall(r'alt="([^"]*)"', text)
    assert "loss curves" in alts
    assert sum(alt.startswith("actual against predicted") for alt in alts) == 2
    assert {"error of the center", "frames with marks"} <= set(alts)
    assert "set &lt;a&gt;" in text
    assert "set <a>" not in text
    assert f"{evaluated.network.center_median:.3g}" in text
    assert text.count("constant predictor</td>") == 2
    assert "hardest frames for one" in text
    assert not re.search(r'(src|href)="(?!data:)', text), "the report needs no other file"
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(tmp_path / "absent" / "r.html", scored)


def test_medians_follow_the_values() -> None:
    values = np.linspace(1.0, 100.0, 60)
    middle, typical = figures.binned_medians(values, 2.0 * values)
    assert len(middle) == 6
    assert typical == pytest.approx(2.0 * middle)
    assert [len(part) for part in figures.binned_medians(np.array([]), np.array([]))] == [0, 0]


def test_marks_are_drawn_where_the_centers_are() -> None:
    image = np.random.default_rng(0).random((20, 30))
    drawn = figures.frames_with_marks([image], [{"known": (12.0, 7.0), "a": (3.0, 4.0)}])
    lines = {line.get_label(): line for line in drawn.axes[0].lines}
    assert lines["known"].get_color() == figures.KNOWN
    assert lines["a"].get_color() == figures.FIRST
    assert (lines["known"].get_xdata()[0], lines["known"].get_ydata()[0]) == (12.0, 7.0)
    assert drawn.axes[0].get_ylim() == (20.0, 0.0), "rows run down"
    figures.close(drawn)


def test_matplotlib_is_not_imported_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, xgeom_core.evaluate.report as r; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
