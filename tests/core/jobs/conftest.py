"""Jobs of stand-in commands, and waiting for them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from xgeom_core.jobs.job import Job, Place, Status
from xgeom_core.jobs.process_tree import MARK
from xgeom_core.jobs.store import JobStore

PYTHON = (sys.executable, "-c")
# Generous: the machine may be busy.
PATIENCE_S = 120.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    """A store of its own; whatever still runs at the end is killed."""
    store = JobStore(tmp_path / "runs")
    yield store
    for job in store.jobs():
        if not store.status(job).over:
            store.kill(job)


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for something to come true."""

    def wait(true: Callable[[], object], what: str = "") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"waited too long: {what}"
            time.sleep(0.05)

    return wait


@pytest.fixture
def reached(store: JobStore, until) -> Callable[..., Status]:
    """Wait until a job is in one of some states; any end counts as well, and is then compared."""

    def wait(job: Job, *states: str) -> Status:
        until(lambda: store.status(job).over or store.status(job).state in states, f"{states}")
        status = store.status(job)
        assert status.state in states, f"{status}\n{store.log(job)}"
        return status

    return wait


@pytest.fixture
def stand_in(store: JobStore) -> Callable[..., Job]:
    """Submit a line of Python in place of xgeom."""

    def submit(code: str, devices: tuple[str, ...] = ("cpu",), kind="simulate", title: str = "") -> Job:
        return store.submit(kind, (code,), Place(devices), title, program=PYTHON)

    return submit


@pytest.fixture
def marked() -> Callable[[Job], list[int]]:
    """Processes that began in the environment of a job, whoever their parents are."""

    def find(job: Job) -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == job.id and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found

    return find
