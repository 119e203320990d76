"""What is drawn: codes, the pyramid, masked pixels, hot pixels."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_gui.services.coding import GAP, HOT, MASKED, PAINTED, SATURATED, TOP, Coding, coding_for
from xgeom_gui.services.contrast import PERCENTILES, automatic_levels
from xgeom_gui.services.hot_pixels import find_hot
from xgeom_gui.services.picture import FACTORS, histogram_of, make_picture


def whole(data, valid=None, saturated=None):
    ones = np.ones(data.shape, dtype=bool)
    valid = ones if valid is None else valid
    return Frame(data, valid, ~ones if saturated is None else saturated)


def linear_levels(data, valid=None, saturated=None):
    picture = make_picture(whole(data, valid, saturated))
    return automatic_levels(picture.levels[0].histogram, PERCENTILES["linear"])


def test_codes_keep_whole_counts_exactly_and_large_ones_closely():
    coding = Coding()
    small = np.arange(2048, dtype=np.float32)
    assert (coding.decode(coding.encode(small)) == small).all()
    large = np.array([5_000, 123_456, 2**24], dtype=np.float32)
    assert coding.decode(coding.encode(large)) == pytest.approx(large, rel=5e-4)


@pytest.mark.parametrize("values", [(-3.5, 1e4), (0.0, 1e-4), (-200.0, -100.0)])
def test_codes_keep_the_order_of_any_counts(values):
    counts = np.sort(np.random.default_rng(0).uniform(*values, (40, 40)).astype(np.float32).ravel())[None]
    coding = coding_for(counts, np.ones(counts.shape, dtype=bool))
    codes = coding.encode(counts)
    assert (np.diff(codes.astype(int)) >= 0).all() and codes.max() <= TOP
    assert np.abs(coding.decode(codes) - counts).max() <= 0.01 * (values[1] - values[0])


def test_pooled_levels_keep_the_height_of_a_small_spot():
    data = np.random.default_rng(0).poisson(20, (300, 400)).astype(np.float32)
    data[50:52, 60:62] = 5000
    picture = make_picture(whole(data))
    for level in picture.levels:
        counts = picture.coding.decode(level.codes[50 // level.factor, 60 // level.factor])
        assert counts == pytest.approx(5000, rel=5e-4)


def test_levels_cover_the_frame_with_partial_blocks():
    data = np.zeros((101, 67), dtype=np.float32)
    data[100, 66] = 7
    picture = make_picture(whole(data))
    for level in picture.levels:
        assert level.codes.shape == (-(-101 // level.factor), -(-67 // level.factor))
        assert picture.coding.decode(level.codes)[-1, -1] == 7


def test_codes_tell_gaps_masked_saturated_and_painted_pixels_apart(make_frame):
    frame = make_frame()
    valid = frame.valid.copy()
    valid[250:253, 30:40] = False
    painted = np.zeros(frame.shape, dtype=bool)
    painted[270:280, 350:] = True
    picture = make_picture(Frame(frame.data, valid & ~painted, frame.saturated), painted)
    codes = picture.levels[0].codes
    assert (codes[100:110] == GAP).all()
    assert (codes[250:253, 30:40] == MASKED).all()
    assert (codes[painted] == PAINTED).all()
    assert codes[200, 300] == SATURATED
    assert picture.tally == {GAP: 4000, MASKED: 30, PAINTED: 500, SATURATED: 1, HOT: 1}


def test_a_gap_painted_over_in_part_stays_a_gap_beside_it(make_frame):
    frame = make_frame()
    painted = np.zeros(frame.shape, dtype=bool)
    painted[90:120, 50:100] = True
    picture = make_picture(Frame(frame.data, frame.valid & ~painted, frame.saturated), painted)
    assert (picture.levels[0].codes[100:110, 200:] == GAP).all()


def test_a_gap_stays_in_sight_zoomed_out_and_does_not_swell(make_frame):
    frame = make_frame()
    valid = frame.valid.copy()
    valid[:, 97:104] = False
    picture = make_picture(Frame(frame.data, valid, frame.saturated))
    for level in picture.levels[:6]:
        share = np.mean(level.codes[120 // level.factor : 180 // level.factor] == GAP)
        assert 0.5 * 7 / 400 <= share <= 2.3 * 7 / 400, level.factor


def test_one_saturated_pixel_stays_in_sight(make_frame):
    for level in make_picture(make_frame()).levels:
        assert level.codes[200 // level.factor, 300 // level.factor] == SATURATED


def test_a_pixel_that_stands_alone_is_hot_and_a_spot_is_not():
    data = np.random.default_rng(0).poisson(5, (200, 200)).astype(np.float32)
    data[40, 50] = 20_000
    rows, columns = np.mgrid[-3:4, -3:4]
    data[97:104, 97:104] += 20_000 * np.exp(-(rows**2 + columns**2) / 2)
    # In a corner and at an edge there are fewer neighbors.
    data[0, 0] = data[0, 100] = 9_000
    assert find_hot(data, np.ones(data.shape, bool)).tolist() == [[0, 0], [0, 100], [40, 50]]


def test_contrast_excludes_masked_and_saturated_pixels():
    counts = np.random.default_rng(0).poisson(20, (512, 512)).astype(np.float32)
    clean = linear_levels(counts)
    valid, saturated = np.ones(counts.shape, bool), np.zeros(counts.shape, bool)
    counts[:256], valid[:256] = 0, False
    counts[300:320], saturated[300:320] = 65535, True
    assert linear_levels(counts, valid & ~saturated, saturated) == pytest.approx(clean, rel=0.1)


def test_contrast_of_frames_of_zero_and_one_shows_the_ones_black():
    counts = np.zeros((512, 512), dtype=np.float32)
    counts[::8, ::8] = 1
    assert linear_levels(counts) == (0.0, 1.0)


def test_contrast_does_not_draw_the_noise_of_few_photons_black():
    counts = np.random.default_rng(0).poisson(0.3, (512, 512)).astype(np.float32)
    counts[::64, ::64] = 500
    assert linear_levels(counts)[1] >= 4


def test_contrast_of_a_frame_without_valid_pixels_is_harmless():
    data = np.zeros((20, 20), dtype=np.float32)
    low, high = linear_levels(data, np.zeros(data.shape, bool))
    assert low < high


def test_percentiles_of_the_histogram_are_those_of_the_counts():
    counts = np.random.default_rng(0).poisson(40, (200, 200)).astype(np.float32)
    coding = Coding()
    histogram = histogram_of(coding.encode(counts), coding)
    for percent in (1, 50, 99.7):
        assert histogram.percentile(percent) == np.percentile(counts, percent, method="inverted_cdf")


@pytest.mark.parametrize("scale", [0.2, 1.0, 1.01, 2.7, 4.0, 9.0, 15.0])
def test_the_level_drawn_never_skips_pixels(make_frame, scale):
    picture = make_picture(make_frame())
    factor = picture.levels[picture.level_for(scale)].factor
    assert factor >= scale * 0.98
    assert factor == min(f for f in FACTORS if f >= scale * 0.98)
