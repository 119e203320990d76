"""The reader thread: owns the open file and reads the frame that is wanted now."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_gui.services.frame_math import SINGLE, Stack, Superseded, stacked
from xgeom_gui.services.latest import LatestThread
from xgeom_gui.services.locations import is_there
from xgeom_gui.services.lookahead import Lookahead
from xgeom_gui.services.painted_mask import PaintedMask, without
from xgeom_gui.services.picture import Picture, make_picture

if TYPE_CHECKING:
    from xgeom_core.frames import FrameSource
    from xgeom_core.predict.masked_frames import Variant

_log = logging.getLogger(__name__)

_PATIENCE_S = 2.0

NAMED = -1
"""Asks for the frame that was named: the first, or that of one file of a numbered series."""


def varied(frame: Frame, variant: Variant) -> Frame:
    """The frame, or the part of it that is wanted."""
    if variant == "measured":
        return frame
    from xgeom_core.predict.masked_frames import vary  # noqa: PLC0415 - needs scipy, which is slow to import

    return vary(frame, variant)


@dataclass(frozen=True)
class ReadRequest:
    """A frame that is wanted.

    Parameters
    ----------
    spec : str
        ``FILE``, ``FILE::dataset``, a folder, or several files (see `xgeom_core.frames.series`).
    index : int
        Number of the frame, from 0; `NAMED` for the one that the spec names.
    generation : int
        Grows with every reload, so that the file is opened anew.
    stack : Stack
        How many frames from there on are shown as one.
    mask : PaintedMask or None
        Pixels that the user does not trust.
    variant : str
        Which part of the frame is wanted (see `xgeom_core.predict.masked_frames`).
    """

    spec: str
    index: int = NAMED
    generation: int = 0
    stack: Stack = SINGLE
    mask: PaintedMask | None = None
    variant: Variant = "measured"


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
    axes : tuple of int
        Lengths of the axes that the frames are numbered over, the last running fastest.
    """

    spec: str
    path: str
    dataset: str
    datasets: tuple[str, ...]
    layout: str
    frames: int
    shape: tuple[int, int]
    axes: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class LoadedFrame:
    """A frame that was read, ready to be drawn."""

    request: ReadRequest
    source: SourceInfo
    frame: Frame
    truth: Estimate | None
    picture: Picture


# As it was asked for, the frame before masking, and its known center.
_Raw = tuple[ReadRequest, Frame, "Estimate | None"]


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
        self.transient = False
        """Whether the file is closed after each frame: HDF5 hides its growth while any handle is open."""
        # The frame read last, before masking: painting a mask must not read it again.
        self._last: _Raw | None = None
        self._ahead: Lookahead[tuple[LoadedFrame, _Raw]] = Lookahead()

    def handle(self, request: ReadRequest) -> None:
        """Read one frame; runs in the thread."""
        try:
            result = self._ready(request)
        except Superseded:
            return
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
                self._look_ahead(result)
        if self.transient and self._source is not None:
            last = self._last
            self._close()
            self._last = last

    def stop_waiting(self, waited_s: float) -> None:
        """A file that takes long gives way to what the user has asked for since."""
        if self.ending() or (waited_s > _PATIENCE_S and self.superseded()):
            raise Superseded

    def is_ready(self, request: ReadRequest) -> bool:
        """Whether a frame was prepared already; any thread may ask."""
        return self._ahead.get(request) is not None

    def finish(self) -> None:
        """Close the file, in the thread that opened it."""
        self._close()
        self._ahead.clear()

    def _ready(self, request: ReadRequest) -> LoadedFrame:
        """The frame that was prepared, or else is read now."""
        kept = None if self.transient else self._ahead.get(request)
        if kept is None:
            return self._load(request)
        loaded, self._last = kept
        # It may have been asked for by name before, and is now asked for by number.
        return replace(loaded, request=request)

    def _look_ahead(self, shown: LoadedFrame) -> None:
        """Prepare the frame that is likely to be asked for next, unless something is asked for already."""
        request, raw = shown.request, self._last
        if self.transient or request.stack != SINGLE or raw is None:
            return
        self._ahead.keep(replace(request, index=shown.frame.index), (shown, raw))
        index = self._ahead.next_after(shown.frame.index, shown.source.frames)
        wanted = None if index is None else replace(request, index=index)
        if wanted is None or self._ahead.get(wanted) is not None:
            return
        try:
            loaded = self._load(wanted, yielding=True)
        except Superseded:
            pass
        # Nobody has asked for it yet. Whoever does is told what is wrong with it.
        except Exception as error:
            _log.debug("looking ahead to %s: %r", wanted, error)
        else:
            if self._last is not None:
                self._ahead.keep(wanted, (loaded, self._last))
        self._last = raw

    def _load(self, request: ReadRequest, *, yielding: bool = False) -> LoadedFrame:
        source = self._ensure_open(request)
        wanted = source.start if request.index == NAMED else request.index
        index = min(max(wanted, 0), len(source) - 1)
        unmasked = replace(request, index=index, mask=None, variant="measured")
        if self._last is None or self._last[0] != unmasked:
            frame = stacked(source.frame, index, len(source), request.stack, self.superseded)
            self._last = (unmasked, frame, source.truth(index))
        _, frame, truth = self._last
        if yielding and self.superseded():
            raise Superseded
        info = SourceInfo(
            request.spec,
            source.path,
            source.dataset,
            tuple(source.datasets),
            source.layout,
            len(source),
            frame.shape,
            source.axes,
        )
        masked = without(frame, request.mask)
        painted = request.mask.pixels if request.mask is not None and masked is not frame else None
        shown = varied(masked, request.variant)
        return LoadedFrame(request, info, shown, truth, make_picture(shown, painted))

    def _ensure_open(self, request: ReadRequest) -> FrameSource:
        known = self._source is not None and self._opened == (request.spec, request.generation)
        # A file that grows is opened anew when a frame beyond its end is asked for.
        if self._source is None or not known or request.index >= len(self._source):
            if known or (self._opened is not None and self._opened[0] == request.spec):
                self._let_go(request.spec)
            # Open first: if that fails, the frames on screen can still be stepped through.
            source = self._open_source(request.spec)
            self._close()
            self._ahead.clear()
            self._source, self._opened = source, (request.spec, request.generation)
        return self._source

    def _let_go(self, spec: str) -> None:
        """Close a file that is to be read anew: HDF5 shows changes only to those who let go first."""
        # What is gone can only be read by the handle that is still open.
        if is_there(spec, os.path.exists):
            self._close()

    def _close(self) -> None:
        if self._source is not None:
            self._source.close()
        self._source = self._opened = self._last = None
