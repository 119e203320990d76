"""Fits of one frame are compared by their score; numbers that tell right fits from wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.predict.background.fit import RadialFitter
from xgeom_core.predict.background.masks import MASKED
from xgeom_core.predict.background.radial_fit import fit_radial

SIDE = 410


def shade(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """One side brighter, and an arm in front."""
    return np.exp(0.2 * x / np.hypot(x, y)) * np.where((x > 0) & (np.abs(y) < 3), 0.3, 1.0)


def test_the_true_basin_scores_higher_than_false_ones(scene) -> None:
    beaten, tried = 0, 0
    for seed in range(3):
        for profile, level in (("water", 30.0), ("powder", 5.0)):
            made = scene(seed=60 + seed, profile=profile, level=level, front=shade, spots=80)
            true = fit_radial(made.frame, made.start)
            assert true is not None
            assert np.hypot(*np.subtract(true.center_px, made.truth.center_px)) < 0.5
            for away in (60.0, -90.0):
                fit = fit_radial(made.frame, (made.start[0] + away, made.start[1] + 0.7 * away))
                if fit is None or np.hypot(*np.subtract(fit.center_px, made.truth.center_px)) < 1.0:
                    continue
                tried += 1
                beaten += true.score > fit.score + 3.0
    assert tried >= 3
    assert beaten == tried


def test_the_score_falls_on_both_sides_of_the_truth(scene) -> None:
    made = scene(seed=5, front=shade)
    truth = np.array([*made.truth.center_px, *np.radians([made.truth.pitch_deg, made.truth.yaw_deg])])
    fitter = RadialFitter(made.frame, made.start)
    fitter.run()
    at = [fitter.score.of(truth + np.array([away, 0.0, 0.0, 0.0])).score for away in (-40, -12, 0, 12, 40)]
    assert at[0] < at[1] < at[2] > at[3] > at[4]


def test_a_flat_frame_gains_nothing_from_rings(scene) -> None:
    made = scene(seed=2, profile="flat", distance_mm=2000.0)
    flat = fit_radial(made.frame, made.start)
    ringed = fit_radial(*_of(scene(seed=2)))
    assert flat is not None
    assert ringed is not None
    assert flat.gain_sigma < 3.0
    assert ringed.gain_sigma > 6.0


def _of(made):
    return made.frame, made.start


def test_rings_on_one_side_cover_less_azimuth(scene) -> None:
    made = scene(seed=6, profile="powder", level=30.0)
    whole = fit_radial(made.frame, made.start)
    valid = made.frame.valid.copy()
    valid[: int(made.truth.center_px[1]) + 5] = False
    half = fit_radial(replace(made.frame, valid=valid), made.start)
    assert whole is not None
    assert half is not None
    assert whole.azimuth_deg > 280.0
    assert 90.0 < half.azimuth_deg < 200.0
    assert half.center_px == pytest.approx(made.truth.center_px, abs=0.1)


def test_shifted_modules_are_seen_and_make_bars_larger(scene) -> None:
    pulls, shifts = [], []
    for seed in range(4):
        made = scene(seed=80 + seed, profile="powder", level=60.0)
        data, valid = made.frame.data.copy(), made.frame.valid.copy()
        rng = np.random.default_rng(seed)
        for row in range(0, SIDE, 82):
            for column in range(0, SIDE, 82):
                # Half of the modules are a pixel off along x.
                part = (slice(row, row + 80), slice(column, column + 80))
                if rng.random() < 0.5:
                    data[part] = np.roll(made.frame.data[part], 1, axis=1)
                    valid[part] = np.roll(valid[part], 1, axis=1)
                valid[row + 79 : row + 83], valid[:, column + 79 : column + 83] = False, False
        fit = fit_radial(replace(made.frame, data=np.where(valid, data, 0), valid=valid), made.start)
        assert fit is not None
        shifts.append(fit.shift_px)
        # All modules moved by half a pixel on the average.
        off = np.subtract(fit.center_px, np.add(made.truth.center_px, (0.5, 0.0)))
        pulls += list(np.abs(off) / np.sqrt(np.diag(fit.covariance)[:2]))
    assert 0.15 < np.median(shifts) < 0.8
    assert np.max(pulls) < 4.0


def test_blocks_of_one_value_are_no_light(scene) -> None:
    made = scene(seed=4)
    data = made.frame.data.copy()
    data[:60, :120] = 3.0
    fit = fit_radial(replace(made.frame, data=data), made.start)
    assert fit is not None
    assert (fit.kinds[4:56, 4:116] == MASKED).all()
    assert fit.center_px == pytest.approx(made.truth.center_px, abs=0.15)


def test_diffuse_rings_of_uneven_brightness_are_fitted_by_their_positions(scene) -> None:
    made = scene(seed=7, profile="diffuse", level=40.0, front=lambda x, y: 1.0 + 0.6 * (x * y > 0))
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.center_px == pytest.approx(made.truth.center_px, abs=0.2)
