"""What the HDF5 layouts share: opening, finding images, reading one of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 -- registers the bitshuffle, LZ4 and Zstandard filters
import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.hdf5 import links
from xgeom_core.formats.hdf5.fields import BROKEN, attribute, text
from xgeom_core.formats.hdf5.storage import check_external, check_storage
from xgeom_core.formats.source import Contents, FrameSource, position

SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi", ".hspy", ".emd")
MAGIC = b"\x89HDF\r\n\x1a\n"
MIN_SIDE = 16  # pixels: a smaller "image" found by looking around is a table
_LISTED = 8  # names in an error message
_BEING_WRITTEN = "already open for write"
_COLORS = {3, 4}
_DEPTH = 12  # groups within groups that are looked into


Layout = Callable[[h5py.File, str, str], FrameSource | None]
"""``layout(file, path, wanted)``: the frames of an open file; None if it is laid out otherwise."""


@dataclass(frozen=True)
class ImageSet:
    """A dataset that holds one image or a stack of them.

    Parameters
    ----------
    axes : tuple of int
        Lengths of the axes before the image's own two; frames are numbered over all of them, the last
        running fastest.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    """

    name: str
    axes: tuple[int, ...]
    shape: tuple[int, int]

    @property
    def length(self) -> int:
        """Number of frames."""
        return math.prod(self.axes)


class Hdf5Source(FrameSource):
    """Base of the HDF5 layouts: owns the one file handle."""

    def __init__(self, contents: Contents, file: h5py.File) -> None:
        super().__init__(contents)
        self._file = file

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._file.close()


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turn whatever the HDF5 library finds wrong inside a damaged file into an UnreadableFileError."""
    try:
        yield
    except BROKEN as error:
        raise UnreadableFileError(
            f"{path} is a damaged HDF5 file ({brief(str(error))}): copy it again."
        ) from error


def opener(layout: Layout) -> Callable[[str, str], FrameSource]:
    """How a format opens its frames, made from one layout: ``open_frames`` of its `Format`."""

    def open_frames(path: str, wanted: str) -> FrameSource:
        """The frames of a file of this layout; errors as `open_layouts`."""
        return open_layouts(path, wanted, (layout,))

    return open_frames


def open_layouts(path: str, wanted: str, layouts: Iterable[Layout]) -> FrameSource:
    """Open a file in the first layout that it has.

    Raises
    ------
    UnreadableFileError
        If the file is damaged.
    MissingDatasetError
        If it has none of the layouts, or not the dataset asked for.
    MissingSourceError
        If its images lie in other files that are gone.
    """
    with ExitStack() as stack, told(path):
        file = stack.enter_context(open_file(path))
        for layout in layouts:
            source = layout(file, path, wanted)
            if source is not None:
                stack.pop_all()
                return source
    raise MissingDatasetError(f"{path} holds no images in a layout that is known here.")


def open_file(path: str) -> h5py.File:
    """Open an HDF5 file for reading, without locking it.

    Raises
    ------
    UnreadableFileError
        If it is no HDF5 file, truncated, or still being written.
    """
    if not Path(path).is_file():
        raise UnreadableFileError(f"{path} is not there or is a folder; an HDF5 file was expected.")
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        try:
            # A writer in single-writer mode lets others read along, if they say so.
            if _BEING_WRITTEN in str(error):
                return h5py.File(path, "r", swmr=True, locking=False)
        except OSError:
            pass
        raise UnreadableFileError(_why_unreadable(path, str(error))) from error


def _why_unreadable(path: str, message: str) -> str:
    """One sentence for what the HDF5 library says in its own words."""
    sizes = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", message)
    if sizes:
        found, expected = sizes.groups()
        return (
            f"{path} is not a readable HDF5 file (it is truncated: {found} bytes of {expected}): "
            f"copy it again."
        )
    if _BEING_WRITTEN in message:
        return (
            f"{path} is still marked as being written: wait until its writer has closed it "
            f"(or run h5clear -s on it if the writer crashed)."
        )
    return f"{path} is not a readable HDF5 file (it is damaged: {brief(message)}): copy it again."


def brief(message: str) -> str:
    """The telling part of an HDF5 error message, in parentheses there, on one line."""
    inner = re.search(r"\((.*)\)\s*$", " ".join(message.split()))
    telling = inner.group(1) if inner else " ".join(message.split())
    return telling.strip("'\" ")[:160]


def image_set(name: str, dataset: Any) -> ImageSet | None:
    """What images a dataset holds; None if it is not a stack of grey images."""
    if not isinstance(dataset, h5py.Dataset):
        return None
    try:
        kind, shape = dataset.dtype.kind, dataset.shape
    except BROKEN:  # a type that numpy does not know
        return None
    if kind not in "buif" or shape is None or len(shape) < 2 or 0 in shape[-2:] or _is_colored(shape):
        return None
    return ImageSet(name, tuple(map(int, shape[:-2])), (int(shape[-2]), int(shape[-1])))


def _is_colored(shape: tuple[int, ...]) -> bool:
    """Whether the last axis is that of a picture's colors: (..., rows, columns, 3)."""
    return len(shape) > 2 and shape[-1] in _COLORS and min(shape[-3:-1]) >= MIN_SIDE


