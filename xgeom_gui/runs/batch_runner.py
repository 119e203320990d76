"""Predicts every frame of a run: reads one ahead, asks the predictor, fills the session's batch."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_gui.services.batch_reader import BatchRead, BatchReader, BatchShare
from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.services.reader import ReadRequest
from xgeom_gui.state.batch import BatchRow, RunPlan
from xgeom_gui.state.session import Session, stated

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_gui.state.session_controller import SessionController

_AHEAD = 2
# Known answers taken in one go, so that thousands of them do not hold the window up.
_AT_ONCE = 50


class BatchRunner(QObject):
    """Drives one run at a time.

    The predictor is the one that answers for the frame shown: a model is loaded once, and the frame
    shown waits for one frame of the run at most.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Remembers answers, so that no frame is predicted twice.
    reader : BatchReader
    predictor : PredictorThread
    """

    def __init__(
        self,
        session: Session,
        controller: SessionController,
        reader: BatchReader,
        predictor: PredictorThread,
    ) -> None:
        super().__init__(controller)
        self._session, self._controller = session, controller
        self._reader, self._predictor = reader, predictor
        reader.setParent(self)
        self._number = 0
        self._template: ReadRequest | None = None
        self._waiting: deque[int] = deque()
        self._reading: set[int] = set()
        self._frames: dict[int, Frame] = {}
        self._keys: dict[PredictionKey, int] = {}
        self._key_of: dict[int, PredictionKey] = {}
        self._experiment = session.experiment
        self._busy = False
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._advance)
        reader.loaded.connect(self._on_loaded)
        reader.failed.connect(self._on_read_failed)
        reader.known.connect(self._on_known)
        reader.shared.connect(self._on_shared)
        predictor.batch_done.connect(self._on_done)
        predictor.batch_failed.connect(self._on_failed)
        session.batch.replacing.connect(self._let_go)

    def start(self, frames: range) -> None:
        """Predict these frames of the open file."""
        session = self._session
        source, wanted = session.source, session.wanted
        if source is None or wanted is None or not frames:
            return
        self.cancel()
        self._number += 1
        self._template = wanted
        self._key_of = {index: key for index in frames if (key := session.key_for(index)) is not None}
        self._keys = {key: index for index, key in self._key_of.items()}
        self._waiting = deque(frames)
        self._reading, self._frames, self._busy = set(), {}, False
        self._experiment = session.experiment
        session.batch.begin(RunPlan(source.spec, source.path, source.dataset, frames))
        self._next.start()

    def cancel(self) -> None:
        """Stop after the frame that is being predicted; its answer is dropped."""
        self._next.stop()
        self._number += 1
        self._waiting.clear()
        self._frames.clear()
        self._keys.clear()
        if self._session.batch.running:
            self._end()

    def _let_go(self) -> None:
        """Another run takes this one's place: nothing that is still on its way belongs to it."""
        self.cancel()
        self._number += 1

    def _end(self) -> None:
        self._reader.submit(BatchRead(self._number, None))
        rows = self._session.batch.rows
        found = tuple(row.prediction for row in rows if row.prediction is not None)
        self._reader.submit(BatchShare(self._number, found))
        self._session.batch.end()

    def _on_shared(self, share: BatchShare, estimate: Estimate | None) -> None:
        if share.run == self._number:
            self._session.batch.set_shared(estimate)

    def shutdown(self, wait_ms: int) -> bool:
        """Stop the thread; whether it has ended in time."""
        self.cancel()
        return self._reader.shutdown(wait_ms)

    def _advance(self) -> None:
        """Start whatever can be started."""
        taken = 0
        while self._waiting and len(self._reading) + len(self._frames) < _AHEAD:
            index = self._waiting.popleft()
            known = self._controller.answer(self._key_of[index])
            if known is None:
                self._read(index)
                continue
            self._add(index, known)
            self._submit(index, truth_only=True)
            taken += 1
            if taken >= _AT_ONCE:
                self._next.start()
                return
        if not self._busy and self._frames:
            index = min(self._frames)
            self._busy = True
            self._predictor.submit(PredictRequest(self._key_of[index], self._frames.pop(index), "batch"))
        if not (self._waiting or self._reading or self._frames or self._busy):
            self._end()

    def _read(self, index: int) -> None:
        self._reading.add(index)
        self._submit(index)

    def _submit(self, index: int, truth_only: bool = False) -> None:
        assert self._template is not None
        self._reader.submit(BatchRead(self._number, replace(self._template, index=index), truth_only))

    def _on_known(self, read: BatchRead, truth: Estimate) -> None:
        if read.run == self._number and read.request is not None:
            self._session.batch.set_known(read.request.index, truth.center_px)

    def _on_loaded(self, read: BatchRead, frame: Frame) -> None:
        if read.run == self._number and read.request is not None:
            self._reading.discard(read.request.index)
            self._frames[read.request.index] = stated(frame, self._experiment)
            self._advance()

    def _on_read_failed(self, read: BatchRead, sentence: str) -> None:
        if read.run == self._number and read.request is not None and not read.truth_only:
            self._reading.discard(read.request.index)
            self._add(read.request.index, None, sentence)
            self._advance()

    def _on_done(self, key: PredictionKey, prediction: Prediction) -> None:
        self._controller.remember(key, prediction)
        if key in self._keys:
            self._busy = False
            self._add(self._keys[key], prediction)
            self._advance()

    def _on_failed(self, key: PredictionKey, sentence: str) -> None:
        if key in self._keys:
            self._busy = False
            self._add(self._keys[key], None, sentence)
            self._advance()

    def _add(self, index: int, prediction: Prediction | None, error: str = "") -> None:
        plan = self._session.batch.plan
        assert plan is not None
        self._session.batch.add(BatchRow(plan.path, plan.dataset, index, prediction, error))
