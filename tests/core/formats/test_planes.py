"""Detectors as vectors: bad input is refused in a sentence, and rigid moves do what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.panels import Panel, in_image, in_panel, panel_in_beam
from xgeom_core.formats.planes import Plane
from xgeom_core.geometry import Geometry


@pytest.mark.parametrize(
    "bad", [None, "1 2 3", [1, 2], [1, 2, "3"], [1, 2, np.nan], [1, 2, np.inf], [1, 2, 1e300], [1, 2, True]]
)
def test_what_is_no_vector_is_refused(bad: object) -> None:
    with pytest.raises(UnreadableFileError, match=r"file\.expt: origin must be 3 numbers"):
        planes.vector(bad, "file.expt: origin")


def test_a_vector_of_zeros_has_no_direction() -> None:
    with pytest.raises(UnreadableFileError, match="without a direction"):
        planes.direction([0, 0, 0], "fast_axis")


def test_an_integer_beyond_every_float_is_no_number() -> None:
    assert planes.finite(10**400) is None
    assert planes.finite(3) == 3.0


angle = st.floats(-35, 35)


@given(angle, angle, angle, angle, st.booleans(), st.integers(0, 10**6))
def test_a_move_gives_the_wanted_geometry_and_is_rigid(
    pitch: float, yaw: float, new_pitch: float, new_yaw: float, mirrored: bool, seed: int
) -> None:
    frame = Rotation.random(random_state=seed).as_matrix()
    tilt = Rotation.from_euler("xy", [pitch, yaw], degrees=True).as_matrix()
    beam, fast, slow = frame[:, 2], frame @ tilt[:, 0], frame @ tilt[:, 1] * (-1 if mirrored else 1)
    plane = Plane(beam * 150 - 70 * fast - 60 * slow, fast, slow, (0.1, 0.2))
    wanted = Geometry((401.25, -33.5), 312.5, (0.1, 0.2), None, new_pitch, new_yaw)
    move = planes.move_to(plane, beam, wanted, wanted.center_px)
    moved = Plane(move.point(plane.origin), move.turn(fast), move.turn(slow), plane.pixel_mm)
    found = planes.plane_geometry(moved, beam, None, "moved")
    assert found.center_px == pytest.approx(wanted.center_px, abs=1e-6)
    assert found.distance_mm == pytest.approx(312.5, abs=1e-9)
    assert (found.pitch_deg, found.yaw_deg) == pytest.approx((new_pitch, new_yaw), abs=1e-8)
    assert move.rotation @ move.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(move.rotation) == pytest.approx(1.0)


def test_a_move_to_where_it_is_moves_nothing() -> None:
    plane = Plane(np.array([-50.0, 60.0, -200.0]), np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), (0.1, 0.1))
    wanted = Geometry((500.0, 600.0), 200.0, (0.1, 0.1))
    move = planes.move_to(plane, np.array([0.0, 0.0, -1.0]), wanted, wanted.center_px)
    assert move.rotation == pytest.approx(np.eye(3), abs=1e-12)
    assert move.shift == pytest.approx(np.zeros(3), abs=1e-9)


def _panel(index: int, x: float, offset: tuple[float, float]) -> Panel:
    plane = Plane(np.array([x, -5.0, 100.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), (0.1, 0.1))
    return Panel(index, plane, (100, 100), offset)


def test_the_panel_in_the_beam_is_chosen_else_the_nearest() -> None:
    beam = np.array([0.0, 0.0, 1.0])
    left, right = _panel(0, -22.0, (0, 0)), _panel(1, -4.0, (120, 0))
    assert panel_in_beam([left, right], beam) == (right, 0.0)
    panel, miss = panel_in_beam([left, _panel(1, 3.0, (120, 0))], beam)
    assert panel.index == 1
    assert miss == pytest.approx(30.0)
    assert in_image([left, right], right, (40.0, 50.0)) == (160.0, 50.0)
    assert in_panel([left, right], right, (160.0, 50.0)) == (40.0, 50.0)
    # Panels that all claim the same place have no common image.
    assert in_image([left, _panel(1, 3.0, (0, 0))], left, (40.0, 50.0)) == (40.0, 50.0)
