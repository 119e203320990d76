"""The process that reads files for this program; it is started as early as there is any use for it."""

from __future__ import annotations

from contextlib import suppress

from xgeom_core.errors import XgeomError
from xgeom_core.process.worker import Worker

_ENVIRONMENT = {
    # Reading multiplies no matrices: threads for that would only take memory.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # glibc keeps the memory of one frame for the next, which takes a quarter less time than asking anew.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
}
_READING = Worker("xgeom_core.frames.child", "reads files", _ENVIRONMENT)


def reading_process() -> Worker:
    """The one process of this program that reads files; `xgeom_core.frames.asking` speaks with it."""
    return _READING


def start_reading() -> None:
    """Start the process, so that it is ready once a file is opened; returns at once."""
    # Whoever opens a file is told.
    with suppress(XgeomError):
        _READING.start()
