"""Sharp rings: found from far away, fitted by their positions, and not seen where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.predict.background.detector_model import Detector, at_surface, depth_doubt
from xgeom_core.predict.background.fit import RadialFitter
from xgeom_core.predict.background.masks import lone_pixels
from xgeom_core.predict.background.radial_fit import fit_radial
from xgeom_core.predict.background.ring_search import ring_points, search_rings

SIDE = 410


def searched(made) -> tuple[np.ndarray, bool] | None:
    fitter = RadialFitter(made.frame, made.start)
    points = ring_points(
        fitter.pooled, fitter.usable, fitter.start, fitter.detector, fitter.least_inner, fitter.lever
    )
    return None if points is None else search_rings(points, [fitter.start], fitter.side)


def test_rings_are_found_from_far_away(scene) -> None:
    for seed in (1, 2):
        made = scene(seed=seed, profile="powder", level=3.0, reach=12.0, tilt_deg=(2.0, -2.5))
        found = searched(made)
        assert found is not None
        theta, sharp = found
        assert sharp
        assert np.abs(theta[:2] - made.truth.center_px).max() < 0.4


@pytest.mark.parametrize("profile", ["water", "flat"])
def test_no_rings_are_seen_where_there_are_none(profile: str, scene) -> None:
    for level in (1.0, 30.0):
        found = searched(scene(seed=3, profile=profile, level=level, spots=200))
        assert found is not None and not found[1]


def test_the_edge_of_a_round_detector_is_no_ring(scene) -> None:
    made = scene(seed=4)
    x = np.arange(SIDE) + 0.5
    far = np.hypot(x - 190.0, (x - 215.0)[:, None]) > 170.0
    made.frame.data[far] = 0.0
    fit = fit_radial(made.frame, made.start)
    assert fit is not None and not fit.rings


def test_spots_at_equal_distances_are_no_ring(scene) -> None:
    made = scene(seed=5, level=3.0)
    turn = np.random.default_rng(1).uniform(0, 2 * np.pi, size=25)
    x, y = made.truth.center_px[0] + 9.0, made.truth.center_px[1] - 6.0
    for radius in (60.0, 90.0, 130.0):
        columns, rows = (x + radius * np.cos(turn)).astype(int), (y + radius * np.sin(turn)).astype(int)
        made.frame.data[rows, columns] += 300.0
        made.frame.data[rows, columns + 1] += 150.0
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert not fit.rings
    assert np.abs(np.subtract(fit.center_px, made.truth.center_px)).max() < 1.5


def grains(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness that differs from degree to degree, and one side three times as bright."""
    turn = np.arctan2(y, x)
    number = ((turn / (2 * np.pi) + 0.5) * 720).astype(int) % 720
    return np.random.default_rng(5).exponential(1.0, size=720)[number] * np.exp(0.5 * np.cos(turn))


def test_grains_and_one_bright_side_do_not_move_the_center(scene, p_wrong) -> None:
    made = scene(seed=6, profile="powder", level=20.0, front=grains)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.tilt_deg is not None
    assert fit.rings >= 4
    assert p_wrong(fit) < 0.5
    error = np.array([*fit.center_px, *fit.tilt_deg]) - [
        *made.truth.center_px,
        made.truth.pitch_deg,
        made.truth.yaw_deg,
    ]
    assert np.abs(error).max() < 0.05
    assert np.abs(error / np.sqrt(np.diag(fit.covariance))).max() < 4


def test_hot_and_dead_pixels_are_known_by_their_neighbors() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(30.0, size=(50, 50)).astype(np.float32)
    counts[10, 10], counts[20, 20] = 3000.0, 0.0
    # A spot covers more than one pixel.
    counts[30:32, 30:32] = 900.0
    found = lone_pixels(counts, np.ones(counts.shape, dtype=bool))
    assert sorted(zip(*np.nonzero(found), strict=True)) == [(10, 10), (20, 20)]


def test_parallax_moves_the_center_along_the_tilt() -> None:
    detector = Detector(1000.0, 1.0, depth_px=2.0)
    theta = np.array([100.0, 200.0, np.radians(3.0), np.radians(-2.0)])
    moved = at_surface(theta, detector) - theta
    # The beam goes on along z behind the surface, which is not quite along the detector's normal.
    assert moved[:2] == pytest.approx(
        [-2.0 * np.sin(np.radians(2.0)), -2.0 * np.sin(np.radians(3.0))], rel=0.01
    )
    assert np.sqrt(np.diag(depth_doubt(theta, detector)))[0] == pytest.approx(0.7 * abs(moved[0]))
    assert replace(detector, depth_px=0.0).depth_px == 0.0
    assert np.array_equal(at_surface(theta, replace(detector, depth_px=0.0)), theta)
