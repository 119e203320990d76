"""What xgeom knows of a program that it can run: what it needs, its command lines, and its answers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import UsageError
from xgeom_core.formats.reading import Reading
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata


@dataclass(frozen=True, eq=False)
class Job:
    """What a program is to work on.

    Parameters
    ----------
    frames : Path
        The file of frames, absolute.
    folder : Path
        An empty folder of its own; everything is written there and stays.
    index : int
        Number of the frame that is meant in the file, from 0.
    start : Geometry or None
        Where to start: what the header says, or the middle of the image.
    image, valid : ndarray or None, shape (slow, fast)
        Counts of the frame and which of its pixels count, for programs that are handed pixels.
    calibrant : str or None
        Name of the powder, such as ``"CeO2"``, for calibration.
    template : Path or None
        An input file of the program to start from (XDS.INP).
    answer : Geometry or None
        What xgeom found: programs that refine are started from it, too.
    metadata : Metadata
        What the header says, for frames that must be written anew for the program.
    cell : str or None
        Known unit cell ``"a,b,c,alpha,beta,gamma"``, for programs that index.
    imposed : bool
        Programs that read the header themselves are told to start at `start` all the same.
    """

    frames: Path
    folder: Path
    index: int = 0
    start: Geometry | None = None
    image: NDArray[np.float32] | None = None
    valid: NDArray[np.bool_] | None = None
    calibrant: str | None = None
    template: Path | None = None
    answer: Geometry | None = None
    metadata: Metadata = field(default_factory=Metadata)
    cell: str | None = None
    imposed: bool = False

    @classmethod
    def of_frame(cls, frame: Frame, folder: Path, **more: Any) -> Job:
        """A job on a frame as it was opened, which starts at its header; the middle of a silent one."""
        meta = frame.metadata
        middle = (frame.shape[1] / 2, frame.shape[0] / 2)
        start = meta.geometry(meta.center_px or middle, meta.tilt_deg)
        given = {
            "start": start,
            "image": frame.data,
            "valid": frame.valid | frame.saturated,
            "metadata": meta,
        }
        file = Path(frame.path.partition("::")[0]).absolute()
        return cls(file, folder.absolute(), frame.index, **(given | more))

    def needed_start(self, who: str) -> Geometry:
        """The start, or a UsageError that says what to state."""
        if self.start is None:
            raise UsageError(
                f"{who} needs a distance and a pixel size to start from; state them with --distance-mm and "
                "--pixel-um."
            )
        return self.start

    def needed_pixels(self, who: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Image and mask, or a UsageError."""
        if self.image is None or self.valid is None:
            raise UsageError(f"{who} needs the pixels of a frame.")
        return self.image, self.valid


@dataclass(frozen=True)
class Step:
    """One command.

    Parameters
    ----------
    label : str
        What it does, shown as progress.
    command : tuple of str
        The executable and its arguments; no shell is involved.
    results : tuple of str
        Files that it must leave in the folder.
    optional : bool
        A failure is noted and the next step goes on (one method of several).
    environment : dict
        Variables set besides those of xgeom.
    """

    label: str
    command: tuple[str, ...]
    results: tuple[str, ...] = ()
    optional: bool = False
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: "" or a sentence on its failure, and the last lines that it wrote."""

    failure: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """One center that a program found.

    Parameters
    ----------
    reading : Reading
        Center, tilt (None where the method tells none), distance; the warnings say what is doubtful.
    start_px : tuple of float or None
        The center that it was started from.
    spots, indexed : int or None
        Spots that it found, and those that its lattice explains.
    """

    reading: Reading
    start_px: tuple[float, float] | None = None
    spots: int | None = None
    indexed: int | None = None

    @property
    def share(self) -> float | None:
        """Share of the spots that are indexed, 0 to 1."""
        return None if self.indexed is None or not self.spots else self.indexed / self.spots

    def record(self) -> dict[str, Any]:
        """The answer for JSON."""
        estimate = self.reading.estimate
        return {
            "source": estimate.source,
            "frame": self.reading.frame,
            "center_px": list(estimate.center_px),
            "tilt_deg": None if estimate.tilt_deg is None else list(estimate.tilt_deg),
            "distance_mm": self.reading.distance_mm,
            "start_px": None if self.start_px is None else list(self.start_px),
            "spots": self.spots,
            "indexed": self.indexed,
            "share": self.share,
            "warnings": list(estimate.warnings),
        }


Work = Generator[Step, Outcome, list[Answer]]


@dataclass(frozen=True)
class Program:
    """A program that xgeom can run.

    Parameters
    ----------
    key : str
        Short name for ``--run``.
    name : str
        As shown to the user.
    executables : tuple of str
        Names that must be found; the first tells where it is installed.
    needs : str
        What it can work on, in a sentence.
    tried : str
        Which version was run for real, or that only its command lines were tested.
    work : callable
        ``work(job, found)`` writes inputs into the folder, yields one command after the other, is sent how
        each ended, and returns the answers.
    python_package : str
        Package that the interpreter of the first executable must be able to import; "" if none. Where
        the interpreter that runs xgeom has it, no executable is needed.
    single_frame : bool
        It is handed one frame, and its answer is about that frame only.
    most_steps : int
        Commands of a run in which all goes well, for a progress bar.
    cause : callable
        Picks the line that says why a command failed from those that it wrote.
    """

    key: str
    name: str
    executables: tuple[str, ...]
    needs: str
    tried: str
    work: Callable[[Job, Found], Work]
    python_package: str = ""
    single_frame: bool = False
    most_steps: int = 1
    cause: Callable[[tuple[str, ...]], str] = lambda lines: lines[-1] if lines else ""


@dataclass(frozen=True)
class Found:
    """Where a program is.

    Parameters
    ----------
    paths : dict
        Name of each executable -> its path.
    python : str
        The interpreter that can import the program's package; "" where it has none.
    """

    paths: dict[str, str]
    python: str = ""
