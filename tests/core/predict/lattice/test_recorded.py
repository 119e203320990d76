"""Which point of a lattice is the beam, told by what was recorded alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.predict.lattice import solve_lattice

CELL = (150.0, 160.0, 170.0, 90.0, 90.0, 90.0)


def _fading(crystals, truth, seed):
    """Spots that fade with the distance from the true center, those seen that are bright enough."""
    rng = np.random.default_rng(seed)
    xy = crystals.spot_positions(truth, CELL, seed=seed, d_min=2.6)
    away2 = ((xy - truth.center) ** 2).sum(axis=1)
    counts = 3000.0 * np.exp(-away2 / 400.0**2 + rng.normal(0.0, 0.3, len(xy)))
    bright = counts > 60.0
    xy, counts = xy[bright], counts[bright]
    order = np.argsort(-counts)[:1500]
    spots = crystals.as_spots(xy[order], most=len(order))
    # `as_spots` shuffles with a generator of its own seed: the counts go the same way.
    shuffled = np.random.default_rng(1).permutation(np.arange(len(order)))
    return replace(spots, counts=counts[order][shuffled])


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_the_true_origin_wins_without_help_of_the_start(crystals, seed):
    truth = crystals.Truth(distance=150.0)
    spots = _fading(crystals, truth, seed)
    for off in ((25.0, 0.0), (-15.0, 20.0)):
        found = solve_lattice(spots, truth.geometry(off=off), sigma_px=1000.0)
        assert found is not None
        assert np.allclose(found.center_px, truth.center, atol=0.15)


def test_dead_pixels_are_no_evidence(crystals):
    """A half of the detector that saw nothing does not push the beam to the other side."""
    truth = crystals.Truth(distance=150.0)
    verdicts = []
    for seed in (4, 6):
        spots = _fading(crystals, truth, seed)
        known = np.zeros(spots.shape, dtype=bool)
        known[:, : int(truth.center[0]) + 60] = True
        half = replace(spots.take(spots.x < truth.center[0] + 60), known=known)
        for off in ((12.0, -9.0), (0.0, 25.0)):
            found = solve_lattice(half, truth.geometry(off=off), sigma_px=1000.0)
            verdicts.append(crystals.judged(found, truth))
            assert np.allclose(found.center_px, truth.center, atol=0.15), "doubted or not"
    assert (verdicts.count("right"), verdicts.count("wrong")) == (4, 0)
