"""Sweeps of real trainings, tiny ones: killed outright they go on, and two variants train at a time."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xgeom_core.training.config import Config, load_config
from xgeom_core.training.events import Finished, RunStarted, read_events

pytest.importorskip("optuna")

TINY = {
    "model": {"width": 4, "input_px": 64, "supersampling": 1, "activations": 8},
    "data": {"workers": 0, "kinds": {"binary": 1.0}},
    "validation": {"kinds": ["binary"], "frames": 4},
    "training": {"steps": 6, "batch": 2, "device": "cpu", "threads": 1},
}
SPACE = """
rank_by = "center"
[vary]
"training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"""
TRIALS = 3
# The machine may be busy; what is waited for takes seconds on a quiet one.
PATIENCE_S = 240.0


def start(folder: Path) -> subprocess.Popen[bytes]:
    """A sweep of two variants at a time, in a process group of its own, to be killed with its children."""
    command = [sys.executable, "-m", "xgeom_core", "sweep", str(folder / "base.toml")]
    command += ["--space", str(folder / "space.toml"), "--dir", str(folder / "sweep")]
    command += ["--trials", str(TRIALS), "--jobs", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True
        )


def events_of(folder: Path, number: int) -> list:
    path = folder / "sweep" / f"trial-{number:04d}" / "events.jsonl"
    return read_events(path) if path.exists() else []


def finished(folder: Path) -> set[int]:
    return {n for n in range(TRIALS) if any(isinstance(e, Finished) for e in events_of(folder, n))}


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group, which Windows has not")
def test_a_sweep_that_was_killed_goes_on_and_trains_two_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(Config.model_validate(TINY).to_toml())
    (tmp_path / "space.toml").write_text(SPACE)
    sweep = start(tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not finished(tmp_path) and sweep.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.wait()
    before = finished(tmp_path)
    assert before, (tmp_path / "output.txt").read_text()
    assert len(before) < TRIALS, "killed too late to show anything"
    drawn = {n: (tmp_path / "sweep" / f"trial-{n:04d}" / "values.json").read_text() for n in before}

    again = start(tmp_path)
    try:
        assert again.wait(PATIENCE_S) == 0, (tmp_path / "output.txt").read_text()
    finally:
        if again.poll() is None:
            os.killpg(again.pid, signal.SIGKILL)
    assert finished(tmp_path) == set(range(TRIALS))
    with (tmp_path / "sweep" / "ranking.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(int(row["trial"]) for row in rows) == list(range(TRIALS)), "each variant once"
    assert all(float(row["score"]) > 0 for row in rows)
    for number in range(TRIALS):
        trial = tmp_path / "sweep" / f"trial-{number:04d}"
        values = (trial / "values.json").read_text()
        assert values == drawn.get(number, values), "a variant that was begun keeps its values"
        rate = load_config(trial / "config.toml").training.learning_rate
        assert json.loads(values) == {"training.learning_rate": pytest.approx(rate)}
    first, second = events_of(tmp_path, 0), events_of(tmp_path, 1)
    begins = [next(e.time for e in run if isinstance(e, RunStarted)) for run in (first, second)]
    ends = [max(e.time for e in run) for run in (first, second)]
    assert max(begins) < min(ends), "the first two variants trained side by side"
