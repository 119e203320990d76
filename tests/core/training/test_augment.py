"""Every change of an exposure changes its labels too: two-theta of each pixel stays what it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.geometry import Geometry
from xgeom_core.training import augment
from xgeom_core.training.augment import Exposure
from xgeom_core.training.config import AugmentConfig

SIDE = 64
PIXEL = 2.0


def geometry_of(exposure: Exposure) -> Geometry:
    return Geometry(
        exposure.center,
        exposure.distance * SIDE * PIXEL,
        (PIXEL, PIXEL),
        None,
        *exposure.tilt_deg,
    )


def angles_of(exposure: Exposure) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    return geometry_of(exposure).two_theta(x, y)


@st.composite
def exposures(draw) -> Exposure:
    """An exposure whose counts are two-theta itself."""
    center = (draw(st.floats(5, 59)), draw(st.floats(5, 59)))
    tilt = (draw(st.floats(-3, 3)), draw(st.floats(-3, 3)))
    bare = Exposure(np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), bool), center, tilt, 1.2)
    return Exposure(angles_of(bare).astype(np.float32), bare.known, center, tilt, 1.2)


def holds(changed: Exposure, scale: float = 1.0, tolerance: float = 1e-5) -> None:
    assert changed.known.any()
    expected = scale * angles_of(changed)[changed.known]
    assert changed.counts[changed.known] == pytest.approx(expected, abs=tolerance)


@given(exposures(), st.integers(0, 7))
def test_symmetries(exposure: Exposure, which: int) -> None:
    holds(augment.turned(exposure, which))


@given(exposures(), st.integers(0, 1000))
def test_shifts(exposure: Exposure, seed: int) -> None:
    moved = augment.shifted(exposure, np.random.default_rng(seed), 0.4)
    holds(moved)
    assert all(0 <= place <= SIDE for place in moved.center)


@given(exposures(), st.integers(0, 1000))
def test_pooling(exposure: Exposure, seed: int) -> None:
    """Each pixel is the sum of four, whose mean is two-theta in the middle but for the curvature."""
    small = augment.pooled(exposure, np.random.default_rng(seed))
    far = np.hypot(*(np.mgrid[:SIDE, :SIDE][::-1] + 0.5 - np.array(small.center)[:, None, None])) > 2
    holds(Exposure(small.counts, small.known & far, small.center, small.tilt_deg, small.distance), 4.0, 0.01)


@given(exposures(), st.integers(0, 1000))
def test_gaps_and_cuts_only_hide(exposure: Exposure, seed: int) -> None:
    for change in (augment.gapped, augment.cut):
        changed = change(exposure, np.random.default_rng(seed))
        holds(changed)
        assert (changed.known <= exposure.known).all()
        assert changed.known.sum() < exposure.known.sum()
    x, y = (int(place) for place in exposure.center)
    assert augment.cut(exposure, np.random.default_rng(seed)).known[y, x]


@given(exposures(), st.integers(0, 1000))
def test_shadows_only_darken(exposure: Exposure, seed: int) -> None:
    changed = augment.shadowed(exposure, np.random.default_rng(seed))
    lit = changed.counts == exposure.counts
    assert (changed.counts <= exposure.counts).all()
    assert lit.any()
    assert (changed.center, changed.tilt_deg) == (exposure.center, exposure.tilt_deg)


def test_every_kind_of_shadow_falls() -> None:
    counts = np.full((SIDE, SIDE), 10, np.float32)
    whole = Exposure(counts, np.ones((SIDE, SIDE), bool), (30.0, 30.0), (0.0, 0.0), 1.0)
    dark = [augment.shadowed(whole, np.random.default_rng(seed)).counts.mean() for seed in range(30)]
    assert np.mean(np.array(dark) < 10) > 0.9


@given(st.integers(0, 1000))
def test_a_thinned_frame_is_a_shorter_exposure(seed: int) -> None:
    counts = np.random.default_rng(1).poisson(30, (SIDE, SIDE)).astype(np.float32)
    whole = Exposure(counts, np.ones((SIDE, SIDE), bool), (30, 30), (0, 0), 1.0)
    thin = augment.thinned(whole, np.random.default_rng(seed)).counts
    assert (thin <= counts).all()
    assert np.array_equal(thin, np.rint(thin))
    # Poisson stays Poisson: variance over mean is 1 whatever the share.
    assert thin.var() / thin.mean() == pytest.approx(1.0, abs=0.15)


def test_shares_decide_how_often() -> None:
    counts = np.full((SIDE, SIDE), 10, np.float32)
    whole = Exposure(counts, np.ones((SIDE, SIDE), bool), (30.0, 30.0), (0.0, 0.0), 1.0)
    none = augment.augmented(whole, AugmentConfig(), np.random.default_rng(0))
    assert none is whole
    plan = AugmentConfig(gaps=0.5)
    rng = np.random.default_rng(0)
    changed = sum(not augment.augmented(whole, plan, rng).known.all() for _ in range(400))
    assert 150 < changed < 250
