"""Numbers in the text of headers, with their units."""

from __future__ import annotations

import math
import re

from xgeom_core import units

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# No field is longer; a damaged file may hold anything.
_LONGEST = 500


def numbers(text: str) -> list[float]:
    """All numbers in a text that stand by themselves."""
    found = map(float, re.findall(rf"(?<![\w.]){_NUMBER}(?![\w.])", text[:_LONGEST]))
    return list(filter(math.isfinite, found))


def numbers_with_units(text: str) -> list[tuple[float, str]]:
    """Numbers and the words after them, as in "172e-6 m x 172e-6 m"."""
    found = re.findall(rf"(?<![\w.])({_NUMBER})\s*([A-Za-z\u00b5\u03bc\u00c5\u212b]*)", text[:_LONGEST])
    return [(float(number), unit) for number, unit in found if math.isfinite(float(number))]


def first_length(text: str) -> float | None:
    """The first number of a text as a length in mm; without a unit it is in m."""
    found = numbers_with_units(text)
    return units.length_mm(*found[0]) if found else None


def first_wavelength(text: str) -> float | None:
    """The first number of a text as a wavelength in Å, which is also its unit where none is given."""
    found = numbers_with_units(text)
    return units.wavelength_A(*found[0]) if found else None
