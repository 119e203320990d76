"""A second model beside the one that answers: its network's center on the frame shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_gui.services.predictor import ModelChoice, PredictionKey

SECOND = "second"


class SecondModel(QObject):
    """Which model is compared with, and what it said of the frame shown.

    Signals
    -------
    changed
        Another model, or another answer of it.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice: ModelChoice | None = None
        self._answer: tuple[PredictionKey, Estimate] | None = None

    @property
    def choice(self) -> ModelChoice | None:
        """The model; None if there is no comparison."""
        return self._choice

    @property
    def name(self) -> str:
        """What to call the model; "" for none."""
        return Path(self._choice.name).stem if self._choice else ""

    def key(self, shown: PredictionKey | None) -> PredictionKey | None:
        """What an answer of this model for the frame shown belongs to."""
        if self._choice is None or shown is None:
            return None
        return replace(shown, model=self._choice, start_px=None)

    def estimate(self, shown: PredictionKey | None) -> Estimate | None:
        """What it says of the frame shown."""
        key = self.key(shown)
        return self._answer[1] if self._answer and key is not None and self._answer[0] == key else None

    def choose(self, name: str) -> None:
        """Compare with a bundled model or a file; "" ends the comparison."""
        revision = self._choice.revision + 1 if self._choice else 0
        self._choice = ModelChoice(name, revision) if name else None
        self.changed.emit()

    def set_answer(self, key: PredictionKey, estimate: Estimate) -> None:
        """An answer arrived."""
        self._answer = (key, estimate)
        self.changed.emit()
