"""Parts of a frame: which pixels are left of it."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.predict.masked_frames import VARIANTS, spot_map, vary

SHAPE = (240, 260)
CENTER = (131.3, 117.6)


@pytest.fixture
def frame() -> Frame:
    """A round background with sixty spots, a masked corner and a saturated pixel."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    radius = np.hypot(x - CENTER[0], y - CENTER[1])
    level = 60 * np.exp(-radius / 60) + 25 * np.exp(-(((radius - 70) / 12) ** 2)) + 2
    for cx, cy in rng.uniform(20, 220, (60, 2)):
        level += 900 * np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / 0.9**2)
    data = rng.poisson(level).astype(np.float32)
    valid = np.ones(SHAPE, dtype=bool)
    valid[:30, :30] = False
    saturated = np.zeros(SHAPE, dtype=bool)
    saturated[100, 200] = True
    valid[100, 200] = False
    data[~valid] = 0
    return Frame(data, valid, saturated)


def test_the_measured_frame_is_the_frame(frame):
    assert vary(frame, "measured") is frame


def test_background_only_masks_the_spots_and_nothing_else(frame):
    varied = vary(frame, "background")
    gone = frame.valid & ~varied.valid
    assert 60 * 5 < gone.sum() < 60 * 80
    # A spot stands 900 above a background of at most 90: no pixel like that is left.
    assert varied.data[varied.valid].max() < 150
    assert np.array_equal(varied.data[varied.valid], frame.data[varied.valid])
    assert np.array_equal(varied.saturated, frame.saturated)


def test_spots_only_keeps_their_counts_and_empties_the_rest(frame):
    spots, without = vary(frame, "spots"), vary(frame, "background")
    assert np.array_equal(spots.valid, frame.valid)
    kept = spots.data > 0
    assert np.array_equal(spots.data[kept], frame.data[kept])
    assert not (kept & without.valid).any(), "each pixel belongs to one part only"


def test_binary_is_zero_and_one(frame):
    varied = vary(frame, "binary")
    assert set(np.unique(varied.data)) == {0.0, 1.0}
    assert np.array_equal(varied.data > 0, spot_map(frame).tips)


def test_no_variant_touches_the_frame_it_was_made_from(frame):
    data, valid = frame.data.copy(), frame.valid.copy()
    for variant in VARIANTS:
        vary(frame, variant)
    assert np.array_equal(frame.data, data) and np.array_equal(frame.valid, valid)


def test_an_empty_frame_is_left_alone_with_a_warning():
    empty = Frame(np.zeros((64, 64), np.float32), np.ones((64, 64), bool), np.zeros((64, 64), bool))
    varied = vary(empty, "background")
    assert np.array_equal(varied.data, empty.data) and "Nothing stands out" in varied.warnings[-1]


def test_a_binary_frame_splits_into_its_two_values(frame):
    binary = vary(frame, "binary")
    assert not vary(binary, "background").data.any()
    assert np.array_equal(vary(binary, "spots").data, binary.data)
