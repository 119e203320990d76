"""What several verbs share: options, frame ranges, opening with overrides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.errors import UsageError
from xgeom_core.system.text import visible

if TYPE_CHECKING:
    from xgeom_core.frame import Frame

DistanceOption = Annotated[
    float | None,
    typer.Option("--distance-mm", help="Sample to detector along the beam, mm; replaces the file's."),
]
PixelOption = Annotated[float | None, typer.Option("--pixel-um", help="Pixel size, um; replaces the file's.")]
FramesOption = Annotated[
    str | None,
    typer.Option(
        "--frames",
        help="Which frames: 3, 0:10, 5: (default all). Where a stack has several axes, numbers count over "
        "all of them, the last running fastest; xgeom info shows the axes.",
    ),
]
WavelengthOption = Annotated[
    float | None, typer.Option("--wavelength-A", help="Wavelength, Å; replaces the file's.")
]
GeometryOption = Annotated[
    Path | None,
    typer.Option("--geometry", help="CrystFEL .geom that puts the panels of HDF5 frames into one image."),
]


def assembled(path: str, geometry: Path | None) -> str:
    """A location of frames whose panels a geometry file puts together, if one is named."""
    from xgeom_core.frames.location import with_geometry  # noqa: PLC0415 - h5py and fabio take time

    return path if geometry is None else with_geometry(path, str(geometry))


@dataclass(frozen=True)
class Overrides:
    """Quantities that the user states in place of the file."""

    distance_mm: float | None = None
    pixel_um: float | None = None
    wavelength_A: float | None = None

    def __post_init__(self) -> None:
        given = {
            "--distance-mm": self.distance_mm,
            "--pixel-um": self.pixel_um,
            "--wavelength-A": self.wavelength_A,
        }
        for name, value in given.items():
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} must be a positive number, not {value:g}.")

    def apply(self, frame: Frame) -> Frame:
        """The frame with these quantities in its metadata."""
        pixel = None if self.pixel_um is None else (self.pixel_um / 1000, self.pixel_um / 1000)
        return replace(frame, metadata=frame.metadata.overridden(self.distance_mm, pixel, self.wavelength_A))


def frame_range(text: str | None, count: int) -> range:
    """Frame numbers meant by ``"3"``, ``"0:10"``, ``"5:"`` or ``":4"``; all without a text.

    Raises
    ------
    UsageError
        If the text is none of these or no frame is meant.
    """
    if text is None:
        return range(count)
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        numbers = []
    if not numbers or len(numbers) > 2 or text.strip() == "":
        raise UsageError(f"--frames takes a number or a range such as 0:10, not {text!r}.")
    if len(numbers) == 1:
        number = numbers[0] or 0
        if not 0 <= number < count:
            raise UsageError(f"--frames {text}: the file has frames 0 to {count - 1}.")
        return range(number, number + 1)
    chosen = range(count)[slice(*numbers)]
    if not chosen:
        raise UsageError(f"--frames {text} means no frame: the file has frames 0 to {count - 1}.")
    return chosen


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, if that is a terminal; yields a function of the number done."""
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    shown = sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(escape(visible(text)), total=total)
        yield lambda done: bar.update(task, completed=done)
