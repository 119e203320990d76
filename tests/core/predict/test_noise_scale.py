"""The scale of counts: found where a gain, a pedestal and read noise hide it, left alone where it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from xgeom_core.frame import Frame, Metadata
from xgeom_core.frames import open_frames
from xgeom_core.predict import Predictor
from xgeom_core.predict.methods import classical
from xgeom_core.predict.noise_scale import in_counts, measure_noise
from xgeom_core.resources import resource

SHAPE = (300, 320)
SLOPE = np.geomspace(2.0, 60.0, SHAPE[1])


def _photons(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(SLOPE, SHAPE).astype(np.float64)


def _noise(sigma: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sigma, SHAPE)


def _frame(data: np.ndarray, valid: np.ndarray | None = None) -> Frame:
    valid = np.ones(data.shape, dtype=bool) if valid is None else valid
    meta = Metadata(200.0, 1.0, (0.2, 0.2))
    return Frame(data.astype(np.float32), valid, np.zeros(data.shape, dtype=bool), meta)


@pytest.mark.parametrize("level", [0.02, 0.5, 5.0, 300.0])
def test_counts_of_photons_are_left_alone(level: float) -> None:
    frame = _frame(np.random.default_rng(2).poisson(level * SLOPE / 20.0, SHAPE))
    assert in_counts(frame) is frame


def test_simulated_frames_of_counting_detectors_are_left_alone(simulated, as_frame) -> None:
    made = [simulated(seed, kind, size=410) for kind in ("standard", "flat", "powder") for seed in (1, 2)]
    counting = [one for one in made if one.experiment.detector.layout.response.counting]
    assert len(counting) >= 4
    frames = [as_frame(one) for one in counting]
    assert sum(in_counts(frame) is frame for frame in frames) == len(frames)


@pytest.mark.parametrize(
    ("gain", "pedestal", "read"),
    [(5.3, 0.0, 2.0), (0.11, 0.0, 0.5), (58.0, -300.0, 6.0), (1e-4, 0.0, 3.0), (12.0, 1000.0, 1.0)],
)
def test_gain_pedestal_and_read_noise_are_found(gain: float, pedestal: float, read: float) -> None:
    data = pedestal + gain * (_photons() + _noise(read))
    if pedestal > 0:
        data = np.rint(data)
    found = measure_noise(data.astype(np.float32), np.ones(SHAPE, dtype=bool))
    assert found.gain == pytest.approx(gain, rel=0.15)
    # Where no light is, the variance is that of the read noise, whatever the pedestal is.
    assert found.floor + found.gain * pedestal == pytest.approx((read * gain) ** 2, abs=2.0 * gain**2)


def test_on_the_scale_of_counts_variance_is_mean() -> None:
    frame = in_counts(_frame(-40.0 + 7.0 * (_photons() + _noise(3.0))))
    mean, variance = frame.data.mean(axis=0), frame.data.var(axis=0)
    slope, rest = np.polyfit(mean, variance, 1)
    assert slope == pytest.approx(1.0, abs=0.15)
    assert abs(rest) < 2.0
    assert frame.dark == pytest.approx(9.0, abs=2.0)


def test_spots_and_edges_are_no_noise() -> None:
    rng, light = np.random.default_rng(3), np.tile(SLOPE, (SHAPE[0], 1))
    rows, columns = rng.integers(2, 298, (2, 150))
    light[rows, columns] += 800.0
    light[:, 150:] *= 3.0
    light[100:110] = 0.0
    data = 5.0 * rng.poisson(light) + _noise(1.0)
    found = measure_noise(data.astype(np.float32), np.ones(SHAPE, dtype=bool))
    assert found.gain == pytest.approx(5.0, rel=0.2)


def test_light_and_charge_that_spread_over_pixels_do_not_make_more_photons() -> None:
    photons = 3.0 * _photons()
    spread = sum(np.roll(photons, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 4.0
    frame = in_counts(_frame(spread + _noise(1.0)))
    sums = frame.data[:296, :320].reshape(37, 8, 40, 8).sum(axis=(1, 3))
    # Neighbors alone would say that there are 2.5 times as many.
    assert 0.9 < np.median(sums.var(axis=0) / sums.mean(axis=0)) < 1.8


def test_one_value_far_below_all_others_is_no_read_noise() -> None:
    data = 5.3 * (_photons() + _noise(0.5))
    data[3, 5] = -1e6
    assert in_counts(_frame(data)).dark < 2.0


def odd_frames() -> dict[str, Frame]:
    noise, everything = _noise(10.0), np.ones(SHAPE, dtype=bool)
    holes = np.where(np.random.default_rng(4).random(SHAPE) < 0.1, np.nan, 5.0 * noise + 100.0)
    half = noise.copy()
    half[:, 160:] = 0.0
    return {
        "read noise alone": _frame(noise),
        "all below zero": _frame(noise - 50.0),
        "a pedestal alone": _frame(np.rint(1000.0 + noise)),
        "not a number here and there": _frame(holes),
        "infinite here and there": _frame(np.where(holes > 150, np.inf, noise)),
        "half of it constant": _frame(half),
        "constant": _frame(np.full(SHAPE, -7.0)),
        "no number at all": _frame(np.full(SHAPE, np.nan)),
        "huge": _frame(noise * 1e30),
        "tiny": _frame(noise * 1e-30),
        "two values below zero": _frame(np.where(noise > 0, -1.0, -2.0)),
        "masked": _frame(noise, ~everything),
        "one row": _frame(noise[:1]),
        "one pixel": _frame(noise[:1, :1]),
    }


@pytest.mark.parametrize("name", odd_frames())
@pytest.mark.parametrize("start", [None, (150.0, 150.0)])
def test_frames_without_light_get_a_sentence(name: str, start, tiny_model) -> None:
    answer = Predictor(tiny_model).predict(odd_frames()[name], start_px=start)
    assert answer.status in {"uncertain", "failed"}
    assert len(answer.reason) > 20


def test_classical_methods_see_counts_as_well() -> None:
    data = -20.0 + 9.0 * (_photons() + _noise(2.0))
    assert classical(_frame(data), "center-of-mass").best is not None


def _example() -> tuple[Frame, tuple[float, float], tuple[float, float]]:
    with open_frames(resource("example/frame.h5")) as source:
        truth = source.truth(0)
        return source.frame(0), truth.center_px, truth.tilt_deg


@pytest.mark.parametrize(
    "detector",
    [
        lambda photons, rng: 5.3 * (photons + rng.normal(0.0, 0.5, photons.shape)),
        lambda photons, rng: np.rint(1000.0 + 1.7 * (photons + rng.normal(0.0, 2.0, photons.shape))),
    ],
    ids=["below zero", "above a pedestal"],
)
def test_a_crystal_is_indexed_through_read_noise(detector: Callable, tiny_model) -> None:
    frame, center, tilt = _example()
    data = detector(frame.data.astype(np.float64), np.random.default_rng(5))
    seen = replace(frame, data=np.where(frame.valid, data, 0.0).astype(np.float32))
    answer = Predictor(tiny_model).predict(seen, start_px=(center[0] + 7.0, center[1] - 5.0))
    assert (answer.status, answer.evidence) == ("ok", "lattice+background")
    assert answer.best is not None
    assert answer.best.center_px == pytest.approx(center, abs=0.06)
    assert answer.best.tilt_deg == pytest.approx(tilt, abs=0.05)


@pytest.fixture(scope="module")
def real_frames(frames_dir: Path) -> Path:
    folder = frames_dir.parent / "frames2"
    if not folder.is_dir():
        pytest.skip(f"no second set of reference frames at {folder}")
    return folder


@pytest.mark.parametrize("number", ["401", "601"])
def test_a_real_frame_of_an_integrating_detector(real_frames: Path, number: str) -> None:
    """CSPAD: gain, read noise and common mode unknown; the beam was put at (940, 1002)."""
    with open_frames(real_frames / f"idx-20130301060858{number}_assembled.h5") as source:
        frame = source.frame(0)
    meta = Metadata(130.107, 1.272, (0.10992, 0.10992))
    answer = Predictor.load("default").predict(replace(frame, metadata=meta), start_px=(938.0, 1005.0))
    assert answer.status == "ok"
    assert answer.best is not None
    assert answer.best.center_px == pytest.approx((940.0, 1002.0), abs=1.0)
    assert answer.crystal is not None
    assert answer.crystal.bravais == "hP"
    assert answer.crystal.cell == pytest.approx((93.2, 93.2, 131.0, 90, 90, 120), abs=1.0)


def test_a_real_frame_of_an_electron_camera(real_frames: Path, tiny_model) -> None:
    with h5py.File(real_frames / "Amorphous.hspy") as file:
        data = file["Experiments/__unnamed__/data"][:].astype(np.float32)
    everything = np.ones(data.shape, dtype=bool)
    frame = in_counts(Frame(data, everything, ~everything))
    assert 20.0 < frame.dark < 80.0
    # A corner without a beam: read noise and nothing else.
    corner = frame.data[:60, :60]
    assert corner.var() == pytest.approx(float(corner.mean()), rel=0.3)
    answer = Predictor(tiny_model).predict(Frame(data, everything, ~everything), start_px=(305.0, 249.0))
    # Its diffuse rings surround the place given.
    assert answer.best is not None
    assert answer.best.center_px == pytest.approx((305.0, 249.0), abs=8.0)
    assert answer.background is not None
