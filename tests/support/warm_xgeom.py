"""``xgeom`` in processes of its own that have nothing left to import.

A start of Python that imports torch, the simulator and matplotlib takes seconds of processor time. Here one
server does so once, and every process is forked from it: alive, killed and short of disk by itself, as one
that was started from a terminal, which other tests do.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import resource
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

_WARM = "warm_xgeom_imports"


@functools.cache
def _server() -> None:
    """Start the server, where Python finds what pytest does; older ones do not tell it `sys.path`."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([_WARM])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        forkserver.ensure_running()


class Xgeom:
    """``xgeom ARGUMENTS``; what it says goes to a file.

    Parameters
    ----------
    arguments : objects
    said : Path
        Gets standard output and standard error.
    environment : dict, optional
        What is added to the environment.
    largest_file : int, optional
        Bytes that no file may grow beyond: the nearest thing to a full disk without one.
    """

    def __init__(
        self,
        *arguments: object,
        said: Path,
        environment: dict[str, str] | None = None,
        largest_file: int | None = None,
    ) -> None:
        _server()
        self._said = said
        words = [str(argument) for argument in arguments]
        self._process = ForkServerProcess(target=_run, args=(words, said, environment or {}, largest_file))
        self._process.start()

    @property
    def ended(self) -> bool:
        return self._process.exitcode is not None

    @property
    def said(self) -> str:
        return self._said.read_text()

    def kill(self) -> None:
        """With signal 9; returns when it is gone."""
        self._process.kill()
        self._process.join()

    def wait(self) -> int:
        """Its exit code; that of a killed one is negative."""
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def run_xgeom(*arguments: object, said: Path) -> None:
    """Run to the end, which must be a good one."""
    run = Xgeom(*arguments, said=said)
    assert run.wait() == 0, run.said


def _run(words: list[str], said: Path, environment: dict[str, str], largest_file: int | None) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    assert _WARM in sys.modules, "the server could not import it"
    os.environ.update(environment)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    from xgeom_core import cli

    sys.argv = ["xgeom", *words]
    cli.main()
