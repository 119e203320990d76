"""Keeps the session and the services in step: the only place that knows both."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer

from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.services.reader import FrameReader, LoadedFrame, ReadRequest
from xgeom_gui.state.geometry_files import FileDesk
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction


class Service(Protocol):
    """Something with a thread."""

    def shutdown(self, wait_ms: int) -> bool:
        """Stop; whether it has ended in time."""
        ...


_DEBOUNCE_MS = 150
_REMEMBERED = 4096
_EXPLAINED = 6


class SessionController(QObject):
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
        self.reader, self.predictor = reader, predictor
        # Whether answers come with what speaks for them: somebody looks at it.
        self.explaining = False
        self._helpers: list[Service] = [reader, predictor, files]
        for owned in (reader, predictor, files):
            owned.setParent(self)
        # Predictions are small; going back to a frame must not cost seconds again.
        self._answers: OrderedDict[PredictionKey, Prediction] = OrderedDict()
        # With what speaks for them they are not: only the last ones are kept whole.
        self._explained: OrderedDict[PredictionKey, Prediction] = OrderedDict()
        self._asked: PredictionKey | None = None
        self._refused: PredictionKey | None = None
        self._debounce = QTimer(self, singleShot=True, interval=_DEBOUNCE_MS)
        self._debounce.timeout.connect(self.predict_now)
        session.wanted_changed.connect(self._read)
        session.prediction_changed.connect(self._predict_soon)
        session.options_changed.connect(self._predict_soon)
        reader.loaded.connect(self._on_loaded)
        reader.failed.connect(self._on_read_failed)
        predictor.stage.connect(self._on_stage)
        predictor.done.connect(self._on_prediction)
        predictor.failed.connect(self._on_prediction_failed)
        predictor.why_done.connect(self._keep_explained)

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
        self._predictor.submit(PredictRequest(key, frame, explain=self.explaining))

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Stop every thread; whether they have ended in time."""
        self._debounce.stop()
        # All are told to stop, also after one that does not end in time.
        ended = [service.shutdown(wait_ms) for service in self._helpers]
        return all(ended)

    def adopt(self, service: Service) -> None:
        """Shut one more service down with the others."""
        self._helpers.append(service)

    def let_files_grow(self, on: bool) -> None:
        """Hold no file open between frames, so that its growth can be seen."""
        self._reader.transient = on

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
        known = self.answer(key)
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

    def answer(self, key: PredictionKey) -> Prediction | None:
        """An answer that is remembered."""
        return self._explained.get(key) or self._answers.get(key)

    def remember(self, key: PredictionKey, prediction: Prediction) -> None:
        """Keep an answer, and show it if it is for the frame shown."""
        self._answers[key] = _light(prediction)
        self._keep_explained(key, prediction)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        if key == self._session.prediction_key and self._session.prediction is None:
            self._answered(key)
            self._session.set_prediction(key, prediction)

    def _keep_explained(self, key: PredictionKey, prediction: Prediction) -> None:
        if prediction.explanation is not None:
            self._explained[key] = prediction
            if len(self._explained) > _EXPLAINED:
                self._explained.popitem(last=False)

    def _on_prediction(self, key: PredictionKey, prediction: Prediction) -> None:
        self.remember(key, prediction)
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


def _light(prediction: Prediction) -> Prediction:
    """The answer without the pictures that explain it: thousands of answers are remembered."""
    return prediction if prediction.explanation is None else replace(prediction, explanation=None)
