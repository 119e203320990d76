"""Lattice points near the sphere, against trying every one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.errors import RecipeError
from xgeom_core.simulate.crystals.cell import SYSTEM_WEIGHTS, draw_cell, orthogonalization
from xgeom_core.simulate.crystals.draw import random_rotation
from xgeom_core.simulate.crystals.enumeration import near_sphere


@given(
    seed=st.integers(0, 10**6),
    wavelength=st.floats(0.7, 3.0),
    constant=st.floats(1e-5, 8e-3),
    slope=st.floats(0, 0.03),
)
def test_near_sphere_finds_exactly_what_trying_every_index_finds(
    seed: int, wavelength: float, constant: float, slope: float
) -> None:
    rng = np.random.default_rng(seed)
    cell = draw_cell(rng, SYSTEM_WEIGHTS, (12.0, 45.0))
    reciprocal = np.linalg.inv(random_rotation(rng) @ orthogonalization(cell.six)).T
    d_min = 3.0
    span = np.arange(-17, 18)
    every = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    s = every @ reciprocal.T
    length = np.linalg.norm(s, axis=1)
    error = np.linalg.norm(s + np.array([0, 0, 1 / wavelength]), axis=1) - 1 / wavelength
    wanted = every[(length > 0) & (length <= 1 / d_min) & (np.abs(error) <= constant + slope * length)]
    found = near_sphere(reciprocal, wavelength, d_min, (constant, slope))
    assert len({tuple(row) for row in found.tolist()}) == len(found), "a reflection was listed twice"
    assert {tuple(row) for row in wanted.tolist()} == {tuple(row) for row in found.tolist()}


def test_more_reflections_than_memory_holds_are_refused_in_a_sentence() -> None:
    with pytest.raises(
        RecipeError, match=r"2.7e\+07 Å³ would excite about \d+ million .* choose smaller cells"
    ):
        near_sphere(np.eye(3) / 300.0, 1.0, 1.0, (1e-4, 0.3))
