"""The reader thread: owns the open file and reads the frame that is wanted now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_gui.services.latest import LatestThread
from xgeom_gui.services.picture import Picture, make_picture

if TYPE_CHECKING:
    from xgeom_core.files import FrameSource

_log = logging.getLogger(__name__)


def open_source(spec: str) -> FrameSource:
    """Open ``FILE`` or ``FILE::dataset``. The readers are slow to import, so the thread does it."""
    from xgeom_core.files import open_frames  # noqa: PLC0415 (see above)

    return open_frames(spec)


@dataclass(frozen=True)
class ReadRequest:
    """A frame that is wanted.

    Parameters
    ----------
    spec : str
        ``FILE`` or ``FILE::dataset``.
    index : int
        Number of the frame, from 0.
    generation : int
        Grows with every reload, so that the file is opened anew.
    logarithmic : bool
        Whether the logarithmic picture is needed too.
    """

    spec: str
    index: int = 0
    generation: int = 0
    logarithmic: bool = False


@dataclass(frozen=True)
class SourceInfo:
    """What is known of an open file without its handle.

    Parameters
    ----------
    spec : str
        As it was asked for.
    path, dataset, layout : str
        Where the frames are and in which layout.
    datasets : tuple of str
        Every image dataset in the file.
    frames : int
        Number of frames.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    """

    spec: str
    path: str
    dataset: str
    datasets: tuple[str, ...]
    layout: str
    frames: int
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class LoadedFrame:
    """A frame that was read, ready to be drawn."""

    request: ReadRequest
    source: SourceInfo
    frame: Frame
    truth: Estimate | None
    picture: Picture


class FrameReader(LatestThread):
    """Reads frames off the window's thread.

    Signals
    -------
    loaded : LoadedFrame
    failed : ReadRequest, str
        The sentence for the user.
    """

    loaded = Signal(object)
    failed = Signal(object, str)

    def __init__(self, open_source: Callable[[str], FrameSource], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_source = open_source
        self._source: FrameSource | None = None
        self._opened: tuple[str, int] | None = None
        self._last: LoadedFrame | None = None

    def handle(self, request: ReadRequest) -> None:
        """Read one frame; runs in the thread."""
        try:
            result = self._load(request)
        except XgeomError as error:
            self.failed.emit(request, str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("reading %s", request)
            self.failed.emit(
                request,
                f"{request.spec} could not be read, by a fault of xgeom ({error!r}); please report it.",
            )
        else:
            if not self.superseded():
                self.loaded.emit(result)

    def finish(self) -> None:
        """Close the file, in the thread that opened it."""
        self._close()

    def _load(self, request: ReadRequest) -> LoadedFrame:
        last = self._last
        if last is not None and (last.request.spec, last.request.generation, last.request.index) == (
            request.spec,
            request.generation,
            request.index,
        ):
            picture = last.picture.with_log() if request.logarithmic else last.picture
            self._last = LoadedFrame(request, last.source, last.frame, last.truth, picture)
            return self._last
        source = self._ensure_open(request)
        index = min(max(request.index, 0), len(source) - 1)
        frame = source.frame(index)
        picture = make_picture(frame)
        info = SourceInfo(
            request.spec,
            source.path,
            source.dataset,
            tuple(source.datasets),
            source.layout,
            len(source),
            frame.shape,
        )
        self._last = LoadedFrame(
            request, info, frame, source.truth(index), picture.with_log() if request.logarithmic else picture
        )
        return self._last

    def _ensure_open(self, request: ReadRequest) -> FrameSource:
        if self._source is None or self._opened != (request.spec, request.generation):
            # Open first: if that fails, the frames on screen can still be stepped through.
            source = self._open_source(request.spec)
            self._close()
            self._source, self._opened = source, (request.spec, request.generation)
        return self._source

    def _close(self) -> None:
        if self._source is not None:
            self._source.close()
        self._source = self._opened = self._last = None
