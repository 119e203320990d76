"""The radial fit against known truth, and its honesty."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, Metadata
from xgeom_core.geometry import Geometry
from xgeom_core.predict.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.radial_model import Detector, radius
from xgeom_core.predict.verdict import why_not


def start_near(center: tuple[float, float], seed: int, reach: float = 12.0) -> tuple[float, float]:
    shift = np.random.default_rng(seed).uniform(-reach, reach, size=2)
    return center[0] + shift[0], center[1] + shift[1]


def pulls_of(fit: RadialFit, truth: Geometry) -> np.ndarray:
    """Errors of center and tilt in units of their error bars."""
    assert fit.tilt_deg is not None
    found = np.array([*fit.center_px, *fit.tilt_deg])
    return (found - [*truth.center_px, truth.pitch_deg, truth.yaw_deg]) / np.sqrt(np.diag(fit.covariance))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_center_and_tilt_of_symmetric_background_come_back(seed: int, simulated, as_frame) -> None:
    made = simulated(seed, counts_per_mm2=(300, 400), asymmetric=0.0)
    truth = made.geometry
    fit = fit_radial(as_frame(made), start_near(truth.center_px, seed))
    assert fit is not None
    assert fit.converged
    assert fit.center_px == pytest.approx(truth.center_px, abs=0.5)
    assert fit.tilt_deg == pytest.approx((truth.pitch_deg, truth.yaw_deg), abs=0.3)


@pytest.mark.parametrize("seed", [5, 6])
def test_a_lopsided_background_does_not_pull_the_center(seed: int, simulated, as_frame) -> None:
    """Waves of up to 30% in amplitude: without a nuisance the same frames miss by pixels."""
    made = simulated(seed, counts_per_mm2=(1000, 1500), asymmetric=1.0, asymmetry=(0.3, 0.3))
    truth = made.geometry
    fit = fit_radial(as_frame(made), start_near(truth.center_px, seed))
    assert fit is not None
    assert fit.lopsided
    assert fit.center_px == pytest.approx(truth.center_px, abs=0.8)
    assert fit.tilt_deg == pytest.approx((truth.pitch_deg, truth.yaw_deg), abs=0.3)


def test_errors_are_as_large_as_the_error_bars_say(simulated, as_frame) -> None:
    pulls: list[float] = []
    for seed in range(20, 27):
        made = simulated(seed, size=410, counts_per_mm2=(50, 400))
        truth = made.geometry
        fit = fit_radial(as_frame(made), start_near(truth.center_px, seed, 6.0))
        assert fit is not None
        if fit.converged:
            pulls += list(np.abs(pulls_of(fit, truth)))
    # The median |pull| of a normal distribution is 0.67: neither boasting nor whining.
    assert len(pulls) >= 24
    assert 0.25 < np.median(pulls) < 1.2
    assert np.mean(np.array(pulls) < 3.0) > 0.9


def test_without_a_distance_the_center_alone_is_fitted(simulated, as_frame) -> None:
    made = simulated(2, counts_per_mm2=(300, 400), asymmetric=0.0)
    made_center = made.geometry.center_px
    fit = fit_radial(as_frame(made, known_distance=False), start_near(made_center, 2))
    assert fit is not None
    assert fit.tilt_deg is None
    assert fit.covariance.shape == (2, 2)
    assert fit.center_px == pytest.approx(made_center, abs=0.8)
    assert np.hypot(made.geometry.pitch_deg, made.geometry.yaw_deg) > 1.0, "an untilted frame proves less"


@pytest.mark.parametrize(("kind", "seed"), [("flat", 2), ("flat", 3), ("binary", 2)])
def test_frames_without_a_background_are_refused(kind: str, seed: int, simulated, as_frame) -> None:
    made = simulated(seed, kind)
    start = start_near(made.geometry.center_px, seed)
    opinion = Estimate("network", start, covariance=np.diag([25.0, 25.0]))
    assert why_not(fit_radial(as_frame(made), start), opinion, 820)


def test_a_frame_of_nothing_is_not_fitted() -> None:
    empty = np.zeros((200, 200), dtype=np.float32)
    everything = np.ones((200, 200), dtype=bool)
    assert fit_radial(Frame(empty, everything, ~everything, Metadata()), (100.0, 100.0)) is None
    assert fit_radial(Frame(empty, ~everything, ~everything, Metadata()), (100.0, 100.0)) is None


def test_radius_and_derivatives_agree_with_the_geometry() -> None:
    detector = Detector(distance_px=400.0, aspect=1.5)
    x, y = np.array([10.0, 300.0, 500.0]), np.array([40.0, 20.0, 333.0])
    at = np.array([210.0, 190.0, 0.03, -0.05])

    def direct(p: np.ndarray) -> np.ndarray:
        geometry = Geometry((p[0], p[1]), 400.0, (1.0, 1.5), None, *np.degrees(p[2:]))
        return 400.0 * np.tan(geometry.two_theta(x, y))

    rho, log_g, d_rho, d_log_g = radius(x, y, at, detector)
    assert rho == pytest.approx(direct(at))
    for i, step in enumerate([1e-4, 1e-4, 1e-7, 1e-7]):
        there, back = at.copy(), at.copy()
        there[i] += step
        back[i] -= step
        assert d_rho[i] == pytest.approx((direct(there) - direct(back)) / (2 * step), rel=1e-4, abs=1e-6)
        change = (radius(x, y, there, detector)[1] - radius(x, y, back, detector)[1]) / (2 * step)
        assert d_log_g[i] == pytest.approx(change, rel=1e-4, abs=1e-9)
    z = Geometry((210.0, 190.0), 400.0, (1.0, 1.5), None, *np.degrees(at[2:])).to_lab(x, y)[:, 2]
    assert log_g == pytest.approx(3 * np.log(400.0 / z))
