"""After each checkpoint of the training that is watched: where does its network see the center?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from xgeom_core.jobs.job import ENDED
from xgeom_gui.services.predictor import PredictionKey, PredictorThread, PredictRequest
from xgeom_gui.state.session import Session
from xgeom_gui.training.training_desk import TrainingDesk

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

# Checkpoints of a long run come in a burst when it is read again: only the last one counts.
_SETTLE_MS = 250
_WIDEST_PX = 100.0


class LiveMark(QObject):
    """Keeps the session's live model in step with the selected training.

    Parameters
    ----------
    session : Session
    desk : TrainingDesk
    predictor : PredictorThread
        Only the network is asked, behind what the user waits for.
    """

    def __init__(
        self, session: Session, desk: TrainingDesk, predictor: PredictorThread, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._desk, self._predictor = session, desk, predictor
        self._asked: PredictionKey | None = None
        self._shown = True
        self._soon = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._soon.timeout.connect(self.refresh)
        desk.selected_changed.connect(self.refresh)
        desk.status_changed.connect(self._on_news)
        desk.events_arrived.connect(lambda job_id, _events: self._on_news(job_id))
        for signal in (session.prediction_changed, session.live.changed):
            signal.connect(self._ask)
        predictor.live_done.connect(self._on_done)
        predictor.live_failed.connect(self._on_failed)

    @property
    def shown(self) -> bool:
        """Whether the running model's center is wanted on the open frame."""
        return self._shown

    def set_shown(self, on: bool) -> None:
        """Show the running model's center or not."""
        self._shown = on
        self.refresh()

    def refresh(self) -> None:
        """Follow the selected job while it trains and has written a model."""
        job = self._desk.selected
        status = self._desk.status(job.id) if job is not None else None
        if not self._shown or job is None or job.kind != "train" or status is None or status.state in ENDED:
            self._session.live.follow("", 0, "")
            return
        history = self._desk.history(job.id)
        # By its name only: what the run wrote is its path where the run is, maybe another machine.
        model = str(job.folder / Path(history.model).name) if history.model else ""
        self._session.live.follow(model, history.checkpoints, job.title)

    def _on_news(self, job_id: str) -> None:
        selected = self._desk.selected
        if selected is not None and selected.id == job_id and not self._soon.isActive():
            self._soon.start()

    def _ask(self) -> None:
        live, frame = self._session.live, self._session.frame
        key = live.key(self._session.prediction_key)
        if key is None or frame is None or key == self._asked:
            return
        self._asked = key
        self._predictor.submit(PredictRequest(key, frame, "live"))

    def _on_done(self, key: PredictionKey, prediction: Prediction) -> None:
        live = self._session.live
        said = prediction.network or prediction.best
        if said is None or key != live.key(self._session.prediction_key):
            return
        convention = f"the network of the run at its checkpoint {key.model.revision}"
        spread = said.center_sigma_px
        # A network that has hardly begun is unsure of everything: its ellipse would veil the whole frame.
        wide = spread is not None and not max(spread) < _WIDEST_PX
        covariance = None if wide else said.covariance
        estimate = replace(said, source=live.source, convention=convention, covariance=covariance)
        live.set_answer(key, estimate)

    def _on_failed(self, key: PredictionKey, sentence: str) -> None:
        # The next checkpoint may do; a file that could not be read once is no reason to disturb.
        if key == self._session.live.key(self._session.prediction_key):
            self._session.say(sentence)
