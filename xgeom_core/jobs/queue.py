"""Whose turn it is: one job after another on each device of this machine.

There is no daemon. Every job draws a number once, under a lock; each supervisor looks at the other
folders and waits while a job with a smaller number holds or awaits one of its devices. Numbers, not
times, so that a clock set back changes nobody's turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xgeom_core.jobs.dependencies import files_needed, makes
from xgeom_core.jobs.job import Place
from xgeom_core.jobs.records import (
    EXIT,
    PROCESS,
    TICKET,
    Ticket,
    cannot_write,
    read_ticket,
    supervisor_of,
    write_record,
)
from xgeom_core.system.lock import waiting_lock
from xgeom_core.system.processes import Identity

_LOCK = ".lock"
# No queue was ever so long; a record that says more must not use up the numbers of all others.
_LAST_DRAWN = 1_000_000_000


def draw_ticket(root: Path, folder: Path, place: Place) -> None:
    """Put a job at the end of the queue.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    with folders_locked(root):
        numbers = (ticket.number for _, ticket in _tickets(root))
        last = max((number for number in numbers if number <= _LAST_DRAWN), default=0)
        # A job of a cluster keeps nobody waiting here.
        devices = () if place.slurm is not None else place.devices
        try:
            write_record(folder / TICKET, Ticket(last + 1, devices, str(Identity.of())))
        except OSError as error:
            raise cannot_write(folder, error) from None


@contextmanager
def folders_locked(root: Path) -> Iterator[None]:
    """Alone among those who begin jobs below a folder.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    try:
        with waiting_lock(root / _LOCK):
            yield
    except OSError as error:
        raise cannot_write(root, error) from None


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


def _not_over(folder: Path, ticket: Ticket) -> bool:
    if (folder / EXIT).exists():
        return False
    if (folder / PROCESS).exists():
        return any(who is not None and who.alive for who in supervisor_of(folder))
    return ticket.drawer_lives


def _tickets(root: Path) -> Iterator[tuple[Path, Ticket]]:
    for path in root.glob(f"*/{TICKET}"):
        ticket = read_ticket(path.parent)
        if ticket is not None:
            yield path.parent, ticket
