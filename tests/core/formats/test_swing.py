"""A detector swung about the sample: the stated center is moved to where the beam really meets it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.formats.swing import swung
from xgeom_core.geometry import from_vectors
from xgeom_core.metadata import Metadata

PIXEL, DISTANCE, CENTER = (0.172, 0.2), 122.37, (243.82, 326.75)
STATED = Metadata(DISTANCE, 0.69, PIXEL, CENTER)


def _turned(axis: int, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    if axis == 0:
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@given(angle=st.floats(-70.0, 70.0).filter(lambda value: abs(value) > 0.1), sign=st.sampled_from([1, -1]))
def test_a_swing_is_the_rigid_turn_about_the_sample(angle: float, sign: int) -> None:
    found, notes = swung(STATED, angle, sign)
    corner = np.array([-CENTER[0] * PIXEL[0], -CENTER[1] * PIXEL[1], DISTANCE])
    beam = np.array([0.0, 0.0, 1.0])
    turns = {found: _turned(1, np.radians(sign * angle))}
    turns |= {
        STATED.read_as(choice): _turned(axis, np.radians(turn))
        for choice, (axis, turn) in zip(
            found.choices[:3], ((1, -sign * angle), (0, angle), (0, -angle)), strict=True
        )
    }
    for read, turn in turns.items():
        true = from_vectors(turn @ corner, turn[:, 0], turn[:, 1], beam, PIXEL)
        assert read.center_px == pytest.approx(true.center_px, abs=1e-6)
        assert read.distance_mm == pytest.approx(true.distance_mm, rel=1e-9)
        assert read.tilt_deg == pytest.approx((true.pitch_deg, true.yaw_deg), abs=1e-9)
    assert notes
    assert found.distance_along == "normal"
    assert found.choices[3].center_px == CENTER


def test_a_swing_of_nothing_changes_nothing() -> None:
    assert swung(STATED, None, 1) == (STATED, ())
    assert swung(STATED, 0.0, 1) == (STATED, ())
    assert swung(STATED, -0.009, 1) == (STATED, ())


def test_a_swing_beyond_all_detectors_is_said_and_its_center_left_alone() -> None:
    found, (note,) = swung(STATED, 120.0, 1)
    assert found.center_px is None
    assert found.distance_mm is None
    assert "120" in note


def test_without_a_distance_the_tilt_is_known_and_the_center_is_not() -> None:
    found, _ = swung(Metadata(center_px=CENTER, pixel_mm=PIXEL), 20.0, 1)
    assert found.tilt_deg == (0.0, 20.0)
    assert found.center_px is None
