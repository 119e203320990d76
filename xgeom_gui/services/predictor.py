"""The predictor thread: has a process load the model and answer for the frame shown now."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.predict.service.client import PredictProcess
from xgeom_gui.services.frame_math import SINGLE, Stack
from xgeom_gui.services.latest import LatestThread

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_log = logging.getLogger(__name__)

Purpose = Literal["shown", "batch", "second", "live", "sight", "why"]
# The model that answers, the one it is compared with, and the one that is being trained.
_KEPT_MODELS = 3


# A part of a frame is asked what it says by itself: the other kind of evidence would answer for it.
_EVIDENCE = {"background": ("background",), "spots": ("lattice",), "binary": ("lattice",)}


class PredictorLike(Protocol):
    """What the thread needs of a predictor (see `xgeom_core.predict.Predictor`).

    With a place given by hand it is also called with ``start_px=(x, y)``, with ``explain=True`` while
    somebody looks at the explanation, and by ``sight(frame)`` for what the network sees.
    """

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

    @property
    def title(self) -> str:
        """What the user calls it: the file's name, or that of the run that wrote it."""
        path = Path(self.name)
        generic = path.stem in {"model", "best"} and path.parent.name
        return path.parent.name if generic else path.stem


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
    stack: Stack = SINGLE
    mask_revision: int = 0
    start_px: tuple[float, float] | None = None
    variant: str = "measured"


@dataclass(frozen=True, eq=False)
class PredictRequest:
    """A frame to predict; without a frame the model is only made ready.

    Parameters
    ----------
    key : PredictionKey
    frame : Frame or None
    purpose : str
        ``"shown"`` for the frame on the screen, ``"batch"`` for one of a run, ``"second"`` for the
        second model's network alone, ``"live"`` for that of a running training, ``"sight"`` for what the
        network sees, ``"why"`` for what speaks for the answer. A newer request displaces a waiting one
        of the same purpose only.
    explain : bool
        Whether the answer comes with its explanation, because somebody looks at it.
    """

    key: PredictionKey
    frame: Frame | None
    purpose: Purpose = "shown"
    explain: bool = False


class PredictorThread(LatestThread):
    """Predicts off the window's thread, and by default in a process of its own.

    Parameters
    ----------
    load : callable, optional
        Gives a predictor by the name of a model; a `PredictProcess` unless stated.
    parent : QObject, optional

    Signals
    -------
    stage : PredictionKey, str
        What the thread is busy with, for the frame shown.
    done : PredictionKey, Prediction
    failed : PredictionKey, str
        The sentence for the user.
    batch_done : PredictionKey, Prediction
    batch_failed : PredictionKey, str
    second_done : PredictionKey, Prediction
    second_failed : PredictionKey, str
    live_done : PredictionKey, Prediction
    live_failed : PredictionKey, str
    sight_done : PredictionKey, NetworkSight
    sight_failed : PredictionKey, str
    why_done : PredictionKey, Prediction
    why_failed : PredictionKey, str
    """

    stage = Signal(object, str)
    done = Signal(object, object)
    failed = Signal(object, str)
    batch_done = Signal(object, object)
    batch_failed = Signal(object, str)
    second_done = Signal(object, object)
    second_failed = Signal(object, str)
    live_done = Signal(object, object)
    live_failed = Signal(object, str)
    sight_done = Signal(object, object)
    sight_failed = Signal(object, str)
    why_done = Signal(object, object)
    why_failed = Signal(object, str)

    def __init__(
        self, load: Callable[[str], PredictorLike] | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._process = PredictProcess() if load is None else None
        self._load: Callable[[str], PredictorLike] = load or cast(Any, self._process)
        self._predictors: OrderedDict[ModelChoice, PredictorLike] = OrderedDict()

    def kind(self, request: PredictRequest) -> Hashable:
        """Requests of different purposes do not displace each other."""
        return request.purpose

    def handle(self, request: PredictRequest) -> None:
        """Answer one request; runs in the thread."""
        done, failed = self._signals(request.purpose)
        try:
            predictor = self._ready(request)
            if request.frame is None or self._outdated(request):
                return
            if request.purpose == "shown":
                self.stage.emit(request.key, "predicting…")
            answer = _answer(predictor, request, request.frame)
        except XgeomError as error:
            if not self._ending:
                failed.emit(request.key, str(error))
        # A fault in the predictor must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("predicting %s", request.key)
            failed.emit(
                request.key, f"The prediction ended with a fault in xgeom ({error!r}); please report it."
            )
        else:
            done.emit(request.key, answer)

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """End, the prediction under way included; whether the thread has ended in time."""
        with self._news:
            self._ending = True
        if self._process is not None:
            self._process.abort()
        return super().shutdown(wait_ms)

    def finish(self) -> None:
        """Let go of the models and of their process."""
        self._predictors.clear()
        if self._process is not None:
            self._process.close()

    def _signals(self, purpose: Purpose) -> tuple[Any, Any]:
        return {
            "shown": (self.done, self.failed),
            "batch": (self.batch_done, self.batch_failed),
            "second": (self.second_done, self.second_failed),
            "live": (self.live_done, self.live_failed),
            "sight": (self.sight_done, self.sight_failed),
            "why": (self.why_done, self.why_failed),
        }[purpose]

    def _outdated(self, request: PredictRequest) -> bool:
        """Whether a newer request of the same purpose waits, or the thread is to end."""
        with self._news:
            return self._ending or request.purpose in self._waiting

    def _ready(self, request: PredictRequest) -> PredictorLike:
        model = request.key.model
        if model not in self._predictors:
            if request.purpose == "shown":
                self.stage.emit(request.key, "loading the model…")
            # An older state of the same file is of no use any more.
            for other in [one for one in self._predictors if one.name == model.name]:
                del self._predictors[other]
            self._predictors[model] = self._load(model.name)
            while len(self._predictors) > _KEPT_MODELS:
                self._predictors.popitem(last=False)
        self._predictors.move_to_end(model)
        return self._predictors[model]


def _answer(predictor: Any, request: PredictRequest, frame: Frame) -> Any:
    """What was asked of a predictor."""
    if request.purpose == "sight":
        return predictor.sight(frame)
    if request.purpose in {"second", "live"}:
        return predictor.predict(frame, fit=False)
    wishes: dict[str, Any] = {}
    if request.key.variant in _EVIDENCE:
        wishes["use"] = _EVIDENCE[request.key.variant]
    if request.key.start_px is not None:
        wishes["start_px"] = request.key.start_px
    if request.explain or request.purpose == "why":
        wishes["explain"] = True
    return predictor.predict(frame, **wishes)
