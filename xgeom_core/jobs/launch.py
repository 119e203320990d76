"""Start a supervisor that belongs to nobody: it survives the window and the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from xgeom_core import version
from xgeom_core.errors import TrainingError
from xgeom_core.jobs.control import exit_record
from xgeom_core.jobs.job import Job
from xgeom_core.jobs.process_tree import FOLDER_MARK, MARK
from xgeom_core.jobs.records import EXIT, SUPERVISOR_LOG, cannot_write, write_record
from xgeom_core.jobs.trust import digest_of
from xgeom_core.system.safe_files import end_of_file, open_to_append

_START_S = 120
_LAST_WORDS_BYTES = 4000


def child_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Environment in which a child finds the same xgeom_core, installed or not, and speaks at once."""
    environment = {name: value for name, value in os.environ.items() if name not in {MARK, FOLDER_MARK}}
    root = str(Path(version.__file__).resolve().parent.parent)
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    environment["PYTHONUNBUFFERED"] = "1"
    return environment | (extra or {})


def start_supervisor(job: Job) -> None:
    """Start the supervisor of a job and wait until it has taken over.

    Raises
    ------
    TrainingError
        If it cannot; the job is then marked as failed.
    """
    # What was checked is what runs, whatever its record says by then.
    command = [sys.executable, "-m", "xgeom_core.jobs.supervise", str(job.folder), digest_of(job)]
    try:
        with open_to_append(job.folder / SUPERVISOR_LOG) as log:
            begun = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child_environment(),
                start_new_session=True,
                timeout=_START_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise _failed(job, f"its supervisor did not answer within {_START_S} s") from None
    except OSError as error:
        raise cannot_write(job.folder, error) from None
    if begun.returncode != 0:
        raise _failed(job, f"its supervisor failed: {_last_line(job.folder / SUPERVISOR_LOG)}")


def _failed(job: Job, why: str) -> TrainingError:
    sentence = f"{job.title} could not be started in {job.folder}: {why}."
    with suppress(OSError):
        write_record(job.folder / EXIT, exit_record("failed", None, sentence))
    return TrainingError(sentence)


def _last_line(path: Path) -> str:
    lines = end_of_file(path, _LAST_WORDS_BYTES).decode("utf-8", errors="replace").split("\n")
    return next((line.strip().rstrip(".") for line in reversed(lines) if line.strip()), "no reason given")


def signal_name(number: int) -> str:
    """Such as ``SIGTERM``."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
