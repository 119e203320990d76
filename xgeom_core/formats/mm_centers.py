"""What MOSFLM, DENZO and ADXV have in common: a center in mm, no tilt that could be trusted, hints needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from xgeom_core.estimate import Estimate
from xgeom_core.formats import values
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.metadata import Choice

# Lengths are bounded, so that no row of digits in a broken file can make the search slow.
NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eEdD][-+]?\d{1,5})?"


@dataclass(frozen=True)
class Stated:
    """What such a file states; lengths in mm.

    Parameters
    ----------
    native : dict
        The file's own names and values.
    notes : tuple of str
        Warnings for the user.
    """

    distance_mm: float | None = None
    wavelength_A: float | None = None
    pixel_mm: tuple[float, float] | None = None
    image_size: tuple[int, int] | None = None
    native: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def reading(
    program: str,
    convention: str,
    path: Path,
    center: tuple[float, float],
    stated: Stated,
    pixel_mm: tuple[float, float] | None,
    hints: Hints,
    choices: tuple[Choice, ...] = (),
) -> Reading:
    """A reading without tilt: these programs' tilts have no sign that public documents define."""
    estimate = Estimate(
        program, values.center(*center, path), None, warnings=stated.notes, convention=convention
    )
    return Reading(
        estimate,
        str(path),
        distance_mm=values.length(stated.distance_mm or hints.distance_mm, path, "the distance"),
        pixel_mm=pixel_mm,
        wavelength_A=values.sane_wavelength(stated.wavelength_A) or hints.wavelength_A,
        image_size=stated.image_size or hints.image_size,
        native=stated.native,
        choices=choices,
    )


def last_number(pattern: re.Pattern[str], text: str) -> float | None:
    """The number in the last match of a pattern's first group; None if there is none."""
    found = None
    for match in pattern.finditer(text):
        found = match
    return values.number(found.group(1)) if found is not None else None
