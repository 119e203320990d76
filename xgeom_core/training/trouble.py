"""Troubles that torch and the system report in their own ways, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from xgeom_core.errors import TrainingError

_AGAIN = "The last checkpoint, if there is one, is whole: start the run again to go on from there."
_SMALLER = "lower training.batch or data.workers, raise training.accumulate, or choose a smaller network"
_NO_MEMORY = re.compile(r"can't allocate memory|[Cc]annot allocate memory|not enough memory|std::bad_alloc")
_WORKER_KILLED = re.compile(r"DataLoader worker .*(killed by signal: (?P<signal>\w+)|exited unexpectedly)")
_SHARED_MEMORY = re.compile(r"[Bb]us error|shared memory|No space left on device")


@contextmanager
def troubles_in_words() -> Iterator[None]:
    """Turn what torch raises when memory runs out, or when a worker is killed, into a sentence.

    Raises
    ------
    TrainingError
        In place of those; everything else passes through.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise TrainingError(f"The memory of the GPU ran out; {_SMALLER}. {_AGAIN}") from None
    except MemoryError:
        raise TrainingError(f"Memory ran out; {_SMALLER}. {_AGAIN}") from None
    except (ConnectionError, EOFError):
        # A worker that ends while it hands over a batch leaves a broken connection, not torch's own words.
        raise TrainingError(f"{_worker_ended('was ended, most likely as memory ran out')} {_AGAIN}") from None
    except RuntimeError as error:
        sentence = _sentence(str(error))
        if not sentence:
            raise
        raise TrainingError(f"{sentence} {_AGAIN}") from None


def _sentence(text: str) -> str:
    killed = _WORKER_KILLED.search(text)
    if killed is not None or "DataLoader worker" in text:
        if _SHARED_MEMORY.search(text):
            return (
                "The shared memory of this machine (/dev/shm) is full; make room there or lower data.workers."
            )
        how = killed.group("signal") if killed is not None else None
        why = "was ended from outside" if how == "Terminated" else "was ended, most likely as memory ran out"
        return _worker_ended(why)
    if _NO_MEMORY.search(text):
        return f"Memory ran out; {_SMALLER}."
    return ""


def _worker_ended(why: str) -> str:
    return f"A process that prepares frames {why}; lower data.workers or training.batch if it happens again."
