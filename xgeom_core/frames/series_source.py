"""SeriesSource: the frames of several files, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from xgeom_core.errors import MissingSourceError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame
from xgeom_core.frames.guarded import open_frames
from xgeom_core.frames.location import split_location

_KEPT_OPEN = 2
Opener = Callable[[str], FrameSource]


@dataclass(frozen=True)
class Member:
    """One file of a run.

    Parameters
    ----------
    location : str
        ``PATH`` or ``PATH::/dataset``.
    length : int
        Frames taken from it.
    """

    location: str
    length: int = 1


class SeriesSource(FrameSource):
    """The frames of several files, one after the other; files are opened when their frames are reached.

    Frames are numbered through the run. A file that is gone or damaged takes its place all the same:
    reading its frames raises, the others can be read.
    """

    def __init__(
        self, contents: Contents, members: Sequence[Member], start: int = 0, opener: Opener = open_frames
    ) -> None:
        super().__init__(contents)
        self._members, self._opener = tuple(members), opener
        self._ends = list(accumulate(member.length for member in self._members))
        self._open: OrderedDict[int, FrameSource] = OrderedDict()
        self.start = start

    @property
    def members(self) -> tuple[Member, ...]:
        """The files in order."""
        return self._members

    def place(self, index: int) -> tuple[str, int]:
        """File, and number of the frame in it, of a frame of the run."""
        self._check(index)
        number, inner = self._locate(index)
        return self._members[number].location, inner

    def close(self) -> None:
        """Close every file; closing twice is fine."""
        while self._open:
            self._open.popitem()[1].close()

    def adopt(self, number: int, source: FrameSource) -> None:
        """Take over a member that is open already."""
        self._open[number] = source

    def _locate(self, index: int) -> tuple[int, int]:
        number = bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def _frame(self, index: int) -> Frame:
        number, inner = self._locate(index)
        frame = self._member(number, index).frame(inner)
        # Whoever shows the frame counts through the run.
        notes = tuple(dict.fromkeys((*frame.warnings, *self._contents.notes)))
        return replace(frame, index=index, warnings=notes)

    def _truth(self, index: int) -> Estimate | None:
        number, inner = self._locate(index)
        return self._member(number, index).truth(inner)

    def _member(self, number: int, index: int) -> FrameSource:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        location = self._members[number].location
        if not Path(split_location(location)[0]).exists():
            raise MissingSourceError(
                f"Frame {index} is missing: {location} does not exist. The other frames of the run can be "
                "shown; copy the file there, or step over it."
            )
        source = self._opener(location)
        if source.shape != self.shape:
            found, expected = size_text(source.shape), size_text(self.shape)
            source.close()
            raise UnreadableFileError(
                f"Frame {index}, {location}, has {found} px, but its run has {expected}: open it by itself."
            )
        self._open[number] = source
        while len(self._open) > _KEPT_OPEN:
            self._open.popitem(last=False)[1].close()
        return source


def size_text(shape: tuple[int, int]) -> str:
    """Pixels of a frame of ``(slow, fast)``, as users write them."""
    return f"{shape[1]} × {shape[0]}"
