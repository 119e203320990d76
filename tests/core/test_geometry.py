"""The geometry against independent rotations, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import GeometryError
from xgeom_core.geometry import SYMMETRIES, Geometry, Pooling, Symmetry, detector_axes, from_vectors

angles = st.floats(-30, 30)
places = st.floats(-500, 3000)


def geometries() -> st.SearchStrategy[Geometry]:
    return st.builds(
        Geometry,
        center_px=st.tuples(places, places),
        distance_mm=st.floats(40, 1000),
        pixel_mm=st.tuples(st.floats(0.05, 0.6), st.floats(0.05, 0.6)),
        wavelength_A=st.floats(0.4, 2.0),
        pitch_deg=angles,
        yaw_deg=angles,
    )


@given(pitch=angles, yaw=angles)
def test_axes_are_pitch_then_yaw_about_fixed_axes(pitch: float, yaw: float) -> None:
    # Lower-case letters are scipy's rotations about fixed axes, first x, then y.
    rotation = Rotation.from_euler("xy", [pitch, yaw], degrees=True).as_matrix()
    assert np.allclose(np.column_stack(detector_axes(pitch, yaw)), rotation)


@given(geometry=geometries(), x=places, y=places)
def test_pixel_to_lab_and_back(geometry: Geometry, x: float, y: float) -> None:
    lab = geometry.to_lab(x, y)
    if lab[2] <= 1.0:
        return  # behind the sample: no ray gets there
    back = geometry.from_lab(lab)
    assert np.allclose(back, (x, y), atol=1e-6)


@given(geometry=geometries())
def test_the_tilt_pivots_at_the_beam_center(geometry: Geometry) -> None:
    assert np.allclose(geometry.to_lab(*geometry.center_px), [0, 0, geometry.distance_mm])
    assert geometry.two_theta(*geometry.center_px) == pytest.approx(0.0, abs=1e-12)


def test_signs_of_pitch_and_yaw() -> None:
    flat = {"center_px": (500.0, 500.0), "distance_mm": 200.0, "pixel_mm": (0.1, 0.1)}
    below = Geometry(**flat, pitch_deg=5.0).to_lab(500.0, 900.0)  # type: ignore[arg-type]
    right = Geometry(**flat, yaw_deg=5.0).to_lab(900.0, 500.0)  # type: ignore[arg-type]
    assert below[2] > 200.0, "positive pitch moves the lower edge away from the sample"
    assert right[2] < 200.0, "positive yaw moves the right edge towards the sample"


def test_foot_of_the_normal_lies_where_the_conventions_say() -> None:
    # 1 degree at 250 mm and 0.172 mm: about 25 px, as the reference says.
    geometry = Geometry((1000.0, 1000.0), 250.0, (0.172, 0.172), yaw_deg=1.0)
    foot = geometry.from_lab(geometry.axes()[2])
    # The reference's D is the distance along the normal: 250 mm times the cosine.
    along_normal = 250.0 * np.cos(np.radians(1.0))
    assert foot[0] - 1000.0 == pytest.approx(along_normal * np.tan(np.radians(1.0)) / 0.172, abs=1e-9)
    assert foot[1] == pytest.approx(1000.0)


def test_two_theta_and_resolution_of_an_untilted_detector() -> None:
    geometry = Geometry((0.0, 0.0), 100.0, (0.1, 0.1), wavelength_A=1.0)
    assert geometry.two_theta(1000.0, 0.0) == pytest.approx(np.pi / 4)
    assert geometry.resolution_A(1000.0, 0.0) == pytest.approx(1.0 / (2 * np.sin(np.pi / 8)))
    with pytest.raises(GeometryError, match="wavelength"):
        Geometry((0.0, 0.0), 100.0, (0.1, 0.1)).resolution_A(1.0, 1.0)


@given(
    factor=st.integers(1, 12),
    offset=st.tuples(st.integers(-300, 300), st.integers(-300, 300)),
    point=st.tuples(places, places),
)
def test_pooling_inverts_exactly(factor: int, offset: tuple[int, int], point: tuple[float, float]) -> None:
    pooling = Pooling(factor, offset)
    assert pooling.to_native(pooling.to_pooled(point)) == pytest.approx(point, abs=1e-9)


@given(geometry=geometries(), factor=st.integers(1, 8), x=places, y=places)
def test_a_pooled_geometry_sees_the_same_angles(geometry: Geometry, factor: int, x: float, y: float) -> None:
    pooling = Pooling(factor, (7, -5))
    u, v = pooling.to_pooled((x, y))
    assert geometry.pooled(pooling).two_theta(u, v) == pytest.approx(geometry.two_theta(x, y), abs=1e-9)


@given(
    symmetry=st.sampled_from(SYMMETRIES),
    center=st.tuples(st.floats(0, 400), st.floats(0, 300)),
    pitch=angles,
    yaw=angles,
    x=st.floats(0, 400),
    y=st.floats(0, 300),
)
def test_symmetries_keep_two_theta(
    symmetry: Symmetry, center: tuple[float, float], pitch: float, yaw: float, x: float, y: float
) -> None:
    shape = (300, 400)
    before = Geometry(center, 150.0, (0.2, 0.2), pitch_deg=pitch, yaw_deg=yaw)
    new_pitch, new_yaw = symmetry.tilt((pitch, yaw))
    after = Geometry(symmetry.center(center, shape), 150.0, (0.2, 0.2), pitch_deg=new_pitch, yaw_deg=new_yaw)
    moved = symmetry.center((x, y), shape)
    assert after.two_theta(*moved) == pytest.approx(float(before.two_theta(x, y)), abs=1e-9)


@given(symmetry=st.sampled_from(SYMMETRIES), row=st.integers(0, 4), column=st.integers(0, 6))
def test_symmetries_move_images_as_they_move_points(symmetry: Symmetry, row: int, column: int) -> None:
    image = np.zeros((5, 7))
    image[row, column] = 1.0
    x, y = symmetry.center((column + 0.5, row + 0.5), image.shape)
    moved = symmetry.image(image)
    assert moved[int(y), int(x)] == 1.0
    assert np.array_equal(symmetry.inverse.image(moved), image)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"distance_mm": -1.0}, "distance"),
        ({"pixel_mm": (0.1, 0.0)}, "pixel size"),
        ({"wavelength_A": float("nan")}, "wavelength"),
        ({"center_px": (float("inf"), 0.0)}, "beam center"),
        ({"yaw_deg": 90.0}, "yaw"),
    ],
)
def test_impossible_geometries_are_named(change: dict, word: str) -> None:
    usual = {"center_px": (0.0, 0.0), "distance_mm": 100.0, "pixel_mm": (0.1, 0.1), "wavelength_A": 1.0}
    with pytest.raises(GeometryError, match=word):
        Geometry(**(usual | change))


@given(geometry=geometries(), turn=st.tuples(*[st.floats(-180, 180)] * 3), mirrored=st.booleans())
def test_vectors_in_any_frame_give_the_geometry_back(
    geometry: Geometry, turn: tuple[float, float, float], mirrored: bool
) -> None:
    fast, slow, _ = geometry.axes()
    origin, beam = geometry.to_lab(0.0, 0.0), np.array([0.0, 0.0, 1.0])
    frame = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    if mirrored:
        frame = frame @ np.diag([1.0, -1.0, 1.0])
    back = from_vectors(
        frame @ origin, frame @ fast, frame @ slow, frame @ beam, geometry.pixel_mm, geometry.wavelength_A
    )
    assert back.center_px == pytest.approx(geometry.center_px, abs=1e-5)
    assert back.distance_mm == pytest.approx(geometry.distance_mm)
    assert (back.pitch_deg, back.yaw_deg) == pytest.approx((geometry.pitch_deg, geometry.yaw_deg), abs=1e-6)


def test_foot_and_normal_distance_follow_the_reference_formulas() -> None:
    geometry = Geometry((1000.0, 900.0), 250.0, (0.172, 0.1), pitch_deg=2.0, yaw_deg=-3.0)
    pitch, yaw = np.radians((2.0, -3.0))
    normal = geometry.normal_distance_mm()
    assert normal == pytest.approx(250.0 * np.cos(pitch) * np.cos(yaw))
    x, y = geometry.foot_px()
    assert x == pytest.approx(1000.0 + normal * np.tan(yaw) / (np.cos(pitch) * 0.172))
    assert y == pytest.approx(900.0 - normal * np.tan(pitch) / 0.1)


def test_detectors_that_no_beam_meets_are_refused() -> None:
    x, y, z = np.eye(3)
    with pytest.raises(GeometryError, match="never meets"):
        from_vectors(np.array([0.0, 0.0, -100.0]), x, y, z, (0.1, 0.1))
    with pytest.raises(GeometryError, match="edge on"):
        from_vectors(np.array([0.0, 0.0, 100.0]), x, z, z, (0.1, 0.1))
    with pytest.raises(GeometryError, match="right angles"):
        from_vectors(np.array([0.0, 0.0, 100.0]), x, x + y, z, (0.1, 0.1))
