"""Runs side by side: the settings in which they differ, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.records import CONFIG, EVENTS
from xgeom_core.system.records import read_toml
from xgeom_core.training.events import (
    Event,
    Failed,
    Finished,
    Heartbeat,
    RunStarted,
    Step,
    Validation,
    read_events,
)

# A gap between two signs of life that is longer than this was no work: the run was stopped or paused.
_LONGEST_GAP_S = 60.0


@dataclass(frozen=True)
class SettingRow:
    """One setting in which the runs differ.

    Parameters
    ----------
    key : str
        Such as ``"training.learning_rate"``.
    values : tuple
        One a run; None where its configuration does not have it.
    """

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class SetResult:
    """What one run came to on one validation set: its last validation and its best center.

    Centers in px of an 820-px frame, tilts in degrees, medians; beside them the constant predictor's.
    NaN for what the network does not answer.
    """

    data: str
    step: int
    center_px: float
    best_center_px: float
    center_constant_px: float
    tilt_deg: float
    tilt_constant_deg: float
    loss: float


@dataclass(frozen=True)
class RunResult:
    """What one run came to.

    Parameters
    ----------
    folder : Path
    name : str
        Of the model.
    steps, frames : int
        Done.
    hours : float
        Of work; breaks are left out.
    frames_per_s : float
        Median; 0 where unknown.
    memory_gb : float
        Largest that a heartbeat told; 0 where unknown.
    end : str
        "done", "stopped", "converged", "failed", or empty as long as it has not ended.
    sets : tuple of SetResult
    """

    folder: Path
    name: str
    steps: int
    frames: int
    hours: float
    frames_per_s: float
    memory_gb: float
    end: str
    sets: tuple[SetResult, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, in the order in which they were given."""

    rows: tuple[SettingRow, ...]
    results: tuple[RunResult, ...]

    @property
    def data(self) -> tuple[str, ...]:
        """Names of all validation sets."""
        return tuple(dict.fromkeys(one.data for result in self.results for one in result.sets))


def compare(runs: Sequence[Path]) -> Comparison:
    """Compare run folders. One without a readable configuration or events simply has less to tell."""
    settings = [flat_settings(folder / CONFIG) for folder in runs]
    keys = dict.fromkeys(key for one in settings for key in one)
    rows = (SettingRow(key, tuple(one.get(key) for one in settings)) for key in keys)
    differing = tuple(row for row in rows if any(value != row.values[0] for value in row.values))
    results = tuple(
        result_of(folder, str(one.get("name", folder.name)))
        for folder, one in zip(runs, settings, strict=True)
    )
    return Comparison(differing, results)


def flat_settings(path: Path) -> dict[str, Any]:
    """The keys of a TOML file with dots, such as ``"model.polar.radii"``; none if it cannot be read."""
    try:
        return dict(_flat(read_toml(path, ConfigError, "configuration"), ""))
    except ConfigError:
        return {}


def result_of(folder: Path, name: str) -> RunResult:
    """What the events of a run say."""
    events = read_events(folder / EVENTS)
    steps = [event for event in events if isinstance(event, Step)]
    rates = sorted(event.frames_per_s for event in steps)
    beats = [event.memory_gb for event in events if isinstance(event, Heartbeat)]
    return RunResult(
        folder=folder,
        name=name,
        steps=steps[-1].step if steps else 0,
        frames=steps[-1].frames if steps else 0,
        hours=worked_s(events) / 3600,
        frames_per_s=rates[len(rates) // 2] if rates else 0.0,
        memory_gb=max(beats, default=0.0),
        end=_end(events),
        sets=_sets(events),
    )


def worked_s(events: Iterable[Event]) -> float:
    """Seconds of work that events span; breaks, and clocks set forward or back, are left out."""
    times = [event.time for event in events if event.time]
    steps = (later - earlier for earlier, later in pairwise(times))
    return sum(step for step in steps if 0 < step <= _LONGEST_GAP_S)


def _sets(events: Iterable[Event]) -> tuple[SetResult, ...]:
    found: dict[str, list[Validation]] = {}
    center = tilt = 1.0
    for event in events:
        if isinstance(event, RunStarted):
            # Scores of what the network does not answer are numbers without a meaning.
            center = math.nan if event.predicts == "tilt" else 1.0
            tilt = math.nan if event.predicts == "center" else 1.0
        if isinstance(event, Validation):
            found.setdefault(event.data, []).append(event)
    return tuple(
        SetResult(
            data=name,
            step=series[-1].step,
            center_px=center * series[-1].center_px,
            best_center_px=center * min(event.center_px for event in series),
            center_constant_px=center * series[-1].center_constant_px,
            tilt_deg=tilt * series[-1].tilt_deg,
            tilt_constant_deg=tilt * series[-1].tilt_constant_deg,
            loss=series[-1].loss,
        )
        for name, series in found.items()
    )


def _end(events: Sequence[Event]) -> str:
    for event in reversed(events):
        if isinstance(event, Finished):
            return event.reason
        if isinstance(event, Failed):
            return "failed"
        if isinstance(event, Step):
            return ""
    return ""


def _flat(section: dict[str, Any], above: str) -> Iterable[tuple[str, Any]]:
    for key, value in section.items():
        # Kinds and their weights are one setting: a table of rows would tear them apart.
        if isinstance(value, dict) and key != "kinds":
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value
