"""What the window knows, to be read: typed, observable, and without any widget.

What other programs' files say beside the frame is kept by its `comparison`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.services.frame_math import Stack
from xgeom_gui.services.picture import Picture
from xgeom_gui.services.predictor import Experiment, ModelChoice, PredictionKey
from xgeom_gui.services.reader import LoadedFrame, ReadRequest, SourceInfo
from xgeom_gui.state.batch import Batch
from xgeom_gui.state.display import Display
from xgeom_gui.state.external_geometries import Comparison
from xgeom_gui.state.live_model import LiveModel
from xgeom_gui.state.masks import MaskDesk
from xgeom_gui.state.notifications import Announcer
from xgeom_gui.state.other_model import SecondModel
from xgeom_gui.state.rings import Rings
from xgeom_gui.state.undo import History
from xgeom_gui.state.user_centers import Corrections, FrameId

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.masked_frames import Variant


# Closer than this to the answer, one kind of evidence is the answer.
_SAME_PX = 0.005


class SessionState(Announcer):
    """What is open, what is shown and what is known about it; only `Session` changes it.

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
        Automatic prediction was switched on or off.
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
        self.history = History(self)
        self.corrections = Corrections(self.history, self)
        self.corrections.changed.connect(self.estimates_changed)
        self.batch = Batch(self)
        self.second = SecondModel(self)
        self.second.changed.connect(self.estimates_changed)
        self.live = LiveModel(self)
        self.live.changed.connect(self.estimates_changed)
        self.comparison = Comparison(self)
        self.comparison.changed.connect(self.estimates_changed)
        self.display = Display(self)
        self.rings = Rings(self)
        self.masks = MaskDesk(self)
        self.masks.undo_stack = self.history
        self._wanted: ReadRequest | None = None
        self._loaded: LoadedFrame | None = None
        self._frame: Frame | None = None
        self._stumbled: int | None = None
        self._refused = ""
        self._experiments: dict[str, Experiment] = {}
        self._prediction: tuple[PredictionKey, Prediction] | None = None
        self._model = ModelChoice()
        self._automatic = True
        self._variant: Variant = "measured"
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
    def refused(self) -> str:
        """What could not be opened, until something else is shown."""
        return self._refused

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
        """What the frame's own file, the prediction and the user say: known, header, network, fit, mine."""
        known = (self.truth,) if self.truth else ()
        others = (self.second.estimate(self.prediction_key), self.live.estimate(self.prediction_key))
        mine = (*(one for one in others if one is not None), *self.corrections.estimates)
        if self.prediction is not None:
            return known + tuple(self.prediction.estimates) + self._evidence(self.prediction) + mine
        header = self.metadata.estimate()
        return known + ((header,) if header else ()) + mine

    @staticmethod
    def _evidence(prediction: Prediction) -> tuple[Estimate, ...]:
        """What background and lattice say by themselves, where that is not the answer itself."""
        best = prediction.best
        kinds = (prediction.background, prediction.lattice)
        known = [one for one in kinds if one is not None]
        if best is None:
            return tuple(known)
        return tuple(one for one in known if math.dist(one.center_px, best.center_px) > _SAME_PX)

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
        """Geometry about the user's own center, else the best known; None while anything is missing."""
        candidates = [self.corrections.preferred, self.best, self.truth, self.metadata.estimate()]
        chosen = next((estimate for estimate in candidates if estimate is not None), None)
        return self.metadata.geometry(chosen.center_px, chosen.tilt_deg) if chosen else None

    @property
    def experiment(self) -> Experiment:
        """What the user stated of the open file's experiment."""
        return self._experiments.get(self.source.path, Experiment()) if self.source else Experiment()

    @property
    def prediction_key(self) -> PredictionKey | None:
        """What an answer for the frame shown belongs to."""
        return self.key_for(self.index)

    def key_for(self, index: int) -> PredictionKey | None:
        """What an answer for a frame of the open file belongs to, by its number."""
        source = self.source
        if self._loaded is None or source is None:
            return None
        request = self._loaded.request
        return PredictionKey(
            request.spec,
            index,
            request.generation,
            self._model,
            self.experiment,
            request.stack,
            request.mask.revision if request.mask else 0,
            self.corrections.of(FrameId(source.path, source.dataset, index)).start_px,
            request.variant,
        )

    @property
    def model(self) -> ModelChoice:
        """Which model answers."""
        return self._model

    @property
    def automatic(self) -> bool:
        """Whether each frame shown is predicted without asking."""
        return self._automatic

    @property
    def stack(self) -> Stack:
        """How many frames are shown as one."""
        return self._wanted.stack if self._wanted else Stack()

    @property
    def variant(self) -> Variant:
        """Which part of the frames is shown and predicted."""
        return self._variant

    @property
    def frame_id(self) -> FrameId | None:
        """Which frame is shown."""
        frame, source = self._frame, self.source
        return FrameId(source.path, source.dataset, frame.index) if frame and source else None

    @property
    def cursor(self) -> tuple[float, float] | None:
        """Where the pointer stands, in native pixels; None when it is elsewhere."""
        return self._cursor
