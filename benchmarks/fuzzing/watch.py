"""Keeps a process that reads, and says how each reading ended: in order, by a signal, or not at all."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from fuzzing.reading import Report
from fuzzing.seeds import Kind

_LOOK_S = 0.25
# Where nothing works and nothing answers for so long, something waits for what never comes.
_IDLE_S = 60.0
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Death:
    """The process did not live to tell.

    Parameters
    ----------
    how : str
        ``"signal"`` or ``"endless"``.
    words : str
        Which, and the last that it said, its stacks among it.
    """

    how: str
    words: str


class Watch:
    """Reads files in a process of its own, which is started again after each death.

    Parameters
    ----------
    limit_s : float
        Processor time, its children's included, that one file may take.
    worker : str
        The module that reads.
    """

    def __init__(self, limit_s: float, worker: str = "fuzzing.worker") -> None:
        self._limit_s, self._worker = limit_s, worker
        self._process: subprocess.Popen[str] | None = None
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed with the process
        self.started = 0
        """Processes that were needed."""

    def read(self, path: Path, kind: Kind) -> Report | Death:
        """What came of a file."""
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        before = _processor_s(process.pid)
        process.stdin.write(json.dumps({"path": str(path), "kind": kind}) + "\n")
        process.stdin.flush()
        spent, since = before, time.monotonic()
        while not select.select([process.stdout], [], [], _LOOK_S)[0]:
            now = _processor_s(process.pid)
            if now > spent + 0.01:
                spent, since = now, time.monotonic()
            if now - before > self._limit_s or time.monotonic() - since > _IDLE_S:
                return self._end("endless", f"{now - before:.1f} s of processor time without an end")
        line = process.stdout.readline()
        if line.endswith("\n"):
            return Report(**json.loads(line))
        return self._end("signal", "")

    def close(self) -> None:
        """End the process."""
        self._said.close()
        process, self._process = self._process, None
        if process is not None:
            with process:
                assert process.stdin is not None
                process.stdin.close()
                process.wait()

    def _start(self) -> subprocess.Popen[str]:
        self.started += 1
        self._said.seek(0)
        self._said.truncate()
        folders = [str(_HERE.parent), str(_HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders)), "OMP_NUM_THREADS": "1"},
        )
        return self._process

    def _end(self, how: str, words: str) -> Death:
        process, self._process = self._process, None
        assert process is not None
        family = [process.pid, *(child.pid for child in _children(process.pid))]
        for pid in reversed(family):
            if how == "endless":
                try:
                    os.kill(pid, signal.SIGABRT if pid == process.pid else signal.SIGKILL)
                except ProcessLookupError:
                    continue
        # Closes the pipes as well.
        with process:
            code = process.wait()
        self._said.seek(0)
        said = self._said.read()[-4000:]
        return Death(how, f"{words or _name(code)}\n{said}")


def _name(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _processor_s(pid: int) -> float:
    """Processor time of a process and all that came of it, in s."""
    spent = 0.0
    for each in (pid, *(child.pid for child in _children(pid))):
        try:
            times = psutil.Process(each).cpu_times()
        except psutil.Error:
            continue
        spent += times.user + times.system + times.children_user + times.children_system
    return spent
