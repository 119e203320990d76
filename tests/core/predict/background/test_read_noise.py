"""Gain, pedestal, read noise and common mode against known truth, the same frame in photons beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.noise_scale import in_counts

Image = np.ndarray


def _analog(gain: float, read: float, common: float) -> Callable[[Image, np.random.Generator], Image]:
    """Pedestal-subtracted; `read` and `common`, noise of pixels and of quarters of the panel, in photons."""

    def make(photons: Image, rng: np.random.Generator) -> Image:
        quarters = np.kron(rng.normal(0.0, common, (2, 2)), np.ones((205, 205)))
        return gain * (photons + rng.normal(0.0, read, photons.shape) + quarters)

    return make


def _ccd(photons: Image, rng: np.random.Generator) -> Image:
    """Whole numbers above a pedestal, through a taper that dims the corners by a tenth."""
    side = np.linspace(-1.0, 1.0, len(photons))
    light = photons * (1.0 - 0.05 * (side**2 + side[:, None] ** 2))
    return np.rint(1000.0 + 1.7 * (light + rng.normal(0.0, 4.0, photons.shape)))


DETECTORS = {
    "CSPAD": _analog(5.3, 0.5, 0.1),
    "Jungfrau in keV": _analog(9.3, 0.1, 0.02),
    "electron camera": _analog(58.0, 6.0, 0.3),
    "CCD with pedestal and taper": _ccd,
}


def _seen(frame: Frame, make: Callable[[Image, np.random.Generator], Image], seed: int) -> Frame:
    data = make(frame.data.astype(np.float64), np.random.default_rng(seed))
    return replace(frame, data=np.where(frame.valid, data, 0.0).astype(np.float32))


def _pull(fit: RadialFit | None, center: tuple[float, float]) -> float:
    assert fit is not None
    sigma = np.sqrt(np.diag(fit.covariance)[:2])
    return float(np.abs(np.subtract(fit.center_px, center) / sigma).max())


def _bar(fit: RadialFit | None) -> float:
    assert fit is not None
    return float(np.sqrt(np.diag(fit.covariance)[:2].max()))


@pytest.fixture(scope="module")
def plain(scene) -> list[tuple[object, RadialFit | None]]:
    """Scenes and their fits in photons."""
    made = [scene(seed=seed, level=20.0) for seed in range(40, 44)]
    return [(one, fit_radial(in_counts(one.frame), one.start)) for one in made]


@pytest.mark.parametrize("name", DETECTORS)
def test_the_center_comes_back_within_its_bar(plain, name: str) -> None:
    beside = [_pull(fit, made.truth.center_px) for made, fit in plain]
    assert sum(pull < 3.5 for pull in beside) == 4
    pulls, bars = [], []
    for seed, (made, _) in enumerate(plain):
        fit = fit_radial(in_counts(_seen(made.frame, DETECTORS[name], seed)), made.start)
        pulls.append(_pull(fit, made.truth.center_px))
        bars.append(_bar(fit))
    assert sum(pull < 3.5 for pull in pulls) == 4
    assert max(bars) < 0.5, "a bar that says nothing covers everything"


def test_bars_grow_with_read_noise(plain) -> None:
    """Light of 20 counts with noise of 15: the variance is 245 instead of 20."""
    noisy = _analog(3.0, 15.0, 0.0)
    ratios = []
    for seed, (made, fit) in enumerate(plain):
        read = fit_radial(in_counts(_seen(made.frame, noisy, seed)), made.start)
        assert _pull(read, made.truth.center_px) < 3.0
        ratios.append(_bar(read) / _bar(fit))
    assert min(ratios) > 1.3
    assert 2.0 < np.mean(ratios) < 6.0


def test_regions_without_light_do_not_end_the_fit(scene) -> None:
    """A shadow whose mean is 0 to either side: what ended the fit in an exception once."""
    made = scene(seed=6, level=20.0, front=lambda x, y: np.where(x > 60, 0.0, 1.0))
    fit = fit_radial(in_counts(_seen(made.frame, _analog(5.3, 2.0, 0.3), 2)), made.start)
    assert fit is not None
    assert np.isfinite(fit.covariance).all()
    assert _pull(fit, made.truth.center_px) < 4.0
