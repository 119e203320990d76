"""What every header reader gives, and fields of a header as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from xgeom_core.formats.numbers import numbers
from xgeom_core.metadata import Metadata

_T = TypeVar("_T")
_SMALLEST_SWING_DEG = 0.01


@dataclass(frozen=True)
class Header:
    """Metadata, and what was odd about it."""

    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()


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
