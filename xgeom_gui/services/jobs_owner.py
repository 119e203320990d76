"""The one thread that talks to the store of jobs: commands in order, a look at each job twice a second."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.jobs.job import ENDED
from xgeom_core.jobs.store import JobStore
from xgeom_core.jobs.tail import EventTail

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status

_log = logging.getLogger(__name__)
_POLL_S = 0.5
# What has ended seldom changes: somebody resumed it in a terminal.
_ENDED_POLL_S = 5.0
# An old run is read in pieces, each a millisecond or two of Python; between them the window's thread has
# its turn, which it would else have to ask for again after every call into Qt.
_PIECE_BYTES = 16_384
_REST_S = 0.003


@dataclass(frozen=True, eq=False)
class Ask:
    """Work for the thread.

    Parameters
    ----------
    work : callable
        Takes the store; runs in the thread and must not touch what the window owns.
    then : callable, optional
        Takes the result; called in the window's thread.
    otherwise : callable, optional
        Takes the sentence of a failure; without it the sentence is shown to the user.
    owner : QObject, optional
        The answer is dropped once this one is gone.
    """

    work: Callable[[JobStore], Any]
    then: Callable[[Any], None] | None = None
    otherwise: Callable[[str], None] | None = None
    owner: QObject | None = None


class JobsOwner(QThread):
    """Owns the store; everything it finds out leaves by signal.

    Parameters
    ----------
    root : Path
        Folder of the jobs; `set_root` takes another.

    Signals
    -------
    listed : tuple of Job, tuple of Job
        Jobs, and archived jobs, oldest first; sent when either changed.
    looked : dict of str to Status
        Statuses that changed, by job id.
    events_read : str, list of Event
        New events of one job.
    answered : Ask, object
    refused : Ask or None, str
        The sentence for the user; None when nobody asked.
    """

    listed = Signal(object, object)
    looked = Signal(object)
    events_read = Signal(str, object)
    answered = Signal(object, object)
    refused = Signal(object, str)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._news = threading.Condition()
        self._asked: deque[Ask] = deque()
        self._ending = False
        self._wanted_root: Path = root
        self._wanted_tails: set[str] = set()
        # From here on: only touched in the thread.
        self._store = JobStore(root)
        self._root = root
        self._jobs: tuple[Job, ...] = ()
        self._archived: tuple[Job, ...] = ()
        self._statuses: dict[str, Status] = {}
        self._tails: dict[str, EventTail] = {}
        self._ended_look = self._looked_at = 0.0
        self._unread = False
        self._told = ""

    def ask(self, request: Ask) -> None:
        """Have something done with the store, after what was asked for before."""
        with self._news:
            if self._ending:
                return
            self._asked.append(request)
            self._news.notify()

    def set_root(self, root: Path) -> None:
        """Look after the jobs below another folder."""
        with self._news:
            self._wanted_root = root
            self._news.notify()

    def want_events(self, job_id: str) -> None:
        """Read a job's events also if it has ended; those that go on are read anyway."""
        with self._news:
            if job_id not in self._wanted_tails:
                self._wanted_tails.add(job_id)
                self._news.notify()

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Stop looking; the jobs go on. Whether the thread has ended in time."""
        with self._news:
            self._ending = True
            self._news.notify()
        return self.wait(wait_ms)

    def run(self) -> None:
        """Thread body: what was asked for, then a look round, then half a second's rest."""
        while True:
            with self._news:
                if not (self._asked or self._ending or self._unread):
                    self._news.wait(_POLL_S)
                # What the user asked for last must not get lost when the window closes.
                if self._ending and not self._asked:
                    return
                requests = list(self._asked)
                self._asked.clear()
                root, wanted = self._wanted_root, set(self._wanted_tails)
            if root != self._root:
                self._move(root)
            for request in requests:
                self._handle(request)
            if requests:
                self._ended_look = 0.0
            self._look(wanted)
            while self._unread and not self._wanted_elsewhere(wanted):
                self._look_on(wanted)

    def _wanted_elsewhere(self, wanted: set[str]) -> bool:
        """Whether somebody asks for something else while an old run is being read."""
        with self._news:
            news = self._asked or self._wanted_tails != wanted or self._wanted_root != self._root
            return bool(news) or self._ending

    def _move(self, root: Path) -> None:
        self._root, self._store = root, JobStore(root)
        self._statuses.clear()
        self._tails.clear()
        self._unread = False

    def _handle(self, request: Ask) -> None:
        try:
            result = request.work(self._store)
        except XgeomError as error:
            self.refused.emit(request, str(error))
        except OSError as error:
            self.refused.emit(request, f"{error.filename or self._root}: {error.strerror or error}.")
        # Nothing may end the thread: what was not foreseen is reported and logged.
        except Exception as error:
            _log.exception("asked of the jobs")
            self.refused.emit(request, f"That did not work, by a fault of xgeom ({error!r}).")
        else:
            self.answered.emit(request, result)

    def _look(self, wanted: set[str]) -> None:
        def look() -> None:
            self._list()
            self._look_at_jobs()
            self._read_events(wanted)

        self._try(look)

    def _look_on(self, wanted: set[str]) -> None:
        """A piece more of what is long, and a look round when one is due."""
        time.sleep(_REST_S)
        if time.monotonic() - self._looked_at > _POLL_S:
            self._look(wanted)
        else:
            self._try(self._read_on)

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        # Jobs come, go and move to the archive while they are looked at: the next look puts it right.
        except Exception as error:
            self._unread = False
            sentence = str(error) if isinstance(error, XgeomError) else ""
            if not isinstance(error, XgeomError | OSError):
                _log.exception("looking at the jobs")
            if sentence and sentence != self._told:
                self.refused.emit(None, sentence)
            self._told = sentence
        else:
            self._told = ""

    def _list(self) -> None:
        jobs, archived = tuple(self._store.jobs()), tuple(self._store.jobs(archived=True))
        if (jobs, archived) != (self._jobs, self._archived):
            self._jobs, self._archived = jobs, archived
            known = {job.id for job in (*jobs, *archived)}
            self._statuses = {name: status for name, status in self._statuses.items() if name in known}
            self.listed.emit(jobs, archived)

    def _look_at_jobs(self) -> None:
        now = self._looked_at = time.monotonic()
        whole = now - self._ended_look > _ENDED_POLL_S
        if whole:
            self._ended_look = now
        changed: dict[str, Status] = {}
        for job in (*self._jobs, *self._archived):
            known = self._statuses.get(job.id)
            if known is not None and known.state in ENDED and not whole:
                continue
            status = self._store.status(job)
            if status != known:
                changed[job.id] = self._statuses[job.id] = status
        if changed:
            self.looked.emit(changed)

    def _read_events(self, wanted: set[str]) -> None:
        """One piece of each run's events; `_unread` says whether there is more of any."""
        self._unread = False
        for job in (*self._jobs, *self._archived):
            status = self._statuses.get(job.id)
            live = status is not None and status.state not in ENDED
            # Once begun, a tail is followed to the end: the last words come after the end is known.
            if not (live or job.id in wanted or job.id in self._tails):
                continue
            tail = self._tails.get(job.id)
            if tail is None:
                tail = self._tails[job.id] = EventTail(job.folder / "events.jsonl", _PIECE_BYTES)
            self._take(job.id, tail)

    def _read_on(self) -> None:
        """One piece more of each run that has more."""
        self._unread = False
        for job_id, tail in self._tails.items():
            if tail.more:
                self._take(job_id, tail)

    def _take(self, job_id: str, tail: EventTail) -> None:
        if events := tail.read():
            self.events_read.emit(job_id, events)
        self._unread |= tail.more
