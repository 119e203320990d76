"""Opposite pairs point to the center they lie about, and only where their mates could be seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.predict.combine import combine
from xgeom_core.predict.evidence import Opinion
from xgeom_core.predict.lattice_origins import Origin
from xgeom_core.predict.spot_list import Spots, no_spots
from xgeom_core.predict.symmetry import (
    Place,
    inversion_evidence,
    likeliest_place,
    rough_place,
    weigh_origins,
)

CENTER = np.array([405.3, 411.8])
AWAY = CENTER + np.array([7.0, 2.0])
SCALE = 650.0
SHAPE = (820, 820)
MakeSpots = Callable[..., Spots]


def _pairs(number: int, seed: int = 3) -> np.ndarray:
    """Mates within 20 px of the center, and as many lone spots farther out."""
    rng = np.random.default_rng(seed)
    turn, radius = rng.uniform(0, 2 * np.pi, number), rng.uniform(5, 20, number)
    away = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    lone = rng.uniform(40, 200, (5 * number, 1)) * _directions(5 * number, rng)
    noise = rng.normal(0, 0.1, (2 * number, 2))
    return np.concatenate([np.concatenate([away, -away]) + noise, lone]) + CENTER


def _directions(number: int, rng: np.random.Generator) -> np.ndarray:
    turn = rng.uniform(0, 2 * np.pi, number)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def test_pairs_prefer_the_center_they_lie_about(spots_at: MakeSpots) -> None:
    others = CENTER + np.array([[6.0, 0.0], [0.0, -8.0], [-3.0, 3.0], [20.0, 5.0]])
    found = inversion_evidence(spots_at(_pairs(8)), np.vstack([CENTER, others]), SCALE)
    assert (found.log_likelihood[0] - found.log_likelihood[1:]).min() > 5.0
    assert found.pairs[0] == pytest.approx(8, abs=1.0)
    assert found.pairs[1:].max() < 3.0


def test_spots_without_mates_count_against_a_center_only_where_a_mate_could_be_seen(
    spots_at: MakeSpots,
) -> None:
    half = _pairs(8)[:8]
    known = np.ones(SHAPE, dtype=bool)
    rows, columns = np.floor(2 * CENTER - half).astype(int)[:, ::-1].T
    for row, column in zip(rows, columns, strict=True):
        known[row - 1 : row + 2, column - 1 : column + 2] = False
    seen = inversion_evidence(spots_at(half), CENTER[None], SCALE).log_likelihood[0]
    hidden = inversion_evidence(spots_at(half, known), CENTER[None], SCALE).log_likelihood[0]
    assert seen < -1.0
    assert hidden > seen + 1.0


def test_random_spots_hardly_prefer_any_center(spots_at: MakeSpots) -> None:
    rng = np.random.default_rng(11)
    spots = spots_at(rng.uniform(0, 820, (600, 2)))
    places = CENTER + rng.uniform(-25, 25, (40, 2))
    found = inversion_evidence(spots, places, SCALE)
    # About eight spots lie within reach of each center: chance pairs are rare, and rarely two together.
    assert found.log_likelihood.std() < 2.0
    assert np.median(found.pairs) < 1.0


def test_a_frame_without_spots_says_nothing() -> None:
    found = inversion_evidence(no_spots(SHAPE), CENTER[None], SCALE)
    assert found.log_likelihood.tolist() == [0.0]
    origins = (_origin(CENTER, 0.6), _origin(AWAY, 0.4))
    assert weigh_origins(origins, no_spots(SHAPE), SCALE) == (origins, "")


def _origin(center: np.ndarray, probability: float) -> Origin:
    return Origin((float(center[0]), float(center[1])), (0.0, 0.0), probability)


def test_pairs_turn_the_order_of_origins_but_not_without_limit(spots_at: MakeSpots) -> None:
    spots = spots_at(_pairs(30))
    close = (_origin(AWAY, 0.6), _origin(CENTER, 0.4))
    weighed, words = weigh_origins(close, spots, SCALE)
    assert weighed[0].center_px == close[1].center_px
    assert sum(item.probability for item in weighed) == pytest.approx(1.0)
    # So dense a field makes some pairs by chance besides the true 30.
    assert 27 <= int(words.split()[0]) <= 36
    firm = (_origin(AWAY, 0.9), _origin(CENTER, 0.1))
    assert weigh_origins(firm, spots, SCALE)[0][0].center_px == firm[0].center_px


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
    placed = likeliest_place([_origin(CENTER, 1.0)], _opinion(1e-4), (425.3, 411.8), _opinion(16.0))
    assert placed.center_px == (405.3, 411.8)
    assert placed.covariance[0, 0] == pytest.approx(0.05 * (400.0 + 16.0), rel=0.01)


def test_the_answer_of_a_doubted_origin_says_what_moved_it(spots_at: MakeSpots, doubted: type) -> None:
    rough = Estimate("network", (409.0, 414.0), covariance=np.eye(2) * 16.0)
    lattice = doubted((CENTER[0] + 7.0, CENTER[1] + 2.0), CENTER)
    blind = combine(rough, None, lattice, 820)
    assert (blind.status, blind.evidence) == ("uncertain", "lattice+network")
    assert blind.estimate.tilt_deg is None
    seeing = combine(rough, None, lattice, 820, px_per_inverse_A=SCALE, spots=spots_at(_pairs(4)))
    assert seeing.estimate.center_px == pytest.approx(tuple(CENTER))
    assert seeing.origins[0].probability > blind.origins[0].probability
    assert "opposite each other" in seeing.symmetry
    if seeing.status == "uncertain":
        assert "the likeliest center lies" in seeing.reason


def test_a_lattice_doubted_twice_leaves_the_rough_center(doubted: type) -> None:
    rough = Estimate("network", (409.0, 414.0), covariance=np.eye(2) * 16.0)
    lattice = doubted((CENTER[0] + 7.0, CENTER[1] + 2.0), CENTER)
    lattice.bravais, lattice.share = "aP", 0.5
    answer = combine(rough, None, lattice, 820)
    assert (answer.status, answer.evidence) == ("uncertain", "network")
    assert answer.estimate.center_px == rough.center_px
