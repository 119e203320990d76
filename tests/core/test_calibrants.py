"""Where powder rings lie: against published line positions."""

from __future__ import annotations

import pytest

from xgeom_core.calibrants import CALIBRANTS, POWDERS, spacings_A


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("CeO2", (3.1243, 2.7058, 1.9133, 1.6316, 1.5622, 1.3529, 1.2415, 1.2100)),
        ("LaB6", (4.1568, 2.9393, 2.3999, 2.0784, 1.8590, 1.6970, 1.4697, 1.3856)),
        ("Si", (3.1356, 1.9202, 1.6375, 1.3578, 1.2460, 1.1086)),
        ("AgBh", (58.380, 29.190, 19.460, 14.595)),
        ("ice", (3.894, 3.661, 3.438, 2.667, 2.249, 2.068, 1.947, 1.916, 1.882, 1.719)),
    ],
)
def test_spacings_are_the_published_ones_with_none_between(name, published):
    found = spacings_A(name, 0.9)[: len(published)]
    assert found == pytest.approx(published, abs=1.5e-3)


def test_spacings_end_where_asked():
    for name in POWDERS:
        spacings = spacings_A(name, 1.5)
        assert min(spacings) >= 1.5 and list(spacings) == sorted(spacings, reverse=True)


def test_ice_is_no_calibrant():
    assert "ice" not in CALIBRANTS and set(CALIBRANTS) < set(POWDERS)
