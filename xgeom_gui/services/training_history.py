"""What a training run has said so far, gathered from its events in bounded memory. Knows no widget."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from xgeom_core.training.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    Heartbeat,
    RunStarted,
    Stage,
    Step,
    Validation,
)
from xgeom_gui.services.series import Series

_NEWEST = 512


@dataclass
class SetHistory:
    """How one validation set was scored.

    Parameters
    ----------
    loss, center_px, tilt_deg : Series
        Over the step; px of a frame 820 px wide, degrees.
    last : Validation
        The newest score, with the constant predictor's.
    best_px : float
        Smallest center error so far, px of 820.
    """

    last: Validation
    loss: Series = field(default_factory=Series)
    center_px: Series = field(default_factory=Series)
    tilt_deg: Series = field(default_factory=Series)
    best_px: float = math.inf

    def add(self, score: Validation) -> None:
        """One more score."""
        self.last = score
        self.best_px = min(self.best_px, score.center_px)
        self.loss.add(score.step, score.loss)
        self.center_px.add(score.step, score.center_px)
        self.tilt_deg.add(score.step, score.tilt_deg)

    def cut(self, step: int) -> None:
        """Forget what came after a step."""
        for series in (self.loss, self.center_px, self.tilt_deg):
            series.cut(step)


@dataclass
class TrainingHistory:
    """Events of one run, sorted by kind. However many there were, adding and drawing cost the same.

    Parameters
    ----------
    steps, validations : deque
        The newest, in the order in which they came.
    loss, center_px : Series
        Training loss and center error (px of 820) over the step.
    sets : dict of str to SetHistory
        The validation sets, in the order of their first score.
    stage : str
        What the run is busy with, in words.
    predicts : str
        What the network answers: "both", "center" or "tilt".
    planned_steps : int
        Steps the run will take; 0 until it says so.
    model : str
        Path of the newest model written; "" before the first.
    checkpoints : int
        How often a model was written.
    heartbeat : Heartbeat or None
        The newest sign of life, with what it says of memory and GPU.
    finished : Finished or None
    failed : Failed or None
        How the run ended, once it has.
    revision : int
        Grows with every event, so that a view knows whether it is up to date.
    """

    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=_NEWEST))
    validations: deque[Validation] = field(default_factory=lambda: deque(maxlen=_NEWEST))
    loss: Series = field(default_factory=Series)
    center_px: Series = field(default_factory=Series)
    sets: dict[str, SetHistory] = field(default_factory=dict)
    stage: str = ""
    predicts: str = "both"
    planned_steps: int = 0
    model: str = ""
    checkpoints: int = 0
    heartbeat: Heartbeat | None = None
    finished: Finished | None = None
    failed: Failed | None = None
    revision: int = 0

    def extend(self, events: Iterable[Event]) -> None:
        """Take in events in the order in which they were told."""
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take in one event; kinds that this version does not show are passed over."""
        self.revision += 1
        match event:
            case RunStarted():
                self._begin(event)
            case Stage():
                self.stage = event.text
            case Step():
                self._step(event)
            case Validation():
                self.validations.append(event)
                self.sets.setdefault(event.data, SetHistory(event)).add(event)
            case Checkpoint():
                self.model = event.model
                self.checkpoints += 1
            case Finished():
                self.finished, self.stage = event, ""
                self.model = event.model or self.model
            case Failed():
                self.failed = event
            case Heartbeat():
                self.heartbeat = event
            case _:
                pass

    @property
    def last(self) -> Step | None:
        """The newest word on the loop."""
        return self.steps[-1] if self.steps else None

    @property
    def validation_sets(self) -> tuple[str, ...]:
        """Names of the validation sets, in the order of their first score."""
        return tuple(self.sets)

    @property
    def has_center(self) -> bool:
        """Whether the network answers the center."""
        return self.predicts != "tilt"

    @property
    def has_tilt(self) -> bool:
        """Whether the network answers the tilt."""
        return self.predicts != "center"

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return self.steps[-1].step / self.planned_steps if self.steps and self.planned_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time to the end, as the run says it or from its own pace; None before the second report."""
        last = self.last
        if last is None or self.finished is not None or self.failed is not None:
            return None
        left = last.seconds_left
        if left is None and last.frames_per_s > 0 and last.step > 0:
            left = (last.steps - last.step) * (last.frames / last.step) / last.frames_per_s
        return left if left is not None and math.isfinite(left) else None

    def progress_text(self) -> str:
        """Where the loop stands, without the scores."""
        if self.failed is not None or self.finished is not None or not self.steps:
            return self.status_text()
        last = self.steps[-1]
        stage = f" {self.stage[:1].upper()}{self.stage[1:]}…" if self.stage else ""
        return (
            f"Step {last.step} of {last.steps}: loss {last.loss:.3g}, "
            f"center {last.center_px:.2f} px on the frames it learns from.{stage}"
        )

    def status_text(self) -> str:
        """Where the run stands, in a sentence."""
        if self.failed is not None:
            return f"Failed: {self.failed.message}"
        if self.finished is not None:
            how = "Stopped" if self.finished.reason == "stopped" else "Finished"
            return f"{how} after {self.finished.step} steps."
        if not self.steps:
            return f"{self.stage[:1].upper()}{self.stage[1:]}…" if self.stage else "Starting…"
        last = self.steps[-1]
        stage = f" {self.stage}…" if self.stage else ""
        return (
            f"Step {last.step} of {last.steps}: loss {last.loss:.3g}, center {last.center_px:.2f} px, "
            f"{last.frames_per_s:.0f} frames/s.{stage}{self._score_text()}"
        )

    def _begin(self, event: RunStarted) -> None:
        """A run begins, or begins again where its checkpoint ends: what came after is done anew."""
        self.planned_steps, self.predicts = event.steps, event.predicts
        self.finished = self.failed = None
        self.stage = "starting"
        if self.steps and event.first_step < self.steps[-1].step:
            self.loss.cut(event.first_step)
            self.center_px.cut(event.first_step)
            for held in self.sets.values():
                held.cut(event.first_step)
            while self.steps and self.steps[-1].step > event.first_step:
                self.steps.pop()

    def _step(self, event: Step) -> None:
        self.steps.append(event)
        self.planned_steps = event.steps
        self.stage = ""
        self.loss.add(event.step, event.loss)
        self.center_px.add(event.step, event.center_px)

    def _score_text(self) -> str:
        """The last validation beside the constant predictor: without it a score says nothing."""
        if not self.validations:
            return ""
        last = self.validations[-1]
        return (
            f" Validation ({last.data}): {last.center_px:.2f} px; "
            f"always guessing the middle: {last.center_constant_px:.2f} px."
        )
