"""Header: what one part of an image file states, as every reader of headers gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from xgeom_core.estimate import Estimate
from xgeom_core.formats.numbers import numbers
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.metadata import Choice, Metadata, Point

_T = TypeVar("_T")


@dataclass(frozen=True)
class Header:
    """What a header states, and what was odd about it.

    Parameters
    ----------
    metadata : Metadata
        In this project's units and pixels; `Metadata.choices` holds the other ways to read the center.
    notes : tuple of str
        What the user should know, in sentences.
    native : dict
        The file's own names and values, as shown to the user: ``{"ORGX": "1042.3 px", ...}``.
    where : str
        Which part of the file: ``"mini-header"``; "" if there is one only.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``, where the header states them.
    """

    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()
    native: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    image_size: tuple[int, int] | None = None

    def reading(self, program: str, path: Path, hints: Hints) -> Reading | None:
        """The same as a Reading, what is silent filled from hints; None if no center is stated."""
        stated = self.metadata
        if stated.center_px is None:
            return None
        estimate = Estimate(
            program,
            stated.center_px,
            tilt_deg=stated.tilt_deg,
            warnings=self.notes,
            convention=stated.center_convention,
        )
        return Reading(
            estimate,
            str(path),
            where=self.where,
            distance_mm=stated.distance_mm or hints.distance_mm,
            pixel_mm=stated.pixel_mm or hints.pixel_mm,
            wavelength_A=stated.wavelength_A or hints.wavelength_A,
            image_size=self.image_size or hints.image_size,
            panels=max(1, len(stated.panels)),
            native=dict(self.native),
            choices=stated.choices,
            verdicts=stated.verdicts,
        )


@dataclass(frozen=True)
class FieldNote:
    """What one field of a format becomes: a row of the table of headers in the documentation.

    Parameters
    ----------
    name : str
        As the file writes it.
    becomes : str
        The attribute of Metadata, such as ``"distance_mm"``.
    meaning : str
        Its unit, origin and sign.
    """

    name: str
    becomes: str
    meaning: str


def two(values: Sequence[_T]) -> tuple[_T | None, _T | None]:
    """Two values as they are, anything else as two unknowns."""
    first, second = values if len(values) == 2 else (None, None)
    return first, second


def if_stated(center: tuple[float, float] | None, convention: str) -> str:
    """The convention, where there is a center that it is about."""
    return convention if center is not None else ""


def half_a_pixel(center: Point | None) -> tuple[Choice, ...]:
    """The other reading of a center in px whose origin a format does not define; none without a center."""
    if center is None:
        return ()
    return (Choice("pixels are counted from their centers (+0.5 px)", (center[0] + 0.5, center[1] + 0.5)),)


def many(header: Mapping[str, Any], key: str) -> list[float]:
    """All numbers of a field; none if there is no such field."""
    return numbers(str(header.get(key, "")))


def one(header: Mapping[str, Any], key: str) -> float | None:
    """The first number of a field; None if there is none."""
    value = header.get(key)
    if isinstance(value, int | float):
        return float(value)
    found = numbers(str(value)) if value is not None else []
    return found[0] if found else None
