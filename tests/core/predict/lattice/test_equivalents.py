"""Equivalent reflections are alike about the true beam only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.equivalents import equivalent_evidence
from xgeom_core.predict.lattice.logistic import chances, fit_logistic
from xgeom_core.predict.lattice.model import Model
from xgeom_core.predict.lattice.near_ewald_sphere import near_sphere
from xgeom_core.predict.lattice.residual_model import Spread
from xgeom_core.predict.lattice.visibility import Recorded

EDGES = (80.0, 95.0, 140.0)
WIDTH = 1.5e-3
# Three two-fold axes, as of an orthorhombic lattice.
ROTATIONS = np.array([np.eye(3), np.diag([1, -1, -1]), np.diag([-1, 1, -1]), np.diag([-1, -1, 1])], dtype=int)


def _model() -> Model:
    """A lattice whose longest axis points nearly along the beam, so that a mirror holds many pairs."""
    turn = Rotation.from_euler("xyz", [1.1, -0.4, 20.0], degrees=True).as_matrix()
    geometry = Geometry((400.0, 400.0), 150.0, (0.2, 0.2), 1.0, 0.0, 0.0)
    return Model(geometry, np.array([0.0, 0.0, 1.0]), turn @ np.diag(1.0 / np.array(EDGES)))


def _recorded(seed: int, *, symmetric: bool) -> Recorded:
    """Points whose intensities obey the symmetry, or none."""
    rng = np.random.default_rng(seed)
    model = _model()
    hkl = near_sphere(model, np.array([0.0, 0.0, 1.0]), 0.35, 3.0 * WIDTH)
    hkl = hkl[(hkl != 0).any(axis=1)].astype(np.int64)
    rays = model.rays(hkl.astype(np.float64))
    missed = np.linalg.norm(rays, axis=1) - 1.0
    table = rng.exponential(size=(80, 80, 80))
    strength = table[tuple(np.abs(hkl).T)] if symmetric else rng.exponential(size=len(hkl))
    counts = 300.0 * strength * np.exp(-0.5 * (missed / WIDTH) ** 2)
    seen = counts > 60.0
    spread = Spread(1.0, 0.0, WIDTH, 0.0)
    return Recorded(
        rays,
        missed,
        seen,
        rays[seen],
        missed[seen],
        np.log(counts[seen]),
        hkl,
        hkl[seen],
        model,
        spread,
        ROTATIONS,
    )


def _beams(model: Model) -> np.ndarray:
    """The true beam first, then other points of the lattice nearby."""
    others = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (1, 1, 0), (2, -1, 0)]
    return model.rays(np.array(others, dtype=np.float64))


@pytest.mark.parametrize("seed", range(4))
def test_the_true_beam_is_told_by_pairs_alone(seed):
    recorded = _recorded(seed, symmetric=True)
    odds = equivalent_evidence([recorded], _beams(recorded.model))
    assert odds[0] == 0.0
    assert (odds[1:] < -10.0).all()


@pytest.mark.parametrize("seed", range(4))
def test_without_symmetry_there_is_no_evidence(seed):
    recorded = _recorded(seed, symmetric=False)
    odds = equivalent_evidence([recorded], _beams(recorded.model))
    assert (odds > -6.0).all()


def test_no_lattice_no_evidence():
    assert (equivalent_evidence([], np.ones((3, 3))) == 0.0).all()


def test_the_regression_finds_the_chances_it_was_made_with():
    rng = np.random.default_rng(3)
    features = np.stack([np.ones(20_000), rng.normal(size=20_000)], axis=1)
    truth = 1.0 / (1.0 + np.exp(-features @ np.array([-0.7, 1.3])))
    found = chances(fit_logistic(features, rng.random(20_000) < truth)[0])
    assert np.abs(found - truth).max() < 0.03
