"""The best single center where several remain possible, and what a doubted lattice makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.predict.posterior.combine import combine
from xgeom_core.predict.posterior.evidence import Opinion
from xgeom_core.predict.posterior.lattice_origins import Origin
from xgeom_core.predict.posterior.likeliest import Place, likeliest_place, rough_place

CENTER = (405.3, 411.8)
AWAY = (412.3, 413.8)


@dataclass(frozen=True, eq=False)
class Rival:
    """Another origin, slightly less likely."""

    center_px: tuple[float, float] = AWAY
    log_odds: float = -0.3
    tilt_deg: tuple[float, float] | None = (0.0, 0.0)


class Doubted:
    """A good lattice with two origins."""

    center_px = CENTER
    tilt_deg = (0.0, 0.0)
    covariance = np.diag([0.03, 0.03, 0.02, 0.02]) ** 2
    indexed = np.ones(200, dtype=bool)
    share = 0.9
    bravais = "oP"
    reciprocal = np.diag([1 / 60, 1 / 70, 1 / 90])
    reason = "another origin fits the lattice equally well, 7 px away"
    rivals = (Rival(),)


def test_one_place_with_most_of_the_weight_is_taken_as_it_is_and_the_rest_widens_it() -> None:
    own = np.eye(2) * 0.01
    placed = rough_place([Place((400.0, 400.0), own, 3.0), Place((410.0, 400.0), own, 1.0)])
    assert placed.center_px == (400.0, 400.0)
    # By hand: a quarter of the weight lies 10 px off along x.
    assert np.allclose(placed.covariance, np.diag([25.01, 0.01]))


def test_places_of_equal_weight_are_answered_from_between_them() -> None:
    own = np.eye(2) * 0.01
    corners = [(400.0, 400.0), (412.0, 400.0), (406.0, 410.0)]
    placed = rough_place([Place(corner, own, 1.0) for corner in corners])
    # The geometric median sees any two of three such places under 120 degrees.
    arms = np.subtract(corners, placed.center_px)
    arms /= np.hypot(*arms.T)[:, None]
    assert np.allclose([arms[0] @ arms[1], arms[1] @ arms[2]], -0.5, atol=1e-3)


def _opinion(variance: float) -> Opinion:
    return Opinion("some", np.zeros(4), np.diag([1 / variance, 1 / variance, 0.0, 0.0]))


def test_the_chance_that_the_lattice_is_wrong_widens_its_center() -> None:
    origin = Origin(CENTER, (0.0, 0.0), 1.0)
    placed = likeliest_place([origin], _opinion(1e-4), (425.3, 411.8), _opinion(16.0))
    assert placed.center_px == CENTER
    assert placed.covariance[0, 0] == pytest.approx(0.05 * (400.0 + 16.0), rel=0.01)


def test_a_doubted_origin_still_improves_the_rough_center() -> None:
    rough = Estimate("network", (409.0, 414.0), covariance=np.eye(2) * 16.0)
    answer = combine(rough, None, Doubted(), 820)
    assert (answer.status, answer.evidence) == ("uncertain", "lattice+network")
    assert answer.estimate.center_px == pytest.approx(CENTER)
    assert answer.estimate.tilt_deg is None
    assert answer.estimate.center_sigma_px[0] > 3.0, "the other origin is within the error bar"
    assert "the likeliest center lies 4.3 px from the network's" in answer.reason


def test_a_lattice_doubted_twice_leaves_the_rough_center() -> None:
    rough = Estimate("network", (409.0, 414.0), covariance=np.eye(2) * 16.0)
    lattice = Doubted()
    lattice.bravais, lattice.share = "aP", 0.5
    answer = combine(rough, None, lattice, 820)
    assert (answer.status, answer.evidence) == ("uncertain", "network")
    assert answer.estimate.center_px == rough.center_px
