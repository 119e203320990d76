"""Reflections against brute force, spots against their positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.crystal import (
    Crystal,
    excite,
    near_sphere,
    orthogonalization,
    random_reciprocal,
)
from xgeom_core.simulate.spots import draw_spots


@given(seed=st.integers(0, 10**6), wavelength=st.floats(0.7, 1.6), reach=st.floats(1e-3, 8e-3))
def test_near_sphere_finds_what_trying_every_index_finds(seed: int, wavelength: float, reach: float) -> None:
    reciprocal = random_reciprocal(np.random.default_rng(seed), (20.0, 45.0))
    d_min = 3.0
    span = np.arange(-16, 17)
    every = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    s = every @ reciprocal.T
    length = np.linalg.norm(s, axis=1)
    beam = np.array([0, 0, 1 / wavelength])
    error = np.linalg.norm(s + beam, axis=1) - 1 / wavelength
    wanted = every[(length > 0) & (length <= 1 / d_min) & (np.abs(error) < reach)]
    found = near_sphere(reciprocal, wavelength, d_min, reach)
    assert len({tuple(row) for row in found}) == len(found), "a reflection was listed twice"
    assert {tuple(row) for row in wanted} <= {tuple(row) for row in found}
    s_found = found @ reciprocal.T
    error_found = np.linalg.norm(s_found + beam, axis=1) - 1 / wavelength
    assert np.abs(error_found).max(initial=0.0) < reach * 1.0001


def test_cell_edges_and_angles_come_back() -> None:
    cell = (40.0, 55.0, 71.0, 82.0, 95.0, 103.0)
    axes = orthogonalization(cell).T
    assert np.linalg.norm(axes, axis=1) == pytest.approx(cell[:3])
    for (i, j), angle in zip([(1, 2), (0, 2), (0, 1)], cell[3:], strict=True):
        cosine = axes[i] @ axes[j] / np.linalg.norm(axes[i]) / np.linalg.norm(axes[j])
        assert np.degrees(np.arccos(cosine)) == pytest.approx(angle)


def test_strongly_excited_reflections_obey_bragg() -> None:
    rng = np.random.default_rng(3)
    crystal = Crystal(random_reciprocal(rng, (60.0, 90.0)), 0.01, 5000.0, 20.0, 2.0)
    hits = excite(crystal, 1.0, rng)
    s = hits.directions - [0, 0, 1.0]
    two_theta = np.arccos(hits.directions[:, 2] / np.linalg.norm(hits.directions, axis=1))
    assert len(hits.hkl) > 20
    assert 2 * np.sin(two_theta / 2) == pytest.approx(np.linalg.norm(s, axis=1), abs=1.5e-3)


def test_a_rotation_records_more_reflections_than_a_still() -> None:
    crystal = Crystal(random_reciprocal(np.random.default_rng(4), (80.0, 90.0)), 0.05, 2000.0, 20.0, 2.0)
    still = excite(crystal, 1.0, np.random.default_rng(0))
    turned = excite(crystal, 1.0, np.random.default_rng(0), oscillation_deg=1.0)
    assert len(turned.hkl) > 1.5 * len(still.hkl)


@given(x=st.floats(10, 30), y=st.floats(10, 30), sigma=st.floats(0.5, 2.0))
def test_spots_keep_counts_and_sub_pixel_position(x: float, y: float, sigma: float) -> None:
    image = draw_spots((40, 42), np.array([x]), np.array([y]), np.array([1000.0]), sigma)
    assert image.sum() == pytest.approx(1000.0, rel=8e-3)
    rows, columns = np.mgrid[:40, :42] + 0.5
    assert (image * columns).sum() / image.sum() == pytest.approx(x, abs=0.02)
    assert (image * rows).sum() / image.sum() == pytest.approx(y, abs=0.02)


def test_spots_fall_where_an_independent_ray_trace_puts_them() -> None:
    rng = np.random.default_rng(11)
    geometry = Geometry((400.3, 410.7), 180.0, (0.5, 0.5), 1.0, 2.1, -1.4)
    crystal = Crystal(random_reciprocal(rng, (60.0, 90.0)), 0.05, 2000.0, 20.0, 2.0)
    hits = excite(crystal, 1.0, rng)
    x, y = geometry.from_lab(hits.directions)
    # Solve center + u f + v s = t k for (u, v, t) with a linear system of our own.
    fast, slow, _ = geometry.axes()
    for k, px, py in zip(hits.directions, x, y, strict=True):
        u, v, _ = np.linalg.solve(np.column_stack([fast, slow, -k]), [0, 0, -geometry.distance_mm])
        assert px == pytest.approx(400.3 + u / 0.5, abs=1e-6)
        assert py == pytest.approx(410.7 + v / 0.5, abs=1e-6)
