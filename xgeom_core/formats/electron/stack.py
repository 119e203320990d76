"""Frames that lie one after another in a file, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.header import Header
from xgeom_core.formats.judging import judged
from xgeom_core.formats.masking import BoolImage, mask_counts
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame

MOST_SIDE_PX = 65_536
"""Pixels along one side of a frame; no detector has more, and a damaged header states anything."""

Pixels = Callable[[int], NDArray[Any]]


class StackSource(FrameSource):
    """The frames of a file whose pixels a function gives.

    Parameters
    ----------
    contents : Contents
    pixels : callable
        ``pixels(index)`` gives one frame as stored, shape ``(slow, fast)``.
    bad : callable, optional
        ``bad(raw)``: True where a pixel of a frame counts nothing; None where all count.
    """

    def __init__(
        self,
        contents: Contents,
        pixels: Pixels,
        bad: Callable[[NDArray[Any]], BoolImage | None] = lambda raw: None,
    ) -> None:
        super().__init__(contents)
        self._pixels, self._bad = pixels, bad

    def close(self) -> None:
        """Nothing is held open between frames."""

    def _frame(self, index: int) -> Frame:
        raw = self._pixels(index)
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation, bad=self._bad(raw))
        notes = self._contents.notes
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index, notes)


def contents_of(
    path: str, layout: str, headers: list[Header], shape: tuple[int, int], length: int
) -> Contents:
    """What the headers of a file state, judged, as the contents of its source."""
    header = judged(headers, (shape[1], shape[0]))
    return Contents(path, layout, length, shape, metadata=header.metadata, notes=header.notes)


def read_values(path: Path, dtype: np.dtype[Any], count: int, offset: int) -> NDArray[Any]:
    """Numbers at a place in a file, in the machine's byte order.

    Not through a map of the file: one that is cut short meanwhile would end the process.

    Raises
    ------
    UnreadableFileError
        If the file ends before them or cannot be read.
    """
    try:
        found = np.fromfile(path, dtype, count, offset=offset)
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read ({error.strerror or error}).") from error
    if found.size < count:
        raise UnreadableFileError(
            f"{path} is truncated: {count * dtype.itemsize} bytes were expected from byte {offset} on, "
            f"{found.size * dtype.itemsize} were found: copy it again."
        )
    return found.astype(dtype.newbyteorder("="), copy=False)


def is_packed(path: Path) -> bool:
    """Whether a file is packed by gzip, bzip2 or xz."""
    with path.open("rb") as file:
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"))


def whole_frames(path: Path, start: int, each: int, stated: int | None = None) -> tuple[int, tuple[str, ...]]:
    """How many whole frames of ``each`` bytes a file holds from byte ``start`` on, and what to say of it.

    Parameters
    ----------
    stated : int, optional
        Number of frames by the header; fewer are a damage that costs only the missing ones.

    Raises
    ------
    UnreadableFileError
        If there is not one whole frame, or the file is packed.
    """
    if is_packed(path):
        raise UnreadableFileError(f"{path} is packed, which is not read of such files: unpack it first.")
    room = path.stat().st_size - start
    there = max(room, 0) // each
    length = there if stated is None else min(there, stated)
    if length < 1:
        raise UnreadableFileError(
            f"{path} is truncated: a frame of {each} bytes was expected from byte {start} on, "
            f"{max(room, 0)} were found: copy it again."
        )
    if stated is not None and length < stated:
        return length, (f"The file is truncated: {length} of {stated} frames are there.",)
    if stated is None and room % each:
        return length, (f"The file is truncated: its last frame ends early and is left out of {length + 1}.",)
    return length, ()
