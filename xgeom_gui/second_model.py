"""A second model beside the one that answers: its network's center on the frame shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_gui.services.predictor import ModelChoice, PredictionKey, PredictorThread, PredictRequest

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_gui.session import Session

SECOND = "second"
_KEPT = 256


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


class SecondModelDesk(QObject):
    """Asks the second model about each frame shown.

    Parameters
    ----------
    session : Session
    predictor : PredictorThread
    """

    def __init__(self, session: Session, predictor: PredictorThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._predictor = session, predictor
        self._known: dict[PredictionKey, Estimate] = {}
        self._asked: PredictionKey | None = None
        session.estimates_changed.connect(self._ask)
        predictor.second_done.connect(self._on_done)
        predictor.second_failed.connect(self._on_failed)

    def _ask(self) -> None:
        second, frame = self._session.second, self._session.frame
        key = second.key(self._session.prediction_key)
        if key is None or frame is None or second.estimate(self._session.prediction_key) is not None:
            return
        if key in self._known:
            second.set_answer(key, self._known[key])
        elif key != self._asked:
            self._asked = key
            self._predictor.submit(PredictRequest(key, frame, "second"))

    def _on_done(self, key: PredictionKey, prediction: Prediction) -> None:
        said = prediction.network or prediction.best
        if said is None:
            return
        estimate = replace(said, source=SECOND, convention=f"the network of {Path(key.model.name).name}")
        self._known[key] = estimate
        if len(self._known) > _KEPT:
            self._known.pop(next(iter(self._known)))
        if key == self._session.second.key(self._session.prediction_key):
            self._session.second.set_answer(key, estimate)

    def _on_failed(self, key: PredictionKey, sentence: str) -> None:
        if self._session.second.choice == key.model:
            self._session.second.choose("")
            self._session.notice(sentence)
