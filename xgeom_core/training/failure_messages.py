"""What torch, Python and the system report when a run fails, in sentences: what it means, what helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xgeom_core.errors import TrainingError
from xgeom_core.training.events import Heartbeat, last_event

CHECKPOINT = "checkpoint.pt"
_SMALLER = "lower training.batch or data.workers, raise training.accumulate, or choose a smaller network"
_WORKER = "A process that prepares frames {}; lower data.workers or training.batch if it happens again."
# What is printed, and what it means. The first that is found is the cause: later lines of a log often only
# report the consequences.
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"CUDA out of memory|MPS backend out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED",
        f"The memory of the GPU ran out; {_SMALLER}.",
    ),
    (
        r"unable to (?:open|mmap|allocate) shared memory|out of shared memory|[Bb]us error"
        r"|DataLoader worker .*No space left",
        "The shared memory of this machine (/dev/shm) is full; make room there or lower data.workers.",
    ),
    (
        r"No space left on device|Disk quota exceeded|File too large",
        "The disk of {folder} is full. Make room.",
    ),
    (
        r"\bMemoryError\b|[Cc]annot allocate memory|can't allocate memory|not enough memory|std::bad_alloc"
        r"|Unable to allocate",
        f"Memory ran out; {_SMALLER}.",
    ),
    (r"DataLoader worker .*killed by signal: Terminated", _WORKER.format("was ended from outside")),
    (r"DataLoader worker", _WORKER.format("was ended, most likely as memory ran out{peak}")),
    (
        r"Signal 9 \(SIGKILL\)|exitcode\s*: -9",
        "One of its processes was ended by the system (SIGKILL), most likely because memory ran out{peak}; "
        f"{_SMALLER}.",
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


def what_is_kept(run_dir: Path) -> str:
    """From where a run goes on that ends now, in a sentence."""
    if (run_dir / CHECKPOINT).is_file():
        return "Its last checkpoint is whole: started again, it goes on from there."
    return "It had written no checkpoint yet: started again, it begins with the first step."


def cannot_be_written(path: Path, error: OSError) -> TrainingError:
    """The sentence of a run that must end because a file in its folder cannot be written."""
    why = error.strerror or str(error)
    kept = what_is_kept(path.parent)
    return TrainingError(f"{path} cannot be written: {why}. The run stops. Make room, or mend that. {kept}")


def known_cause(text: str, run_dir: Path) -> str:
    """What a known complaint in a text means, in a sentence or two; empty if there is none.

    Parameters
    ----------
    text : str
        A message, or the end of a log.
    run_dir : Path
        Folder of the run.
    """
    for pattern, sentence in _KNOWN:
        found = re.search(pattern, text)
        if found is not None:
            line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0].strip()
            words = {"folder": run_dir, "peak": peak_memory(run_dir), "line": line, **found.groupdict()}
            return f"{sentence.format(**words)} {what_is_kept(run_dir)}"
    return ""


def peak_memory(run_dir: Path) -> str:
    """How much memory the last heartbeat counted, in brackets."""
    beat = last_event(run_dir / "events.jsonl", Heartbeat)
    return f" (it used {beat.memory_gb:.1f} GB when it last said so)" if beat and beat.memory_gb else ""


@contextmanager
def failures_in_words(run_dir: Path) -> Iterator[None]:
    """Turn what torch raises when memory runs out, or when a worker is killed, into a sentence.

    Raises
    ------
    TrainingError
        In place of those; everything else passes through.
    """
    try:
        yield
    except (ConnectionError, EOFError):
        # A worker that ends while it hands over a batch leaves a broken connection, not torch's own words.
        raise TrainingError(known_cause("DataLoader worker", run_dir)) from None
    except (MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError is a RuntimeError as well.
        sentence = known_cause(f"{type(error).__name__}: {error}", run_dir)
        if not sentence:
            raise
        raise TrainingError(sentence) from None
