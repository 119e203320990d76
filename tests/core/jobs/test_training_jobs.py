"""Real trainings as jobs: watched, stopped, resumed, killed, crashed, shared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

import h5py
import psutil
import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.compare import compare
from xgeom_core.jobs.job import Place
from xgeom_core.jobs.tail import EventTail
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file
from xgeom_core.training.config import Config
from xgeom_core.training.events import Finished, Heartbeat, RunStarted, Stage, Step, Validation, last_event

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> str:
    """A file of frames: runs that read begin sooner than runs that simulate."""
    path = tmp_path_factory.mktemp("frames") / "frames.h5"
    write_training_file(path, load_recipe("standard"), (64, 64), 6, seed=2)
    return str(path)


@pytest.fixture
def config(frames):
    def make(workers: int = 0, file: str = frames, every: int = 1000, **training) -> Config:
        return Config.model_validate(
            {
                "name": "tiny",
                "model": {"width": 4, "input_px": 64, "supersampling": 1, "activations": 8},
                "data": {"workers": workers, "files": [file]},
                "validation": {"kinds": [], "files": [frames], "frames": 4, "every_steps": every},
                "training": {"steps": 4, "batch": 4, "warmup_steps": 2, "threads": 1} | training,
            }
        )

    return make


def test_a_training_is_watched_ended_politely_resumed_and_stopped(store, config, until, reached) -> None:
    job = store.train(config(workers=2, steps=1_000_000, every=50), Place())
    assert (job.kind, job.title) == ("train", "tiny")
    events = job.folder / "events.jsonl"
    tail, seen = EventTail(events), []

    def there(kind) -> bool:
        seen.extend(tail.read())
        return any(isinstance(event, kind) for event in seen)

    for kind in (Stage, Heartbeat, RunStarted, Step, Validation):
        until(lambda kind=kind: there(kind), kind.name)
    first = [event.name for event in seen if event.name in {"stage", "heartbeat"}][:2]
    assert set(first) == {"stage", "heartbeat"}, "it lives before torch is there"
    status = store.status(job)
    assert (status.state, status.heartbeat_age_s < 30) == ("running", True)
    # The first heartbeats come before torch is loaded and weigh less.
    until(lambda: 0.05 < last_event(events, Heartbeat).memory_gb < 8, "a heartbeat of a loaded run")
    assert next(event for event in seen if isinstance(event, Step)).seconds_left > 1
    # The workers hear it as well; they must not die under the loop's hands.
    assert len(psutil.Process(status.pid).children(recursive=True)) >= 2
    os.killpg(status.pid, signal.SIGTERM)
    status = reached(job, "stopped")
    assert (status.exit_code, status.reason) == (0, "")
    ended = last_event(events, Finished)
    assert ended.reason == "stopped"
    shown = json.loads((job.folder / "predictions.json").read_text())
    (one,) = shown["sets"].values()
    assert shown["step"] == ended.step
    assert set(one["actual"]) == set(one["predicted"]) == {"cx", "cy", "pitch", "yaw"}
    assert all(len(values) == 4 for values in (*one["actual"].values(), *one["predicted"].values()))
    assert all(0 < value < 820 for value in one["actual"]["cx"])
    store.resume(job)
    until(lambda: there(RunStarted) and [e for e in seen if isinstance(e, RunStarted)][-1].first_step > 0)
    store.stop(job)
    reached(job, "stopped")
    assert "Traceback" not in store.log(job)


def test_processes_that_share_a_run_are_killed_with_all_their_workers(store, config, until, marked) -> None:
    with pytest.raises(ConfigError, match="cannot be shared by 3 processes"):
        store.train(config(), Place(processes=3))
    job = store.train(config(workers=1, steps=1_000_000), Place(processes=2))
    until(lambda: last_event(job.folder / "events.jsonl", Step))
    # torchrun, two processes in sessions of their own, and a worker of each.
    assert len(marked(job)) >= 5
    store.kill(job)
    assert marked(job) == []
    assert store.status(job).state == "killed"
    other = store.train(config(workers=1, steps=5), Place(), title="alone")
    store.kill(other)
    (row,) = compare([job.folder, other.folder]).rows
    assert (row.key, row.values) == ("training.steps", (1_000_000, 5))


def test_crashes_are_told_in_a_sentence(store, config, frames, tmp_path, reached) -> None:
    damaged = tmp_path / "damaged.h5"
    shutil.copyfile(frames, damaged)
    with h5py.File(damaged, "r+") as file:
        file["images"].id.write_direct_chunk((5, 0, 0), b"rubbish")
    gone = str(tmp_path / "gone.h5")
    jobs = {
        "gone.h5": store.train(config(file=gone), Place()),
        "damaged.h5": store.train(config(file=str(damaged), workers=1, steps=50), Place()),
    }
    for name, job in jobs.items():
        status = reached(job, "failed")
        assert name in status.reason
        assert status.exit_code == 2
        assert status.reason.endswith(".")
        assert "Traceback" not in status.reason
        assert "\n" not in status.reason
        assert status.reason in store.log(job)


def test_a_full_disk_and_a_killed_worker_are_told_in_a_sentence(store, config, until, reached) -> None:
    # Files cannot grow to the size of a checkpoint: the nearest thing to a full disk without one.
    small = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from xgeom_core.cli import main\nmain()"
    )
    folder = store.new_folder("train")
    full = store.submit(
        "train",
        ("train", str(folder / "config.toml"), "--run-dir", str(folder)),
        Place(),
        folder=folder,
        files={"config.toml": config(device="cpu").to_toml()},
        program=(sys.executable, "-c", small),
    )
    assert "Make room" in reached(full, "failed").reason
    job = store.train(config(workers=1, steps=1_000_000), Place())
    until(lambda: last_event(job.folder / "events.jsonl", Step))
    (worker, *_) = psutil.Process(store.status(job).pid).children()
    worker.kill()
    assert "A process that prepares frames was ended" in reached(job, "failed").reason
