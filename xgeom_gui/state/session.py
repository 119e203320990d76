"""The state of the window, and how it changes.

Views and panels subscribe to its signals and read its properties (see `SessionState`); only actions of
the user and the controller change it, by its methods.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from xgeom_core.frame import Frame
from xgeom_gui.services.frame_math import Stack
from xgeom_gui.services.predictor import Experiment, ModelChoice, PredictionKey
from xgeom_gui.services.reader import NAMED, LoadedFrame, ReadRequest
from xgeom_gui.state.session_state import SessionState

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.masked_frames import Variant


class Session(SessionState):
    """What is open, what is shown and what is known about it, with everything that changes it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.masks.changed.connect(self._want_masked)
        self.user_centers.frame_wanted.connect(self.show_index)

    def open(self, spec: str, index: int = NAMED) -> None:
        """Ask for a file (``FILE`` or ``FILE::dataset``), a folder, or several files as one run."""
        generation = self._wanted.generation + 1 if self._wanted else 0
        again = self._wanted is not None and self._wanted.spec == spec
        stack, mask = (self.stack, self.masks.current) if again else (Stack(), None)
        self._want(ReadRequest(spec, index, generation, stack, mask, self.variant))

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
        """Ask for the frame that many further, past one that could not be read."""
        if self._wanted is None:
            return
        target = self._wanted.index + frames
        if self._stumbled == target and frames:
            target += 1 if frames > 0 else -1
        self.show_index(target)

    def show_newest(self, frames: int) -> None:
        """The open file has grown to so many frames: ask for the last one."""
        if self._wanted is not None and frames > 0:
            self._want(replace(self._wanted, index=frames - 1))

    def reload(self) -> None:
        """Read the frame again from disk."""
        if self._wanted is not None:
            self.open(self._wanted.spec, self._wanted.index)

    def set_stack(self, stack: Stack) -> None:
        """Show several frames as one, or each by itself."""
        if self._wanted is not None and stack != self._wanted.stack:
            self._want(replace(self._wanted, stack=stack))

    def set_variant(self, variant: Variant) -> None:
        """Show and predict frames as measured, or only a part of them."""
        if variant != self._variant:
            self._variant = variant
            self.options_changed.emit()
            if self._wanted is not None:
                self._want(replace(self._wanted, variant=variant))

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
        self._frame = stated(self._loaded.frame, experiment)
        self._announce((self.metadata_changed, *self._remake()))

    def use_model(self, name: str) -> None:
        """Answer with another model, or with the same file read anew."""
        self._model = ModelChoice(name, self._model.revision + 1)
        due = self._remake()
        self.model_changed.emit()
        self._announce(due)

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
        self._wanted, self._stumbled = replace(loaded.request, index=loaded.frame.index), None
        self._refused = ""
        before, self._loaded = self._loaded, replace(loaded, request=self._wanted)
        self._frame = stated(loaded.frame, self.experiment)
        self.user_centers.show(self.frame_id)
        due = self._remake()
        new_source = before is None or replace(before.source, frames=loaded.source.frames) != loaded.source
        self.display.follow(loaded.picture, new_source)
        if new_source:
            # What was done to another file cannot be seen here: it is not to be taken back here.
            self.history.clear()
            self.source_changed.emit()
        self.frame_changed.emit()
        self._announce((self.metadata_changed, *due))
        self.masks.show_detector(loaded.frame.metadata.detector, loaded.frame.shape)
        self._want_masked()

    def set_failed(self, request: ReadRequest, sentence: str) -> None:
        """A frame could not be read: what was shown stays."""
        if request == self._wanted:
            self._wanted = self._loaded.request if self._loaded else None
            same_file = self._wanted is not None and self._wanted.spec == request.spec
            # The next step in the same direction goes on behind it.
            self._stumbled = request.index if same_file else None
            self._refused = "" if same_file else request.spec
            self.frame_changed.emit()
        self.notice(sentence)

    def set_prediction(self, key: PredictionKey, prediction: Prediction) -> None:
        """An answer arrived; answers for anything that is no longer shown are dropped."""
        if key == self.prediction_key:
            self._prediction = (key, prediction)
            self._renew()

    def _want(self, request: ReadRequest) -> None:
        self._wanted = request
        self.wanted_changed.emit()

    def _want_masked(self) -> None:
        """Ask for the same frame with the mask that the user has painted for its detector."""
        if (
            self._wanted is not None
            and self._loaded is not None
            and self.masks.current is not self._wanted.mask
        ):
            self._want(replace(self._wanted, mask=self.masks.current))


def stated(frame: Frame, experiment: Experiment) -> Frame:
    """The frame with what the user stated in place of what the file says."""
    metadata = frame.metadata.overridden(experiment.distance_mm, experiment.pixel_mm, experiment.wavelength_A)
    return replace(frame, metadata=metadata)
