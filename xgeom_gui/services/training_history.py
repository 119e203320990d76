"""What a training run has said so far, gathered from its events. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, field

from xgeom_core.training.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    RunStarted,
    Stage,
    Step,
    Validation,
)


@dataclass
class TrainingHistory:
    """Events of one run, sorted by kind.

    Parameters
    ----------
    steps, validations : list
        In the order in which they came.
    stage : str
        What the run is busy with, in words.
    planned_steps : int
        Steps the run will take; 0 until it says so.
    model : str
        Path of the newest model written; "" before the first.
    finished : Finished or None
    failed : Failed or None
        How the run ended, once it has.
    """

    steps: list[Step] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    stage: str = ""
    planned_steps: int = 0
    model: str = ""
    finished: Finished | None = None
    failed: Failed | None = None

    def add(self, event: Event) -> None:
        """Take in one event; kinds that this version does not show are passed over."""
        match event:
            case RunStarted():
                self.planned_steps = event.steps
            case Stage():
                self.stage = event.text
            case Step():
                self.steps.append(event)
                self.planned_steps = event.steps
                self.stage = ""
            case Validation():
                self.validations.append(event)
            case Checkpoint():
                self.model = event.model
            case Finished():
                self.finished, self.model = event, event.model
            case Failed():
                self.failed = event
            case _:
                pass

    @property
    def validation_sets(self) -> tuple[str, ...]:
        """Names of the validation sets, in the order of their first score."""
        return tuple(dict.fromkeys(score.data for score in self.validations))

    def validations_of(self, name: str) -> list[Validation]:
        """Scores of one validation set."""
        return [score for score in self.validations if score.data == name]

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return self.steps[-1].step / self.planned_steps if self.steps and self.planned_steps else 0.0

    def status_text(self) -> str:
        """Where the run stands, in a sentence."""
        if self.failed is not None:
            return f"Failed: {self.failed.message}"
        if self.finished is not None:
            how = "Stopped" if self.finished.reason == "stopped" else "Finished"
            return f"{how} after {self.finished.step} steps.{self._score_text()}"
        if not self.steps:
            return f"{self.stage[:1].upper()}{self.stage[1:]}…" if self.stage else "Starting…"
        last = self.steps[-1]
        stage = f" {self.stage}…" if self.stage else ""
        return (
            f"Step {last.step} of {last.steps}: loss {last.loss:.3g}, center {last.center_px:.2f} px, "
            f"{last.frames_per_s:.0f} frames/s.{stage}{self._score_text()}"
        )

    def _score_text(self) -> str:
        """The last validation beside the constant predictor: without it a score says nothing."""
        if not self.validations:
            return ""
        last = self.validations[-1]
        return (
            f" Validation ({last.data}): {last.center_px:.2f} px; "
            f"always guessing the middle: {last.center_constant_px:.2f} px."
        )
