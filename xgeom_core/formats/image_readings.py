"""Image files whose headers are read once: geometry and frames' metadata come from the same headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.header import Header
from xgeom_core.formats.judging import judged, same_center
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame

HeaderReader = Callable[[Path, Hints], list[Header]]
Pixels = Callable[[int], NDArray[Any]]


def reading_of_headers(
    program: str, headers: HeaderReader, lacking: str
) -> Callable[[Path, Hints], list[Reading]]:
    """How a format of images reads geometry: ``read`` of its `Format`.

    Parameters
    ----------
    program : str
        The format's name; the source of its readings.
    headers : callable
        ``headers(path, hints)``: every part of the file that states something, the most trusted first.
    lacking : str
        What the message says where no center is stated: ``"BEAM_CENTER_X and BEAM_CENTER_Y are not set"``.
    """

    def read(path: Path, hints: Hints) -> list[Reading]:
        """The judged whole first, then every part of the file that states another center.

        Raises
        ------
        MissingDatasetError
            If no part states a beam center.
        """
        return readings(program, path, headers(path, hints), hints, lacking)

    return read


def readings(program: str, path: Path, parts: list[Header], hints: Hints, lacking: str) -> list[Reading]:
    """The judged whole of a file's headers first, then every part that states another center.

    Raises
    ------
    MissingDatasetError
        If no part states a beam center; ``lacking`` is why.
    """
    together = judged(parts, hints.image_size)
    whole = together.reading(program, path, hints)
    if whole is None:
        raise MissingDatasetError(" ".join((f"{path} states no beam center: {lacking}.", *together.notes)))
    found = [whole]
    for part in parts:
        reading = part.reading(program, path, hints)
        if reading is not None and not any(
            same_center(reading.estimate.center_px, one.estimate.center_px) for one in found
        ):
            found.append(reading)
    return found


class ImageSource(FrameSource):
    """The images of a file whose headers are read by a function and whose pixels by another.

    Parameters
    ----------
    path : str
        The file.
    layout : str
        Name of the format.
    headers : callable
        As for `reading_of_headers`.
    pixels : callable
        ``pixels(index)`` gives one image as stored.
    shape : tuple of int
        Pixels ``(slow, fast)``.
    length : int
        Number of images.
    close : callable, optional
        Gives back what ``pixels`` holds.
    """

    def __init__(
        self,
        path: str,
        layout: str,
        headers: HeaderReader,
        pixels: Pixels,
        shape: tuple[int, int],
        length: int = 1,
        close: Callable[[], None] | None = None,
    ) -> None:
        stated = judged(headers(Path(path), Hints()), (shape[1], shape[0]))
        super().__init__(Contents(path, layout, length, shape, metadata=stated.metadata, notes=stated.notes))
        self._pixels: Pixels | None = pixels
        self._close = close

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._pixels is not None and self._close is not None:
            self._close()
        self._pixels = None

    def _frame(self, index: int) -> Frame:
        if self._pixels is None:
            raise ValueError("the source is closed")
        raw = self._pixels(index)
        if raw.shape != self.shape:
            raise UnreadableFileError(
                f"Frame {index} of {self.path} cannot be read: {self.shape} pixels were expected, an image "
                f"of {raw.shape} pixels was found."
            )
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation)
        return Frame(data, valid, saturated, self.metadata, self.path, "", index, self._contents.notes)
