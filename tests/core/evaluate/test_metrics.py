"""Scores against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.evaluate.metrics import score


def test_scores_of_four_frames() -> None:
    truth = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    errors = np.array([[3.0, 4.0], [0.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    tilt = np.array([[1.0, 0.0], [-1.0, 0.0], [np.nan, np.nan], [1.0, 2.0]])
    result = score(truth + errors, truth, tilt + np.array([0.1, -0.2]), tilt)
    assert (result.center_median, result.center_worst) == (1.5, 5.0)
    assert result.center_mean == pytest.approx(2.0)
    assert result.center_constant == pytest.approx(np.hypot(5, 5))
    assert result.tilt_median == pytest.approx(0.2)
    # Mean tilt (1/3, 2/3); the larger deviations are 2/3, 4/3 and 4/3.
    assert result.tilt_constant == pytest.approx(4 / 3)


def test_a_perfect_constant_predictor_scores_as_the_constant() -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (50, 2))
    guess = np.tile(truth.mean(axis=0), (50, 1))
    nothing = np.full((50, 2), np.nan)
    result = score(guess, truth, nothing, nothing)
    assert result.center_median == pytest.approx(result.center_constant)
    assert np.isnan(result.tilt_median)
    assert np.isnan(result.tilt_constant)


def test_axes_correlations_and_shares() -> None:
    rng = np.random.default_rng(1)
    truth, tilt = rng.uniform(0, 100, (40, 2)), rng.uniform(-3, 3, (40, 2))
    said = np.column_stack([truth[:, 0] + 2.0, np.full(40, 50.0)])
    result = score(said, truth, -tilt, tilt)
    assert result.x.median == pytest.approx(2.0)
    assert result.pearson["x"] == pytest.approx(1.0)
    assert result.pearson["y"] == 0.0, "a constant correlates with nothing"
    assert result.pearson["pitch"] == pytest.approx(-1.0)
    assert result.pitch.median == pytest.approx(np.median(2 * np.abs(tilt[:, 0])))
    assert result.tilt.worst == pytest.approx(2 * np.abs(tilt).max())
    off = np.hypot(*(said - truth).T)
    assert result.within["3"] == np.mean(off <= 3)
    assert np.isnan(score(truth[:2], truth[:2], tilt[:2], tilt[:2]).pearson["x"])
