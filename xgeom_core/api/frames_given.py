"""Frames from whatever a script has: arrays, paths, frames, open files, or many of these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgeom_core.errors import FrameFileError, UsageError
from xgeom_core.formats.source import FrameSource
from xgeom_core.frame import Frame
from xgeom_core.frames.guarded import open_frames
from xgeom_core.frames.location import split_location
from xgeom_core.frames.series import open_run
from xgeom_core.metadata import Metadata


@dataclass(frozen=True)
class Stated:
    """What a script states of the experiment; None for what it leaves to the file.

    Parameters
    ----------
    distance_mm, wavelength_A : float or None
        Sample to beam center along the beam; wavelength.
    pixel_mm : float or (float, float) or None
        Pixel size, ``(fast, slow)`` where pixels are not square.
    center_px : tuple of float or None
        A center ``(x, y)`` that is known roughly, corner origin, in place of the header's.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)``, likewise.
    mask : array_like of bool or None, shape (slow, fast)
        True where a pixel must not be used, beside what the frame itself marks.
    """

    distance_mm: float | None = None
    pixel_mm: float | tuple[float, float] | None = None
    wavelength_A: float | None = None
    center_px: tuple[float, float] | None = None
    tilt_deg: tuple[float, float] | None = None
    mask: ArrayLike | None = None

    def __post_init__(self) -> None:
        lengths = {"distance_mm": self.distance_mm, "wavelength_A": self.wavelength_A}
        pixel = self._pixel
        if pixel is not None:
            lengths["pixel_mm"] = min(pixel)
        for name, value in lengths.items():
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} must be a positive number, not {value!r}.")

    @property
    def _pixel(self) -> tuple[float, float] | None:
        pixel = self.pixel_mm
        if pixel is None:
            return None
        return (float(pixel[0]), float(pixel[1])) if isinstance(pixel, tuple) else (float(pixel),) * 2

    def of(self, frame: Frame) -> Frame:
        """The frame with all of this; raises UsageError if the mask does not fit it."""
        metadata = frame.metadata.overridden(self.distance_mm, self._pixel, self.wavelength_A)
        if self.center_px is not None:
            metadata = replace(metadata, center_px=self.center_px, choices=(), verdicts=())
        if self.tilt_deg is not None:
            metadata = replace(metadata, tilt_deg=self.tilt_deg)
        frame = replace(frame, metadata=metadata)
        return frame if self.mask is None else _masked(frame, np.asarray(self.mask, dtype=bool))


def each_frame(given: Any, frames: Iterable[int] | None = None) -> Iterator[Frame | str]:
    """Frames one after another; a sentence in place of each that cannot be read.

    Parameters
    ----------
    given : array, path, Frame, FrameSource, or an iterable of these
        An array of two axes is a frame ``(slow, fast)``, one of three a stack; a path may be
        ``"FILE.h5::/dataset"``, a folder, or a template of a series such as ``"run_####.cbf"``.
    frames : iterable of int, optional
        Which frames of each file, from 0; all without.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if isinstance(given, Frame):
        yield given
    elif isinstance(given, (str, os.PathLike)):
        yield from _of_path(os.fspath(given), frames)
    elif isinstance(given, FrameSource):
        yield from _of_source(given, frames)
    elif isinstance(given, np.ndarray):
        yield from _of_array(given, frames)
    elif isinstance(given, Iterable):
        for item in given:
            yield from each_frame(item, frames)
    else:
        raise UsageError(
            "xgeom locates the beam in arrays, paths, frames, open files or lists of these, "
            f"not in {type(given).__name__}."
        )


def frame_of(image: NDArray[Any]) -> Frame:
    """A frame of an array ``(slow, fast)``: values that are not finite are masked pixels."""
    data = np.asarray(image)
    if data.dtype.kind not in "biuf":
        raise UsageError(f"An image holds numbers, not {data.dtype}.")
    valid = np.isfinite(data)
    counts = np.where(valid, data, 0).astype(np.float32)
    return Frame(counts, valid, np.zeros(counts.shape, dtype=bool), Metadata())


def _of_path(path: str, frames: Iterable[int] | None) -> Iterator[Frame | str]:
    # A file that belongs to a numbered series is that one file; a folder or a template is a run.
    opener = open_frames if Path(split_location(path)[0]).is_file() else open_run
    try:
        source = opener(path)
    except FrameFileError as error:
        yield str(error)
        return
    with source:
        yield from _of_source(source, frames)


def _of_source(source: FrameSource, frames: Iterable[int] | None) -> Iterator[Frame | str]:
    for index in range(len(source)) if frames is None else frames:
        try:
            yield source.frame(index)
        except FrameFileError as error:
            yield str(error)


def _of_array(image: NDArray[Any], frames: Iterable[int] | None) -> Iterator[Frame]:
    if image.ndim == 2:
        yield frame_of(image)
    elif image.ndim == 3:
        for index in range(len(image)) if frames is None else frames:
            yield replace(frame_of(image[index]), index=index)
    else:
        raise UsageError(f"An image has two axes (slow, fast) and a stack three, not shape {image.shape}.")


def _masked(frame: Frame, mask: NDArray[np.bool_]) -> Frame:
    if mask.shape != frame.shape:
        raise UsageError(
            f"The mask has {mask.shape} pixels (slow, fast), the frame {frame.shape}: they must be the same."
        )
    return replace(frame, data=np.where(mask, np.float32(0), frame.data), valid=frame.valid & ~mask)
