"""Units as files spell them."""

from __future__ import annotations

import math

import pytest

from xgeom_core import units


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.2, "m", 200.0),
        (0.2, "", 200.0),
        (200.0, "mm", 200.0),
        (75.0, "um", 0.075),
        (75.0, "\u00b5m", 0.075),
        (75.0, "\u03bcm", 0.075),
        (172000.0, "nm", 0.172),
        (20.0, "cm", 200.0),
        (0.2, "Metre", 200.0),
        (0.2, "parsec", None),
        (0.0, "m", None),
        (-1.0, "m", None),
        (math.nan, "m", None),
        (None, "m", None),
    ],
)
def test_lengths_become_mm(value: float | None, unit: str, expected: float | None) -> None:
    assert units.length_mm(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.9795, "angstrom", 0.9795),
        (0.9795, "", 0.9795),
        (0.9795, "\u00c5", 0.9795),
        (0.09795, "nm", 0.9795),
        (0.9795e-10, "m", 0.9795),
        (12.398419843320026, "keV", 1.0),
        (12398.419843320026, "eV", 1.0),
        (1.9864458571489286e-15, "J", 1.0),
        (0.0, "keV", None),
        (1.0, "furlong", None),
    ],
)
def test_wavelengths_and_energies_become_angstroms(value: float, unit: str, expected: float | None) -> None:
    found = units.wavelength_A(value, unit)

    assert found == (None if expected is None else pytest.approx(expected, rel=1e-9))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (3.0, 4.0, (3.0, 4.0)),
        (0.0, 4.0, (0.0, 4.0)),
        (0.0, 0.0, None),
        (math.nan, 4.0, None),
        (None, 4.0, None),
    ],
)
def test_a_center_at_the_origin_means_not_set(
    x: float | None, y: float | None, expected: tuple[float, float] | None
) -> None:
    assert units.stated_center(x, y) == expected
