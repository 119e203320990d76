"""Whose turn it is: one job after another on each device of this machine.

There is no daemon. Every job draws a number once, under a lock; each supervisor looks at the other
folders and waits while a job with a smaller number holds or awaits one of its devices. Numbers, not
times, so that a clock set back changes nobody's turn.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.jobs.job import Place
from xgeom_core.jobs.needs import files_needed, makes
from xgeom_core.jobs.records import EXIT, PROCESS, TICKET, cannot_write, read_json, write_json
from xgeom_core.system.processes import Identity

_LOCK = ".lock"


@dataclass(frozen=True)
class Ticket:
    """A job's place in the queue.

    Parameters
    ----------
    number : int
        Smaller ones go first.
    devices : tuple of str
    by : Identity, optional
        Who drew it: as long as that process lives, the job's supervisor may still come.
    """

    number: int
    devices: tuple[str, ...]
    by: Identity | None


def read_ticket(folder: Path) -> Ticket | None:
    """The ticket of a job; None if it never drew one."""
    content = read_json(folder / TICKET)
    try:
        if content is None:
            return None
        devices = tuple(map(str, content["devices"]))
        return Ticket(int(content["number"]), devices, Identity.parse(str(content["by"])))
    except (KeyError, TypeError, ValueError):
        return None


def draw_ticket(root: Path, folder: Path, place: Place) -> None:
    """Put a job at the end of the queue.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    with _locked(root):
        number = max((ticket.number for _, ticket in _tickets(root)), default=0) + 1
        # A job of a cluster keeps nobody waiting here.
        devices = [] if place.slurm is not None else list(place.devices)
        content = {"number": number, "devices": devices, "by": str(Identity.of())}
        try:
            write_json(folder / TICKET, content)
        except OSError as error:
            raise cannot_write(folder, error) from None


def jobs_ahead(root: Path, folder: Path) -> int:
    """How many jobs have to end before this one may begin."""
    mine = read_ticket(folder)
    if mine is None:
        return 0
    devices, needed = set(mine.devices), files_needed(folder)
    return sum(
        1
        for other, ticket in _tickets(root)
        if ticket.number < mine.number
        and _not_over(other, ticket)
        # Whoever learns from a file that is still being made waits for it, on whatever device.
        and (devices.intersection(ticket.devices) or makes(other, needed))
    )


def supervisor_of(folder: Path) -> tuple[Identity | None, Identity | None]:
    """The processes that look after a job and that do it, dead or alive."""
    process = read_json(folder / PROCESS) or {}
    return Identity.parse(str(process.get("supervisor"))), Identity.parse(str(process.get("child")))


def _not_over(folder: Path, ticket: Ticket) -> bool:
    if (folder / EXIT).exists():
        return False
    if (folder / PROCESS).exists():
        return any(who is not None and who.alive for who in supervisor_of(folder))
    return ticket.by is not None and ticket.by.alive


def _tickets(root: Path) -> Iterator[tuple[Path, Ticket]]:
    for path in root.glob(f"*/{TICKET}"):
        ticket = read_ticket(path.parent)
        if ticket is not None:
            yield path.parent, ticket


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    try:
        stream = (root / _LOCK).open("a", encoding="ascii")
    except OSError as error:
        raise cannot_write(root, error) from None
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
