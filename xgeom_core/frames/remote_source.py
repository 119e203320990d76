"""RemoteSource: frames of one file that the reading process reads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeVar

from xgeom_core.errors import UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.source import FrameSource
from xgeom_core.frame import Frame
from xgeom_core.frames.asking import ask, close_now, let_go
from xgeom_core.frames.service import NotOpenError, Opened, Service

_R = TypeVar("_R")
_numbers = itertools.count()


class RemoteSource(FrameSource):
    """Frames of a file that is open in the reading process.

    A frame that brings that process down costs this frame alone: the file is opened again for the next.

    Parameters
    ----------
    location : str
        ``PATH`` or ``PATH::/dataset``.
    dataset : str
        The dataset to read; "" for the usual one.
    """

    def __init__(self, location: str, dataset: str) -> None:
        self._location, self._wanted = location, dataset
        self._number = next(_numbers)
        self._closed = False
        opened = self._open()
        super().__init__(opened.contents)
        self.start = opened.start

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if not self._closed:
            self._closed = True
            close_now(self._number)

    def __del__(self) -> None:
        if not self._closed:
            let_go(self._number)

    def _open(self) -> Opened:
        return ask(Service.open, self._location, self._number, self._location, self._wanted)

    def _frame(self, index: int) -> Frame:
        return self._asked(Service.frame, index)

    def _truth(self, index: int) -> Estimate | None:
        return self._asked(Service.truth, index)

    def _asked(self, verb: Callable[[Service, int, int], _R], index: int) -> _R:
        if self._closed:
            raise ValueError("the source is closed")
        what = self.path if len(self) == 1 else f"Frame {index} of {self.path}"
        try:
            return ask(verb, what, self._number, index)
        except NotOpenError:
            self._open_again()
        return ask(verb, what, self._number, index)

    def _open_again(self) -> None:
        """The process is a new one."""
        found = self._open().contents
        if found.shape != self.shape or found.length < len(self):
            raise UnreadableFileError(
                f"{self.path} is not the file any more that was opened ({found.length} frames of "
                f"{found.shape} pixels, {len(self)} of {self.shape} before): open it again."
            )
