"""Images that lie uncompressed in a file: only the one that is asked for is read, packed files included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.image_readings import HeaderReader, ImageSource
from xgeom_core.formats.limits import check_size
from xgeom_core.formats.text import is_packed, read_part

_HOLES = 2**20


def open_raw(
    path: str,
    layout: str,
    headers: HeaderReader,
    pixel: np.dtype[Any],
    shape: tuple[int, int],
    places: Sequence[Sequence[tuple[int, int]]],
) -> ImageSource:
    """Open images of known places in a file.

    Parameters
    ----------
    path : str
        The file, packed or not; places count in the unpacked one.
    layout : str
        Name of the format.
    headers : callable
        ``headers(path, hints)`` of the format.
    pixel : dtype
        Type of a pixel, byte order included.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    places : sequence of sequences of tuple of int
        For every image the pieces ``(first byte, number of bytes)`` that make it up, in order.

    Raises
    ------
    UnreadableFileError
        If the file ends before the last image does (a packed file: before the first one does).
    MissingDatasetError
        If there is no image, or its size is impossible.
    """
    check_size(path, shape)
    if not places or not all(n > 0 for n in shape):
        raise MissingDatasetError(
            f"{path} states {len(places)} images of {shape[1]} x {shape[0]} pixels: there is nothing to open."
        )
    _check_places(path, pixel, shape, places)
    read = _reader(path, pixel, shape, places)
    if is_packed(Path(path)):
        read = lru_cache(maxsize=1)(read)
        read(0)  # nothing else would tell that a packed file ends early
    return ImageSource(path, layout, headers, read, shape, len(places))


def one_after_another(
    start: int, pixel: np.dtype[Any], shape: tuple[int, int], count: int, gap: int = 0
) -> Sequence[Sequence[tuple[int, int]]]:
    """Places of images that follow each other from ``start``, with ``gap`` bytes between them."""
    size = pixel.itemsize * shape[0] * shape[1]
    return [((start + number * (size + gap), size),) for number in range(count)]


def _check_places(
    path: str, pixel: np.dtype[Any], shape: tuple[int, int], places: Sequence[Sequence[tuple[int, int]]]
) -> None:
    needed = pixel.itemsize * shape[0] * shape[1]
    if any(sum(size for _, size in pieces) < needed for pieces in places):
        raise UnreadableFileError(f"{path} is damaged: its images are smaller than their size in the header.")
    if is_packed(Path(path)):
        return
    end, found = max(start + size for pieces in places for start, size in pieces), Path(path).stat().st_size
    if end > found:
        raise UnreadableFileError(f"{path} is truncated: {found} bytes of {end}: copy it again.")


def _reader(
    path: str, pixel: np.dtype[Any], shape: tuple[int, int], places: Sequence[Sequence[tuple[int, int]]]
) -> Callable[[int], NDArray[Any]]:
    needed = pixel.itemsize * shape[0] * shape[1]

    def read(index: int) -> NDArray[Any]:
        data = b"".join(_spans(Path(path), places[index]))[:needed]
        if len(data) < needed:
            raise UnreadableFileError(
                f"{path} is truncated: {len(data)} bytes of {needed} of image {index}: copy it again."
            )
        return np.frombuffer(data, pixel).reshape(shape)

    return read


def _spans(path: Path, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
    """The pieces of one image; those that lie close together are read as one and cut apart."""
    first = min(start for start, _ in pieces)
    length = max(start + size for start, size in pieces) - first
    if length > sum(size for _, size in pieces) + _HOLES:
        return [read_part(path, start, size) for start, size in pieces]
    data = read_part(path, first, length)
    return [data[start - first : start - first + size] for start, size in pieces]
