"""What a training run says while it runs: typed, versioned records, one JSON object a line.

The same lines go to ``events.jsonl`` in the run folder and, with ``xgeom train --json``, to
standard output, so that a window can watch a child process or read an old run with one parser.
This module imports neither torch nor numpy: readers stay light.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO, TypeVar

from xgeom_core.system.records import UNPARSABLE, typed
from xgeom_core.system.safe_files import end_of_file, open_to_append, open_to_read

EVENT_VERSION = 1
# Enough for the last heartbeat of a run that tells its steps every two seconds.
_END_BYTES = 16_384
# No event is as long; what is came from somebody else.
LONGEST_LINE = 1 << 20


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
    """The run begins (or begins again at `first_step` after a stop).

    Parameters
    ----------
    predicts : str
        What the network answers: "both", "center" or "tilt". Scores of the other one say nothing.
    """

    name: ClassVar[str] = "run_started"
    pid: int
    command: str
    xgeom_version: str
    steps: int
    first_step: int = 0
    predicts: str = "both"


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
    seconds_left : float, optional
        What the rest of the run will take at the pace so far, validations included.
    """

    name: ClassVar[str] = "step"
    step: int
    steps: int
    frames: int
    loss: float
    center_px: float
    learning_rate: float
    frames_per_s: float
    seconds_left: float | None = None


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
class Heartbeat(Event):
    """The run lives. Told every few seconds from its first moment on, whatever it is busy with.

    Parameters
    ----------
    process : str
        The process, as `xgeom_core.system.processes.Identity` writes it.
    clock : float
        Seconds of the machine's monotonic clock, which runs the same in every process and is never set.
    quiet_s : float
        Seconds since the run last told anything else.
    memory_gb : float
        Memory of the run's processes, GB.
    gpu_percent, gpu_memory_gb, gpu_total_gb : float, optional
        Use of the GPU and of its memory by all its users, as its driver tells; None where it does not.
    """

    name: ClassVar[str] = "heartbeat"
    process: str
    clock: float
    quiet_s: float = 0.0
    memory_gb: float = 0.0
    gpu_percent: float | None = None
    gpu_memory_gb: float | None = None
    gpu_total_gb: float | None = None


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
    kind.name: kind for kind in (RunStarted, Stage, Step, Validation, Checkpoint, Heartbeat, Finished, Failed)
}
_E = TypeVar("_E", bound=Event)


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line end."""
    return json.dumps({"v": EVENT_VERSION, "event": event.name, **asdict(event)})


def from_line(line: str | bytes) -> Event | None:
    """Parse one line; None for anything that is not an event of a version we know.

    Unknown keys are ignored, so that a newer writer of the same version can add some. A line that
    was cut off by a kill is not an event either, nor is one whose entries are of other types.
    """
    if len(line) > LONGEST_LINE:
        return None
    try:
        # Not `parse_json`: a loss may be NaN, and the check of depth costs more than all the rest.
        record: Any = json.loads(line)
        if not isinstance(record, dict) or record.get("v") != EVENT_VERSION:
            return None
        kind = EVENTS.get(str(record.get("event")))
        return typed(kind, record) if kind is not None else None
    except UNPARSABLE:
        return None


def read_events(path: Path) -> list[Event]:
    """All events in an ``events.jsonl``; an absent file holds none."""
    try:
        with open_to_read(path, follow=False) as stream:
            lines = iter(lambda: stream.readline(LONGEST_LINE + 1), b"")
            return [event for line in lines if (event := from_line(line)) is not None]
    except OSError:
        return []


def end_of_events(path: Path, since: int = 0, last_bytes: int = _END_BYTES) -> list[Event]:
    """The last events of a file, however long it is; an absent file holds none.

    Only the last `last_bytes` are read, and nothing before the byte `since`.
    """
    data = end_of_file(path, last_bytes, since)
    return [event for line in data.split(b"\n") if (event := from_line(line)) is not None]


def last_event(path: Path, *kinds: type[_E], since: int = 0) -> _E | None:
    """The last event of one of these kinds, if it stands near the end of the file."""
    events = end_of_events(path, since, 4 * _END_BYTES)
    return next((event for event in reversed(events) if isinstance(event, kinds)), None)


def _ends_within_a_line(path: Path) -> bool:
    try:
        with open_to_read(path, follow=False) as stream:
            stream.seek(max(stream.seek(0, 2) - 1, 0))
            return stream.read(1) not in {b"", b"\n"}
    except OSError:
        return False


class EventLog:
    """Appends events to a file and, if wanted, to a stream, flushing every line. Safe from any thread.

    Parameters
    ----------
    path : Path, optional
        ``events.jsonl`` of the run; appended to, so that a resumed run keeps its history. None for a
        process that tells nothing.
    echo : TextIO, optional
        A second place for every line, such as standard output. If nobody listens there any more, the run
        goes on without it.
    """

    def __init__(self, path: Path | None, echo: TextIO | None = None) -> None:
        self._file: BinaryIO | None = None
        if path is not None:
            cut_off = _ends_within_a_line(path)
            self._file = open_to_append(path)
            if cut_off:
                # A kill left half a line; the first word of this start must not become part of it.
                self._file.write(b"\n")
        self._echo = echo
        self._lock = threading.Lock()
        self._over = False
        self._spoke = time.monotonic()

    @property
    def quiet_s(self) -> float:
        """Seconds since anything but a heartbeat was written."""
        return time.monotonic() - self._spoke

    def write(self, event: Event) -> None:
        """Write one event, stamped with the present time. Nothing lives on after the last word."""
        line = to_line(replace(event, time=event.time or time.time())) + "\n"
        with self._lock:
            if isinstance(event, Heartbeat):
                if self._over:
                    return
            else:
                self._over = isinstance(event, Finished | Failed)
                self._spoke = time.monotonic()
            self._put(line)

    def _put(self, line: str) -> None:
        # Whoever watches comes first: a full disk must not keep the reason from them.
        if self._echo is not None:
            try:
                self._echo.write(line)
                self._echo.flush()
            except OSError:
                # The terminal or the reader is gone.
                self._echo = None
        if self._file is not None:
            self._file.write(line.encode())
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
