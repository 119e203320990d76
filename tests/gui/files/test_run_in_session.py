"""What was found of a run: in session files, and as a list of its own."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.predict import Prediction
from xgeom_core.predict.prediction import LatticeSummary
from xgeom_gui.files.session_file import SavedSession, read_session, write_session
from xgeom_gui.state.batch_rows import BatchRow, RunPlan
from xgeom_gui.state.batch_state import BatchState, batch_of, plain_batch


def answer(index: int, *, status: str = "ok", away: float = 0.0) -> Prediction:
    covariance = np.diag([0.04**2, 0.05**2, 0.02**2, 0.03**2])
    covariance[0, 3] = covariance[3, 0] = 1e-4
    reason = "" if status == "ok" else "Too few rings."
    best = Estimate("fit", (210.25 + index, 140.5), (0.41, -0.26), covariance, status, reason)
    lattice = Estimate("lattice", (210.25 + index + away, 140.5), None, covariance[:2, :2])
    crystal = LatticeSummary(
        80, (78.0, 78.0, 37.0, 90.0, 90.0, 90.0), "tP", 70, 0.4, 1, ((210.0, 140.0, 0.9),), True
    )
    return Prediction(
        "a.h5",
        "/data",
        index,
        status,
        reason,
        best,
        None,
        best,
        None,
        ("Odd.",),
        0.5,
        None,
        lattice,
        "lattice",
        crystal,
    )


def state(path: str = "a.h5") -> BatchState:
    rows = (
        BatchRow(path, "/data", 0, answer(0)),
        BatchRow(path, "/data", 2, answer(2, away=40.0)),
        BatchRow(path, "/data", 4, None, "Frame 4 cannot be decompressed."),
        BatchRow(path, "/data", 6, answer(6, status="uncertain")),
    )
    shared = Estimate("shared", (211.0, 140.5), (0.4, -0.3), np.eye(4))
    return BatchState(RunPlan(path, path, "/data", range(0, 10, 2)), rows, shared)


def test_a_run_survives_text():
    before = state()
    after = batch_of(json.loads(json.dumps(plain_batch(before))))
    assert after.plan == before.plan and len(after.rows) == 4
    for one, other in zip(after.rows, before.rows, strict=True):
        assert one.record() == other.record()
        assert one.sigma_px == other.sigma_px or math.isnan(one.sigma_px)
    first, was = after.rows[0].prediction, before.rows[0].prediction
    assert np.array_equal(first.best.covariance, was.best.covariance)
    assert first.lattice.covariance.shape == (2, 2) and first.network is None
    assert first.crystal == was.crystal and first.warnings == was.warnings
    assert after.shared.center_px == (211.0, 140.5) and np.array_equal(after.shared.covariance, np.eye(4))


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.pop("rows"),
        lambda values: values["rows"][0].update(index=99),
        lambda values: values["rows"][0].update(status="fine"),
        lambda values: values["rows"][0]["said"]["best"].update(covariance=[1.0, 2.0]),
        lambda values: values.update(frames=[0, 10]),
    ],
)
def test_values_that_make_no_sense_are_refused(damage):
    values = plain_batch(state())
    damage(values)
    with pytest.raises((KeyError, TypeError, ValueError)):
        batch_of(values)


def test_the_frames_of_a_run_may_be_moved_with_the_session(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    paths = [old / "a.h5", old / "b.h5"]
    for path in paths:
        path.write_bytes(b"x")
    run = state(str(paths[0]))
    run = replace(run, plan=replace(run.plan, spec="\n".join(map(str, paths))))
    parts = {"run": lambda: plain_batch(run)}
    write_session(SavedSession(run.plan.spec, 0, (), parts), old / "s.xgeom.json")
    old.rename(new)
    found = read_session(new / "s.xgeom.json").parts["run"]
    assert found.plan.path == str(new / "a.h5") == found.rows[0].path
    assert found.plan.spec == "\n".join(str(new / name) for name in ("a.h5", "b.h5"))


def predict_run(opened) -> None:
    panel = opened.window.run_tools.panel
    panel.start()
    opened.qtbot.waitUntil(lambda: opened.session.batch.shared is not None, timeout=30_000)
    assert not opened.session.batch.running


def write(opened, path: Path) -> Path:
    opened.window.file_tools.sessions.save(str(path))
    opened.qtbot.waitUntil(path.exists, timeout=10_000)
    return path


def test_a_session_brings_the_run_back(opened, nxmx_file, tmp_path, monkeypatch):
    find = opened.predictor.predict

    def odd(frame, **wishes):
        found = find(frame, **wishes)
        return replace(found, status="uncertain", reason="Too few rings.") if frame.index == 3 else found

    monkeypatch.setattr(opened.predictor, "predict", odd)
    opened.open(nxmx_file)
    batch, panel = opened.session.batch, opened.window.run_tools.panel
    panel.every.setValue(3)
    predict_run(opened)
    order = [row.index for row in batch.doubtful]
    records, middle, shared = batch.records(), batch.middle, batch.shared.center_px
    file = write(opened, tmp_path / "mine.xgeom.json")
    batch.restore(None)
    assert batch.done == 0 and panel.model.rowCount() == 0
    opened.open(file)
    opened.qtbot.waitUntil(lambda: batch.done == 2, timeout=20_000)
    opened.qtbot.waitUntil(lambda: panel.model.rowCount() == 2)
    assert [row.index for row in batch.doubtful] == order == [3, 0]
    assert batch.records() == records and batch.middle == middle and batch.shared.center_px == shared
    assert (batch.done, batch.total, batch.running) == (2, 2, False)
    assert "2 of 2 frames predicted, 1 to doubt" in panel.summary.text()
    panel.next_doubtful()
    opened.settle()
    assert opened.session.index == 3


def test_a_run_that_was_cancelled_keeps_its_progress(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.predictor.delay_s = 0.3
    batch, panel = opened.session.batch, opened.window.run_tools.panel
    panel.start()
    opened.qtbot.waitUntil(lambda: batch.done >= 2, timeout=20_000)
    panel.cancel_button.click()
    done = batch.done
    assert done < 5
    file = write(opened, tmp_path / "mine.xgeom.json")
    batch.restore(None)
    opened.open(file)
    opened.qtbot.waitUntil(lambda: batch.done == done, timeout=20_000)
    assert batch.total == 5 and f"{done} of 5 frames predicted" in panel.summary.text()


def test_a_session_opened_in_the_middle_of_a_run_replaces_it(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    batch, panel = opened.session.batch, opened.window.run_tools.panel
    panel.last.setValue(1)
    predict_run(opened)
    file = write(opened, tmp_path / "mine.xgeom.json")
    opened.predictor.delay_s = 0.3
    panel.last.setValue(4)
    panel.start()
    opened.open(file)
    opened.qtbot.waitUntil(lambda: batch.total == 2 and not batch.running, timeout=20_000)
    opened.settle()
    opened.qtbot.wait(800)
    assert [row.index for row in batch.rows] == [0, 1], "late answers of the other run are dropped"
    assert batch.shared is not None


def test_a_damaged_run_leaves_the_rest_of_the_session(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    predict_run(opened)
    opened.session.display.set_scale("log")
    file = write(opened, tmp_path / "mine.xgeom.json")
    content = json.loads(file.read_text())
    content["parts"]["run"]["rows"][1]["index"] = "many"
    file.write_text(json.dumps(content))
    opened.session.display.set_scale("linear")
    opened.open(file)
    opened.qtbot.waitUntil(lambda: "could not bring back: run" in opened.window.messages.text, timeout=20_000)
    assert opened.session.display.scale == "log"


def test_the_list_of_a_run_is_exported(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    panel = opened.window.run_tools.panel
    assert not panel.export_button.isEnabled()
    predict_run(opened)
    assert panel.export_button.isEnabled()
    for name in ("run.csv", "run.json"):
        opened.window.file_tools.export_run(str(tmp_path / name))
        opened.qtbot.waitUntil((tmp_path / name).exists, timeout=10_000)
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == list("01234")
    assert [float(row["x_px"]) for row in rows] == [210.25 + i for i in range(5)]
    assert float(rows[0]["sigma_x_px"]) == pytest.approx(0.04) and rows[0]["pitch_deg"] == "0.41"
    listed = json.loads((tmp_path / "run.json").read_text())
    assert [row["status"] for row in listed] == ["ok"] * 5 and listed[0]["file"] == str(nxmx_file)
