"""The run folder: what a run is, how it was started, and its losses step by step."""

from __future__ import annotations

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

from xgeom_core import __version__
from xgeom_core.errors import TrainingError
from xgeom_core.training.config import Config

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
    text = config.to_toml()
    path = run_dir / "config.toml"
    if path.exists() and path.read_text(encoding="utf-8") != text and not _same(path, config):
        raise TrainingError(
            f"{run_dir} holds a run with another configuration; choose another --run-dir, "
            "or give the configuration of that run to go on with it."
        )
    path.write_text(text, encoding="utf-8")
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
    (run_dir / "environment.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _same(path: Path, config: Config) -> bool:
    """Whether a file written by an older version, with fewer keys, means the same."""
    from xgeom_core.training.config import load_config  # noqa: PLC0415 - rarely needed

    return load_config(path) == config


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
        rows = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
        kept = [row for row in rows if row.count(",") == 3 and _number(row) <= step]
        path.write_text(_HEADER + "".join(row + "\n" for row in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")

    def add(self, step: int, loss: float, center_px: float, rate: float) -> None:
        """One step."""
        self._file.write(f"{step},{loss!r},{center_px:.4f},{rate:.6g}\n")

    def flush(self) -> None:
        """Put everything on the disk, as a checkpoint does."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _number(row: str) -> float:
    try:
        return int(row.partition(",")[0])
    except ValueError:
        return float("inf")


@contextmanager
def asked_by_signal(ask: Callable[[], None]) -> Iterator[None]:
    """INT and TERM ask the run to stop instead of ending it; restored afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: ask())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
