"""What the window knows, to be read: typed, observable, and without any widget.

What other programs' files say beside the frame is kept by its `external`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, SignalInstance

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_gui.services.frame_math import Stack
from xgeom_gui.services.picture import Picture
from xgeom_gui.services.predictor import Experiment, ModelChoice, PredictionKey
from xgeom_gui.services.reader import LoadedFrame, ReadRequest, SourceInfo
from xgeom_gui.state.batch import Batch
from xgeom_gui.state.centers import Center, centers_of, misfits_of, said_by
from xgeom_gui.state.current_center import CurrentCenter
from xgeom_gui.state.display import Display
from xgeom_gui.state.external_geometries import ExternalGeometries
from xgeom_gui.state.live_model import LiveModel
from xgeom_gui.state.masks import MaskDesk
from xgeom_gui.state.notifications import Announcer
from xgeom_gui.state.other_model import SecondModel
from xgeom_gui.state.rings import Rings
from xgeom_gui.state.undo import History
from xgeom_gui.state.user_centers import UserCenters
from xgeom_gui.state.user_words import FrameId

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.masked_frames import Variant


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
    prediction_changed
        Another answer is shown, or another one is due: what an answer belongs to changed.
    metadata_changed
        What is known of the experiment changed.
    centers_changed
        Centers came, went, moved, or are marked otherwise.
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
    prediction_changed = Signal()
    metadata_changed = Signal()
    centers_changed = Signal()
    model_changed = Signal()
    options_changed = Signal()
    cursor_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = History(self)
        self.user_centers = UserCenters(self.history, self)
        self.batch = Batch(self)
        self.second = SecondModel(self)
        self.live = LiveModel(self)
        self.external = ExternalGeometries(self)
        for part in (self.user_centers, self.second, self.live, self.external):
            part.changed.connect(self._renew)
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
        # Made once a change, read many times.
        self._key: PredictionKey | None = None
        self._shown: Prediction | None = None
        self._estimates: tuple[Estimate, ...] = ()
        self._centers: tuple[Center, ...] = ()
        self._misfits: tuple[Center, ...] = ()
        self.current_center = CurrentCenter(self.user_centers, self)
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
        return self._shown

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """What the frame's own file, the prediction and the user say: known, header, network, fit, mine."""
        return self._estimates

    @property
    def centers(self) -> tuple[Center, ...]:
        """Every center of the frame shown, other programs' included."""
        return self._centers

    def _renew(self) -> None:
        """Something that centers are made of changed: make them anew, and tell whom it concerns."""
        self._announce(self._remake())

    def _remake(self) -> tuple[SignalInstance, ...]:
        """Make what is derived anew; the signals that are due once everything else is in place."""
        before = self._key, self._shown, self._centers + self._misfits
        self._key = self.key_for(self.index)
        matches = self._prediction is not None and self._prediction[0] == self._key
        self._shown = self._prediction[1] if self._prediction is not None and matches else None
        self._estimates = self._all_estimates()
        self._centers = centers_of(self._estimates, self.external, self.index, self.image_size)
        self._misfits = misfits_of(self.external, self.index, self.image_size)
        answered = self._key == before[0] and self._shown is before[1]
        due = (
            (self.prediction_changed, not answered),
            (self.centers_changed, before[2] != self._centers + self._misfits),
            (self.current_center.changed, self.current_center.renew(self._centers, self.best, self.metadata)),
        )
        return tuple(signal for signal, is_due in due if is_due)

    @staticmethod
    def _announce(signals: tuple[SignalInstance, ...]) -> None:
        for signal in signals:
            signal.emit()

    def _all_estimates(self) -> tuple[Estimate, ...]:
        known = (self.truth,) if self.truth else ()
        others = (self.second.estimate(self._key), self.live.estimate(self._key))
        mine = (*(one for one in others if one is not None), *self.user_centers.estimates)
        if self._shown is not None:
            return known + said_by(self._shown, self.user_centers.chosen) + mine
        header = self.metadata.estimate()
        return known + ((header,) if header else ()) + mine

    @property
    def best(self) -> Estimate | None:
        """The answer: the one that differences refer to."""
        return self.prediction.best if self.prediction else None

    @property
    def misfits(self) -> tuple[Center, ...]:
        """Centers for detectors of other sizes: they are listed, and nothing is done with them."""
        return self._misfits

    @property
    def reference(self) -> Estimate | None:
        """The center that differences refer to: the one the user chose while it is there, else the best."""
        chosen = (one.estimate for one in self._centers if one.estimate.source == self.external.reference)
        return next(chosen, self.best)

    @property
    def trusted(self) -> Estimate | None:
        """The answer, where it can be used as it is."""
        return self.best if self.prediction is not None and self.prediction.status == "ok" else None

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Pixels ``(fast, slow)`` of the frame shown."""
        return self._frame.shape[::-1] if self._frame is not None else None

    @property
    def metadata(self) -> Metadata:
        """What is known of the experiment."""
        return self._frame.metadata if self._frame else Metadata()

    @property
    def experiment(self) -> Experiment:
        """What the user stated of the open file's experiment."""
        return self._experiments.get(self.source.path, Experiment()) if self.source else Experiment()

    @property
    def prediction_key(self) -> PredictionKey | None:
        """What an answer for the frame shown belongs to."""
        return self._key

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
            self.user_centers.of(FrameId(source.path, source.dataset, index)).start_px,
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
