"""Processes of their own that have nothing left to import.

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
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

import pytest

_IMPORTS = "warm_imports"


class Warm:
    """A process that calls a function; what it prints comes through pipes.

    Parameters
    ----------
    target : callable
        Of a module that can be imported by name: of the packages, or of this folder.
    arguments : objects
        What it is called with; they are pickled.
    environment : dict, optional
        What is added to the environment.
    largest_file : int
        Bytes that no file may grow beyond: the nearest thing to a full disk without one; 0 sets no limit.
    group : bool
        Whether it leads a process group of its own.
    """

    def __init__(
        self,
        target: Callable[..., object],
        *arguments: object,
        environment: dict[str, str] | None = None,
        largest_file: int = 0,
        group: bool = False,
    ) -> None:
        _server()
        near, far = zip(*(multiprocessing.Pipe(duplex=False) for _ in range(2)), strict=True)
        self._process = ForkServerProcess(
            target=_run, args=(target, arguments, far, environment or {}, largest_file, group)
        )
        self._process.start()
        for end in far:
            end.close()
        self.stdout, self._stderr = (os.fdopen(os.dup(end.fileno())) for end in near)
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs; that of a killed one is negative."""
        return self._process.exitcode

    def kill(self) -> None:
        """With signal 9; returns when it is gone."""
        self._process.kill()
        self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Wait for the end: the exit code, what else it printed, and its complaints."""
        with self.stdout, self._stderr:
            out, err = self.stdout.read(), self._stderr.read()
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode, out, err


def xgeom(*arguments: object, **settings: object) -> Warm:
    """``xgeom ARGUMENTS``."""
    return Warm(_xgeom, [str(argument) for argument in arguments], **settings)  # type: ignore[arg-type]


def _xgeom(words: list[str]) -> None:
    from xgeom_core import cli

    sys.argv = ["xgeom", *words]
    cli.main()


@functools.cache
def forking() -> multiprocessing.context.ForkServerContext:
    """A context whose processes are forked from the server."""
    _server()
    return multiprocessing.get_context("forkserver")


@functools.cache
def _server() -> None:
    """Start the server, where Python finds what pytest does; older ones do not tell it `sys.path`."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([_IMPORTS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        forkserver.ensure_running()


def _run(
    target: Callable[..., object],
    arguments: tuple[object, ...],
    ends: tuple[Connection, Connection],
    environment: dict[str, str],
    largest_file: int,
    group: bool,
) -> None:
    if group:
        os.setsid()
    for number, end in enumerate(ends, start=1):
        os.dup2(end.fileno(), number)
        end.close()
    # Those of the server may be files.
    sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert _IMPORTS in sys.modules, "the server could not import it"
    os.environ.update(environment)
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    target(*arguments)
