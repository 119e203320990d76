"""Worker: a child process of this program that answers requests."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xgeom_core.errors import XgeomError
from xgeom_core.process.channel import Channel, connected

_PATIENCE_S, _LAST_S = 2.0, 0.5
# Where this package lies, for children of a program that is not installed. Behind everything else: a
# folder of packages may hold names that Python's own library has as well.
_ROOT = str(Path(__file__).resolve().parent.parent.parent)
_BOOT = (
    "import runpy, sys; sys.path.append(sys.argv[1]); del sys.argv[:2]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


class Worker:
    """A process that runs a module of this program, whose standard input is a `Channel`.

    It ends with this program, however that goes: its messages are then at an end, and where the system
    can do so it is told to end at once (`xgeom_core.process.bounds.end_with_parent`).

    Parameters
    ----------
    module : str
        What is run, ``"xgeom_core.predict.service.server"``.
    task : str
        What it does, for a sentence: ``"predicts"``.
    environment : mapping, optional
        Variables that it gets beside those of this program.
    """

    def __init__(self, module: str, task: str, environment: Mapping[str, str] | None = None) -> None:
        self._module, self._task, self._environment = module, task, dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self.lock = threading.RLock()
        """For those who share the process: one request at a time."""
        self.greeted = False
        """Whether the process that runs now has said that it is ready; for those who speak with it."""
        _workers.add(self)

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Channel:
        """Start the process if there is none, which takes a moment; how to speak with it.

        One that has ended by itself counts until it is closed: those who ask it are to know.

        Raises
        ------
        XgeomError
            If it cannot be started.
        """
        if self._channel is None:
            try:
                self._process, self._channel = _started(self._module, self._environment)
            except OSError as error:
                raise XgeomError(
                    f"The process that {self._task} could not be started ({error.strerror or error}); free "
                    "some memory or close other programs, then try again."
                ) from None
            self.greeted = False
        return self._channel

    def close(self, patience_s: float = _PATIENCE_S) -> int | None:
        """End the process; its exit status, None if there was none or it does not go.

        Parameters
        ----------
        patience_s : float
            How long it may take to end by itself.
        """
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is None:
            return None
        for patience in (patience_s, _LAST_S):
            try:
                return process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
        # It waits for a disk that does not answer; not even this signal ends that.
        process.returncode = -int(signal.SIGKILL)
        return None

    def end(self) -> None:
        """Kill the process and let go of it."""
        self.kill()
        self.close()

    def kill(self) -> None:
        """End the process at once, from any thread; whoever waits for its answer is told."""
        process = self._process
        if process is not None:
            process.kill()

    def forget(self) -> None:
        """Let go of the process of a parent that has forked: it is not this program's."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            # Else waiting for it would be tried, and its absence be remarked upon.
            self._process.returncode = 0
        self._process = self._channel = None
        self.lock = threading.RLock()


def exit_text(status: int | None) -> str:
    """How a process ended: ``"signal 9"`` or ``"exit status 1"``."""
    if status is not None and status < 0:
        return f"signal {-status}"
    return f"exit status {status}"


def _started(module: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], Channel]:
    # A process told to end with its parent ends with the thread that started it, so that one must last.
    if threading.current_thread() is threading.main_thread():
        return _launched(module, environment)
    return _lasting_thread().submit(_launched, module, environment).result()


def _launched(module: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], Channel]:
    channel, other = connected()
    with other:
        # -P: a module of the same name in the folder where the user works must not be run.
        command = [sys.executable, "-P", "-c", _BOOT, _ROOT, module, str(os.getpid())]
        try:
            process = subprocess.Popen(
                command, stdin=other.fileno(), stdout=subprocess.DEVNULL, env={**os.environ, **environment}
            )
        except OSError:
            channel.close()
            raise
    return process, channel


_threads: list[ThreadPoolExecutor] = []
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _lasting_thread() -> ThreadPoolExecutor:
    if not _threads:
        _threads.append(ThreadPoolExecutor(1, "xgeom-starter"))
    return _threads[0]


def _after_fork() -> None:
    _threads.clear()
    for worker in list(_workers):
        worker.forget()


def _at_exit() -> None:
    for worker in list(_workers):
        worker.end()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
