"""Asks the second model about each frame shown, and hands its answers to the session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from xgeom_core.estimate import Estimate
from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.state.other_model import SECOND
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_KEPT = 256


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
        for signal in (session.prediction_changed, session.second.changed):
            signal.connect(self._ask)
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
