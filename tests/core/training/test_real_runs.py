"""Runs in processes of their own: killed, shared, short of disk."""

from __future__ import annotations

import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from xgeom_core.errors import TrainingError
from xgeom_core.training.checkpoint import load_checkpoint
from xgeom_core.training.config import Config
from xgeom_core.training.events import Failed, Finished, Step, read_events

pytestmark = pytest.mark.integration

SMALL_POLAR = {
    "architecture": "polar",
    "width": 4,
    "input_px": 64,
    "supersampling": 1,
    "activations": 8,
    "polar": {"radii": 16, "azimuths": 16, "width": 4, "blocks": 1, "hidden": 8},
}


def write_config(path: Path, **training) -> Path:
    config = Config.model_validate(
        {
            "name": "t",
            "model": SMALL_POLAR,
            "data": {"workers": 0, "kinds": {"binary": 1.0}, "reuse": 2, "reuse_lag": 3},
            "validation": {"kinds": ["binary"], "frames": 4, "every_steps": 1000},
            "training": {
                "steps": 20,
                "batch": 8,
                "warmup_steps": 2,
                "device": "cpu",
                "threads": 1,
                "checkpoint_minutes": 0.002,
            }
            | training,
        }
    )
    path.write_text(config.to_toml())
    return path


def command(config: Path, run_dir: Path, *launcher: str) -> list[str]:
    return [sys.executable, *launcher, "-m", "xgeom_core", "train", str(config), "--run-dir", str(run_dir)]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def losses(run_dir: Path) -> list[str]:
    return (run_dir / "losses.csv").read_text().splitlines()


def test_a_run_killed_at_three_moments_ends_as_if_it_had_not_been(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml")
    subprocess.run(command(config, tmp_path / "whole"), env=environment(), check=True, capture_output=True)
    parts = tmp_path / "parts"
    chance = random.Random(5)
    for after in sorted(chance.sample(range(2, 18), 3)):
        run = subprocess.Popen(command(config, parts), env=environment(), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while run.poll() is None and _rows(parts) < after and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
    subprocess.run(command(config, parts), env=environment(), check=True, capture_output=True)
    assert len([e for e in read_events(parts / "events.jsonl") if e.name == "run_started"]) == 4
    assert losses(parts) == losses(tmp_path / "whole")
    assert (parts / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


def _rows(run_dir: Path) -> int:
    """Steps that stand on the disk."""
    path = run_dir / "losses.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def test_two_processes_learn_what_one_does(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml", steps=5, accumulate=1, learning_rate=1e-4)
    subprocess.run(command(config, tmp_path / "one"), env=environment(), check=True, capture_output=True)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    shared = subprocess.run(
        command(config, tmp_path / "two", *launcher), env=environment(), capture_output=True, text=True
    )
    assert shared.returncode == 0, shared.stderr
    one, two = ([float(row.split(",")[1]) for row in losses(tmp_path / name)[1:]] for name in ("one", "two"))
    assert len(one) == len(two) == 5
    assert two == pytest.approx(one, rel=1e-3, abs=1e-3)
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    events = read_events(tmp_path / "two" / "events.jsonl")
    assert [event.name for event in events].count("run_started") == 1, "one process speaks"
    assert isinstance(events[-1], Finished)
    assert [event.frames for event in events if isinstance(event, Step)][-1] == 40


def test_a_full_disk_ends_the_run_and_spares_the_last_checkpoint(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml", steps=12)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(command(config, whole), env=environment(), check=True, capture_output=True)
    first = subprocess.Popen(command(config, parts), env=environment(), stdout=subprocess.DEVNULL)
    while first.poll() is None and not (parts / "checkpoint.pt").exists():
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = (parts / "checkpoint.pt").read_bytes()

    def no_more_room() -> None:
        # Files cannot grow to the size of a checkpoint: the nearest thing to a full disk without one.
        limit = len(kept) // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    full = subprocess.run(
        command(config, parts), env=environment(), capture_output=True, text=True, preexec_fn=no_more_room
    )
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1
    assert "last checkpoint is whole" in full.stderr
    assert isinstance(read_events(parts / "events.jsonl")[-1], Failed)
    assert (parts / "checkpoint.pt").read_bytes() == kept
    assert not list(parts.glob("*.partial"))
    subprocess.run(command(config, parts), env=environment(), check=True, capture_output=True)
    assert losses(parts) == losses(whole)


class Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return (Path.touch, (self._path,))


@pytest.mark.parametrize("write", [lambda bomb, path: path.write_bytes(pickle.dumps(bomb)), torch.save])
def test_a_malicious_checkpoint_is_refused_without_running_it(tmp_path, write) -> None:
    run_dir = tmp_path
    write(Bomb(tmp_path / "exploded"), run_dir / "checkpoint.pt")
    with pytest.raises(TrainingError, match="cannot be read") as caught:
        load_checkpoint(run_dir)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()
