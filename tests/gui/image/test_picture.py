"""What is drawn: the pyramid, the mask's codes, the contrast."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_gui.services.picture import FACTORS, MASKED, SATURATED, contrast_of, make_picture


def test_pooled_levels_keep_the_height_of_a_one_pixel_spot(make_frame):
    picture = make_picture(make_frame())
    for level in picture.levels:
        assert level.counts[50 // level.factor, 60 // level.factor] == 5000


def test_levels_cover_the_frame_with_partial_blocks():
    data = np.zeros((101, 67), dtype=np.float32)
    data[100, 66] = 7
    ones = np.ones(data.shape, dtype=bool)
    picture = make_picture(Frame(data, ones, ~ones))
    for level in picture.levels:
        assert level.counts.shape == (-(-101 // level.factor), -(-67 // level.factor))
        assert level.counts[-1, -1] == 7


def test_codes_mark_masked_and_saturated_pixels(make_frame):
    level = make_picture(make_frame()).levels[0]
    assert (level.codes[100:110] == MASKED).all()
    assert level.codes[200, 300] == SATURATED
    assert np.count_nonzero(level.codes) == 10 * 400 + 1


def test_a_gap_stays_in_sight_zoomed_out_and_does_not_swell(make_frame):
    frame = make_frame()
    valid = frame.valid.copy()
    valid[:, 97:104] = False
    picture = make_picture(Frame(frame.data, valid, frame.saturated))
    for level in picture.levels[:6]:
        share = np.mean(level.codes[120 // level.factor : 180 // level.factor] == MASKED)
        assert 0.5 * 7 / 400 <= share <= 2.3 * 7 / 400, level.factor


def test_one_saturated_pixel_stays_in_sight(make_frame):
    for level in make_picture(make_frame()).levels:
        assert level.codes[200 // level.factor, 300 // level.factor] == SATURATED


def test_contrast_excludes_masked_and_saturated_pixels():
    counts = np.random.default_rng(0).poisson(20, (512, 512)).astype(np.float32)
    codes = np.zeros(counts.shape, dtype=np.uint8)
    clean = contrast_of(counts, codes)
    counts[:256] = 1e9
    codes[:256] = MASKED
    counts[300:320] = 65535
    codes[300:320] = SATURATED
    assert contrast_of(counts, codes).linear == pytest.approx(clean.linear, rel=0.1)


def test_contrast_of_frames_of_zero_and_one_shows_the_ones_black():
    counts = np.zeros((512, 512), dtype=np.float32)
    counts[::8, ::8] = 1
    assert contrast_of(counts, np.zeros(counts.shape, np.uint8)).linear == (0.0, 1.0)


def test_contrast_does_not_draw_the_noise_of_few_photons_black():
    counts = np.random.default_rng(0).poisson(0.3, (512, 512)).astype(np.float32)
    counts[::64, ::64] = 500
    assert contrast_of(counts, np.zeros(counts.shape, np.uint8)).linear[1] >= 4


def test_contrast_of_a_frame_without_valid_pixels_is_harmless():
    counts = np.zeros((20, 20), dtype=np.float32)
    contrast = contrast_of(counts, np.full(counts.shape, MASKED))
    assert contrast.linear[0] < contrast.linear[1]


@pytest.mark.parametrize("scale", [0.2, 1.0, 1.01, 2.7, 4.0, 9.0, 15.0])
def test_the_level_drawn_never_skips_pixels(make_frame, scale):
    factor = make_picture(make_frame()).level_for(scale).factor
    assert factor >= scale * 0.98
    assert factor == min(f for f in FACTORS if f >= scale * 0.98)


def test_logarithms_are_made_on_demand(make_frame):
    picture = make_picture(make_frame())
    assert not picture.has_log
    with_log = picture.with_log()
    assert with_log.levels[0].log_counts[50, 60] == pytest.approx(np.log1p(5000))
    assert with_log.with_log() is with_log
