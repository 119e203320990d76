"""Saves and opens session files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from xgeom_gui.files.session_file import (
    SavedMask,
    SavedSession,
    SessionParts,
    gone_text,
    part_names,
    write_session,
)
from xgeom_gui.files.session_reader import SessionReader
from xgeom_gui.image.image_view import ImageView
from xgeom_gui.services.frame_math import STACK_MODES, Stack
from xgeom_gui.services.locations import SESSION_SUFFIX, name_of
from xgeom_gui.services.saver import Saver, SaveRequest
from xgeom_gui.state.batch_state import BatchState, plain_batch
from xgeom_gui.state.experiment_store import experiment_of, plain_experiment
from xgeom_gui.state.orientation import Orientation
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController

if TYPE_CHECKING:
    from xgeom_core.predict.masked_frames import Variant

# As `xgeom_core.predict.masked_frames.VARIANTS`, which needs scipy and is slow to import.
_VARIANTS: tuple[Variant, ...] = ("measured", "background", "spots", "binary")


class SessionDesk(QObject):
    """Collects the state of the window into a file, and brings it back.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Its file desk reads the geometries of other programs.
    image : ImageView
    saver : Saver
    reader : SessionReader
        Both are shut down by whoever owns them.

    Attributes
    ----------
    parts : SessionParts
        Whoever has a state of its own registers it here.
    """

    def __init__(
        self,
        session: Session,
        controller: SessionController,
        image: ImageView,
        saver: Saver,
        reader: SessionReader,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._controller, self._image = session, controller, image
        self._saver, self._reader = saver, reader
        self._pending: tuple[str, SavedSession] | None = None
        self.parts = SessionParts()
        self._register()
        reader.done.connect(self._opened)
        reader.failed.connect(self._failed)
        session.frame_changed.connect(self._go_on)

    def save(self, path: str) -> None:
        """Write a session file; its ending is added where it is missing."""
        if not path.lower().endswith(".json"):
            path += SESSION_SUFFIX
        saved = self._saved()
        self._saver.submit(SaveRequest(path, partial(write_session, saved, path)))

    def open(self, path: str) -> None:
        """Read a session file and bring back what it holds."""
        self._session.set_activity(f"reading {Path(path).name}…", "files")
        self._reader.submit(path)

    def _saved(self) -> SavedSession:
        session = self._session
        wanted, mask = session.wanted, session.masks.current
        painted = SavedMask(session.metadata.detector, mask.pixels) if mask is not None else None
        return SavedSession(
            wanted.spec if wanted else "",
            session.index,
            session.external.paths,
            self.parts.collect(),
            painted,
        )

    def _opened(self, path: str, saved: SavedSession) -> None:
        self._session.set_activity("", "files")
        if saved.gone:
            self._session.notice(gone_text(saved.gone))
        self._pending = (path, saved)
        if saved.spec:
            self._session.open(saved.spec, saved.index)
        else:
            self._go_on()
        self._controller.files.add(saved.geometries)

    def _failed(self, sentence: str) -> None:
        self._session.set_activity("", "files")
        self._session.notice(sentence)

    def _go_on(self) -> None:
        """The frame of the session is shown, or cannot be: bring back the rest."""
        if self._pending is None or self._session.opening:
            return
        (path, saved), self._pending = self._pending, None
        source = self._session.source
        if saved.spec and (source is None or source.spec != saved.spec):
            return
        failed = self.parts.restore(saved.parts)
        if saved.mask is not None:
            shape = (saved.mask.pixels.shape[0], saved.mask.pixels.shape[1])
            whole = (slice(None), slice(None))
            self._session.masks.put((saved.mask.detector, shape), whole, saved.mask.pixels)
        self._session.history.clear()
        if failed:
            self._session.notice(f"{name_of(path)} could not bring back: {part_names(failed)}.")
        else:
            self._session.say(f"Session {name_of(path)} is open.")

    def _register(self) -> None:
        session, parts = self._session, self.parts
        parts.register("display", session.display.state, session.display.restore)
        parts.register("rings", session.rings.state, session.rings.restore)
        parts.register("centers", session.user_centers.state, session.user_centers.restore)
        parts.register("marks", session.external.state, session.external.restore)
        parts.register("orientation", self._orientation, self._restore_orientation)
        parts.register("view", self._view, self._restore_view)
        parts.register("frames", self._frames, self._restore_frames)
        parts.register("run", self._run, self._restore_run)
        parts.register("experiment", lambda: plain_experiment(session.experiment), self._restore_experiment)

    def _view(self) -> list[list[float]]:
        return [[float(end) for end in axis] for axis in self._image.box.viewRange()]

    def _orientation(self) -> dict[str, Any]:
        return self._image.orientation.state()

    def _restore_orientation(self, state: object) -> None:
        self._image.orient(Orientation.restored(state))

    def _restore_view(self, value: Any) -> None:
        (x0, x1), (y0, y1) = ((float(low), float(high)) for low, high in value)
        self._image.show_range((x0, x1), (y0, y1))

    def _frames(self) -> dict[str, Any]:
        session = self._session
        return {"stack": session.stack.frames, "mode": session.stack.mode, "variant": session.variant}

    def _restore_frames(self, value: Mapping[str, Any]) -> None:
        mode = value.get("mode", "sum")
        if mode not in STACK_MODES:
            raise ValueError(mode)
        self._session.set_stack(Stack(max(1, int(value.get("stack", 1))), mode))
        variant = value.get("variant", "measured")
        if variant in _VARIANTS:
            self._session.set_variant(variant)

    def _run(self) -> Callable[[], dict[str, Any]] | None:
        state = self._session.batch.state()
        return partial(plain_batch, state) if state is not None else None

    def _restore_run(self, value: Any) -> None:
        if value is not None and not isinstance(value, BatchState):
            raise ValueError(value)
        self._session.batch.restore(value)

    def _restore_experiment(self, value: Any) -> None:
        experiment = experiment_of(value)
        if experiment is None:
            raise ValueError(value)
        self._session.set_experiment(experiment)
