"""The trainings of a sweep: never two in a folder, and none that outlives its sweep."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from xgeom_core.system.processes import Identity
from xgeom_core.training import trial_processes as crews
from xgeom_core.training.run_lock import has_writer, only_writer
from xgeom_core.training.trial_processes import SWEEP, Crew, orphaned

SLEEP = "import time; time.sleep({})"
PATIENCE_S = 120.0


@pytest.fixture
def trainings(monkeypatch):
    """Trainings that only sleep; what the crew starts is kept here."""
    begun: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(command, **settings):
        process = real([sys.executable, "-c", SLEEP.format(600)], env=settings["env"])
        begun.append(process)
        return process

    monkeypatch.setattr(crews.subprocess, "Popen", start)
    yield begun
    for process in begun:
        process.kill()
        process.wait()


def until(condition) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_sweep_that_ends_ends_its_trainings(tmp_path, trainings) -> None:
    crew = Crew()
    thread = threading.Thread(target=crew.train, args=(tmp_path / "c.toml", tmp_path))
    thread.start()
    until(lambda: trainings)
    crew.end()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert trainings[0].returncode != 0
    crew.train(tmp_path / "c.toml", tmp_path)
    assert len(trainings) == 1, "no other begins"


def test_nobody_trains_beside_one_that_an_earlier_sweep_left(tmp_path, trainings, monkeypatch) -> None:
    crew, looked = Crew(), []
    monkeypatch.setattr(crews, "_LOOK_S", 0.01)
    monkeypatch.setattr(crews, "has_writer", lambda folder: looked.append(folder) or has_writer(folder))
    thread = threading.Thread(target=crew.train, args=(tmp_path / "c.toml", tmp_path))
    with only_writer(tmp_path):
        thread.start()
        until(lambda: len(looked) > 3)
        assert not trainings, "it waits"
    until(lambda: trainings)
    crew.end()
    thread.join(PATIENCE_S)


def test_a_training_knows_when_its_sweep_is_gone(monkeypatch) -> None:
    assert not orphaned()
    monkeypatch.setenv(SWEEP, str(Identity.of()))
    assert not orphaned()
    gone = subprocess.Popen([sys.executable, "-c", SLEEP.format(600)])
    monkeypatch.setenv(SWEEP, str(Identity.of(gone.pid)))
    gone.kill()
    gone.wait()
    assert orphaned()
