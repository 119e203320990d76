"""What every header reader gives, and numbers and units in the text of headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from xgeom_core import units
from xgeom_core.frame import Metadata

_T = TypeVar("_T")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SMALLEST_SWING_DEG = 0.01


@dataclass(frozen=True)
class Header:
    """Metadata, and what was odd about it."""

    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()


def numbers(text: str) -> list[float]:
    """All numbers in a text that stand by themselves."""
    return [float(number) for number in re.findall(rf"(?<![\w.]){_NUMBER}(?![\w.])", text)]


def numbers_with_units(text: str) -> list[tuple[float, str]]:
    """Numbers and the words after them, as in "172e-6 m x 172e-6 m"."""
    found = re.findall(rf"(?<![\w.])({_NUMBER})\s*([A-Za-z\u00b5\u03bc\u00c5\u212b]*)", text)
    return [(float(number), unit) for number, unit in found]


def first_length(text: str) -> float | None:
    """The first number of a text as a length in mm; without a unit it is in m."""
    found = numbers_with_units(text)
    return units.length_mm(*found[0]) if found else None


def first_wavelength(text: str) -> float | None:
    """The first number of a text as a wavelength in Å, which is also its unit where none is given."""
    found = numbers_with_units(text)
    return units.wavelength_A(*found[0]) if found else None


def two(values: Sequence[_T]) -> tuple[_T | None, _T | None]:
    """Two values as they are, anything else as two unknowns."""
    first, second = values if len(values) == 2 else (None, None)
    return first, second


def if_stated(center: tuple[float, float] | None, convention: str) -> str:
    """The convention, where there is a center that it is about."""
    return convention if center is not None else ""


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


def swing_note(angles: list[float]) -> tuple[str, ...]:
    """What to say of a detector whose first angle, two-theta in degrees, is not zero."""
    if not angles or abs(angles[0]) < _SMALLEST_SWING_DEG:
        return ()
    return (
        f"The detector is swung by {angles[0]:g} degrees in two-theta; "
        f"the header's center may be that of the unswung detector.",
    )
