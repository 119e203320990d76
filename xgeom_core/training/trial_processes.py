"""The trainings of a sweep: children that end with it, and are waited for if they did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from xgeom_core.system.processes import Identity
from xgeom_core.training.run_lock import has_writer

# Names the sweep to its trainings: they end in order when it is gone.
SWEEP = "XGEOM_SWEEP"
# Signals that ask to end in order: the second comes when the terminal is closed.
POLITE = (signal.SIGTERM, signal.SIGHUP)
_LOOK_S = 1.0


class Crew:
    """Starts trainings and waits for them; when the sweep is told to end, so are they.

    Used as a context: on the way out with an error, Ctrl+C, SIGTERM or SIGHUP, every training saves and ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: set[subprocess.Popen[bytes]] = set()
        self._ending = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Crew:
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in POLITE if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._told) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def train(self, config: Path, run_dir: Path) -> None:
        """Train in a folder and wait for the end.

        A training that an earlier sweep left alive there is waited for first: two must never write
        into one folder. What it did is not done again.
        """
        while has_writer(run_dir) and not self._ending:
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


def orphaned() -> bool:
    """Whether this process trains for a sweep that is gone."""
    sweep = Identity.parse(os.environ.get(SWEEP, ""))
    return sweep is not None and not sweep.alive
