"""Sums done by hand, against numpy's and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from xgeom_core.predict.lattice.algebra import (
    cross,
    inverse,
    inverse3,
    lengths,
    median,
    solved,
    turn_matrix,
)
from xgeom_core.predict.lattice.fourier import _transform
from xgeom_core.predict.lattice.logistic import fit_logistic


@pytest.mark.parametrize("count", [1, 2, 7, 10, 901])
def test_median(count):
    values = np.random.default_rng(count).normal(size=count)
    assert median(values) == pytest.approx(np.median(values))


def test_median_of_nothing():
    assert np.isnan(median(np.zeros(0)))


def test_vectors_and_matrices():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 9, 3))
    assert np.allclose(cross(one, other), np.cross(one, other))
    assert np.allclose(lengths(one), np.linalg.norm(one, axis=1))
    matrix = rng.normal(size=(3, 3)) / 70.0
    assert np.allclose(inverse3(matrix), np.linalg.inv(matrix))
    with pytest.raises(np.linalg.LinAlgError):
        inverse3(np.zeros((3, 3)))


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-4, 0.3, 3.0])
def test_turns(size):
    turn = size * np.array([0.6, -0.48, 0.64])
    assert np.allclose(turn_matrix(turn), Rotation.from_rotvec(turn).as_matrix(), atol=1e-15)


def test_normal_equations_with_and_without_useless_directions():
    rng = np.random.default_rng(2)
    design = rng.normal(size=(60, 5)) * np.array([1.0, 1e3, 1e-3, 1.0, 1.0])
    right = design.T @ rng.normal(size=60)
    assert np.allclose(solved(design.T @ design, right), inverse(design.T @ design) @ right, rtol=1e-8)
    design[:, 4] = design[:, 3]
    right = design.T @ rng.normal(size=60)
    assert np.allclose(solved(design.T @ design, right), inverse(design.T @ design) @ right)


def test_the_transform_is_the_sum_of_waves():
    rng = np.random.default_rng(3)
    points = rng.normal(0.0, 0.1, (40, 3)).astype(np.float32)
    weights = rng.uniform(0.5, 1.0, 40).astype(np.float32)
    axes = [np.arange(-9, 10) * 1.5, np.arange(-7, 8) * 2.0, np.arange(0, 4) * 4.0]
    power = _transform(points, weights, axes, 13.5)
    grid = np.stack(np.meshgrid(axes[2], axes[0], axes[1], indexing="ij"), axis=-1)[..., [1, 2, 0]]
    direct = np.abs(np.exp(2j * np.pi * grid @ points.T) @ weights) ** 2
    inside = np.linalg.norm(grid, axis=-1) <= 13.5
    assert np.allclose(power[inside], direct[inside], rtol=1e-3, atol=1e-3)


def test_a_regression_ends_at_the_same_place_wherever_it_begins():
    rng = np.random.default_rng(4)
    features = np.stack([np.ones(800), rng.normal(size=800), rng.normal(size=800) ** 2], axis=1)
    yes = rng.random(800) < 1.0 / (1.0 + np.exp(-(features @ np.array([0.3, -1.0, 0.5]))))
    scores, weights = fit_logistic(features, yes)
    for start in (weights + 0.3, np.array([40.0, -60.0, 80.0])):
        again, _ = fit_logistic(features, yes, start=start)
        assert np.allclose(again, scores, atol=1e-3)
