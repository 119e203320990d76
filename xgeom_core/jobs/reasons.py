"""Why a command failed, in one sentence: from its last event, its last words, or how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xgeom_core.jobs.launch import signal_name
from xgeom_core.jobs.records import EVENTS, end_of_log
from xgeom_core.training.events import Failed, last_event
from xgeom_core.training.failure_messages import known_cause, peak_memory, what_is_kept

_TAIL_BYTES = 40_000


@dataclass(frozen=True)
class Begin:
    """Where this start of a job begins, in bytes of its log and of its events.

    A job that was resumed has older words in both.
    """

    log: int = 0
    events: int = 0


def why_it_failed(folder: Path, code: int | None, begins: Begin = Begin()) -> str:
    """One sentence or two.

    Parameters
    ----------
    folder : Path
        Of the job.
    code : int, optional
        Exit code; negative for the signal that ended the command; None if unknown.
    begins : Begin
    """
    text = end_of_log(folder, _TAIL_BYTES, begins.log)
    said = _own_words(folder, text, begins) or known_cause(text, folder)
    if said:
        return said
    if code is not None and code < 0:
        return _by_signal(folder, -code)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = f" Its last words: {lines[-1]}" if lines else ""
    how = f"with exit code {code}" if code is not None else "without a word"
    return f"It ended {how} before it was done.{last}"


def _own_words(folder: Path, text: str, begins: Begin) -> str:
    """What xgeom itself said."""
    said = [line for line in text.splitlines() if line.startswith("xgeom: ")]
    if said:
        return said[-1].removeprefix("xgeom: ").strip()
    failed = last_event(folder / EVENTS, Failed, since=begins.events)
    return failed.message if failed is not None else ""


def _by_signal(folder: Path, number: int) -> str:
    name = signal_name(number)
    kept = what_is_kept(folder)
    if name == "SIGKILL":
        return (
            f"The system ended it (SIGKILL), most likely because memory ran out{peak_memory(folder)}. Lower "
            f"training.batch or data.workers, or free memory. {kept}"
        )
    if name in {"SIGTERM", "SIGINT", "SIGHUP"}:
        return f"It was ended from outside ({name}). {kept}"
    return f"The program itself crashed ({name}); its log may say more. {kept}"
