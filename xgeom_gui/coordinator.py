"""Keeps the session and the services in step: the only place that knows both."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from xgeom_gui.files import FileDesk
from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.services.reader import FrameReader, LoadedFrame, ReadRequest
from xgeom_gui.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_DEBOUNCE_MS = 150
_REMEMBERED = 512


class Coordinator(QObject):
    """Sends the session's wishes to the reader and the predictor, and their answers back.

    Parameters
    ----------
    session : Session
    reader : FrameReader
    predictor : PredictorThread
    files : FileDesk
        All are shut down by `shutdown`.
    """

    def __init__(
        self,
        session: Session,
        reader: FrameReader,
        predictor: PredictorThread,
        files: FileDesk,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._reader, self._predictor = session, reader, predictor
        self.files = files
        for owned in (reader, predictor, files):
            owned.setParent(self)
        # Predictions are small; going back to a frame must not cost seconds again.
        self._answers: OrderedDict[PredictionKey, Prediction] = OrderedDict()
        self._asked: PredictionKey | None = None
        self._refused: PredictionKey | None = None
        self._debounce = QTimer(self, singleShot=True, interval=_DEBOUNCE_MS)
        self._debounce.timeout.connect(self.predict_now)
        session.wanted_changed.connect(self._read)
        session.estimates_changed.connect(self._predict_soon)
        session.options_changed.connect(self._predict_soon)
        reader.loaded.connect(self._on_loaded)
        reader.failed.connect(self._on_read_failed)
        predictor.stage.connect(self._on_stage)
        predictor.done.connect(self._on_prediction)
        predictor.failed.connect(self._on_prediction_failed)

    def warm_up(self) -> None:
        """Load the model before the first frame asks for it."""
        if self._session.automatic:
            key = PredictionKey("", 0, 0, self._session.model, self._session.experiment)
            self._predictor.submit(PredictRequest(key, None))

    def predict_now(self) -> None:
        """Predict the frame shown, unless its answer is known or under way."""
        self._debounce.stop()
        key, frame = self._session.prediction_key, self._session.frame
        if key is None or frame is None or self._session.prediction is not None or key == self._asked:
            return
        self._asked, self._refused = key, None
        self._session.set_activity("predicting…")
        self._predictor.submit(PredictRequest(key, frame))

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Stop every thread; whether they have ended in time."""
        self._debounce.stop()
        ended = [thread.shutdown(wait_ms) for thread in (self._reader, self._predictor, self.files)]
        return all(ended)

    def _read(self) -> None:
        self._session.set_activity("reading…")
        self._reader.submit(self._session.wanted)

    def _on_loaded(self, loaded: LoadedFrame) -> None:
        if loaded.request == self._session.wanted:
            self._session.set_activity("")
            self._session.set_loaded(loaded)

    def _on_read_failed(self, request: ReadRequest, sentence: str) -> None:
        if request == self._session.wanted:
            self._session.set_activity("")
        self._session.set_failed(request, sentence)

    def _predict_soon(self) -> None:
        key = self._session.prediction_key
        if key is None or self._session.prediction is not None:
            return
        known = self._answers.get(key)
        if known is not None:
            self._session.set_prediction(key, known)
        elif key == self._asked:
            self._session.set_activity("predicting…")
        elif self._session.automatic and key != self._refused:
            self._session.set_activity("predicting…")
            self._debounce.start()

    def _on_stage(self, key: PredictionKey, text: str) -> None:
        if key == self._session.prediction_key:
            self._session.set_activity(text)

    def _on_prediction(self, key: PredictionKey, prediction: Prediction) -> None:
        self._answers[key] = prediction
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        self._answered(key)
        self._session.set_prediction(key, prediction)

    def _on_prediction_failed(self, key: PredictionKey, sentence: str) -> None:
        self._answered(key)
        # Not again by itself: the same frame and model would fail the same way.
        self._refused = key
        if key == self._session.prediction_key or not key.spec:
            self._session.notice(sentence)

    def _answered(self, key: PredictionKey) -> None:
        if key == self._asked:
            self._asked = None
        if key == self._session.prediction_key:
            self._session.set_activity("")
