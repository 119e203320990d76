"""Jobs in words: states, ages, durations. Knows no widget."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from xgeom_gui.look.theme import ACCENT, FAILED, HINT, OK, SOFT_INK, UNCERTAIN, Role

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, JobState, Status
    from xgeom_core.training.events import Heartbeat
    from xgeom_gui.services.training_history import TrainingHistory

STATE_TIPS: dict[JobState, str] = {
    "queued": "Waits until its device is free",
    "starting": "Its process is on the way",
    "running": "At work",
    "paused": "Frozen where it is; Go on wakes it",
    "stopping": "Saves its model, then ends",
    "done": "Ended as planned",
    "stopped": "Ended on request, with its model saved; Resume goes on from there",
    "failed": "Ended in trouble; its log says why",
    "killed": "Ended at once; Resume goes on from its last checkpoint",
    "lost": "Its process is gone, as after a reboot; Resume goes on from its last checkpoint",
}
STATE_COLORS: dict[JobState, Role] = {
    "queued": HINT,
    "starting": ACCENT,
    "running": ACCENT,
    "paused": UNCERTAIN,
    "stopping": UNCERTAIN,
    "done": OK,
    "stopped": SOFT_INK,
    "failed": FAILED,
    "killed": FAILED,
    "lost": FAILED,
}
KIND_WORDS = {
    "train": "training",
    "simulate": "simulation",
    "evaluate": "evaluation",
    "sweep": "sweep",
    "export": "export",
}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def duration(seconds: float) -> str:
    """``42 s``, ``7 min``, ``3 h 20 min``, ``2 days 4 h``."""
    seconds = max(seconds, 0.0)
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    days = int(seconds // _DAY)
    return f"{days} day{'s' if days > 1 else ''} {int(seconds % _DAY // _HOUR)} h"


def age(since: float, now: float | None = None) -> str:
    """How long ago something was, roughly; a clock that was set back counts as now."""
    seconds = max((time.time() if now is None else now) - since, 0.0)
    for limit, unit, name in ((_HOUR, _MINUTE, "min"), (_DAY, _HOUR, "h"), (math.inf, _DAY, "d")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}" if seconds >= _MINUTE else "now"
    return ""


def state_text(status: Status | None) -> str:
    """The state in a word or two, with the place in the queue."""
    if status is None:
        return "…"
    if status.state == "queued" and status.ahead:
        return f"queued, {status.ahead} before it"
    return "stalled" if status.stalled else status.state


def state_color(status: Status | None) -> Role:
    """The color that goes with the state."""
    if status is None:
        return HINT
    return UNCERTAIN if status.stalled else STATE_COLORS[status.state]


def sentence(job: Job, status: Status | None, history: TrainingHistory) -> str:
    """Where a job stands, in a sentence; for trouble, the reason."""
    if job.trouble:
        return job.trouble
    if status is None:
        return "Looking…"
    if status.state == "queued":
        waits = f"Waits for {', '.join(job.place.devices)}"
        before = f": {status.ahead} job{'s' if status.ahead > 1 else ''} before it." if status.ahead else "."
        return status.reason or waits + before
    if status.state in {"failed", "killed", "lost"}:
        said = history.failed.message if history.failed is not None else ""
        return status.reason or said or STATE_TIPS[status.state] + "."
    if status.stalled:
        seen = f" for {duration(status.heartbeat_age_s)}" if status.heartbeat_age_s else ""
        return f"No sign of life{seen}: the process may hang, or its disk may be slow. The log may say more."
    if job.kind == "evaluate" and status.state == "done":
        return "Scored: see the result below, and the report for figures and the hardest frames."
    if job.kind != "train":
        return status.reason or f"{KIND_WORDS[job.kind].capitalize()}: {STATE_TIPS[status.state].lower()}."
    if status.state == "paused":
        return f"Paused. {history.progress_text()}"
    return history.progress_text() if history.revision else (status.reason or STATE_TIPS[status.state] + ".")


def facts(status: Status | None, history: TrainingHistory) -> list[str]:
    """Speed, time left, memory, GPU, heartbeat: what is known of them."""
    words: list[str] = []
    live = status is not None and not status.over
    last = history.last
    if live and last is not None:
        words.append(f"{last.frames_per_s:.0f} frames/s")
        left = history.seconds_left
        if left is not None:
            words.append(f"{duration(left)} left")
    if live and history.heartbeat is not None:
        words += _machine(history.heartbeat)
    if live and status is not None and status.heartbeat_age_s is not None:
        words.append(f"heard {duration(status.heartbeat_age_s)} ago")
    if status is not None and status.over and status.started and status.ended:
        words.append(f"took {duration(status.ended - status.started)}")
    return words


def _machine(beat: Heartbeat) -> list[str]:
    """What a sign of life says of memory and GPU."""
    words = [f"{beat.memory_gb:.1f} GB memory"]
    if beat.gpu_percent is not None:
        words.append(f"GPU {beat.gpu_percent:.0f}%")
    if beat.gpu_memory_gb is not None:
        whole = f" of {beat.gpu_total_gb:.0f}" if beat.gpu_total_gb else ""
        words.append(f"{beat.gpu_memory_gb:.1f}{whole} GB GPU memory")
    return words
