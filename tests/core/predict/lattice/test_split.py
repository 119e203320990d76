"""The second block of a split crystal is found by turning the first one's lattice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.model import Model, project
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.split_crystal import turned_lattices

GEOMETRY = Geometry((1200.0, 1200.0), 250.0, (0.172, 0.172), 1.0, 0.4, -0.3)
FIRST = Model(GEOMETRY, np.array([0.0, 0.0, 1.0]), np.diag([1 / 62.0, 1 / 78.0, 1 / 111.0]))


@pytest.mark.parametrize("turn", [(1.3, 0.2, -0.4), (-2.0, 3.1, 1.0), (0.0, -4.8, 0.5)])
def test_the_turn_is_found_to_a_step(turn):
    matrix = Rotation.from_rotvec(turn, degrees=True).as_matrix()
    second = replace(FIRST, reciprocal=matrix @ FIRST.reciprocal)
    hkl = near_sphere(second, np.array([0.0, 0.0, 1.0]), 0.3, 6e-4)
    hkl = hkl[(hkl != 0).any(axis=1)]
    rng = np.random.default_rng(2)
    xy = project(GEOMETRY, second.rays(rng.permutation(hkl)[:120])).xy
    # A third of the spots belong to nothing.
    xy[::3] = rng.uniform(600.0, 1800.0, xy[::3].shape)
    found = turned_lattices(FIRST, Observed(xy, np.full(len(xy), 0.1)))
    left = [Rotation.from_matrix(one.reciprocal @ np.linalg.inv(second.reciprocal)) for one in found]
    assert np.degrees(left[0].magnitude()) < 0.7


def test_no_spots_no_lattice():
    assert turned_lattices(FIRST, Observed(np.zeros((0, 2)), np.zeros(0))) == []
