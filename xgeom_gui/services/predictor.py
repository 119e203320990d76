"""The predictor thread: loads torch and the model, and answers for the frame shown now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_gui.services.latest import LatestThread

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_log = logging.getLogger(__name__)


class PredictorLike(Protocol):
    """What the thread needs of a predictor (see `xgeom_core.predict.Predictor`)."""

    def predict(self, frame: Frame, fit: bool = True) -> Prediction: ...  # noqa: D102


@dataclass(frozen=True)
class ModelChoice:
    """Which model answers.

    Parameters
    ----------
    name : str
        Name of a bundled model or path of a ``.safetensors`` file.
    revision : int
        Grows each time the user takes the file into use, because a training run rewrites it.
    """

    name: str = "default"
    revision: int = 0


@dataclass(frozen=True)
class Experiment:
    """What the user states of the experiment where the file is silent or wrong; None keeps the file's."""

    distance_mm: float | None = None
    pixel_mm: tuple[float, float] | None = None
    wavelength_A: float | None = None


@dataclass(frozen=True)
class PredictionKey:
    """What an answer belongs to; equal keys have equal answers."""

    spec: str
    index: int
    generation: int
    model: ModelChoice
    experiment: Experiment


@dataclass(frozen=True, eq=False)
class PredictRequest:
    """A frame to predict; without a frame the model is only made ready."""

    key: PredictionKey
    frame: Frame | None


def load_predictor(name: str) -> PredictorLike:
    """Load a predictor. Slow: imports torch, so the thread calls it, not the start of the program."""
    from xgeom_core.predict import Predictor  # noqa: PLC0415 (see above)

    return Predictor.load(model=name)


class PredictorThread(LatestThread):
    """Predicts off the window's thread.

    Signals
    -------
    stage : PredictionKey, str
        What the thread is busy with.
    done : PredictionKey, Prediction
    failed : PredictionKey, str
        The sentence for the user.
    """

    stage = Signal(object, str)
    done = Signal(object, object)
    failed = Signal(object, str)

    def __init__(
        self, load: Callable[[str], PredictorLike] = load_predictor, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._load = load
        self._model: ModelChoice | None = None
        self._predictor: PredictorLike | None = None

    def handle(self, request: PredictRequest) -> None:
        """Answer one request; runs in the thread."""
        try:
            predictor = self._ready(request.key)
            if request.frame is None or self.superseded():
                return
            self.stage.emit(request.key, "predicting…")
            prediction = predictor.predict(request.frame)
        except XgeomError as error:
            self.failed.emit(request.key, str(error))
        # A fault in the predictor must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("predicting %s", request.key)
            self.failed.emit(
                request.key, f"The prediction ended with a fault in xgeom ({error!r}); please report it."
            )
        else:
            self.done.emit(request.key, prediction)

    def finish(self) -> None:
        """Let go of the model."""
        self._predictor = self._model = None

    def _ready(self, key: PredictionKey) -> PredictorLike:
        if self._predictor is None or self._model != key.model:
            self.stage.emit(key, "loading the model…")
            self._predictor = self._load(key.model.name)
            self._model = key.model
        return self._predictor
