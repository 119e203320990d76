"""Runs in processes of their own: killed, shared, short of disk."""

from __future__ import annotations

import pickle
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from warm import Warm, xgeom
from xgeom_core.errors import TrainingError
from xgeom_core.training.checkpoint import load_checkpoint
from xgeom_core.training.config import Config
from xgeom_core.training.events import Failed, Finished, Step, read_events

pytestmark = pytest.mark.integration

# Generous: the machine may be busy.
PATIENCE_S = 240.0
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
                "steps": 12,
                "batch": 4,
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


def begin(config: Path, run_dir: Path, **settings) -> Warm:
    return xgeom("train", config, "--run-dir", run_dir, **settings)


def whole_run(config: Path, run_dir: Path) -> None:
    code, _, err = begin(config, run_dir).ended()
    assert code == 0, err


def losses(run_dir: Path) -> list[str]:
    return (run_dir / "losses.csv").read_text().splitlines()


def killed_when(run: Warm, reached: Callable[[], bool]) -> None:
    """Kill a run at a moment; the test fails where it never comes."""
    deadline = time.monotonic() + PATIENCE_S
    while run.poll() is None and not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    run.kill()


def test_a_run_killed_at_three_moments_ends_as_if_it_had_not_been(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml")
    whole_run(config, tmp_path / "whole")
    parts = tmp_path / "parts"
    for run, after in enumerate(sorted(random.Random(5).sample(range(2, 11), 3)), start=1):
        killed_when(
            begin(config, parts),
            lambda run=run, after=after: _starts(parts) == run and _rows(parts) >= after,
        )
    whole_run(config, parts)
    assert _starts(parts) == 4
    assert losses(parts) == losses(tmp_path / "whole")
    assert (parts / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()
    board = b"".join(path.read_bytes() for path in (tmp_path / "whole" / "tensorboard").iterdir())
    for tag in (b"validation/binary/examples", b"validation/binary/actual", b"training/loss"):
        assert tag in board


def _starts(run_dir: Path) -> int:
    path = run_dir / "events.jsonl"
    return len([e for e in read_events(path) if e.name == "run_started"]) if path.exists() else 0


def _rows(run_dir: Path) -> int:
    """Steps that stand on the disk."""
    path = run_dir / "losses.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def test_two_processes_learn_what_one_does(tmp_path) -> None:
    """What torchrun tells its processes is told here; torchrun itself runs in the tests of jobs."""
    config = write_config(tmp_path / "c.toml", steps=5, batch=8, accumulate=1, learning_rate=1e-4)
    whole_run(config, tmp_path / "one")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    pair = [
        begin(config, tmp_path / "two", environment={**meeting, "RANK": rank, "LOCAL_RANK": rank})
        for rank in ("0", "1")
    ]
    assert [run.ended()[0] for run in pair] == [0, 0]
    one, two = ([float(row.split(",")[1]) for row in losses(tmp_path / name)[1:]] for name in ("one", "two"))
    assert len(one) == len(two) == 5
    assert two == pytest.approx(one, rel=1e-3, abs=1e-3)
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    events = read_events(tmp_path / "two" / "events.jsonl")
    assert [event.name for event in events].count("run_started") == 1, "one process speaks"
    assert isinstance(events[-1], Finished)
    assert [event.frames for event in events if isinstance(event, Step)][-1] == 40


def test_a_full_disk_ends_the_run_and_spares_the_last_checkpoint(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml", steps=6)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole_run(config, whole)
    killed_when(begin(config, parts), (parts / "checkpoint.pt").exists)
    kept = (parts / "checkpoint.pt").read_bytes()
    code, _, err = begin(config, parts, largest_file=len(kept) // 2).ended()
    assert code == 2
    assert err.count("\n") == 1
    assert "last checkpoint is whole" in err
    assert isinstance(read_events(parts / "events.jsonl")[-1], Failed)
    assert (parts / "checkpoint.pt").read_bytes() == kept
    assert not list(parts.glob("*.partial"))
    whole_run(config, parts)
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
