"""One writer at a time: a lock that dies with its process, and says who holds it.

The lock itself is `flock`: the kernel gives it up when the process ends, however it ends, and Linux passes
it on to the server of a network file system. Some file systems know no locks, and some clusters keep them
to each machine; there the record in the lock file and the signs of life beside it decide.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from xgeom_core.system.processes import Identity, boot
from xgeom_core.system.records import Damaged, read_record
from xgeom_core.system.safe_files import handle_to_write

# A run tells that it lives every 5 s; one that was heard so long ago is watched for so long.
_RECENT_S, _WATCH_S, _LOOK_S = 60.0, 20.0, 0.5
_LINGER_S = 10.0
_HELD = frozenset({errno.EWOULDBLOCK, errno.EACCES})
# Handles that a forked child must not keep: a worker that outlives its killed parent would hold the lock.
_handles: set[int] = set()


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Parameters
    ----------
    process : str
        As `Identity` writes it.
    host : str
    since : float
        Seconds since the epoch.
    """

    process: str
    host: str
    since: float

    def __str__(self) -> str:
        """Such as ``process 123 on node7, since 12 May 14:03:10``."""
        when = time.strftime("%d %b %H:%M:%S", time.localtime(self.since))
        return f"process {self.process.partition('@')[0]} on {self.host}, since {when}"


class HeldError(Exception):
    """Somebody else holds the lock.

    Parameters
    ----------
    holder : Holder, optional
        None where the lock file does not say.
    """

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(str(holder) if holder is not None else "a process that did not say who it is")
        self.holder = holder


def try_lock(handle: int) -> bool | None:
    """Lock an open file unless somebody else has; None where the file system knows no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


@contextmanager
def locked(path: Path, signs: Path | None = None) -> Iterator[None]:
    """Hold a lock while the context lasts.

    Parameters
    ----------
    path : Path
        The lock file; made if it is not there, and left there, empty, at the end.
    signs : Path, optional
        A file that grows at least every few seconds while the lock is held. It tells whether a holder on
        another machine lives, where that machine's lock cannot be seen from here.

    Raises
    ------
    HeldError
        If somebody else holds it. Says who.
    OSError
        If the lock file cannot be written.
    """
    handle, mine = handle_to_write(path, os.O_WRONLY | os.O_APPEND), os.getpid()
    _handles.add(handle)
    try:
        got = _taken(handle, path)
        holder = holder_of(path)
        if holder is not None and _lives(holder, got, signs):
            raise HeldError(holder)
        _write(handle, str(Identity.of() or ""))
        try:
            yield
        finally:
            if os.getpid() == mine:
                _write(handle, "")
    finally:
        # A forked child has closed it already.
        if os.getpid() == mine:
            _handles.discard(handle)
            os.close(handle)


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold a lock for a moment, after whoever holds it now. For what takes no longer than a blink."""
    handle = handle_to_write(path, os.O_WRONLY | os.O_APPEND)
    try:
        # Where there are no locks, two at the same moment are as unlikely as they always were.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock on this machine, or on one whose locks are seen here."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and try_lock(handle) is False
    finally:
        os.close(handle)


def holder_of(path: Path) -> Holder | None:
    """Who is written in a lock file; None if nobody is, or nobody can tell."""
    found = read_record(path, Holder)
    return None if found is None or isinstance(found, Damaged) else found


def _taken(handle: int, path: Path) -> bool:
    """Take the lock; False where the file system knows none. One whose holder is dead is waited for."""
    deadline = time.monotonic() + _LINGER_S
    while (got := try_lock(handle)) is False:
        holder = _named(path)
        who = Identity.parse(holder.process) if holder is not None else None
        # A worker that its killed parent left behind is about to end.
        if who is None or who.boot != boot() or who.alive or time.monotonic() > deadline:
            raise HeldError(holder)
        time.sleep(0.05)
    return bool(got)


def _named(path: Path) -> Holder | None:
    """Who holds a lock that is held: whoever took it this very moment still has to write its name."""
    for _ in range(20):
        holder = holder_of(path)
        if holder is not None:
            return holder
        time.sleep(0.01)
    return None


def _lives(holder: Holder, got: bool, signs: Path | None) -> bool:
    """Whether a holder that left its name behind may still write.

    One of this machine has let the lock go, or could not take one. One of another machine may hold a lock
    that is not seen here: it lives if it gives signs of life.
    """
    who = Identity.parse(holder.process)
    if who is not None and who.boot == boot():
        return not got and who.alive
    if holder.host == socket.gethostname() or signs is None:
        return False
    return _grows(signs)


def _grows(signs: Path) -> bool:
    """Whether a file that was written a moment ago is written again; by the clock of its own disk."""
    begin = _signature(signs)
    # Just written by this process: the file server's "now".
    now = _now_there(signs)
    if begin is None or now is None or now - begin[1] > _RECENT_S:
        return False
    deadline = time.monotonic() + _WATCH_S
    while time.monotonic() < deadline:
        if _signature(signs) != begin:
            return True
        time.sleep(_LOOK_S)
    return False


def _now_there(beside: Path) -> float | None:
    probe = beside.with_name(f".now.{os.getpid()}")
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        return probe.stat().st_mtime
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _signature(path: Path) -> tuple[int, float] | None:
    try:
        stat_ = path.stat()
    except OSError:
        return None
    return stat_.st_size, stat_.st_mtime


def _write(handle: int, process: str) -> None:
    """Say who holds the lock; nobody, where there is no process."""
    holder = Holder(process, socket.gethostname(), time.time())
    # A full disk keeps nobody from working: the lock itself needs no room.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        if process:
            os.write(handle, json.dumps(asdict(holder)).encode())


def _let_go_in_child() -> None:
    for handle in _handles:
        with suppress(OSError):
            os.close(handle)
    _handles.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
