"""One run, one writer: the lock on a run folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xgeom_core.errors import TrainingError
from xgeom_core.system.lock import HeldError, is_held, locked

RUN_LOCK = "run.lock"


@contextmanager
def only_writer(run_dir: Path) -> Iterator[None]:
    """Be the one process that writes into a run folder; of several that share a run, the leading one.

    Raises
    ------
    TrainingError
        If another process writes into it; says which.
    OSError
        If the folder cannot be written.
    """
    try:
        with locked(run_dir / RUN_LOCK, run_dir / "events.jsonl"):
            yield
    except HeldError as held:
        raise TrainingError(
            f"Another training writes into {run_dir} already ({held}). Wait for it or stop it, or choose "
            "another --run-dir."
        ) from None


def has_writer(run_dir: Path) -> bool:
    """Whether a process of this machine writes into a run folder."""
    return is_held(run_dir / RUN_LOCK)
