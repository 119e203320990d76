"""Which index a spot is near, where its lattice point is far off the Ewald sphere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.assign_indices import Observed, assign
from xgeom_core.predict.lattice.model import Model, project
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.residual_model import Spread

SIGMA = 0.1


def _spots(model: Model, mosaic: float, count: int) -> tuple[Observed, np.ndarray]:
    """Spots of points that miss the sphere by `mosaic` radians times their distance from the beam."""
    rng = np.random.default_rng(1)
    hkl = near_sphere(model, np.array([0.0, 0.0, model.radius]), 0.3, 4.0 * 0.3 * mosaic)
    rays = model.rays(hkl)
    length = np.linalg.norm(rays - np.array([0.0, 0.0, model.radius]), axis=1)
    miss = np.linalg.norm(rays, axis=1) - model.radius
    likely = np.exp(-0.5 * (miss / (mosaic * np.maximum(length, 1e-3))) ** 2)
    chosen = np.flatnonzero((rng.random(len(hkl)) < likely) & (length > 0.05))
    chosen = rng.permutation(chosen)[:count]
    xy = project(model.geometry, rays[chosen]).xy
    return Observed(xy + rng.normal(0.0, SIGMA, xy.shape), np.full(len(xy), SIGMA)), hkl[chosen]


def test_blurred_points_keep_their_indices():
    turn = Rotation.from_euler("xyz", [10.0, 25.0, 40.0], degrees=True).as_matrix()
    geometry = Geometry((1200.0, 1200.0), 250.0, (0.172, 0.172), 1.0, 0.4, -0.3)
    reciprocal = turn @ np.diag([1 / 60.0, 1 / 70.0, 1 / 140.0])
    sharp = Model(geometry, np.array([0.0, 0.0, 1.0]), reciprocal)
    spread = Spread(1.0, 0.0, 2e-4, 0.02)
    observed, truth = _spots(sharp, spread.mosaic, 400)
    assert len(truth) > 200
    rounded = (assign(sharp, observed, spread).hkl == truth).all(axis=1).mean()
    found = (assign(replace(sharp, blurred=True), observed, spread).hkl == truth).all(axis=1).mean()
    assert rounded < 0.8
    assert found > 0.97


def test_sharp_points_are_rounded_as_ever():
    geometry = Geometry((1200.0, 1200.0), 250.0, (0.172, 0.172), 1.0, 0.4, -0.3)
    turn = Rotation.from_euler("xyz", [10.0, 25.0, 40.0], degrees=True).as_matrix()
    model = Model(
        geometry, np.array([0.0, 0.0, 1.0]), turn @ np.diag([1 / 40.0, 1 / 50.0, 1 / 60.0]), blurred=True
    )
    spread = Spread(1.0, 0.0, 2e-4, 5e-4)
    observed, truth = _spots(model, spread.mosaic, 300)
    with_spread, without = assign(model, observed, spread), assign(model, observed)
    assert (with_spread.hkl == without.hkl).all()
    assert np.array_equal(with_spread.off, without.off)
    assert (without.hkl == truth).all(axis=1).mean() > 0.99
