"""Combination of sources: agreement is used, disagreement is said, and the error bars are true."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.predict.posterior.combine import combine
from xgeom_core.predict.posterior.evidence import compare, opinion, reconcile
from xgeom_core.predict.posterior.lattice_origins import spacing_px

SIDE = 820


@dataclass(frozen=True, eq=False)
class Fit:
    center_px: tuple[float, float] = (400.0, 410.0)
    tilt_deg: tuple[float, float] | None = (0.5, -0.3)
    covariance: np.ndarray = field(default_factory=lambda: np.diag([0.1, 0.1, 0.05, 0.05]) ** 2)


@dataclass(frozen=True, eq=False)
class Rival:
    center_px: tuple[float, float]
    log_odds: float
    tilt_deg: tuple[float, float] | None = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Lattice(Fit):
    covariance: np.ndarray = field(default_factory=lambda: np.diag([0.03, 0.03, 0.02, 0.02]) ** 2)
    indexed: np.ndarray = field(default_factory=lambda: np.ones(200, dtype=bool))
    share: float = 0.9
    reciprocal: np.ndarray = field(default_factory=lambda: np.diag([1 / 60, 1 / 70, 1 / 90]))
    rivals: tuple[Rival, ...] = ()
    reason: str = ""
    bravais: str = "oP"


def network(x: float = 402.0, y: float = 407.0, sigma: float = 5.0) -> Estimate:
    return Estimate("network", (x, y), covariance=np.diag([sigma**2, sigma**2]))


def test_agreeing_sources_are_weighted_by_their_information() -> None:
    background, lattice = Fit(), Lattice(center_px=(400.1, 410.0))
    answer = combine(network(), background, lattice, SIDE)
    assert answer.status == "ok"
    assert answer.evidence == "lattice+background"
    assert answer.estimate.source == "fit"
    # By hand: variances 0.1^2 + 0.03^2 and 0.03^2 + 0.01^2 (floors included); the network is far too wide.
    one, other = 0.1**2 + 0.03**2, 0.03**2 + 0.01**2
    expected = (400.0 / one + 400.1 / other) / (1 / one + 1 / other)
    assert answer.estimate.center_px[0] == pytest.approx(expected, abs=2e-3)
    assert answer.estimate.center_sigma_px[0] == pytest.approx((1 / one + 1 / other) ** -0.5, rel=0.01)
    assert sum(share[0] for share in answer.shares.values()) == pytest.approx(1.0)
    assert answer.shares["lattice"][0] > 0.8


def test_correlations_count() -> None:
    """A background that cannot tell a shift from a tilt is put right by a lattice that knows the tilt."""
    covariance = np.diag([2.0, 2.0, 0.5, 0.5]) ** 2
    covariance[0, 3] = covariance[3, 0] = 0.99 * 2.0 * 0.5
    background = Fit(center_px=(402.0, 410.0), tilt_deg=(0.5, 0.2), covariance=covariance)
    lattice = Lattice(tilt_deg=(0.5, -0.3), covariance=np.diag([3.0, 3.0, 0.01, 0.01]) ** 2)
    answer = combine(network(), background, lattice, SIDE)
    assert answer.status == "ok"
    assert answer.estimate.center_px[0] == pytest.approx(400.0, abs=0.2)
    assert answer.estimate.center_sigma_px[0] < 0.5


def test_an_unknown_tilt_stays_unknown_and_a_center_alone_helps_the_center() -> None:
    flat = Fit(tilt_deg=None, covariance=np.diag([0.1, 0.1]) ** 2)
    alone = combine(network(), flat, None, SIDE)
    assert alone.status == "ok"
    assert alone.estimate.tilt_deg is None
    assert alone.evidence == "background"
    both = combine(network(), flat, Lattice(), SIDE)
    assert both.estimate.tilt_deg == pytest.approx((0.5, -0.3))
    assert [pair.dof for pair in both.comparisons if pair.second == "background"] == [2]


def test_a_tilt_known_too_poorly_is_not_claimed_but_the_center_is() -> None:
    loose = Fit(covariance=np.diag([0.2, 0.2, 3.0, 3.0]) ** 2)
    answer = combine(network(), loose, None, SIDE)
    assert answer.status == "ok"
    assert answer.estimate.tilt_deg is None
    assert answer.estimate.covariance.shape == (2, 2)
    assert "degrees" in answer.estimate.warnings[0]


def test_a_contradiction_is_told_with_names_and_numbers() -> None:
    answer = combine(network(), Fit(center_px=(420.0, 410.0)), Lattice(), SIDE)
    assert answer.status == "uncertain"
    assert "lattice and background differ by 20.0 px" in answer.reason.lower()
    assert answer.estimate.center_px == network().center_px


def test_a_strong_lattice_overrules_a_background_that_is_off_by_less_than_any_false_origin() -> None:
    answer = combine(network(), Fit(center_px=(402.0, 410.0)), Lattice(), SIDE, px_per_inverse_A=1500.0)
    assert answer.status == "ok"
    assert answer.estimate.center_px == pytest.approx((400.0, 410.0), abs=0.1)
    # The price of the contradiction is a wider error bar than the lattice alone would give.
    assert answer.estimate.center_sigma_px[0] > 1.5 * 0.03
    assert "differ by 2.0 px" in answer.estimate.warnings[0]
    # Where false origins lie closer, the same two px may be one.
    fair = Lattice(share=0.6)
    near = combine(network(), Fit(center_px=(402.0, 410.0)), fair, SIDE, px_per_inverse_A=300.0)
    assert near.status == "uncertain"


def test_a_lattice_without_any_other_origin_outweighs_a_background_pulled_by_shadows() -> None:
    pulled = Fit(center_px=(406.0, 410.0))
    assert combine(network(), pulled, Lattice(), SIDE).evidence == "lattice+background"
    assert combine(network(), pulled, Lattice(), SIDE).estimate.center_px[0] == pytest.approx(400.0, abs=0.1)
    doubted = Lattice(rivals=(Rival((407.0, 410.0), -5.0),))
    assert combine(network(), pulled, doubted, SIDE).status == "uncertain"


def test_a_fit_far_from_the_network_is_not_believed_alone_but_two_outvote_it() -> None:
    far = network(460.0, 410.0, 3.0)
    assert combine(far, Fit(), None, SIDE).status == "uncertain"
    assert "network differ by 60.0 px" in combine(far, Fit(), None, SIDE).reason
    assert combine(far, None, Lattice(), SIDE).status == "uncertain"
    both = combine(far, Fit(), Lattice(), SIDE)
    assert both.status == "ok"
    assert "network" not in both.shares
    assert "differ by 60.0 px" in both.estimate.warnings[0]


def test_equal_origins_are_counted_and_the_background_chooses_among_them() -> None:
    lattice = Lattice(rivals=(Rival((423.0, 410.0), -0.5), Rival((400.0, 440.0), -1.0)))
    alone = combine(network(), None, lattice, SIDE)
    assert alone.status == "uncertain"
    assert "3 origins" in alone.reason
    assert "23.0 px" in alone.reason
    rough = Fit(center_px=(422.0, 411.0), tilt_deg=None, covariance=np.diag([1.0, 1.0]))
    chosen = combine(network(415.0, 410.0, 8.0), rough, lattice, SIDE)
    assert chosen.status == "ok"
    assert chosen.estimate.center_px == pytest.approx((423.0, 410.0), abs=0.05)
    assert chosen.origins[0].probability > 0.95
    # The lattice's own doubt about its origin does not keep the background from settling it.
    doubting = Lattice(rivals=lattice.rivals, reason="2 other origins fit the lattice equally well")
    assert combine(network(415.0, 410.0, 8.0), rough, doubting, SIDE).status == "ok"
    assert combine(network(), None, doubting, SIDE).status == "uncertain"
    unlikely = Lattice(rivals=(Rival((423.0, 410.0), -9.0),))
    assert combine(network(), None, unlikely, SIDE).status == "ok"


def test_a_lattice_that_leaves_most_spots_over_does_not_answer_alone() -> None:
    poor = Lattice(share=0.39)
    alone = combine(network(), None, poor, SIDE)
    assert alone.status == "uncertain"
    assert "39%" in alone.reason
    assert combine(network(), Fit(), poor, SIDE).status == "ok", "an agreeing background supports it"


@pytest.mark.parametrize(
    ("share", "tilt_sigma", "away", "status"),
    [
        (0.85, 0.02, 3.0, "uncertain"),
        (0.95, 0.3, 3.0, "uncertain"),
        (0.95, 0.02, 3.0, "ok"),
        (0.85, 0.3, 1.5, "ok"),
    ],
)
def test_a_lattice_that_leaves_doubts_must_not_lie_far_from_the_network(
    share: float, tilt_sigma: float, away: float, status: str
) -> None:
    covariance = np.diag([0.02, 0.02, tilt_sigma, tilt_sigma]) ** 2
    lattice = Lattice(share=share, covariance=covariance)
    rough = network(lattice.center_px[0] + 5.0 * away, lattice.center_px[1])
    answer = combine(rough, None, lattice, SIDE)
    assert answer.status == status
    assert (answer.estimate.center_px == rough.center_px) == (status == "uncertain")


def test_a_lattice_that_could_not_answer_alone_does_not_speak_against_a_background() -> None:
    background = Fit(center_px=(404.0, 410.0))
    origins = (Rival((390.0, 395.0), -0.1),)
    for weak in (
        Lattice(indexed=np.arange(200) < 20, share=0.1),
        Lattice(share=0.6, bravais="aP"),
        Lattice(share=0.6, bravais="aP", rivals=origins, reason="another origin fits"),
    ):
        answer = combine(network(), background, weak, SIDE)
        assert (answer.status, answer.evidence) == ("ok", "background")
        assert answer.estimate.center_px == pytest.approx((404.0, 410.0), abs=0.01)
        assert "so the background alone answers" in answer.estimate.warnings[0]
    sound = Lattice(rivals=origins, reason="another origin fits")
    assert combine(network(), background, sound, SIDE).status == "uncertain"


@pytest.mark.parametrize(("bravais", "share", "status"), [("aP", 0.7, "uncertain"), ("aP", 0.95, "ok")])
def test_a_skew_lattice_must_explain_nearly_all_spots_to_answer_alone(
    bravais: str, share: float, status: str
) -> None:
    answer = combine(network(), None, Lattice(bravais=bravais, share=share), SIDE)
    assert answer.status == status
    assert ("no symmetry" in answer.reason) == (status == "uncertain")
    # A background that agrees is support enough.
    assert combine(network(), Fit(), Lattice(bravais=bravais, share=share), SIDE).status == "ok"


def test_origins_must_have_been_looked_for_as_far_as_the_network_may_err() -> None:
    unsure = network(402.0, 407.0, 35.0)
    answer = combine(unsure, None, Lattice(), SIDE)
    assert answer.status == "uncertain"
    assert "35 px" in answer.reason
    assert "66 px" in answer.reason
    assert combine(unsure, None, Lattice(), SIDE, searched_px=120.0).status == "ok"
    assert combine(unsure, Fit(), Lattice(), SIDE).status == "ok", "an agreeing background supports it"


def test_untrusted_sources_are_not_used_but_quoted() -> None:
    answer = combine(
        network(),
        None,
        Lattice(reason="only 31% of the spots are indexed"),
        SIDE,
        background_refused="it is flat",
    )
    assert answer.status == "uncertain"
    assert "31%" in answer.reason
    assert "flat" in answer.reason
    assert combine(network(), None, None, SIDE).reason


def test_broken_numbers_never_get_in() -> None:
    nan = Fit(covariance=np.full((4, 4), np.nan))
    negative = Fit(covariance=-np.eye(4))
    lost = Fit(center_px=(np.nan, 1.0))
    for broken in (nan, negative, lost):
        assert combine(network(), broken, None, SIDE).status == "uncertain"
        assert combine(network(), broken, Lattice(), SIDE).evidence == "lattice"


def test_error_bars_of_the_posterior_cover_the_truth() -> None:
    rng = np.random.default_rng(7)
    truth = np.array([400.0, 410.0, 0.5, -0.3])
    pulls = []
    for _ in range(300):
        base = np.diag(rng.uniform([0.1, 0.1, 0.02, 0.02], [0.5, 0.5, 0.1, 0.1])) ** 2
        grid = np.diag(rng.uniform([0.1, 0.1, 0.02, 0.02], [0.5, 0.5, 0.1, 0.1])) ** 2
        a, b = rng.multivariate_normal(truth, base), rng.multivariate_normal(truth, grid)
        answer = combine(
            network(*rng.normal(truth[:2], 5.0)),
            Fit((a[0], a[1]), (a[2], a[3]), base),
            Lattice((b[0], b[1]), (b[2], b[3]), grid),
            SIDE,
        )
        assert answer.status == "ok"
        found = np.array([*answer.estimate.center_px, *answer.estimate.tilt_deg])
        pulls.append((found - truth) / np.sqrt(np.diag(answer.estimate.covariance)))
    inside = np.mean(np.abs(pulls) < 1.0), np.mean(np.abs(pulls) < 1.96)
    assert 0.64 < inside[0] < 0.76
    assert 0.92 < inside[1] < 0.98


def test_opinions_that_differ_by_more_than_chance_are_widened_the_soft_one_more() -> None:
    firm = opinion("lattice", Fit(), 0.0, 0.0)
    soft = opinion("background", Fit(center_px=(401.0, 410.0)), 0.0, 0.0)
    assert firm is not None
    assert soft is not None
    assert compare(firm, soft).chi2 == pytest.approx(1.0 / 0.02)
    wide, wider = reconcile(firm, soft)
    assert compare(wide, wider).chi2 == pytest.approx(4.0, rel=0.01)
    assert wider.covariance(4)[0, 0] / 0.01 == pytest.approx((wide.covariance(4)[0, 0] / 0.01) ** 2, rel=0.01)
    near = opinion("background", Fit(center_px=(400.1, 410.0)), 0.0, 0.0)
    assert near is not None
    assert reconcile(firm, near) == (firm, near)


def test_spacing_of_origins() -> None:
    reciprocal = np.diag([1 / 60, 1 / 70, 1 / 90])
    assert spacing_px(reciprocal, 2000.0) == pytest.approx(2000.0 / 70)
    turned = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ reciprocal
    assert spacing_px(turned, 2000.0) == pytest.approx(2000.0 / 90)
