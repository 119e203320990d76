"""Products of what sources say: beside numbers worked out by hand, and beside drawn samples."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.mixture import ANYWHERE, Mixture
from xgeom_core.predict.posterior.reliability import TAIL, Likelihood, Reliability
from xgeom_core.predict.posterior.weigh import radius

SURE = Reliability(wrong=(-30.0,), tail=1e-9, floor_share=1e-12, floor_deg=1e-12)


def wide(center: float = 0.0, sigma: float = 100.0) -> Mixture:
    covariance = np.diag(np.square([sigma, sigma, 5.0, 5.0]))[None]
    return Mixture.prior([0.0], np.array([[center, center, 0.0, 0.0]]), covariance)


def said(
    center: tuple[float, float], sigma: float, known: Reliability = SURE, side: int = 1000
) -> Likelihood:
    finding = Finding.of("background", center, None, np.diag([sigma**2] * 2))
    assert finding is not None
    return Likelihood.of(finding, known, side)


def test_two_gaussians_multiply_as_they_should() -> None:
    product = wide().times(said((3.0, 0.0), 1.0)).times(said((5.0, 0.0), 2.0))
    mean, covariance = product.moments()
    # Weights 1 and 1/4, and 1e-4 for the prior.
    assert mean[0] == pytest.approx((3.0 + 5.0 / 4.0) / (1.25 + 1e-4), rel=1e-4)
    assert covariance[0, 0] == pytest.approx(1.0 / (1.25 + 1e-4), rel=1e-4)
    # What nobody spoke of stays as it was.
    assert covariance[2, 2] == pytest.approx(25.0)


def test_a_tilt_that_is_tied_to_the_center_moves_with_it() -> None:
    covariance = np.array([[4.0, 0, 0, 1.9], [0, 4.0, 0, 0], [0, 0, 1.0, 0], [1.9, 0, 0, 1.0]])
    tied = Finding.of("background", (0.0, 0.0), (0.0, 0.0), covariance)
    assert tied is not None
    mean, after = wide().times(Likelihood.of(tied, SURE, 1000)).times(said((2.0, 0.0), 0.01)).moments()
    assert mean[0] == pytest.approx(2.0, abs=0.01)
    assert mean[3] == pytest.approx(0.95, abs=0.02)
    assert after[3, 3] < 0.15


def test_the_evidence_decides_between_a_source_that_is_right_and_one_that_is_wrong() -> None:
    """Bayes' rule by hand: 20% wrong, and then anywhere on a square of 2 sides; 30 px off a sure witness."""
    known = Reliability(wrong=(float(np.log(0.2 / 0.8)),), tail=1e-9, near=1e-9, floor_share=1e-12)
    for off in (0.0, 3.0, 6.0):
        product = wide(sigma=1.0).times(said((off, 0.0), 1.0, known))
        right = product.weight[product.parts[:, 0] != ANYWHERE].sum()
        density = 0.8 * np.exp(-(off**2) / 4.0) / (4.0 * np.pi)
        assert right == pytest.approx(density / (density + 0.2 / 2000.0**2), rel=1e-3)


def test_each_place_of_a_source_counts_by_its_odds() -> None:
    places = [((10.0, 0.0), None, np.eye(2), 0.0, "a"), ((40.0, 0.0), None, np.eye(2), np.log(3.0), "b")]
    finding = Finding.of_places("lattice", places)
    assert finding is not None
    product = wide(25.0, sigma=1e3).times(Likelihood.of(finding, SURE, 1000))
    first = product.weight[product.mean[:, 0] < 25.0].sum()
    assert first == pytest.approx(0.25, abs=1e-3)


def test_places_without_numbers_are_left_out() -> None:
    bad = [((np.nan, 0.0), None, np.eye(2), 0.0, ""), ((0.0, 0.0), None, -np.eye(2), 0.0, "")]
    assert Finding.of_places("lattice", bad) is None
    kept = Finding.of_places("lattice", [*bad, ((1.0, 2.0), None, np.eye(2), 0.0, "x")])
    assert kept is not None
    assert kept.mean.tolist() == [[1.0, 2.0]]
    again = Finding.from_record(kept.record())
    assert again.labels == ("x",)
    assert np.array_equal(again.covariance, kept.covariance)


def test_the_probability_within_a_circle_is_that_of_samples() -> None:
    rng = np.random.default_rng(3)
    mean = np.array([[0.0, 0.0, 0, 0], [3.0, 1.0, 0, 0], [200.0, 0.0, 0, 0]])
    sigma = np.array([1.0, 4.0, 0.5])
    mixture = Mixture.prior(np.log([0.5, 0.4, 0.1]), mean, sigma[:, None, None] ** 2 * np.eye(4))
    which = rng.choice(3, 200_000, p=[0.5, 0.4, 0.1])
    drawn = mean[which, :2] + sigma[which, None] * rng.normal(size=(200_000, 2))
    for point in ((0.0, 0.0), (5.0, 0.0), (198.0, 0.0)):
        reach = np.array([0.5, 2.0, 10.0, 500.0])
        true = [(np.hypot(*(drawn - point).T) < one).mean() for one in reach]
        assert mixture.within(np.array(point), reach) == pytest.approx(true, abs=0.004)


def test_the_radius_of_a_gaussian_is_its_standard_deviation() -> None:
    assert radius(wide(sigma=3.0), np.zeros(2)) == pytest.approx(3.0, rel=0.01)
    # A tenth of it in a tail makes a bar longer by little, moments by a third.
    tailed = Reliability(wrong=(-30.0,), tail=0.1, floor_share=1e-12, floor_deg=1e-12)
    mixture = wide(sigma=100.0).times(said((0.0, 0.0), 1.0, tailed))
    assert np.sqrt(mixture.moments()[1][0, 0]) == pytest.approx(np.sqrt(0.9 + 0.1 * TAIL**2), rel=0.01)
    assert 1.0 < radius(mixture, np.zeros(2)) < 1.3
