"""What earlier runs tell about the pace and the memory of this machine."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.records import CONFIG, EVENTS
from xgeom_core.training.events import Heartbeat, Step, end_of_events

if TYPE_CHECKING:
    from xgeom_core.training.config import Config

_MOST_RUNS = 20
_FRESH_S = 30.0


@dataclass(frozen=True)
class EarlierRun:
    """A run that took steps.

    Parameters
    ----------
    config : Config
    device : str
        "cpu", "cuda" or "mps".
    frames_per_s : float
        Median of its last reports.
    memory_gb : float
        Largest of its last heartbeats; 0 where it told none.
    """

    config: Config
    device: str
    frames_per_s: float
    memory_gb: float


_lock = threading.Lock()
_known: dict[Path, tuple[float, tuple[EarlierRun, ...]]] = {}


def runs(root: Path, device: str) -> tuple[EarlierRun, ...]:
    """The newest runs below a folder that were made on a device; kept for half a minute."""
    with _lock:
        read, found = _known.get(root, (0.0, ()))
        if root not in _known or time.monotonic() - read > _FRESH_S:
            found = tuple(_read(root))
            _known[root] = time.monotonic(), found
    return tuple(run for run in found if run.device == device)


def _read(root: Path) -> list[EarlierRun]:
    try:
        folders = [Path(entry.path) for entry in os.scandir(root) if entry.is_dir()]
    except OSError:
        return []
    begun = [folder for folder in folders if (folder / EVENTS).exists() and (folder / CONFIG).exists()]
    newest = sorted(begun, key=_when, reverse=True)[:_MOST_RUNS]
    return [run for folder in newest if (run := _run(folder)) is not None]


def _run(folder: Path) -> EarlierRun | None:
    # pydantic takes time to import, and few ask.
    from xgeom_core.training.config import load_config  # noqa: PLC0415

    events = end_of_events(folder / EVENTS)
    rates = sorted(event.frames_per_s for event in events if isinstance(event, Step))
    beats = [event.memory_gb for event in events if isinstance(event, Heartbeat)]
    try:
        config = load_config(folder / CONFIG)
    except ConfigError:
        return None
    device = config.training.device
    if not rates or rates[len(rates) // 2] <= 0 or device == "auto":
        return None
    return EarlierRun(config, device, rates[len(rates) // 2], max(beats, default=0.0))


def _when(folder: Path) -> float:
    try:
        return (folder / EVENTS).stat().st_mtime
    except OSError:
        return 0.0
