"""What xgeom knows of a program that it can run: what it needs, its command lines, and its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import UsageError
from xgeom_core.formats.reading import Reading
from xgeom_core.geometry import Geometry


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
        Number of the frame that is meant, from 0.
    count : int
        Number of frames in the file.
    start : Geometry or None
        Where to start: the header's or xgeom's own answer.
    image, valid : ndarray or None, shape (slow, fast)
        Counts of the frame and which of its pixels count, for programs that are handed pixels.
    calibrant : str or None
        Name of the powder, such as ``"CeO2"``, for calibration.
    template : Path or None
        An input file of the program to start from (XDS.INP).
    """

    frames: Path
    folder: Path
    index: int = 0
    count: int = 1
    start: Geometry | None = None
    image: NDArray[np.float32] | None = None
    valid: NDArray[np.bool_] | None = None
    calibrant: str | None = None
    template: Path | None = None

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
    python_package : str
        Package that the interpreter of the first executable must be able to import; "" if none. Where
        the interpreter that runs xgeom has it, no executable is needed.
    single_frame : bool
        It is handed one frame, and its answer is about that frame only.
    needs : str
        What it can work on, in a sentence.
    tried : str
        Which version was run for real, or that only its command lines were tested.
    steps : callable
        ``steps(job, found)`` writes the inputs into the folder and gives the commands.
    results : callable
        ``results(job)`` reads what they left; an empty list means that there is no answer.
    """

    key: str
    name: str
    executables: tuple[str, ...]
    needs: str
    tried: str
    steps: Callable[[Job, Found], list[Step]]
    results: Callable[[Job], list[Reading]]
    python_package: str = ""
    single_frame: bool = False


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
