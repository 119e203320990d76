"""Which process is meant, for good: a process id alone may be given to another process later."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_WRITTEN = re.compile(r"([1-9][0-9]{0,8})@([0-9.]{1,40})@([^@]{0,80})")


@functools.cache
def boot() -> str:
    """What tells this start of this machine from all others; empty where nothing does.

    No wall clock is asked: the time of the last boot changes when the clock is set.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Identity:
    """A process.

    Parameters
    ----------
    pid : int
    start : str
        When it began, in whatever the system counts that does not change when the clock is set.
    boot : str
        Which start of which machine it lives in.
    """

    pid: int
    start: str
    boot: str

    @classmethod
    def of(cls, pid: int | None = None) -> Identity | None:
        """The process that has this id now (this one without an id); None if there is none."""
        number = os.getpid() if pid is None else pid
        start = _start(number)
        return None if start is None else cls(number, start, boot())

    @classmethod
    def parse(cls, text: str) -> Identity | None:
        """Read what `str` wrote; None for anything else."""
        found = _WRITTEN.fullmatch(text)
        return cls(int(found[1]), found[2], found[3]) if found is not None else None

    def __str__(self) -> str:
        return f"{self.pid}@{self.start}@{self.boot}"

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        return self.boot == boot() and _start(self.pid) == self.start


def _start(pid: int) -> str | None:
    """When a process began; None if there is none or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)
    # The name, in parentheses, may hold anything; state is the first field after it, start the 20th.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _start_elsewhere(pid: int) -> str | None:
    """The same where there is no /proc."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return repr(process.create_time())
    except psutil.Error:
        return None
