"""Arrays of microscopes in HDF5: images with any number of axes before them, and calibrated axes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.electron.stack import MOST_SIDE_PX, contents_of
from xgeom_core.formats.format import Format
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame

BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises on damaged files."""

_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class ImageArray:
    """The images of a dataset.

    Parameters
    ----------
    name : str
        The dataset.
    axes : tuple of int
        Lengths of the axes before the image's own two; the last runs fastest.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    last : bool
        Whether frames are counted by the last axis, after the image's own.
    """

    name: str
    axes: tuple[int, ...]
    shape: tuple[int, int]
    last: bool = False


@dataclass(frozen=True)
class Found:
    """The images of a file, what it says of them, and the names of all such datasets."""

    images: ImageArray
    header: Header
    names: tuple[str, ...]


Finder = Callable[[h5py.File, str], Found | None]
"""``find(file, wanted)``: the images of a file, or None if it is laid out otherwise."""


def image_array(dataset: Any, last: bool = False) -> ImageArray | None:
    """The images that a dataset holds; None if it is no stack of numeric images."""
    try:
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "buif" or dataset.ndim < 2:
            return None
        shape = tuple(map(int, dataset.shape))
    except BROKEN:
        return None
    own = (shape[0], shape[1]) if last else (shape[-2], shape[-1])
    axes = shape[2:] if last else shape[:-2]
    if 0 in shape or min(own) < hdf5.MIN_SIDE or max(own) > MOST_SIDE_PX:
        return None
    return ImageArray(str(dataset.name), axes, own, last)


class ArraySource(hdf5.Hdf5Source):
    """Frames of one dataset of any rank."""

    def __init__(self, contents: Contents, file: h5py.File, images: ImageArray) -> None:
        super().__init__(contents, file)
        self._images = images

    def _frame(self, index: int) -> Frame:
        images = self._images
        where = tuple(map(int, np.unravel_index(index, images.axes))) if images.axes else ()
        try:
            dataset = self._file[images.name]
            raw = np.asarray(dataset[(slice(None), slice(None), *where)] if images.last else dataset[where])
        except BROKEN as error:
            raise UnreadableFileError(
                f"Frame {index} of {self.path} ({images.name}) is damaged ({hdf5.brief(str(error))}): "
                "copy the file again."
            ) from error
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation)
        notes = self._contents.notes
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index, notes)


@dataclass(frozen=True)
class ArrayFormat:
    """How a format of such arrays is opened and read, from what finds its images."""

    name: str
    find: Finder

    def open_layout(self, file: h5py.File, path: str, wanted: str) -> FrameSource | None:
        """The frames of an open file; None if it is not of this format, or another dataset is wanted."""
        found = self.find(file, wanted)
        if found is None:
            return None
        images = found.images
        stated = contents_of(path, self.name, [found.header], images.shape, prod(images.axes))
        contents = replace(stated, dataset=images.name, datasets=found.names)
        return ArraySource(contents, file, images)

    def open_frames(self, path: str, wanted: str) -> FrameSource:
        """The frames of a file, by its path; raises MissingDatasetError if it has none of this format."""
        file = hdf5.open_file(path)
        try:
            source = self.open_layout(file, path, wanted)
        except BROKEN as error:
            file.close()
            raise UnreadableFileError(f"{path} is a damaged HDF5 file ({hdf5.brief(str(error))}).") from error
        if source is None:
            file.close()
            raise MissingDatasetError(f"{path} holds no images as {self.name} stores them.")
        return source

    def headers(self, path: Path, hints: Hints) -> list[Header]:
        """What the file states of its images."""
        with closing(hdf5.open_file(str(path))) as file:
            found = self.find(file, "")
        if found is None:
            raise MissingDatasetError(f"{path} holds no images as {self.name} stores them.")
        return [found.header]

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Whether an HDF5 file holds images as this format stores them."""
        if not head.startswith(_MAGIC):
            return False
        try:
            with h5py.File(path, "r", locking=False) as file:
                return self.find(file, "") is not None
        except BROKEN:
            return False

    def format(
        self, key: str, suffix: str, convention: str, lacking: str, fields: tuple[FieldNote, ...]
    ) -> Format:
        """The face that it shows to the registry."""
        return Format(
            name=self.name,
            key=key,
            suffixes=(suffix,),
            recognizes=self.recognizes,
            read=reading_of_headers(self.name, self.headers, lacking),
            write=None,
            convention=convention,
            open_frames=self.open_frames,
            fields=fields,
        )


def group_of(parent: Any, name: str) -> h5py.Group | None:
    """The group of a name; None if there is none."""
    try:
        found = parent.get(name)
    except BROKEN:
        return None
    return found if isinstance(found, h5py.Group) else None


def number_of(node: h5py.HLObject | None, *names: str) -> float | None:
    """The first of some attributes that is a finite number."""
    for name in names:
        try:
            value = float(np.asarray(node.attrs[name]).ravel()[0]) if node is not None else None
        except (*BROKEN, IndexError):
            continue
        if value is not None and abs(value) < 1e300:
            return value
    return None


def text_of(node: h5py.HLObject | None, *names: str) -> str:
    """The words of the first of some attributes that is there; "" if none is."""
    for name in names:
        try:
            value = node.attrs[name] if node is not None else ""
        except BROKEN:
            continue
        if isinstance(value, np.ndarray) and value.size:
            value = value.ravel()[0]
        words = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        words = " ".join(words.split())[:500]
        if words and words.isprintable():
            return words
    return ""
