"""The state of the window: typed, observable, and without any widget.

What other programs' files say beside the frame is kept by its `comparison`.
Views and panels subscribe to its signals and read its properties; only actions of the user and the
coordinator change it, by its methods.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, Metadata
from xgeom_core.geometry import Geometry
from xgeom_gui.announcer import Announcer
from xgeom_gui.comparison import Comparison
from xgeom_gui.services.picture import Contrast, Picture
from xgeom_gui.services.predictor import Experiment, ModelChoice, PredictionKey
from xgeom_gui.services.reader import LoadedFrame, ReadRequest, SourceInfo

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction


class Session(Announcer):
    """What is open, what is shown and what is known about it.

    Signals
    -------
    wanted_changed
        Another frame is wanted (the reader listens).
    source_changed
        Another file or dataset is open.
    frame_changed
        Another frame, or another picture of it, is shown.
    estimates_changed
        Prediction, known center, or what is known of the experiment changed.
    model_changed
        Another model answers.
    options_changed
        Automatic prediction or the scale of counts changed.
    cursor_changed
        The pointer stands over another place of the image.
    """

    wanted_changed = Signal()
    source_changed = Signal()
    frame_changed = Signal()
    estimates_changed = Signal()
    model_changed = Signal()
    options_changed = Signal()
    cursor_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.comparison = Comparison(self)
        self.comparison.changed.connect(self.estimates_changed)
        self._wanted: ReadRequest | None = None
        self._loaded: LoadedFrame | None = None
        self._frame: Frame | None = None
        self._contrasts: tuple[Contrast, ...] = ()
        self._experiments: dict[str, Experiment] = {}
        self._prediction: tuple[PredictionKey, Prediction] | None = None
        self._model = ModelChoice()
        self._automatic = True
        self._logarithmic = False
        self._cursor: tuple[float, float] | None = None

    @property
    def wanted(self) -> ReadRequest | None:
        """The frame that should be shown."""
        return self._wanted

    @property
    def source(self) -> SourceInfo | None:
        """The open file."""
        return self._loaded.source if self._loaded else None

    @property
    def opening(self) -> bool:
        """Whether another file, or the same one anew, is on its way."""
        if self._wanted is None:
            return False
        return self._loaded is None or self._loaded.request.generation != self._wanted.generation

    @property
    def index(self) -> int:
        """Number of the frame shown, from 0."""
        return self._frame.index if self._frame else 0

    @property
    def frame(self) -> Frame | None:
        """The frame shown; its metadata include what the user stated of the experiment."""
        return self._frame

    @property
    def picture(self) -> Picture | None:
        """The frame shown, ready to be drawn."""
        return self._loaded.picture if self._loaded else None

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Contrast of each level of the picture; kept from frame to frame unless it would not do."""
        return self._contrasts

    @property
    def truth(self) -> Estimate | None:
        """The known center of the frame shown."""
        return self._loaded.truth if self._loaded else None

    @property
    def prediction(self) -> Prediction | None:
        """The answer for the frame shown."""
        key = self.prediction_key
        if self._prediction is None or key is None or self._prediction[0] != key:
            return None
        return self._prediction[1]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """What the frame's own file and the prediction say: known, header, network, fit."""
        known = (self.truth,) if self.truth else ()
        if self.prediction is not None:
            return known + tuple(self.prediction.estimates)
        header = self.metadata.estimate()
        return known + ((header,) if header else ())

    @property
    def best(self) -> Estimate | None:
        """The answer: the one that differences refer to."""
        return self.prediction.best if self.prediction else None

    @property
    def metadata(self) -> Metadata:
        """What is known of the experiment."""
        return self._frame.metadata if self._frame else Metadata()

    @property
    def geometry(self) -> Geometry | None:
        """Geometry about the best center known; None while anything is missing for it."""
        candidates = [self.best, self.truth, self.metadata.estimate()]
        chosen = next((estimate for estimate in candidates if estimate is not None), None)
        return self.metadata.geometry(chosen.center_px, chosen.tilt_deg) if chosen else None

    @property
    def experiment(self) -> Experiment:
        """What the user stated of the open file's experiment."""
        return self._experiments.get(self.source.path, Experiment()) if self.source else Experiment()

    @property
    def prediction_key(self) -> PredictionKey | None:
        """What an answer for the frame shown belongs to."""
        if self._loaded is None:
            return None
        request = self._loaded.request
        return PredictionKey(request.spec, self.index, request.generation, self._model, self.experiment)

    @property
    def model(self) -> ModelChoice:
        """Which model answers."""
        return self._model

    @property
    def automatic(self) -> bool:
        """Whether each frame shown is predicted without asking."""
        return self._automatic

    @property
    def logarithmic(self) -> bool:
        """Whether counts are shown on a logarithmic scale."""
        return self._logarithmic

    @property
    def cursor(self) -> tuple[float, float] | None:
        """Where the pointer stands, in native pixels; None when it is elsewhere."""
        return self._cursor

    def open(self, spec: str, index: int = 0) -> None:
        """Ask for a file (``FILE`` or ``FILE::dataset``)."""
        generation = self._wanted.generation + 1 if self._wanted else 0
        self._want(ReadRequest(spec, index, generation, self._logarithmic))

    def open_dataset(self, dataset: str) -> None:
        """Ask for another dataset of the open file."""
        if self.source is not None and dataset != self.source.dataset:
            self.open(f"{self.source.path}::{dataset}")

    def show_index(self, index: int) -> None:
        """Ask for another frame of the open file; numbers beyond its ends are ignored."""
        if self._wanted is None or self.source is None or not 0 <= index < self.source.frames:
            return
        if index != self._wanted.index:
            self._want(replace(self._wanted, index=index))

    def step(self, frames: int) -> None:
        """Ask for the frame that many further."""
        if self._wanted is not None:
            self.show_index(self._wanted.index + frames)

    def reload(self) -> None:
        """Read the frame again from disk."""
        if self._wanted is not None:
            self.open(self._wanted.spec, self._wanted.index)

    def set_logarithmic(self, on: bool) -> None:
        """Show counts on a logarithmic scale or not."""
        if on == self._logarithmic:
            return
        self._logarithmic = on
        self.options_changed.emit()
        if self._wanted is not None:
            self._want(replace(self._wanted, logarithmic=on))

    def set_automatic(self, on: bool) -> None:
        """Predict each frame shown, or not."""
        if on != self._automatic:
            self._automatic = on
            self.options_changed.emit()

    def set_experiment(self, experiment: Experiment) -> None:
        """State the experiment of the open file where the file is silent or wrong."""
        if self.source is None or self._loaded is None or experiment == self.experiment:
            return
        self._experiments[self.source.path] = experiment
        self._frame = _stated(self._loaded.frame, experiment)
        self.estimates_changed.emit()

    def use_model(self, name: str) -> None:
        """Answer with another model, or with the same file read anew."""
        self._model = ModelChoice(name, self._model.revision + 1)
        self.model_changed.emit()
        self.estimates_changed.emit()

    def set_cursor(self, point: tuple[float, float] | None) -> None:
        """The pointer stands elsewhere."""
        if point != self._cursor:
            self._cursor = point
            self.cursor_changed.emit()

    def set_loaded(self, loaded: LoadedFrame) -> None:
        """A frame was read; frames that are no longer wanted are dropped."""
        if loaded.request != self._wanted:
            return
        # A file that was read again may have fewer frames than before.
        self._wanted = replace(loaded.request, index=loaded.frame.index)
        before, self._loaded = self._loaded, loaded
        self._frame = _stated(loaded.frame, self.experiment)
        new_source = before is None or before.source != loaded.source
        self._keep_contrast(new_source)
        if new_source:
            self.source_changed.emit()
        self.frame_changed.emit()
        self.estimates_changed.emit()

    def set_failed(self, request: ReadRequest, sentence: str) -> None:
        """A frame could not be read: what was shown stays."""
        if request == self._wanted:
            self._wanted = self._loaded.request if self._loaded else None
            self.frame_changed.emit()
        self.notice(sentence)

    def set_prediction(self, key: PredictionKey, prediction: Prediction) -> None:
        """An answer arrived; answers for anything that is no longer shown are dropped."""
        if key == self.prediction_key:
            self._prediction = (key, prediction)
            self.estimates_changed.emit()

    def _want(self, request: ReadRequest) -> None:
        self._wanted = request
        self.wanted_changed.emit()

    def _keep_contrast(self, new_source: bool) -> None:
        assert self._loaded is not None
        fresh = tuple(level.contrast for level in self._loaded.picture.levels)
        if new_source or len(fresh) != len(self._contrasts) or not fresh[0].resembles(self._contrasts[0]):
            self._contrasts = fresh


def _stated(frame: Frame, experiment: Experiment) -> Frame:
    """The frame with what the user stated in place of what the file says."""
    metadata = frame.metadata.overridden(experiment.distance_mm, experiment.pixel_mm, experiment.wavelength_A)
    return replace(frame, metadata=metadata)
