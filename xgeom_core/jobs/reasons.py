"""Why a command failed, in one sentence: from its last event, its last words, or how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.jobs.control import end_of_log
from xgeom_core.jobs.launch import signal_name
from xgeom_core.jobs.records import EVENTS
from xgeom_core.training.events import Failed, Heartbeat, last_event

_TAIL_BYTES = 40_000
_AGAIN = "Its last checkpoint, if it had one, is whole: resume goes on from there."
# What programs print, what it means, what helps. The first that is found is the cause: later lines
# of a log often only report the consequences.
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED",
        "The memory of the GPU ran out. Choose a smaller batch, a larger training.accumulate, or a smaller "
        "network.",
    ),
    (
        r"No space left on device|Disk quota exceeded|File too large",
        "The disk of {folder} is full. Make room, then resume.",
    ),
    (
        r"unable to (?:open|mmap|allocate) shared memory|bus error|Bus error",
        "The shared memory of this machine (/dev/shm) is full. Make room there or lower data.workers.",
    ),
    (
        r"\bMemoryError\b|[Cc]annot allocate memory|can't allocate memory|Unable to allocate",
        "Memory ran out. Lower training.batch or data.workers, or choose a smaller network.",
    ),
    (
        r"Signal 9 \(SIGKILL\)|killed by signal: Killed|exited unexpectedly|exitcode\s*: -9",
        "One of its processes was ended by the system (SIGKILL), most likely because memory ran out{peak}. "
        "Lower training.batch or data.workers, or free memory.",
    ),
    (
        r"CUDA error: no kernel image|CUDA driver version is insufficient|Found no NVIDIA driver",
        "The GPU cannot be used by the torch that is installed ({line}). Choose the CPU or install a torch "
        "that fits the driver.",
    ),
    (
        r"FileNotFoundError: .*?'(?P<what>[^']+)'",
        "{what} is not there. Put it back or choose another file.",
    ),
    (
        r"PermissionError: .*?'(?P<what>[^']+)'",
        "{what} may not be used by you. Change its permissions or choose another file.",
    ),
    (
        r"ModuleNotFoundError: No module named '(?P<what>[^']+)'",
        "The Python package {what} is not installed where the job runs. Install it there.",
    ),
)


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
    said = _own_words(folder, text, begins)
    if said:
        return said
    known = _known(folder, text)
    if known:
        return known
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


def _known(folder: Path, text: str) -> str:
    for pattern, sentence in _KNOWN:
        found = re.search(pattern, text)
        if found is not None:
            line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0].strip()
            words = {"folder": folder, "peak": _peak(folder), "line": line, **found.groupdict()}
            return f"{sentence.format(**words)} {_AGAIN}"
    return ""


def _by_signal(folder: Path, number: int) -> str:
    name = signal_name(number)
    if name == "SIGKILL":
        return (
            f"The system ended it (SIGKILL), most likely because memory ran out{_peak(folder)}. Lower "
            f"training.batch or data.workers, or free memory. {_AGAIN}"
        )
    if name in {"SIGTERM", "SIGINT", "SIGHUP"}:
        return f"It was ended from outside ({name}). {_AGAIN}"
    return f"The program itself crashed ({name}); its log may say more. {_AGAIN}"


def _peak(folder: Path) -> str:
    """How much memory the last heartbeat counted."""
    beat = last_event(folder / EVENTS, Heartbeat)
    if beat is None or not beat.memory_gb:
        return ""
    return f" (it used {beat.memory_gb:.1f} GB when it last said so)"
