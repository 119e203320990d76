"""What another program's file says of the geometry, in this project's convention."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Choice, Verdict

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def _stem(path: str) -> str:
    name = path.partition("::")[0].replace("\\", "/").rpartition("/")[2]
    return next((name.removesuffix(end) for end in _COMPRESSED if name.endswith(end)), name)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(_stem(template)).replace(r"\#", "#").replace("#", r"\d"))


def flip_choices(
    usual: str, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None, height: int
) -> tuple[Choice, Choice]:
    """A center as stated, and as it is if the file belongs to the image flipped top to bottom.

    Parameters
    ----------
    usual : str
        Name of the reading as stated.
    center_px : tuple of float
        Beam center ``(x, y)`` as stated.
    tilt_deg : tuple of float or None
        Tilt as stated; a flip of the rows turns the sign of the pitch.
    height : int
        Rows of the image.
    """
    turned = None if tilt_deg is None else (-tilt_deg[0], tilt_deg[1])
    flipped = (center_px[0], height - center_px[1])
    return (
        Choice(usual, center_px, tilt_deg),
        Choice("the image was flipped top to bottom (pitch changes its sign)", flipped, turned),
    )


@dataclass(frozen=True, eq=False)
class Reading:
    """One geometry found in a file: an experiment, a panel group or a frame.

    Parameters
    ----------
    estimate : Estimate
        Beam center on the beam, tilt, source (the program's name), convention in words, warnings.
    path : str
        The file.
    where : str
        Which part of the file: ``"experiment 3"``, ``"frame 12"``; "" if there is one only.
    frame : int or None
        Frame number from 0, for tables of frames.
    distance_mm : float or None
        Along the beam, sample to beam center.
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)``.
    wavelength_A : float or None
        Wavelength in Å.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``.
    panels : int
        Number of panels that move together.
    native : dict
        The file's own names and values, as shown to the user: ``{"ORGX": "1042.3 px", ...}``.
    choices : tuple of Choice
        Other readings of an ambiguous convention; empty where there is no doubt.
    verdicts : tuple of Verdict
        How sensible what an image's header states is; empty for files that are written to state a geometry.
    images : tuple of str
        The images that it is about, where the file names them: paths, ``#`` for a digit of their number.
    """

    estimate: Estimate
    path: str
    where: str = ""
    frame: int | None = None
    distance_mm: float | None = None
    pixel_mm: tuple[float, float] | None = None
    wavelength_A: float | None = None
    image_size: tuple[int, int] | None = None
    panels: int = 1
    native: dict[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    images: tuple[str, ...] = ()

    def is_about(self, image: str) -> bool:
        """Whether an image is one of `images` by its name; folders and compression do not matter."""
        return any(_pattern(template).fullmatch(_stem(image)) for template in self.images)

    def read_as(self, choice: Choice) -> Reading:
        """The same file read in another way.

        The tilt is unknown after a flip or a swap that does not state it, and so is how sure the file was.
        """
        stated = self.estimate
        center = choice.center_or(stated.center_px)
        moved = max(abs(a - b) for a, b in zip(center, stated.center_px, strict=True))
        tilt = choice.tilt_deg if choice.tilt_deg is not None or moved > 1 else stated.tilt_deg
        estimate = replace(
            stated,
            center_px=center,
            tilt_deg=tilt,
            covariance=stated.covariance if tilt == stated.tilt_deg else None,
            convention=choice.name,
        )
        return replace(
            self,
            estimate=estimate,
            choices=(),
            distance_mm=choice.distance_mm or self.distance_mm,
            pixel_mm=choice.pixel_mm or self.pixel_mm,
            wavelength_A=choice.wavelength_A or self.wavelength_A,
        )

    @property
    def geometry(self) -> Geometry | None:
        """The whole geometry; None while distance or pixel size is unknown."""
        if self.distance_mm is None or self.pixel_mm is None:
            return None
        pitch, yaw = self.estimate.tilt_deg or (0.0, 0.0)
        return Geometry(
            self.estimate.center_px, self.distance_mm, self.pixel_mm, self.wavelength_A, pitch, yaw
        )


@dataclass(frozen=True)
class Hints:
    """What the user (or the open frame) knows and a file may leave out.

    Parameters
    ----------
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)``; formats that state centers in mm need it.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``; formats that count rows from below need it.
    distance_mm, wavelength_A : float or None
        Used where the file is silent.
    """

    pixel_mm: tuple[float, float] | None = None
    image_size: tuple[int, int] | None = None
    distance_mm: float | None = None
    wavelength_A: float | None = None
