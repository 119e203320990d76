"""Ctrl+C, and the signals that ask a program to end, as an exception that leaves time to put things away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(BaseException):
    """The user, or the system, wants this to end.

    Parameters
    ----------
    number : int
        The signal: 2 for Ctrl+C.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.status = 128 + number
        """Exit status that says so: 130 for Ctrl+C, 143 for SIGTERM."""


class Stops:
    """Hears of signals; see `stoppable`."""

    def __init__(self) -> None:
        self._heard: int | None = None
        self._held = False

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Raise `Stopped`, or remember to."""
        del frame
        self._heard = number
        if not self._held:
            raise Stopped(number)

    def hold(self) -> None:
        """Begin what must not be left half done: a signal waits until `release`."""
        self._held = True

    def release(self) -> None:
        """Raise `Stopped` if a signal came meanwhile, or before and was lost in a library's callback."""
        self._held = False
        if self._heard is not None:
            raise Stopped(self._heard)


@contextmanager
def stoppable() -> Iterator[Stops]:
    """While this lasts, SIGINT, SIGTERM and SIGHUP raise `Stopped`.

    What is ignored already, as SIGHUP is under nohup, stays so.
    """
    stops = Stops()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may say what a signal does.
        yield stops
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in caught:
        signal.signal(number, stops.hear)
    try:
        yield stops
    finally:
        for number in caught:
            signal.signal(number, before[number])
