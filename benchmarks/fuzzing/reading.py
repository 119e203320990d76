"""The thing under test: all that a command or window does with a file, through xgeom's public doors."""

from __future__ import annotations

import hashlib
import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fuzzing.seeds import Kind
from xgeom_core.errors import XgeomError
from xgeom_core.formats.reading import Hints
from xgeom_core.frame import Frame, Metadata
from xgeom_core.frames import open_frames
from xgeom_core.frames.guarded import read_geometry

# Of a file that claims to hold more frames than its seed these, and the last, are read.
_MOST_FRAMES = 6
HINTS = Hints(pixel_mm=(0.1, 0.1), image_size=(400, 500))


@dataclass
class Report:
    """What came of a file.

    Parameters
    ----------
    answers : int
        Frames and geometries that were read.
    refusals : list of str
        Sentences of errors that are meant for the user.
    notes : list of str
        xgeom's other sentences: warnings, reasons, conventions. Not what the file itself says in words.
    pixels : list of str
        A digest of each frame's pixels.
    fault : str
        The traceback of any other exception; "" if there was none.
    """

    answers: int = 0
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pixels: list[str] = field(default_factory=list)
    fault: str = ""


def read(path: str, kind: Kind) -> Report:
    """Read everything in a file; never raises."""
    report = Report()
    try:
        if kind == "frames":
            _try(_frames, path, report)
        _try(_geometry, path, report)
    except (KeyboardInterrupt, SystemExit):
        raise
    # Whatever it is, it is what is looked for.
    except BaseException:
        report.fault = traceback.format_exc()
    return report


def _try(work: Callable[[str, Report], None], path: str, report: Report) -> None:
    try:
        work(path, report)
    except XgeomError as error:
        report.refusals.append(str(error))


def _frames(path: str, report: Report) -> None:
    with open_frames(path) as source:
        _metadata(source.metadata)
        count = len(source)
        for index in sorted({*range(min(count, _MOST_FRAMES)), count - 1}):
            try:
                source.truth(index)
                frame = source.frame(index)
                _usable(frame)
                _metadata(frame.metadata)
            except XgeomError as error:
                report.refusals.append(str(error))
                continue
            report.answers += 1
            report.notes += [*frame.warnings, frame.metadata.center_convention]
            report.pixels.append(hashlib.sha256(frame.data.tobytes()).hexdigest())


def _usable(frame: Frame) -> None:
    if not frame.data.shape == frame.valid.shape == frame.saturated.shape or frame.data.ndim != 2:
        raise AssertionError(f"shapes {frame.data.shape}, {frame.valid.shape}, {frame.saturated.shape}")


def _metadata(metadata: Metadata) -> None:
    """What is made of a header by whoever predicts or draws."""
    center = metadata.center_px or (1.0, 1.0)
    stated = (*center, *(metadata.tilt_deg or ()), *(metadata.pixel_mm or ()))
    stated += tuple(value for value in (metadata.distance_mm, metadata.wavelength_A) if value is not None)
    if not all(map(math.isfinite, stated)):
        raise AssertionError(f"no numbers: {metadata}")
    metadata.estimate()
    metadata.geometry(center, metadata.tilt_deg)


def _geometry(path: str, report: Report) -> None:
    for reading in read_geometry(Path(path), HINTS):
        if not all(map(math.isfinite, reading.estimate.center_px)):
            raise AssertionError(f"no numbers: {reading.estimate}")
        reading.geometry  # noqa: B018 - it must be possible
        report.answers += 1
        estimate = reading.estimate
        report.notes += [*estimate.warnings, estimate.reason, estimate.convention]
        report.notes += [choice.name for choice in reading.choices]
