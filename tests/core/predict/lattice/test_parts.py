"""The parts of indexing, each against a formula or a brute-force count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.basis import reduce_basis
from xgeom_core.predict.lattice.bravais import conventional
from xgeom_core.predict.lattice.model import Model, observed_rays, project
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.non_primitive_basis import divided
from xgeom_core.predict.lattice.symmetry import find_symmetries, symmetrized

GEOMETRY = Geometry((610.0, 590.0), 210.0, (0.1, 0.12), 1.1, 2.0, -3.0)


def _rays() -> np.ndarray:
    rng = np.random.default_rng(0)
    return observed_rays(GEOMETRY, rng.uniform(0, 1200, 40), rng.uniform(0, 1200, 40))


def test_projection_undoes_observation_and_its_derivatives_are_right():
    rays = _rays()
    at = project(GEOMETRY, rays)
    x, y = GEOMETRY.from_lab(rays)
    assert np.allclose(at.xy, np.stack([x, y], axis=1))
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        slope = (project(GEOMETRY, rays + step).xy - project(GEOMETRY, rays - step).xy) / 2e-6
        assert np.allclose(at.by_ray[:, :, axis], slope, rtol=1e-4, atol=1e-2)
    for i, name in enumerate(("pitch_deg", "yaw_deg")):
        up, down = (replace(GEOMETRY, **{name: getattr(GEOMETRY, name) + d}) for d in (1e-4, -1e-4))
        slope = (project(up, rays).xy - project(down, rays).xy) / 2e-4
        assert np.allclose(at.by_tilt[:, :, i], slope, rtol=1e-4, atol=1e-4)
    far = replace(GEOMETRY, distance_mm=GEOMETRY.distance_mm * 1.0001)
    assert np.allclose(at.by_distance * 1e-4, project(far, rays).xy - at.xy, atol=1e-3)


def test_a_turned_block_is_recorded_at_its_bragg_angle():
    """A point off the sphere, turned about the origin on to it, keeps its length."""
    model = Model(GEOMETRY, np.array([0.0, 0.0, 1 / 1.1]), np.eye(3) / 60.0, mosaic=1.0)
    on = observed_rays(GEOMETRY, np.array([300.0, 900.0]), np.array([200.0, 800.0]))
    s = on - model.origin
    for ray, vector in zip(on, s, strict=True):
        axis = np.cross(vector, model.origin)
        turn = Rotation.from_rotvec(2e-3 * axis / np.linalg.norm(axis)).as_matrix()
        off = (turn @ vector + model.origin)[None]
        assert abs(np.linalg.norm(off) - model.radius) > 1e-5
        recorded = project(GEOMETRY, model.recorded(off)).xy
        assert np.allclose(recorded, project(GEOMETRY, ray[None]).xy, atol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_reduction_finds_the_shortest_vectors(seed):
    rng = np.random.default_rng(seed)
    short = Rotation.random(rng=rng).as_matrix() @ np.diag([40.0, 55.0, 73.0]) + rng.normal(0, 4, (3, 3))
    mixed = np.array([[1, 2, 0], [1, 3, 1], [0, 2, 3]]) @ short
    assert abs(np.linalg.det(mixed)) == pytest.approx(abs(np.linalg.det(short)))
    change = reduce_basis(mixed)
    assert abs(np.linalg.det(change)) == pytest.approx(1.0)
    reduced = change @ mixed
    assert np.linalg.det(reduced) > 0
    steps = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 3)
    lengths = np.sort(np.linalg.norm(steps[np.any(steps != 0, axis=1)] @ reduced, axis=1))
    assert np.linalg.norm(reduced, axis=1)[0] == pytest.approx(lengths[0])
    assert np.linalg.norm(reduced, axis=1).sum() <= np.linalg.norm(short, axis=1).sum() + 1e-6


@pytest.mark.parametrize(
    ("cell", "centering", "symbol", "order"),
    [
        ((78, 78, 78, 90, 90, 90), "I", "cI", 24),
        ((110, 110, 110, 90, 90, 90), "F", "cF", 24),
        ((95, 95, 132, 90, 90, 90), "I", "tI", 8),
        ((93, 93, 129, 90, 90, 120), "R", "hR", 6),
        ((81, 81, 61, 90, 90, 120), "P", "hP", 12),
        ((65, 103, 71, 90, 90, 90), "C", "oC", 4),
        ((88, 117, 146, 90, 90, 90), "F", "oF", 4),
        ((91, 62, 74, 90, 113, 90), "C", "mC", 2),
        ((48, 59, 71, 81, 77, 99), "P", "aP", 1),
    ],
)
def test_symmetry_of_exact_and_of_distorted_lattices(crystals, cell, centering, symbol, order):
    rows = crystals.cell_vectors(cell)
    extra = np.array(crystals.CENTERING[centering][1:]).reshape(-1, 3)
    steps = np.concatenate([np.eye(3), extra]) @ rows
    primitive = _primitive(steps, abs(np.linalg.det(rows)) / (len(extra) + 1))
    primitive = reduce_basis(primitive) @ primitive
    bent = primitive @ (np.eye(3) + np.random.default_rng(3).normal(0, 1e-3, (3, 3)))
    for real in (primitive, bent):
        best = find_symmetries(np.linalg.inv(real), 0.008)[0]
        assert best.order == order
        name, found = conventional(symmetrized(np.linalg.inv(real), best), best)
        assert name == symbol
        if symbol not in {"mC", "aP"}:
            assert np.allclose(sorted(found[:3]), sorted(cell[:3]), rtol=5e-3)
    star = symmetrized(np.linalg.inv(bent), best)
    metric = star.T @ star
    assert np.allclose(best.symmetric(metric), metric, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("cell", "orders"),
    [
        ((78, 78, 78, 90, 90, 90), {1: 1, 2: 9, 4: 4, 6: 4, 8: 3, 24: 1}),
        ((93, 93, 131, 90, 90, 120), {1: 1, 2: 7, 4: 3, 6: 2, 12: 1}),
        ((58, 58, 150, 90, 90, 90), {1: 1, 2: 5, 4: 2, 8: 1}),
        ((50, 62, 79, 90, 90, 90), {1: 1, 2: 3, 4: 1}),
        ((50, 62, 79, 90, 104, 90), {1: 1, 2: 1}),
    ],
)
def test_all_groups_that_twofold_axes_make(crystals, cell, orders):
    """As many as the rotation groups 432, 622, 422, 222 and 2 have subgroups generated by twofold axes."""
    bend = np.eye(3) + np.random.default_rng(5).normal(0, 1e-4, (3, 3))
    found = find_symmetries(np.linalg.inv(crystals.cell_vectors(cell) @ bend), 0.008)
    assert Counter(symmetry.order for symmetry in found) == orders
    assert [symmetry.order for symmetry in found] == sorted(Counter(orders).elements(), reverse=True)


def _primitive(vectors: np.ndarray, volume: float) -> np.ndarray:
    """Three of some vectors and their differences that span a given volume."""
    pool = np.concatenate([vectors, [a - b for a in vectors for b in vectors if not np.array_equal(a, b)]])
    for i in range(len(pool)):
        for j in range(i):
            for k in range(j):
                if abs(np.linalg.det(pool[[i, j, k]])) == pytest.approx(volume, rel=1e-6):
                    return pool[[i, j, k]]
    raise AssertionError("no primitive cell among the vectors")


@pytest.mark.parametrize(("prime", "v"), [(2, (0, 0, 1)), (2, (1, 1, 0)), (3, (1, -1, 0)), (3, (0, 1, 1))])
def test_a_multiple_cell_is_divided(prime, v):
    rng = np.random.default_rng(prime)
    hkl = rng.integers(-9, 10, (600, 3))
    hkl = hkl[(hkl @ v) % prime == 1].astype(float)
    star = np.diag([1 / 60, 1 / 71, 1 / 83]) + rng.normal(0, 2e-4, (3, 3))
    model = Model(GEOMETRY, np.array([0.0, 0.0, 1 / 1.1]), star)
    used = np.ones(len(hkl), dtype=bool)
    smaller = divided(model, hkl, used)
    assert smaller is not None
    assert np.linalg.det(smaller.reciprocal) == pytest.approx(prime * np.linalg.det(star))
    indices = smaller.indices(model.rays(hkl))
    assert np.allclose(indices, np.round(indices), atol=1e-6)
    assert divided(smaller, np.round(indices), used) is None


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_points_near_the_sphere_as_counted_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    star = np.diag(1.0 / rng.uniform(20, 60, 3)) + rng.normal(0, 3e-3, (3, 3))
    turn = Rotation.random(rng=rng).as_matrix()
    origin = np.array([0.004, -0.003, 1 / 1.1 + 0.002])
    model = Model(GEOMETRY, origin, turn @ star)
    toward, reach, thickness = np.array([0.05, -0.02, 0.905]), 0.2, 0.004
    steps = np.arange(-18, 19)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    rays = model.rays(grid)
    near = np.abs(np.linalg.norm(rays, axis=1) - 1 / 1.1) < thickness
    near &= np.linalg.norm(rays - toward, axis=1) < reach
    found = near_sphere(model, toward, reach, thickness)
    assert len(found) > 10
    assert {tuple(row) for row in found.astype(int)} == {tuple(row) for row in grid[near]}
    assert near_sphere(model, toward, 1e-6, thickness).shape == (0, 3)
