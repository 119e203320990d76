"""A small data set, and processes that write it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import shard_driver
from warm import Warm, forking
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import FrameSet


@pytest.fixture(scope="session")
def small() -> FrameSet:
    """What the driver writes too."""
    return FrameSet(load_recipe("standard"), (48, 64), 5)


@pytest.fixture
def warm_workers(monkeypatch) -> None:
    """Workers need not import anything; elsewhere they are started as users start them."""
    context = forking()
    monkeypatch.setattr(multiprocessing, "get_context", lambda _kind: context)


@pytest.fixture
def writing():
    """Start a process of its own group that writes a file; all of them are ended after the test."""
    started: list[Warm] = []

    def start(path: Path, count: int, workers: int = 1, limit: int = 0) -> Warm:
        driver = Warm(shard_driver.write, path, count, workers, largest_file=limit, group=True)
        started.append(driver)
        return driver

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def writing_python():
    """The same from a Python of its own, which hears signals as a program in a terminal does."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path, count: int, workers: int) -> subprocess.Popen[str]:
        root = Path(__file__).resolve().parents[4]
        process = subprocess.Popen(
            [sys.executable, shard_driver.__file__, path, str(count), str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Where the tests run in the background of a shell, Ctrl-C would be ignored by inheritance.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads
            env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