def axis_names(dataset: h5py.Dataset) -> tuple[str, ...]:
    """What NeXus or areaDetector call the axes before the image's own two; "" where they do not say."""
    count = dataset.ndim - 2
    stated = attribute(dataset.parent, "axes")
    if stated is None:
        stated = attribute(dataset, "axes")
    if isinstance(stated, np.ndarray):
        names = [text(name) for name in stated.ravel()[: dataset.ndim]]
    else:
        names = [name for name in re.split(r"[:,\s]+", text(stated).strip("[]")) if name]
    if len(names) != dataset.ndim:
        names = [text(attribute(dataset, f"dim{axis}")) for axis in range(count)]
    return tuple("" if name == "." else name for name in names[:count])


def find_images(file: h5py.File) -> tuple[list[ImageSet], list[str]]:
    """All image datasets in a file, through links, and the linked files that are gone.

    Returns
    -------
    images : list of ImageSet
        In the order of the file; tables of fewer than 16 columns or rows are left out.
    missing : list of str
        File names of broken external links.
    """
    images: list[ImageSet] = []
    missing: list[str] = []
    seen: set[Any] = set()
    for name, item in _walk(file, "", seen, missing, _DEPTH):
        found = image_set(name, item)
        if found is not None and found.length > 0 and min(found.shape) >= MIN_SIDE:
            images.append(found)
    return images, missing


def _walk(
    group: h5py.Group, prefix: str, seen: set[Any], missing: list[str], depth: int
) -> Iterator[tuple[str, Any]]:
    """All members, depth first; every object once, so that links in circles end."""
    for key in group:
        try:
            item = group[key]
            info = h5py.h5o.get_info(item.id)
        except BROKEN:
            target = links.external_file(group, key)
            if target is not None:
                missing.append(target)
            continue
        if (info.fileno, info.addr) in seen:
            continue
        seen.add((info.fileno, info.addr))
        name = f"{prefix}/{key}"
        if isinstance(item, h5py.Group):
            if depth > 0:
                yield from _walk(item, name, seen, missing, depth - 1)
        else:
            yield name, item


def listing(images: list[ImageSet]) -> str:
    """The image datasets of a file, for an error message."""
    if not images:
        return "it holds no images at all"
    names = ", ".join(image.name for image in images[:_LISTED])
    more = f" and {len(images) - _LISTED} more" if len(images) > _LISTED else ""
    return f"its images are in {names}{more}"


def require(file: h5py.File, path: str, name: str) -> Any:
    """The object of a name.

    Raises
    ------
    MissingDatasetError
        If there is none; the message lists the image datasets that exist.
    MissingSourceError
        If it lies in another file that is gone.
    """
    try:
        return file[name]
    except BROKEN as error:
        named = list(links.external_files_on(file, name))
        missing = links.missing_names(path, named)
        if missing:
            raise links.missing_source_error(path, f"dataset {name}", missing, len(named)) from error
        raise MissingDatasetError(
            f"{path} holds no dataset {name}: {listing(find_images(file)[0])}."
        ) from error


def require_images(file: h5py.File, path: str, name: str) -> ImageSet:
    """The images in a dataset of a given name; errors as in `require`, and if it holds no image."""
    item = require(file, path, name)
    found = image_set(name, item)
    if found is not None and found.length > 0:
        links.check_virtual(path, item, "images")
        check_storage(path, item)
        return found
    if not isinstance(item, h5py.Dataset):
        what = "a group, not an image"
    elif _is_colored(item.shape or ()):
        what = f"a color picture of shape {item.shape}, not a grey image"
    else:
        what = f"a dataset of shape {item.shape} and type {_type_name(item)}, not an image"
    raise MissingDatasetError(f"{name} in {path} is {what}: {listing(find_images(file)[0])}.")


def _type_name(dataset: h5py.Dataset) -> str:
    try:
        kind = dataset.dtype
    except BROKEN:
        return "unknown"
    return "string" if kind.kind in "SUO" else str(kind)


def read_image(file: h5py.File, path: str, name: str, index: int) -> NDArray[Any]:
    """Read one image of a dataset.

    The dataset is opened anew each time: one that stays open keeps all the files behind it open.

    Parameters
    ----------
    index : int
        Number of the image over all leading axes, the last running fastest.

    Raises
    ------
    UnreadableFileError
        If the data are damaged or compressed in an unknown way.
    MissingSourceError
        If the image lies in another file that cannot give it.
    """
    dataset = require(file, path, name)
    where = position(index, dataset.shape[:-2])
    check_external(path, dataset)
    try:
        raw = np.asarray(dataset[where])
    except BROKEN as error:
        links.check_sources(path, dataset, where)
        raise UnreadableFileError(_why_no_image(path, name, where, str(error))) from error
    if dataset.is_virtual and bool(np.all(raw == dataset.fillvalue)):
        links.check_sources(path, dataset, where)
    return raw


def _why_no_image(path: str, name: str, where: tuple[int, ...], message: str) -> str:
    index = ", ".join(map(str, where)) or "0"
    if "filter" in message and ("not registered" in message or "plugin" in message):
        return (
            f"Frame {index} of {path} ({name}) is compressed in a way that is not known here "
            f"({brief(message)}): store it with bitshuffle, LZ4, Zstandard or gzip."
        )
    return f"Frame {index} of {path} ({name}) is damaged ({brief(message)}): copy the file again."
