"""Asking the reading process, and what to say when a file has brought it down."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from xgeom_core.errors import UnreadableFileError, XgeomError
from xgeom_core.frames import wire
from xgeom_core.frames.service import Service
from xgeom_core.process.channel import Channel, MessageError
from xgeom_core.process.processor_time import processor_time
from xgeom_core.process.reading import reading_process
from xgeom_core.process.worker import Worker, exit_text

_GLANCE_S = 0.1
_SILENT_S = 30.0
"""A reader that neither works nor gets anything to work on for so long waits for ever."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

# Sources that nobody uses any more; the next request closes them. Thread-safe, and safe while Python
# takes objects apart.
_closing: deque[int] = deque()
_stop: ContextVar[Callable[[float], None] | None] = ContextVar("stop", default=None)


@contextmanager
def interruptible(check: Callable[[float], None]) -> Iterator[None]:
    """Within this, whoever waits for the reading process can be stopped.

    Parameters
    ----------
    check : callable
        Called ten times a second with the seconds waited for an answer; what it raises ends the process
        and comes out of the call that waited. The next request starts a new process.
    """
    token = _stop.set(check)
    try:
        yield
    finally:
        _stop.reset(token)


def ask(verb: Callable[Concatenate[Service, _P], _R], what: str, *arguments: _P.args, **_: _P.kwargs) -> _R:
    """Have the reading process do something.

    Parameters
    ----------
    verb : method of Service
        What is to be done.
    what : str
        What is read, as the beginning of a sentence: ``"Frame 3 of a.h5"``.
    *arguments
        Of the method.

    Raises
    ------
    XgeomError
        As the method does.
    UnreadableFileError
        If reading crashes, takes too much time or memory, or does not go on.
    """
    worker = reading_process()
    began = time.monotonic()
    while not worker.lock.acquire(timeout=_GLANCE_S):
        _check(time.monotonic() - began)
    try:
        return _exchanged(worker, verb.__name__, what, arguments)
    finally:
        worker.lock.release()


def let_go(number: int) -> None:
    """Have a source closed with the next request; from anywhere, even while Python ends."""
    _closing.append(number)


def close_now(number: int) -> None:
    """Have a source closed; where the process is busy with something else, right after that."""
    let_go(number)
    worker = reading_process()
    if worker.lock.acquire(blocking=False):
        try:
            if worker.running:
                _exchanged(worker, "close", "A file that was closed", (number,))
        # It is closed all the same: the process has ended.
        except XgeomError:
            pass
        finally:
            worker.lock.release()


def _exchanged(worker: Worker, verb: str, what: str, arguments: tuple[Any, ...]) -> Any:
    try:
        channel = _sent(worker, verb, what, arguments)
        _wait(worker, channel, what)
        return wire.answered(channel, verb)
    except XgeomError:
        raise
    except wire.TroubleError as error:
        raise UnreadableFileError(_trouble_text(what, *error.args)) from None
    except EOFError:
        raise UnreadableFileError(_end_text(what, worker.close())) from None
    except TimeoutError:
        worker.end()
        raise UnreadableFileError(_silence_text(what)) from None
    except MessageError as error:
        worker.end()
        raise UnreadableFileError(
            f"{what} made its reader answer what makes no sense ({error}): it is damaged or made to do so; "
            "copy it again or leave it out."
        ) from None
    except BaseException:
        # Asked to stop: what would be answered later belongs to nobody.
        worker.end()
        raise


def _sent(worker: Worker, verb: str, what: str, arguments: tuple[Any, ...]) -> Channel:
    """Send a request to the process, which is started if need be; the channel for its answer."""
    closing = tuple(_closing.popleft() for _ in range(len(_closing)))
    request = wire.Request(_folder(), closing, verb, arguments)
    for _ in range(2):
        channel = _ready(worker)
        with suppress(OSError):
            wire.ask(channel, request)
            return channel
        # It has ended since it answered last, for no fault of this file.
        worker.end()
    raise EOFError


def _ready(worker: Worker) -> Channel:
    """The process's channel, once it can be asked."""
    if not worker.running:
        # It may have ended since it was last asked, for want of memory for instance.
        worker.close()
    channel = worker.start()
    if not worker.greeted:
        channel.patience(_SILENT_S)
        try:
            _wait(worker, channel, "The process that reads files")
            greeting, _ = channel.receive(len(wire.READY))
        except (EOFError, MessageError):
            raise XgeomError(
                f"The process that reads files ended before it could begin ({exit_text(worker.close())}): "
                "is xgeom installed completely?"
            ) from None
        worker.greeted = greeting == [wire.READY]
    return channel


def _folder() -> str:
    with suppress(OSError):
        return os.getcwd()  # noqa: PTH109 - a text is wanted
    return ""


def _check(waited_s: float) -> None:
    check = _stop.get()
    if check is not None:
        check(waited_s)


def _wait(worker: Worker, channel: Channel, what: str) -> None:
    """Wait until the process answers or ends."""
    began = moved = time.monotonic()
    spent = None
    while not channel.wait(_GLANCE_S):
        now = time.monotonic()
        _check(now - began)
        last, spent = spent, processor_time(worker.pid)
        if spent != last:
            moved = now
        elif now - moved > _SILENT_S:
            worker.end()
            raise UnreadableFileError(_silence_text(what))


def _silence_text(what: str) -> str:
    return (
        f"{what} does not go on: nothing has come from it for {_SILENT_S:.0f} s. Is its drive still "
        "connected, and is it a file?"
    )


def _trouble_text(what: str, kind: str, words: str) -> str:
    if kind == "memory":
        return (
            f"{what} needs more memory than reading may take ({words}): it is damaged, or too large for this "
            "machine."
        )
    return (
        f"{what} cannot be read ({' '.join(words.split())[:200]}): it is damaged, or its reader has a fault; "
        "copy it again."
    )


def _end_text(what: str, status: int | None) -> str:
    """The sentence for a process that has ended while it read something."""
    if status == -signal.SIGPROF:
        return (
            f"{what} takes far more time than anything of its size, so reading was stopped: it is damaged or "
            "made to keep programs busy; copy it again or leave it out."
        )
    if status == -signal.SIGKILL:
        return (
            f"{what} was being read when the system ended its reader ({exit_text(status)}), most likely for "
            "want of memory: close other programs, or leave it out."
        )
    return (
        f"{what} made the library that reads it crash ({exit_text(status)}): it is damaged or made to do so; "
        "copy it again or leave it out."
    )
