"""The small files of a job folder: the one place that knows what each holds, reads it and writes it.

What a folder says is judged, never trusted: it may be damaged, or come from somebody else. Damage is a value
(`Damaged`), so that one bad file concerns its own job alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import trust
from xgeom_core.jobs.job import HERE, EndState, Job, JobKind, Place, command_text, portable_arguments
from xgeom_core.system.processes import Identity
from xgeom_core.system.records import Damaged, read_record
from xgeom_core.system.safe_files import end_of_file, write_text
from xgeom_core.system.text import LONGEST_NAME, name_problem, visible

JOB = "job.json"
PROCESS = "process.json"
EXIT = "exit.json"
LAST_EXIT = "exit.previous.json"
TICKET = "ticket.json"
SLURM = "slurm.json"
LOG = "log.txt"
EVENTS = "events.jsonl"
CONFIG = "config.toml"
STOP = "STOP"
KILL = "KILL"
PAUSED = "PAUSED"
MARKERS = (STOP, KILL, PAUSED)
RESERVE = "exit.reserve"
SUPERVISOR_LOG = "supervisor.txt"
_DEVICE = re.compile(r"cpu|mps|cuda(:[0-9]{1,3})?")
_MOST_PROCESSES = 1024
_LAST_NUMBER = 2_000_000_000
# More than that nobody reads before it runs.
_LONGEST_STRANGE = 4000


@dataclass(frozen=True)
class Exit:
    """How a job ended (``exit.json``).

    Parameters
    ----------
    state : JobState
    code : int, optional
        Exit code of the command; negative for the signal that ended it.
    signal : str
        The name of that signal.
    sentence : str
        Why; empty when nothing is to be said.
    started, time : float
        When it began and ended, seconds since the epoch; 0 where it never began.
    """

    state: EndState
    code: int | None = None
    signal: str = ""
    sentence: str = ""
    started: float = 0.0
    time: float = 0.0


@dataclass(frozen=True)
class Process:
    """Who looks after a job, and who does it (``process.json``).

    Parameters
    ----------
    supervisor, child : str
        As `Identity` writes them; the child is the command.
    host : str
        The machine.
    phase : str
        "queued" or "running".
    ahead : int
        Jobs before it in its queue.
    pid : int
        Of the command.
    started : float
        When the command began, seconds since the epoch.
    events_from : int
        Bytes of events that say nothing of this start.
    """

    supervisor: str = ""
    host: str = ""
    phase: str = ""
    ahead: int = 0
    child: str = ""
    pid: int = 0
    started: float = 0.0
    events_from: int = 0

    @property
    def identities(self) -> tuple[Identity | None, Identity | None]:
        """Supervisor and child, dead or alive."""
        return Identity.parse(self.supervisor), Identity.parse(self.child)


@dataclass(frozen=True)
class Ticket:
    """A job's place in the queue (``ticket.json``).

    Parameters
    ----------
    number : int
        Smaller ones go first.
    devices : tuple of str
    by : str
        Who drew it, as `Identity` writes it: as long as that process lives, the job's supervisor may come.
    """

    number: int
    devices: tuple[str, ...]
    by: str

    @property
    def drawer_lives(self) -> bool:
        """Whether the process that drew it still runs."""
        who = Identity.parse(self.by)
        return who is not None and who.alive


@dataclass(frozen=True)
class SlurmTicket:
    """Slurm's side of a job (``slurm.json``).

    Parameters
    ----------
    number : str
        Slurm's number of it.
    folder : str
        Name of the folder of submitit's files, below ``slurm``.
    submitted : float
        Seconds since the epoch.
    """

    number: str
    folder: str = ""
    submitted: float = 0.0


@dataclass(frozen=True)
class _Written:
    """What ``job.json`` holds."""

    id: str
    kind: JobKind
    title: str
    arguments: tuple[str, ...]
    place: Place
    created: float
    program: tuple[str, ...] = ()
    signature: str = ""


def read_exit(folder: Path) -> Exit | Damaged | None:
    """How a job ended; None if it has not said so."""
    found = read_record(folder / EXIT, Exit)
    return replace(found, sentence=visible(found.sentence)) if isinstance(found, Exit) else found


def read_process(folder: Path) -> Process | Damaged | None:
    """Who looks after a job; None if nobody ever did."""
    return read_record(folder / PROCESS, Process)


def read_ticket(folder: Path) -> Ticket | None:
    """The ticket of a job; None if it never drew one, or one that is none."""
    found = read_record(folder / TICKET, Ticket)
    return found if isinstance(found, Ticket) and 0 < found.number <= _LAST_NUMBER else None


def read_slurm(folder: Path) -> SlurmTicket | None:
    """Slurm's side of a job; None if it was never handed in, or where that is damaged."""
    found = read_record(folder / SLURM, SlurmTicket)
    # These go into commands and names: numbers they are, and nothing else will do.
    fits = isinstance(found, SlurmTicket) and re.fullmatch(r"[0-9]{1,12}/[0-9]{0,6}", _joined(found))
    return found if fits and isinstance(found, SlurmTicket) else None


