"""The run folder: what a run is, how it was started, and its losses step by step."""

from __future__ import annotations

import io
import json
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from xgeom_core.errors import TrainingError
from xgeom_core.system.safe_files import forget_partials, open_to_append, open_to_read, replacing, write_text
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.failure_messages import CHECKPOINT
from xgeom_core.training.trial_processes import POLITE
from xgeom_core.version import __version__

STOP = "STOP"
COOLDOWN = "COOLDOWN"
MODEL = "model.safetensors"
BEST = "best.safetensors"
LOSSES = "losses.csv"
_HEADER = "step,loss,center_px820,learning_rate\n"
_PACKAGES = ("torch", "numpy", "scipy", "h5py", "pydantic", "safetensors", "numba")


def claim(run_dir: Path, config: Config, command: str) -> None:
    """Record what this run is, and refuse a folder that holds another.

    Raises
    ------
    TrainingError
        If the folder holds a run with another configuration.
    """
    for name in (CHECKPOINT, MODEL, BEST, LOSSES):
        forget_partials(run_dir / name)
    path = run_dir / "config.toml"
    # What an older version wrote has fewer keys and means the same.
    if path.exists() and load_config(path) != config:
        raise TrainingError(
            f"{run_dir} holds a run with another configuration; choose another --run-dir, "
            "or give the configuration of that run to go on with it."
        )
    write_text(path, config.to_toml())
    facts = {
        "command": command,
        "xgeom": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "cuda": torch.version.cuda,
        "packages": {name: _version(name) for name in _PACKAGES},
        "seeds": {
            "weights": config.training.seed,
            "training frames": config.data.seed,
            "validation frames": config.validation.seed,
        },
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }
    write_text(run_dir / "environment.json", json.dumps(facts, indent=2))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


class LossTable:
    """``losses.csv``: one row a step, cut back to the checkpoint when a run goes on.

    Parameters
    ----------
    path : Path
    step : int
        Steps that the checkpoint has; later rows belong to steps that will be done again.
    """

    def __init__(self, path: Path, step: int) -> None:
        with replacing(path) as fresh, fresh.open("w", encoding="utf-8") as stream:
            stream.write(_HEADER)
            stream.writelines(_rows(path, step))
        self._file = io.TextIOWrapper(open_to_append(path), encoding="utf-8")

    def add(self, step: int, loss: float, center_px: float, rate: float) -> None:
        """One step."""
        self._file.write(f"{step},{loss!r},{center_px:.4f},{rate:.6g}\n")

    def flush(self) -> None:
        """Put everything on the disk, as a checkpoint does."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows(path: Path, step: int) -> Iterator[str]:
    """The rows of an earlier table up to a step; a last one that a kill cut off is none."""
    if not path.exists():
        return
    with io.TextIOWrapper(open_to_read(path), encoding="utf-8", errors="replace") as stream:
        for row in stream:
            number = row.partition(",")[0]
            if row.count(",") == 3 and row.endswith("\n") and number.isdecimal() and int(number[:20]) <= step:
                yield row


@contextmanager
def asked_by_signal(ask: Callable[[], None]) -> Iterator[None]:
    """INT, TERM and the end of the terminal ask the run to stop instead of ending it; restored afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *POLITE)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        # Begun with nohup: it is to outlive its terminal.
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, lambda *_: ask())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
