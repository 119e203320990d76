"""Reads the frames of a run one by one, with a handle of its own, beside the frame shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_gui.services.frame_math import Superseded, stacked
from xgeom_gui.services.latest import LatestThread
from xgeom_gui.services.painted_mask import without
from xgeom_gui.services.reader import ReadRequest, varied

if TYPE_CHECKING:
    from xgeom_core.estimate import Estimate
    from xgeom_core.frames import FrameSource
    from xgeom_core.predict import Prediction

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchRead:
    """A frame of a run; `run` tells runs apart. Of one whose answer is there only the truth is read."""

    run: int
    request: ReadRequest | None
    truth_only: bool = False


@dataclass(frozen=True, eq=False)
class BatchShare:
    """Answers of a run, to find the geometry that its frames share."""

    run: int
    predictions: tuple[Prediction, ...]


class BatchReader(LatestThread):
    """Reads frames off the window's thread.

    Signals
    -------
    loaded : BatchRead, Frame
    failed : BatchRead, str
        The sentence for the user.
    known : BatchRead, Estimate
        The true center of the frame; only where the file states one.
    shared : BatchShare, Estimate or None
    """

    loaded = Signal(object, object)
    failed = Signal(object, str)
    known = Signal(object, object)
    shared = Signal(object, object)

    def __init__(self, open_source: Callable[[str], FrameSource], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_source = open_source
        self._source: FrameSource | None = None
        self._run = 0

    def kind(self, request: BatchRead | BatchShare) -> Hashable:
        """No frame of a run displaces another."""
        if isinstance(request, BatchShare):
            return BatchShare
        return request.run, request.request.index if request.request else None

    def handle(self, request: BatchRead | BatchShare) -> None:
        """Read one frame, or close the file after the last; runs in the thread."""
        if isinstance(request, BatchShare):
            self.shared.emit(request, _shared(request.predictions))
            return
        if request.request is None:
            self._close()
            return
        try:
            source = self._opened(request, request.request)
            self._tell_truth(source, request, request.request.index)
            if request.truth_only:
                return
            frame = self._load(source, request.request)
        except Superseded:
            return
        except XgeomError as error:
            self.failed.emit(request, str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("reading %s", request)
            self.failed.emit(request, f"It could not be read, by a fault of xgeom ({error!r}).")
        else:
            self.loaded.emit(request, frame)

    def finish(self) -> None:
        """Close the file, in the thread that opened it."""
        self._close()

    def _tell_truth(self, source: FrameSource, read: BatchRead, index: int) -> None:
        try:
            truth = source.truth(index)
        # An answer is worth having without what it is compared to.
        except Exception as error:
            _log.debug("truth of frame %s: %r", index, error)
        else:
            if truth is not None:
                self.known.emit(read, truth)

    def _opened(self, read: BatchRead, request: ReadRequest) -> FrameSource:
        if self._source is None or self._run != read.run:
            self._close()
            self._source, self._run = self._open_source(request.spec), read.run
        return self._source

    def _load(self, source: FrameSource, request: ReadRequest) -> Frame:
        frame = stacked(source.frame, request.index, len(source), request.stack, self.ending)
        return varied(without(frame, request.mask), request.variant)

    def _close(self) -> None:
        if self._source is not None:
            self._source.close()
        self._source = None


def _shared(predictions: tuple[Prediction, ...]) -> Estimate | None:
    """The geometry that the frames of a run share; None if there are too few."""
    from xgeom_core.predict.run.shared import share_geometry  # noqa: PLC0415 - scipy is slow to import

    try:
        found = share_geometry(predictions) if len(predictions) > 1 else None
    # The list of doubt stands without it.
    except Exception:
        _log.exception("sharing the geometry of %s frames", len(predictions))
        return None
    return found.estimate if found is not None else None
