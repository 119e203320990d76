"""Several frames, one geometry: known truth, outliers and drifts put in on purpose."""

from __future__ import annotations

import json

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.predict.run.shared import share_geometry

TRUTH = np.array([500.0, 600.0, 0.3, -0.2])
SIGMA = np.array([0.2, 0.3, 0.05, 0.04])


def run_of(count: int, seed: int = 1, slope: float = 0.0, scatter: float = 0.0) -> list[Estimate]:
    rng = np.random.default_rng(seed)
    values = TRUTH + rng.normal(size=(count, 4)) * np.hypot(SIGMA, scatter)
    values[:, 0] += slope * np.arange(count)
    covariance = np.diag(SIGMA**2)
    return [Estimate("fit", (v[0], v[1]), (v[2], v[3]), covariance) for v in values]


def test_the_mean_is_right_and_its_error_shrinks_with_the_number_of_frames() -> None:
    pulls = []
    for seed in range(40):
        shared = share_geometry(run_of(16, seed))
        assert shared is not None
        assert shared.status == "ok"
        assert shared.estimate.covariance is not None
        sigma = np.sqrt(np.diag(shared.estimate.covariance))
        assert np.all(sigma < 0.5 * SIGMA)
        found = np.array([*shared.estimate.center_px, *shared.estimate.tilt_deg])
        pulls.append((found - TRUTH) / sigma)
    assert 0.75 < np.sqrt(np.mean(np.square(pulls))) < 1.25


def test_outliers_take_no_part_and_are_named() -> None:
    run = run_of(12)
    run[4] = Estimate("fit", (530.0, 600.0), (0.3, -0.2), np.diag(SIGMA**2))
    shared = share_geometry(run)
    assert shared is not None
    assert shared.used == 11
    assert not shared.frames[4].used
    assert shared.frames[4].flagged
    assert "x off" in shared.frames[4].reason
    assert shared.frames[4].off[0] == pytest.approx(30.0, abs=0.5)
    assert shared.estimate.center_px == pytest.approx(TRUTH[:2], abs=0.3)


def test_scatter_beyond_the_error_bars_widens_them() -> None:
    honest, boasting = share_geometry(run_of(16, 3)), share_geometry(run_of(16, 3, scatter=2.0))
    assert honest is not None
    assert boasting is not None
    assert boasting.estimate.center_sigma_px[0] > 4 * honest.estimate.center_sigma_px[0]
    assert boasting.scatter[0] == pytest.approx(2.0, rel=0.4)
    assert honest.scatter[0] < 0.15


def test_a_drift_is_found_and_none_is_invented() -> None:
    drifting = share_geometry(run_of(20, 5, slope=0.05))
    assert drifting is not None
    real = [drift for drift in drifting.drifts if drift.real]
    assert [drift.name for drift in real] == ["x_px"]
    assert real[0].per_frame == pytest.approx(0.05, abs=4 * real[0].sigma)
    assert "x_px drifts by +0.0" in "\n".join(drifting.lines())
    invented = sum(drift.real for seed in range(50) for drift in share_geometry(run_of(20, seed)).drifts)
    assert invented <= 3, "of 200 tests at 1/400 each"


def test_only_sure_answers_count_unless_there_are_none() -> None:
    unsure = Estimate("network", (450.0, 600.0), None, np.diag([100.0, 100.0]), "uncertain", "Faint.")
    mixed = share_geometry([*run_of(6), unsure])
    assert mixed is not None
    assert mixed.used == 6
    assert mixed.frames[6].reason.startswith(("uncertain", "x off"))
    assert np.isnan(mixed.frames[6].off[2])
    alone = share_geometry([unsure, unsure])
    assert alone is not None
    assert alone.status == "uncertain"
    assert alone.estimate.tilt_deg is None
    assert share_geometry([]) is None


def test_a_single_frame_is_returned_as_it_is() -> None:
    only = run_of(1)
    shared = share_geometry(only)
    assert shared is not None
    assert shared.estimate.center_px == pytest.approx(only[0].center_px)
    assert shared.estimate.center_sigma_px == pytest.approx(SIGMA[:2], rel=0.01)
    assert not shared.frames[0].flagged


def test_record_is_json_and_text_has_a_row_a_frame() -> None:
    flat = [Estimate("fit", (500.0 + i, 600.0), None, np.eye(2)) for i in range(3)]
    shared = share_geometry(flat, names=["a", "b", "c"])
    assert shared is not None
    record = json.loads(json.dumps(shared.record(), allow_nan=False))
    assert record["tilt_deg"] is None
    assert record["by_frame"][0]["off"] == {"x_px": -1.0, "y_px": 0.0, "pitch_deg": None, "yaw_deg": None}
    assert [line.split()[0] for line in shared.lines()[-3:]] == ["a", "b", "c"]
