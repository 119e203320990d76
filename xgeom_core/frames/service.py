"""Service: what the reading process can be asked for. Its methods' types are the language spoken with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import FrameFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame
from xgeom_core.frames.location import split_geometry, split_location
from xgeom_core.frames.tree_nodes import Details, Node
from xgeom_core.process import bounds

LEAST_S = 3.0
"""Processor time that any request may take."""

_PER_BYTE_S, _PER_PIXEL_S = 2e-7, 2e-7
# Beyond this a file is not larger because one frame of it is.
_MOST_BYTES = 2**30


class NotOpenError(FrameFileError):
    """A source is not open in this process: it is a new one."""


@dataclass(frozen=True)
class Opened:
    """What is known of a file that was opened.

    Parameters
    ----------
    contents : Contents
        What it holds.
    start : int
        The frame to begin with.
    """

    contents: Contents
    start: int


class Service:
    """Reads files, in the process where it is made.

    A source is known by a number that whoever asks has chosen. The readers are imported when they are
    needed: the other end of the channel imports this module for the types alone.
    """

    def __init__(self) -> None:
        self._sources: dict[int, FrameSource] = {}

    def open(self, number: int, location: str, dataset: str) -> Opened:
        """As `xgeom_core.frames.open_frames`."""
        from xgeom_core.frames.opening import open_in_process  # noqa: PLC0415

        place, geometry = split_geometry(location)
        _allow(split_location(place)[0], geometry)
        source = open_in_process(location, dataset=dataset or None)
        self._sources[number] = source
        return Opened(source.contents, source.start)

    def frame(self, number: int, index: int) -> Frame:
        """One frame of an open source."""
        source = self._source(number)
        _allow(source.path, pixels=source.shape[0] * source.shape[1])
        return source.frame(index)

    def truth(self, number: int, index: int) -> Estimate | None:
        """The known center of a frame of an open source."""
        return self._source(number).truth(index)

    def close(self, number: int) -> None:
        """Close a source, if it is open."""
        source = self._sources.pop(number, None)
        if source is not None:
            source.close()

    def image_suffixes(self) -> tuple[str, ...]:
        """Usual endings of the names of files with images."""
        from xgeom_core.formats.registry import FORMATS  # noqa: PLC0415

        endings = (suffix for known in FORMATS if known.open_frames for suffix in known.suffixes)
        return tuple(suffix for suffix in endings if suffix.count(".") == 1)

    def mask(self, path: str) -> NDArray[np.bool_]:
        """As `xgeom_core.frames.mask_file.read_mask`."""
        from xgeom_core.frames.mask_file import read_mask  # noqa: PLC0415

        _allow(path)
        return read_mask(path)

    def format_of(self, path: str) -> str:
        """Key of the format of a geometry file."""
        from xgeom_core.formats.registry import recognize  # noqa: PLC0415

        _allow(path)
        return recognize(Path(path)).key

    def assembles(self, path: str) -> bool:
        """Whether a geometry file of CrystFEL puts panels that are stacked in a file into one image."""
        from xgeom_core.formats.crystfel.stack_headers import read_geom, scattered  # noqa: PLC0415

        _allow(path)
        return scattered(read_geom(Path(path)))

    def geometry(self, path: str, hints: Hints) -> list[Reading]:
        """As `xgeom_core.formats.registry.read_geometry`."""
        from xgeom_core.formats.registry import read_geometry  # noqa: PLC0415

        _allow(path)
        return read_geometry(path, hints)

    def tree_children(self, path: str, group: str) -> tuple[Node, ...]:
        """As `xgeom_core.frames.tree.children`."""
        from xgeom_core.frames import tree  # noqa: PLC0415

        _allow(path)
        return tree.children(path, group)

    def tree_details(self, path: str, name: str) -> Details:
        """As `xgeom_core.frames.tree.details`."""
        from xgeom_core.frames import tree  # noqa: PLC0415

        _allow(path)
        return tree.details(path, name)

    def tree_search(self, path: str, text: str) -> tuple[tuple[Node, ...], bool]:
        """As `xgeom_core.frames.tree.search`."""
        from xgeom_core.frames import tree  # noqa: PLC0415

        _allow(path)
        return tree.search(path, text)

    def _source(self, number: int) -> FrameSource:
        if number not in self._sources:
            raise NotOpenError(f"source {number} is not open")
        return self._sources[number]


def _allow(*paths: str, pixels: int = 0) -> None:
    """Give this request the processor time that files of their size may take, from now on.

    On a machine of today, unpacking and decoding take up to 0.05 s a megabyte (bzip2), and looking for bad
    pixels up to 0.1 s a megapixel (doubles below zero).
    """
    size = 0
    for path in filter(None, paths):
        with suppress(OSError, ValueError):
            size += min(Path(path).stat().st_size, _MOST_BYTES)
    bounds.allow_processor_time(LEAST_S + size * _PER_BYTE_S + pixels * _PER_PIXEL_S)
