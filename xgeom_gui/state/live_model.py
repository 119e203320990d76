"""The model of a running training, and what its network says of the frame shown."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_gui.services.predictor import ModelChoice, PredictionKey

TRAINING = "Training: "


class LiveModel(QObject):
    """Which running training is looked over the shoulder of.

    Signals
    -------
    changed
        Another model or state of it, or another answer.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice: ModelChoice | None = None
        self._title = ""
        self._answer: tuple[PredictionKey, Estimate] | None = None

    @property
    def choice(self) -> ModelChoice | None:
        """The model file in its present state; None while no training is followed."""
        return self._choice

    @property
    def source(self) -> str:
        """What its center is called."""
        return TRAINING + self._title

    def key(self, shown: PredictionKey | None) -> PredictionKey | None:
        """What an answer of this model for the frame shown belongs to."""
        if self._choice is None or shown is None:
            return None
        return replace(shown, model=self._choice, start_px=None)

    def estimate(self, shown: PredictionKey | None) -> Estimate | None:
        """What it says of the frame shown; its last word while a newer state of it is asked."""
        key = self.key(shown)
        if key is None or self._answer is None:
            return None
        said, estimate = self._answer
        same = replace(said, model=key.model) == key and said.model.name == key.model.name
        return replace(estimate, source=self.source) if same else None

    def follow(self, model: str, revision: int, title: str) -> None:
        """Follow the model of a training; ``""`` follows none."""
        choice = ModelChoice(model, revision) if model else None
        if (choice, title) != (self._choice, self._title):
            self._choice, self._title = choice, title
            self.changed.emit()

    def set_answer(self, key: PredictionKey, estimate: Estimate) -> None:
        """An answer arrived."""
        self._answer = (key, estimate)
        self.changed.emit()
