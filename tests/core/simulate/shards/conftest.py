"""A small data set, and processes that write it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import FrameSet

DRIVER = """
import resource, sys
from pathlib import Path
from xgeom_core.errors import XgeomError
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file

def main():
    path, count, workers, limit = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    print("ready", flush=True)
    try:
        tell = lambda done: print(done, flush=True)
        write_training_file(path, load_recipe("standard"), (48, 64), count, 5, tell, workers=workers)
    except XgeomError as error:
        sys.exit(str(error))

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="session")
def small() -> FrameSet:
    """What the driver writes too."""
    return FrameSet(load_recipe("standard"), (48, 64), 5)


@pytest.fixture
def writing(tmp_path):
    """Start a process of its own group that writes a file; all of them are ended after the test."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    started: list[subprocess.Popen[str]] = []

    def start(path: Path, count: int, workers: int = 1, limit: int = 0) -> subprocess.Popen[str]:
        root = Path(__file__).resolve().parents[4]
        process = subprocess.Popen(
            [sys.executable, script, path, str(count), str(workers), str(limit)],
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
            os.killpg(process.pid, 9)
        process.communicate()
