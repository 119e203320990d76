"""The radial fit against known truth, and its honesty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.masks import BRIGHT, INNER, MASKED, SHADOW, SPOT, USED
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial

SIDE = 410


def errors_of(fit: RadialFit | None, truth: Geometry) -> np.ndarray:
    assert fit is not None
    assert fit.tilt_deg is not None
    return np.array([*fit.center_px, *fit.tilt_deg]) - [*truth.center_px, truth.pitch_deg, truth.yaw_deg]


def pulls_of(fit: RadialFit, truth: Geometry) -> np.ndarray:
    return errors_of(fit, truth) / np.sqrt(np.diag(fit.covariance))


def test_center_and_tilt_come_back_through_gaps_stop_and_spots(scene, p_wrong) -> None:
    made = scene(seed=2, spots=150)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.converged
    assert not fit.sharp
    assert np.abs(errors_of(fit, made.truth)[:2]).max() < 0.1
    assert np.abs(errors_of(fit, made.truth)[2:]).max() < 0.1
    assert np.abs(pulls_of(fit, made.truth)).max() < 4
    assert p_wrong(fit) < 0.1


def test_a_start_25_px_of_820_away_is_near_enough(scene) -> None:
    made = scene(seed=3)
    near = fit_radial(made.frame, made.truth.center_px)
    for angle in (0.5, 3.0, 5.0):
        start = (
            made.truth.center_px[0] + 12.5 * np.cos(angle),
            made.truth.center_px[1] + 12.5 * np.sin(angle),
        )
        far = fit_radial(made.frame, start)
        assert near is not None
        assert far is not None
        assert far.center_px == pytest.approx(near.center_px, abs=0.02)


FRONTS = {
    "one side brighter": lambda x, y: np.exp(0.25 * x / np.hypot(x, y)),
    "two dark sides": lambda x, y: np.exp(0.2 * (x**2 - y**2) / np.hypot(x, y) ** 2),
    "tape over one half": lambda x, y: np.where(y > 0.1 * x, 0.93, 1.0),
    "arm of the stop": lambda x, y: np.where((x > 0) & (np.abs(y) < 3), 0.2, 1.0),
    "nozzle": lambda x, y: np.where((y > 80) & (np.abs(x + 20) < 40), 0.5, 1.0),
}


@pytest.mark.parametrize("name", FRONTS)
def test_what_stands_in_the_way_does_not_pull_the_center(name: str, scene) -> None:
    made = scene(seed=5, front=FRONTS[name])
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    errors = np.abs(errors_of(fit, made.truth))
    assert errors[:2].max() < 0.25
    assert errors[2:].max() < 0.2
    assert np.abs(pulls_of(fit, made.truth)).max() < 4


def test_sharp_rings_are_fitted_to_a_fiftieth_of_a_pixel(scene, p_wrong) -> None:
    made = scene(seed=6, profile="powder", level=30.0)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.sharp
    assert np.abs(errors_of(fit, made.truth)[:2]).max() < 0.02
    assert np.abs(errors_of(fit, made.truth)[2:]).max() < 0.02
    assert p_wrong(fit) < 0.1


def test_errors_are_as_large_as_the_error_bars_say(scene) -> None:
    pulls = []
    for seed in range(20, 28):
        made = scene(seed=seed, level=10.0)
        fit = fit_radial(made.frame, made.start)
        assert fit is not None
        pulls += list(np.abs(pulls_of(fit, made.truth)))
    # The median |pull| of a normal distribution is 0.67: neither boasting nor whining.
    assert 0.35 < np.median(pulls) < 1.1
    assert np.mean(np.array(pulls) < 3.0) > 0.95


def test_without_a_distance_the_center_alone_is_fitted(scene) -> None:
    made = scene(seed=7, meta=Metadata())
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.tilt_deg is None
    assert fit.covariance.shape == (2, 2)
    assert fit.center_px == pytest.approx(made.truth.center_px, abs=0.4)
    assert np.isnan(fit.evidence_deg)


def test_a_prior_counts_as_evidence(scene) -> None:
    made = scene(seed=8, level=3.0)
    free = fit_radial(made.frame, made.start)
    start = (made.truth.center_px[0] + 1.0, made.truth.center_px[1])
    held = fit_radial(made.frame, start, prior=np.diag([1e-4, 1e-4]))
    assert free is not None
    assert held is not None
    assert held.center_px == pytest.approx(start, abs=0.05)
    assert held.covariance[0, 0] < free.covariance[0, 0]


def test_a_swung_detector_is_solved_with_and_without_a_start_tilt(scene, p_wrong) -> None:
    made = scene(seed=9, tilt_deg=(0.5, 25.0))
    known = fit_radial(made.frame, made.start, start_tilt_deg=(0.0, 24.0))
    assert known is not None
    assert np.abs(errors_of(known, made.truth)).max() < 0.3
    blind = fit_radial(made.frame, made.start)
    assert blind is not None
    assert np.abs(errors_of(blind, made.truth)).max() < 1.0
    assert p_wrong(blind) < 0.01


def test_a_flat_background_is_refused(scene, p_wrong) -> None:
    made = scene(seed=2, profile="flat", distance_mm=2000.0)
    assert p_wrong(fit_radial(made.frame, made.start)) > 0.5


def test_a_frame_of_nothing_is_not_fitted() -> None:
    empty = np.zeros((200, 200), dtype=np.float32)
    everything = np.ones((200, 200), dtype=bool)
    assert fit_radial(Frame(empty, everything, ~everything, Metadata()), (100.0, 100.0)) is None
    assert fit_radial(Frame(empty, ~everything, ~everything, Metadata()), (100.0, 100.0)) is None


HOSTILE = {
    "one pixel": np.ones((1, 1)),
    "one row": np.arange(500.0)[None, :],
    "negative": np.random.default_rng(0).normal(-50, 10, (300, 300)),
    "huge": np.random.default_rng(0).uniform(0, 4e9, (300, 300)),
    "one hot pixel": np.pad([[5.0]], 150),
    "constant": np.full((300, 200), 7.0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_frames_are_refused(name: str, p_wrong) -> None:
    data = HOSTILE[name].astype(np.float32)
    meta = Metadata(distance_mm=100.0, pixel_mm=(0.1, 0.1), wavelength_A=1.0)
    frame = Frame(data, np.ones(data.shape, dtype=bool), np.zeros(data.shape, dtype=bool), meta)
    start = (data.shape[1] / 2.0, data.shape[0] / 2.0)
    assert p_wrong(fit_radial(frame, start), max(data.shape)) > 0.5


def test_what_was_dropped_is_told(scene) -> None:
    made = scene(seed=4, front=FRONTS["nozzle"], spots=100)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.kinds.shape == (SIDE, SIDE)
    assert fit.pooling.factor == 1
    cx, cy = (round(value) for value in made.truth.center_px)
    # Behind the stop all pixels are 0 where light would make them differ.
    assert fit.kinds[cy, cx] == MASKED
    assert fit.kinds[cy, cx + 15] == INNER
    assert fit.kinds[cy + 130, cx - 20] == SHADOW
    assert (fit.kinds == SHADOW).mean() > 0.03
    assert (fit.kinds[100:103] == MASKED).all()
    assert 500 < (fit.kinds == SPOT).sum() < 4000
    assert (fit.kinds == USED).mean() > 0.7
    assert (fit.kinds == BRIGHT).mean() < 0.03
    assert 0.03 < fit.dropped < 0.2


def test_profile_and_sectors_show_what_the_fit_did(scene) -> None:
    made = scene(seed=4, reach=8.0)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    assert fit.sectors.shape == (12, 3)
    assert np.nanmax(np.abs(fit.sectors[:, 1] / fit.sectors[:, 2])) < 4.5
    # Mean counts of a px; about the answer the ring is at least as high as about the start.
    ring = slice(*np.searchsorted(fit.after[:, 0], [50, 120]))
    assert fit.after[ring, 1].max() > 0.99 * fit.before[ring, 1].max()
    total = made.frame.data[made.frame.valid].mean()
    assert fit.after[:, 1].min() < total < fit.after[:, 1].max()


@dataclass(frozen=True, eq=False)
class Spots:
    x: np.ndarray
    y: np.ndarray
    pixels: np.ndarray


def test_spots_found_by_others_are_left_out(scene) -> None:
    made = scene(seed=4)
    # Too faint to be seen as spots here, but all on one side.
    rng = np.random.default_rng(0)
    x = rng.uniform(made.truth.center_px[0] + 20, SIDE - 5, size=800)
    y = rng.uniform(5, SIDE - 5, size=800)
    at = (y.astype(int), x.astype(int))
    data = made.frame.data.copy()
    data[at] += 2.0 * np.sqrt(data[at] + 1.0) * made.frame.valid[at]
    frame = replace(made.frame, data=data.round().astype(np.float32))
    told = fit_radial(frame, made.start, spots=Spots(x, y, np.full(800, 4)))
    clean = fit_radial(made.frame, made.start)
    assert told is not None
    assert clean is not None
    assert np.abs(np.subtract(told.center_px, clean.center_px)).max() < 0.1
    assert told.pixels < clean.pixels - 3000
