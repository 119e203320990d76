"""Rings at nearly one angle fit two opposite tilts: the right one is taken, or both are in the error bar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xgeom_core.predict.background.detector_model import Detector, radii, sight
from xgeom_core.predict.background.ring_arcs import SECTORS, Arcs
from xgeom_core.predict.background.ring_mirror import mirrored
from xgeom_core.predict.background.ring_solve import solve_arcs

DETECTOR = Detector(1200.0, 1.0)
TRUTH = np.array([365.0, 467.0, np.radians(-7.2), np.radians(-4.0)])
NONE = np.zeros((4, 4))
RingArcs = Callable[[np.ndarray, float], Arcs]


def arcs_at(theta: np.ndarray, radius: tuple[float, ...], sigma: float) -> Arcs:
    """Arcs of rings about the truth, as they are seen about another geometry."""
    turn = np.tile((np.arange(200) + 0.5) / 200, len(radius))
    ring = np.repeat(np.arange(len(radius)), 200)
    x = TRUTH[0] + np.array(radius)[ring] * np.cos(2 * np.pi * turn)
    y = TRUTH[1] + np.array(radius)[ring] * np.sin(2 * np.pi * turn)
    for _ in range(20):
        # Outwards until the true radius is the ring's.
        off = np.array(radius)[ring] / radii(x, y, TRUTH, DETECTOR)
        x, y = TRUTH[0] + (x - TRUTH[0]) * off, TRUTH[1] + (y - TRUTH[1]) * off
    look = sight(x, y, theta, DETECTOR)
    shift = look.rho - np.array(radius)[ring]
    shift = shift + np.random.default_rng(3).normal(0.0, sigma, size=len(x))
    info = np.full(len(x), sigma**-2.0)
    # The pull is measured against the mean over each ring at the very geometry: the rings' radii are free.
    mean = np.bincount(ring, shift) / 200.0
    sector = (turn * SECTORS).astype(np.int64)
    oval = look.rho[:, None] * np.stack([look.cos**2 - look.sin**2, 2.0 * look.cos * look.sin], axis=1)
    patch = (y // 150).astype(np.int64) * 12 + (x // 150).astype(np.int64) + 40
    pull = info * (shift - mean[ring])
    return Arcs(x, y, info, pull, look.d_rho.T, ring, sector, patch, oval)


def settled(theta: np.ndarray, radius: tuple[float, ...], sigma: float):
    for _ in range(6):
        arcs = arcs_at(theta, radius, sigma)
        found = solve_arcs(arcs, NONE, np.zeros(4))
        assert found is not None
        end, theta = theta, theta + found.change
    return arcs, found, end, theta


@pytest.mark.parametrize("radius", [(400.0,), (399.5, 400.5)])
def test_rings_at_one_angle_have_a_second_solution_of_opposite_tilt(radius: tuple[float, ...]) -> None:
    arcs, found, theta, end = settled(TRUTH, radius, 0.5)
    other = mirrored(arcs, found, theta, DETECTOR, NONE, TRUTH)
    assert other is not None
    assert np.degrees(other.theta[2:] + TRUTH[2:]) == pytest.approx([0.0, 0.0], abs=1.0)
    # Opposite tilts of a cone share an ellipse whose middle is D tan^2(two theta) sin(tilt) off the beam.
    apart = 2.0 * 1200.0 * (400.0 / 1200.0) ** 2 * np.sin(np.radians([4.0, 7.2]))
    assert np.abs(other.theta[:2] - end[:2]) == pytest.approx(apart, rel=0.5)
    assert abs(other.worse) < 9.0


def test_the_second_solution_leads_back_to_the_first() -> None:
    arcs, found, theta, end = settled(TRUTH, (399.5, 400.5), 0.5)
    other = mirrored(arcs, found, theta, DETECTOR, NONE, TRUTH)
    assert other is not None
    arcs, found, theta, _ = settled(other.theta, (399.5, 400.5), 0.5)
    back = mirrored(arcs, found, theta, DETECTOR, NONE, TRUTH)
    assert back is not None
    assert back.theta == pytest.approx(end, abs=1.0)
    assert abs(back.worse) < 9.0


def test_rings_of_different_radii_tell_the_two_apart() -> None:
    arcs, found, theta, _ = settled(TRUTH, (200.0, 400.0), 0.05)
    other = mirrored(arcs, found, theta, DETECTOR, NONE, TRUTH)
    assert other is None
