"""The processes that prepare frames: which signals they heed, and their errors in words."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator

from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.training.data import Batch

_WORKER_TRACE = "Original Traceback"
_WORKER_GONE = "DataLoader worker"


def heed_the_parent_alone(worker: int) -> None:
    """Let a worker outlive a signal that went to the whole group, and end when the run itself says so.

    Ctrl+C, the end of the terminal and a polite end of a job reach every process at once. The run itself
    then saves and ends its workers; one that ended before would leave the run with an error in the middle
    of a step.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):
        # Who sent a signal cannot be asked here; the run copes with a worker that is gone.
        return
    # Threads inherit what is blocked, so the one below is the only one that TERM reaches.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_when_the_parent_says, name="ear", daemon=True).start()


def _end_when_the_parent_says() -> None:
    while True:
        heard = signal.sigwaitinfo({signal.SIGTERM})
        if heard.si_pid == os.getppid():
            os._exit(0)


def unwrapped(loader: Iterable[Batch], may_break_off: Callable[[], bool] = lambda: False) -> Iterator[Batch]:
    """The batches; an error of a worker comes as its own sentence, without the worker's traceback.

    Parameters
    ----------
    loader : iterable of Batch
    may_break_off : callable
        Whether the batches may simply end when a worker is gone: the run was asked to stop anyway.

    Raises
    ------
    TrainingError
        If a worker fails or is ended from outside.
    """
    try:
        yield from loader
    except XgeomError as error:
        last = str(error).strip().splitlines()[-1]
        # torch writes "module.ErrorClass: sentence" below the traceback of the worker.
        sentence = last.partition(": ")[2] if _WORKER_TRACE in str(error) else str(error)
        raise TrainingError(sentence) from None
    except (ConnectionError, EOFError):
        if not may_break_off():
            raise
    except RuntimeError as error:
        if not (_WORKER_GONE in str(error) and may_break_off()):
            raise