def supervisor_of(folder: Path) -> tuple[Identity | None, Identity | None]:
    """The processes that look after a job and that do it, dead or alive."""
    process = read_process(folder)
    return process.identities if isinstance(process, Process) else (None, None)


def read_job(folder: Path) -> Job | None:
    """The job in a folder, or None if the folder holds none.

    A run begun in a terminal is a job as well. One whose ``job.json`` cannot be understood says so in
    `trouble`.
    """
    found = read_record(folder / JOB, _Written)
    if found is None:
        return _unmanaged(folder, "") if (folder / EVENTS).is_file() else None
    why = found.sentence if isinstance(found, Damaged) else _odd_entry(found)
    if why or isinstance(found, Damaged):
        return _unmanaged(folder, why)
    job = Job(
        id=found.id,
        kind=found.kind,
        title=visible(found.title)[:LONGEST_NAME].strip() or visible(folder.name),
        folder=folder,
        arguments=tuple(word.replace(HERE, str(folder)) for word in found.arguments),
        place=found.place,
        created=found.created,
        program=found.program,
    )
    if trust.is_ours(job, found.signature, folder / JOB):
        return job
    if (letters := len(command_text(job))) > _LONGEST_STRANGE:
        return _unmanaged(folder, f"{folder / JOB} holds a stranger's command of {letters} letters.")
    # A stranger's number may be that of another job; no two folders have one name.
    return replace(job, id=folder.name, ours=False)


def write_job(job: Job) -> None:
    """Write ``job.json``, signed if what it runs was written down by this user's xgeom.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    content = _Written(
        id=job.id,
        kind=job.kind,
        title=job.title,
        arguments=portable_arguments(job),
        place=job.place,
        created=job.created,
        program=job.program,
        signature=trust.signature_of(job) if job.ours else "",
    )
    try:
        write_record(job.folder / JOB, content)
    except OSError as error:
        raise cannot_write(job.folder, error) from None


def write_record(path: Path, content: Any) -> None:
    """Write a record (a dataclass) whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.
    """
    write_text(path, json.dumps(asdict(content), indent=1))


def end_of_log(folder: Path, last_bytes: int, since: int = 0) -> str:
    """The end of ``log.txt`` from byte `since` on, whole lines only; empty if there is none."""
    return end_of_file(folder / LOG, last_bytes, since).decode("utf-8", errors="replace")


def cannot_write(path: Path, error: OSError) -> TrainingError:
    """The sentence for a file or folder that cannot be written."""
    return TrainingError(
        f"{path} cannot be written: {error.strerror or error}. Make room there or choose another folder."
    )


def _unmanaged(folder: Path, why: str) -> Job:
    """A job that nobody wrote down, or that cannot be used because of what was."""
    more = "Its log and results are still there. Start the run again with a new job to go on."
    trouble = f"{visible(why)} {more}" if why else ""
    config = folder / CONFIG
    arguments = ("train", str(config), "--run-dir", str(folder))
    try:
        created = (config if config.exists() else folder).stat().st_mtime
    except OSError:
        created = 0.0
    title = visible(folder.name)
    return Job(folder.name, "train", title, folder, arguments, Place(), created, (), False, trouble)


def _odd_entry(found: _Written) -> str:
    """What is wrong with entries that are of the right type, in a sentence; empty if nothing is."""
    place = found.place
    words = (*found.arguments, *found.program, *(place.slurm.setup if place.slurm is not None else ()))
    if name_problem(found.id):
        return f"{JOB} is damaged (the id of the job will not do: {name_problem(found.id)})."
    if not all(_DEVICE.fullmatch(device) for device in place.devices):
        return f"{JOB} is damaged (it names a device that is none)."
    if not 1 <= place.processes <= _MOST_PROCESSES:
        return f"{JOB} is damaged ({place.processes} processes cannot share a run)."
    if any("\0" in word for word in words):
        return f"{JOB} is damaged (its command holds a zero)."
    return ""


def _joined(ticket: SlurmTicket) -> str:
    return f"{ticket.number}/{ticket.folder}"
