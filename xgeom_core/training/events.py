"""What a training run says while it runs: typed, versioned records, one JSON object a line.

The same lines go to ``events.jsonl`` in the run folder and, with ``xgeom train --json``, to
standard output, so that a window can watch a child process or read an old run with one parser.
This module imports neither torch nor numpy: readers stay light.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TextIO

EVENT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all records.

    Parameters
    ----------
    time : float
        Seconds since the epoch when the record was written; 0 lets the writer fill it in.
    """

    name: ClassVar[str] = ""
    time: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The run begins (or begins again at `first_step` after a stop)."""

    name: ClassVar[str] = "run_started"
    pid: int
    command: str
    xgeom_version: str
    steps: int
    first_step: int = 0


@dataclass(frozen=True, kw_only=True)
class Stage(Event):
    """What the run is busy with before and between steps, in words."""

    name: ClassVar[str] = "stage"
    text: str


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """Progress of the training loop: means since the last such record.

    Parameters
    ----------
    step, steps : int
        Optimizer steps done and planned.
    frames : int
        Frames seen so far.
    loss : float
        Mean training loss.
    center_px : float
        Mean distance between predicted and true center, in pixels of an 820-px frame.
    learning_rate, frames_per_s : float
        Current learning rate and throughput.
    """

    name: ClassVar[str] = "step"
    step: int
    steps: int
    frames: int
    loss: float
    center_px: float
    learning_rate: float
    frames_per_s: float


@dataclass(frozen=True, kw_only=True)
class Validation(Event):
    """Scores on one validation set, each beside the constant predictor's.

    Parameters
    ----------
    step : int
        Optimizer steps done.
    data : str
        Name of the validation set (a simulation kind or a file).
    loss : float
        Validation loss.
    center_px, center_constant_px : float
        Median distance between predicted and true center, of the model and of the constant
        predictor (the mean label), in pixels of an 820-px frame.
    tilt_deg, tilt_constant_deg : float
        Median over frames of the larger error of pitch and yaw, likewise, in degrees.
    """

    name: ClassVar[str] = "validation"
    step: int
    data: str
    loss: float
    center_px: float
    center_constant_px: float
    tilt_deg: float
    tilt_constant_deg: float


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Event):
    """A checkpoint and the model as of now were written."""

    name: ClassVar[str] = "checkpoint"
    step: int
    model: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The run ended in order; `reason` is "done" or "stopped"."""

    name: ClassVar[str] = "finished"
    step: int
    reason: str
    model: str


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The run ended in trouble; `message` is a sentence for the user."""

    name: ClassVar[str] = "failed"
    message: str


EVENTS: dict[str, type[Event]] = {
    kind.name: kind for kind in (RunStarted, Stage, Step, Validation, Checkpoint, Finished, Failed)
}


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line end."""
    return json.dumps({"v": EVENT_VERSION, "event": event.name, **asdict(event)})


def from_line(line: str) -> Event | None:
    """Parse one line; None for anything that is not an event of a version we know.

    Unknown keys are ignored, so that a newer writer of the same version can add some. A line that
    was cut off by a kill is not an event either.
    """
    try:
        record: Any = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(record, dict) or record.get("v") != EVENT_VERSION:
        return None
    kind = EVENTS.get(str(record.get("event")))
    if kind is None:
        return None
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{key: value for key, value in record.items() if key in known})
    except TypeError:
        return None


def read_events(path: Path) -> list[Event]:
    """All events in an ``events.jsonl``; an absent file holds none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as stream:
        events = (from_line(line) for line in stream)
        return [event for event in events if event is not None]


class EventLog:
    """Appends events to a file and, if wanted, to a stream, flushing every line.

    Parameters
    ----------
    path : Path
        ``events.jsonl`` of the run; appended to, so that a resumed run keeps its history.
    echo : TextIO, optional
        A second place for every line, such as standard output.
    """

    def __init__(self, path: Path, echo: TextIO | None = None) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._echo = echo

    def write(self, event: Event) -> None:
        """Write one event, stamped with the present time."""
        stamped = type(event)(**{**asdict(event), "time": event.time or time.time()})
        line = to_line(stamped) + "\n"
        # Whoever watches comes first: a full disk must not keep the reason from them.
        for stream in (self._echo, self._file):
            if stream is not None:
                stream.write(line)
                stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
