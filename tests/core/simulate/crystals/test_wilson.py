"""Structure factors out of nothing: their statistics and their symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.simulate.crystals.falloff import debye_waller, polarization, soft_limit
from xgeom_core.simulate.crystals.symmetry import LAUE_CLASSES, laue_rotations
from xgeom_core.simulate.crystals.wilson import representatives, wilson_intensities


def _general(rng: np.random.Generator, n: int) -> np.ndarray:
    """Different reflections with 0 < l < k < h: no two are equivalent and none is special."""
    hkl = np.sort(rng.integers(1, 400, size=(n, 3)), axis=1)[:, ::-1]
    hkl = np.unique(hkl, axis=0)
    return hkl[(hkl[:, 0] > hkl[:, 1]) & (hkl[:, 1] > hkl[:, 2])]


def test_acentric_intensities_are_exponentially_distributed() -> None:
    intensity = wilson_intensities(_general(np.random.default_rng(0), 200_000), laue_rotations("mmm"), 5)
    assert intensity.mean() == pytest.approx(1.0, abs=0.01)
    assert (intensity**2).mean() == pytest.approx(2.0, abs=0.05)
    # All of the distribution, not only its moments.
    for level in (0.01, 0.1, 0.5, 1.0, 2.0, 4.0):
        assert (intensity > level).mean() == pytest.approx(np.exp(-level), abs=0.004)


def test_centric_intensities_are_squares_of_normal_numbers() -> None:
    hkl = _general(np.random.default_rng(1), 200_000)
    hkl = np.unique(np.stack([hkl[:, 0], hkl[:, 1], np.zeros(len(hkl), dtype=int)], axis=1), axis=0)
    intensity = wilson_intensities(hkl, laue_rotations("mmm"), 5)
    assert len(hkl) > 50_000
    assert intensity.mean() == pytest.approx(1.0, abs=0.02)
    assert (intensity**2).mean() == pytest.approx(3.0, abs=0.1)


def test_reflections_on_an_axis_are_stronger_by_its_order() -> None:
    axial = np.stack([np.zeros(60_000, dtype=int), np.zeros(60_000, dtype=int), np.arange(1, 60_001)], axis=1)
    for laue, order in (("-1", 1), ("4/m", 4), ("6/mmm", 6), ("-3", 3)):
        assert wilson_intensities(axial, laue_rotations(laue), 2).mean() == pytest.approx(order, rel=0.03)


@pytest.mark.parametrize("laue", LAUE_CLASSES)
def test_symmetry_mates_and_friedel_mates_are_equal_and_others_are_not(laue: str) -> None:
    rng = np.random.default_rng(2)
    hkl, rotations = rng.integers(-30, 31, size=(500, 3)), laue_rotations(laue)
    intensity = wilson_intensities(hkl, rotations, 9)
    for rotation in rotations:
        assert (wilson_intensities(hkl @ rotation.T, rotations, 9) == intensity).all()
        assert (wilson_intensities(-hkl @ rotation.T, rotations, 9) == intensity).all()
    assert (wilson_intensities(hkl, rotations, 10) != intensity).mean() > 0.99
    # As many different values as different representatives.
    names = np.unique(representatives(hkl, rotations), axis=0)
    assert len(np.unique(intensity)) == len(names)


def test_the_fall_off_is_that_of_a_b_factor_with_a_soft_limit() -> None:
    s = np.array([0.1, 0.2, 0.4])
    assert debye_waller(s, 30.0) == pytest.approx(np.exp(-2 * 30 * ((s / 2) ** 2 - 0.05**2)))
    assert soft_limit(np.array([0.2, 0.5, 0.6]), 2.0) == pytest.approx([1.0, 0.5, 0.0], abs=1e-3)


def test_polarization_vanishes_along_the_electric_field() -> None:
    rays = np.array([[0, 0, 1.0], [1.0, 0, 0], [0, 1.0, 0]])
    assert polarization(rays, 1.0) == pytest.approx([1, 0, 1])
    assert polarization(rays, 0.5) == pytest.approx([1, 0.5, 0.5])
