"""The small files of a job folder: what they are called, and reading and writing them whole."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xgeom_core.errors import TrainingError
from xgeom_core.jobs.job import KINDS, Job, Place, SlurmSettings

JOB = "job.json"
PROCESS = "process.json"
EXIT = "exit.json"
LAST_EXIT = "exit.previous.json"
TICKET = "ticket.json"
LOG = "log.txt"
EVENTS = "events.jsonl"
CONFIG = "config.toml"
STOP = "STOP"
KILL = "KILL"
PAUSED = "PAUSED"
MARKERS = (STOP, KILL, PAUSED)
RESERVE = "exit.reserve"
SUPERVISOR_LOG = "supervisor.txt"
# Stands for the job's own folder in the arguments on disk: a folder may be moved.
_HERE = "{folder}"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.
    """
    write_text(path, json.dumps(content, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """What a file holds; None if there is none or it cannot be understood."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_job(job: Job) -> None:
    """Write ``job.json``.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    content = asdict(job)
    for key in ("folder", "managed", "trouble"):
        del content[key]
    here = str(job.folder)
    content["arguments"] = [word.replace(here, _HERE) for word in job.arguments]
    try:
        write_json(job.folder / JOB, content)
    except OSError as error:
        raise cannot_write(job.folder, error) from None


def read_job(folder: Path) -> Job | None:
    """The job in a folder, or None if the folder holds none.

    A run begun in a terminal is a job as well. One whose ``job.json`` cannot be read says so in
    `trouble`.
    """
    path = folder / JOB
    begun = folder / EVENTS
    if not path.exists():
        return _unmanaged(folder, "") if begun.exists() else None
    content = read_json(path)
    try:
        if content is None:
            raise ValueError("it is no JSON object")
        return _job(folder, content)
    except (KeyError, TypeError, ValueError) as error:
        what = f"its entry {error} is missing" if isinstance(error, KeyError) else str(error)
        return _unmanaged(
            folder,
            f"{path} cannot be understood ({what}); its log and results are still there. Start the run "
            "again with a new job to go on.",
        )


def _job(folder: Path, content: dict[str, Any]) -> Job:
    place = dict(content["place"])
    slurm = place.pop("slurm", None)
    if slurm is not None:
        slurm = SlurmSettings(**{**slurm, "setup": tuple(slurm.get("setup", ()))})
    if content["kind"] not in KINDS:
        raise ValueError(f"{content['kind']!r} is no kind of job")
    return Job(
        id=str(content["id"]),
        kind=content["kind"],
        title=str(content["title"]),
        folder=folder,
        arguments=tuple(str(word).replace(_HERE, str(folder)) for word in content["arguments"]),
        place=Place(tuple(map(str, place["devices"])), int(place["processes"]), slurm),
        created=float(content["created"]),
        program=tuple(map(str, content.get("program", ()))),
    )


def _unmanaged(folder: Path, trouble: str) -> Job:
    config = folder / CONFIG
    arguments = ("train", str(config), "--run-dir", str(folder))
    try:
        created = (config if config.exists() else folder).stat().st_mtime
    except OSError:
        created = 0.0
    return Job(folder.name, "train", folder.name, folder, arguments, Place(), created, (), False, trouble)


def cannot_write(path: Path, error: OSError) -> TrainingError:
    """The sentence for a file or folder that cannot be written."""
    return TrainingError(
        f"{path} cannot be written: {error.strerror or error}. Make room there or choose another folder."
    )
