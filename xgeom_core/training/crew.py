"""The trainings of a sweep: children that end with it, and are waited for if they did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType

from xgeom_core.system.processes import Identity
from xgeom_core.training.events import Heartbeat, last_event

# Names the sweep to its trainings: they end in order when it is gone.
SWEEP = "XGEOM_SWEEP"
_TRAINER = "trainer.txt"
_LOOK_S = 1.0


class Crew:
    """Starts trainings and waits for them; when the sweep is told to end, so are they.

    Used as a context: on the way out with an error, Ctrl+C or SIGTERM, every training saves and ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: set[subprocess.Popen[bytes]] = set()
        self._ending = False
        self._before: object = None

    def __enter__(self) -> Crew:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._told)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)  # type: ignore[arg-type]

    def train(self, config: Path, run_dir: Path) -> None:
        """Train in a folder and wait for the end.

        A training that an earlier sweep left alive there is waited for first: two must never write
        into one folder. What it did is not done again.
        """
        left = trainer_of(run_dir)
        while left is not None and left.alive and not self._ending:
            time.sleep(_LOOK_S)
        command = [
            *(sys.executable, "-m", "xgeom_core", "train", str(config)),
            *("--run-dir", str(run_dir), "--json"),
        ]
        with self._lock:
            if self._ending:
                return
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, SWEEP: str(Identity.of() or "")},
            )
            self._there.add(process)
        with suppress(OSError):
            (run_dir / _TRAINER).write_text(str(Identity.of(process.pid) or ""), encoding="ascii")
        process.wait()
        with self._lock:
            self._there.discard(process)

    def end(self) -> None:
        """Ask every training to save and end; no other begins."""
        with self._lock:
            self._ending = True
            for process in self._there:
                process.terminate()

    def _told(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)


def trainer_of(run_dir: Path) -> Identity | None:
    """The process that trains in a folder, or did."""
    try:
        noted = Identity.parse((run_dir / _TRAINER).read_text(encoding="ascii", errors="replace").strip())
    except OSError:
        noted = None
    if noted is not None and noted.alive:
        return noted
    beat = last_event(run_dir / "events.jsonl", Heartbeat)
    return Identity.parse(beat.process) if beat is not None else noted


def orphaned() -> bool:
    """Whether this process trains for a sweep that is gone."""
    sweep = Identity.parse(os.environ.get(SWEEP, ""))
    return sweep is not None and not sweep.alive
