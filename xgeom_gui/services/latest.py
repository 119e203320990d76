"""A thread that works on the newest request only, or on the newest of each kind."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QObject, QThread

from xgeom_core.errors import XgeomError
from xgeom_core.frames.asking import interruptible


class LatestThread(QThread):
    """Takes requests one by one; a request not yet begun is dropped when a newer one arrives.

    Requests of different `kind` do not displace each other; they are taken in order.
    Subclasses implement `handle`, which runs in the thread, and speak by signals only.
    Nothing may escape `handle`: it turns every exception into a signal.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._news = threading.Condition()
        self._waiting: OrderedDict[Hashable, Any] = OrderedDict()
        self._ending = False

    def submit(self, request: Any) -> None:
        """Ask for work; replaces a request of its kind that still waits. Starts the thread if need be."""
        with self._news:
            if self._ending:
                return
            self._waiting.pop(self.kind(request), None)
            self._waiting[self.kind(request)] = request
            self._news.notify()
        if not self.isRunning():
            self.start()

    def superseded(self) -> bool:
        """Whether a newer request waits, so that the present result is of no use."""
        with self._news:
            return self._ending or bool(self._waiting)

    def ending(self) -> bool:
        """Whether the thread is to end."""
        with self._news:
            return self._ending

    def stop_waiting(self, waited_s: float) -> None:
        """Called while a file is read for this thread; what it raises ends that.

        Parameters
        ----------
        waited_s : float
            How long the thread has waited for the file.
        """
        if self.ending():
            raise XgeomError("The window is closing.")

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Let the present request end and stop; whether the thread has ended in time."""
        with self._news:
            self._ending = True
            self._waiting.clear()
            self._news.notify()
        return self.wait(wait_ms)

    def run(self) -> None:
        """Thread body."""
        while True:
            with self._news:
                while not self._waiting and not self._ending:
                    self._news.wait()
                if self._ending:
                    break
                _, request = self._waiting.popitem(last=False)
            with interruptible(self.stop_waiting):
                self.handle(request)
        self.finish()

    def kind(self, request: Any) -> Hashable:
        """What a request displaces; one kind only unless a subclass tells them apart."""
        return None

    def handle(self, request: Any) -> None:
        """Work on one request, in the thread."""
        raise NotImplementedError

    def finish(self) -> None:
        """Release what the thread owns, in the thread, before it ends."""
