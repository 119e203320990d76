"""One posterior out of all findings: truths drawn from what it assumes, and cases told apart by hand."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.metadata import Choice, Metadata, Verdict
from xgeom_core.predict.attempt import Start
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.header import header_finding
from xgeom_core.predict.posterior.reliability import TAIL, Reliability
from xgeom_core.predict.posterior.verdict import OK, reach_verdict
from xgeom_core.predict.posterior.weigh import TOLERANCE_PX, Posterior, weigh
from xgeom_core.predict.starts import next_start

SHAPE = (1000, 800)
KNOWN = {
    "network": Reliability(wrong=(-3.0,), tail=0.2),
    "header": Reliability(wrong=(-1.1,), near=0.3),
    "background": Reliability(wrong=(-5.0,), near=0.5, near_share=0.01),
    "lattice": Reliability(wrong=(-3.0,), near=0.1),
}


def say(source: str, center: tuple[float, float], sigma: float, tilt_sigma: float | None = None) -> Finding:
    size = 2 if tilt_sigma is None else 4
    covariance = np.diag(np.square([sigma, sigma, tilt_sigma or 1.0, tilt_sigma or 1.0]))[:size, :size]
    found = Finding.of(source, center, (0.1, -0.2) if size == 4 else None, covariance)
    assert found is not None
    return found


def lattice(*places: tuple[float, float, float]) -> Finding:
    covariance = np.diag(np.square([0.02, 0.02, 0.02, 0.02]))
    given = [((x, y), (0.1, -0.2), covariance, float(np.log(odds)), "hkl") for x, y, odds in places]
    found = Finding.of_places("lattice", given)
    assert found is not None
    return found


def together(*findings: Finding) -> Posterior:
    return weigh(findings, SHAPE, KNOWN)


HEADER = Estimate("header", (410.0, 480.0))


def test_sources_that_agree_are_sure() -> None:
    verdict = reach_verdict(
        together(say("network", (402, 501), 3.0), say("background", (400, 500), 0.1, 0.1)), None
    )
    assert (verdict.status, verdict.evidence) == ("ok", "background")
    assert verdict.probability > OK
    assert verdict.estimate.center_px == pytest.approx((400.0, 500.0), abs=0.02)
    assert verdict.estimate.tilt_deg == pytest.approx((0.1, -0.2), abs=0.02)


def test_a_tilt_that_the_frame_does_not_tell_is_not_told() -> None:
    found = together(say("network", (402, 501), 3.0), say("background", (400, 500), 0.1, 3.0))
    verdict = reach_verdict(found, None)
    assert verdict.status == "ok"
    assert verdict.estimate.tilt_deg is None


def test_a_background_far_from_everything_else_is_doubted_and_what_else_may_be_true_is_listed() -> None:
    verdict = reach_verdict(
        together(say("network", (402, 501), 3.0), say("background", (520, 500), 0.1)), None
    )
    assert verdict.status == "uncertain"
    centers = [candidate.center_px[0] for candidate in verdict.candidates]
    assert any(abs(x - 520) < 1 for x in centers)
    assert any(abs(x - 402) < 3 for x in centers)
    assert sum(candidate.weight for candidate in verdict.candidates) == pytest.approx(1.0, abs=0.02)


def test_a_header_far_off_is_outvoted_by_network_and_background() -> None:
    header = say("header", (464, 500), 0.5)
    both = say("network", (402, 501), 3.0), say("background", (400, 500), 0.1, 0.1)
    verdict = reach_verdict(together(header, *both), HEADER)
    assert verdict.status == "ok"
    assert verdict.estimate.center_px == pytest.approx((400.0, 500.0), abs=0.05)


def test_a_header_that_nothing_contradicts_stands_with_the_bar_of_the_frame() -> None:
    verdict = reach_verdict(
        together(say("network", (425, 470), 12.0), say("header", (410, 480), 0.5)), HEADER
    )
    assert (verdict.status, verdict.evidence) == ("stated", "header")
    assert verdict.estimate.center_px == HEADER.center_px
    assert verdict.estimate.center_sigma_px is not None
    assert 0.3 < verdict.estimate.center_sigma_px[0] < 15.0
    assert "Nothing in this frame contradicts" in verdict.reason


def test_a_header_that_the_network_contradicts_does_not_stand() -> None:
    found = together(say("network", (200, 300), 2.0), say("header", (410, 480), 0.5))
    verdict = reach_verdict(found, HEADER)
    assert (verdict.status, verdict.estimate.source) == ("uncertain", "network")
    assert found.p_right("header") < 0.5


def test_offsets_of_a_lattice_are_told_apart_by_the_other_sources() -> None:
    offsets = lattice((400, 500, 1.0), (412, 500, 2.0), (650, 500, 1.0))
    blind = reach_verdict(together(offsets, say("network", (406, 500), 60.0)), None)
    assert blind.status == "uncertain"
    assert len(blind.candidates) >= 2
    assert "hkl" in blind.reason
    seen = reach_verdict(together(offsets, say("network", (401, 500), 1.5)), None)
    assert (seen.status, seen.evidence) == ("ok", "lattice")
    assert seen.estimate.center_px == pytest.approx((400.0, 500.0), abs=0.01)
    assert seen.origins[0][2] > 0.99


def test_the_order_of_the_sources_does_not_matter() -> None:
    findings = (
        lattice((400, 500, 1.0), (412, 500, 2.0)), say("background", (401, 500), 0.5, 0.3),
        say("network", (408, 499), 4.0), say("header", (399.5, 500.5), 0.5),
    )  # fmt: skip
    means = [together(*order).best.mean for order in (findings, findings[::-1])]
    assert means[0] == pytest.approx(means[1], abs=1e-6)


def draw(rng: np.random.Generator) -> tuple[np.ndarray, list[Finding]]:
    """A truth from the prior, and what sources that err as is assumed say of it."""
    middle = np.array([SHAPE[1] / 2, SHAPE[0] / 2])
    truth = np.concatenate([middle + rng.normal(0, 150.0, 2), rng.normal(0, 1.0, 2)])
    findings = []
    for source, sigma, tilt in (("network", 4.0, None), ("background", 0.3, 0.2)):
        known = KNOWN[source]
        own = np.array([sigma, sigma, tilt or 0, tilt or 0])[: 2 if tilt is None else 4]
        floor = np.array([known.floor_share * 1000] * 2 + [known.floor_deg] * 2)[: len(own)]
        core = np.hypot(own, floor)
        wrong = rng.random() < known.p_wrong({})
        if not wrong:
            spread = core * (TAIL if rng.random() < known.tail else 1.0)
        elif rng.random() < known.near:
            spread = np.hypot(
                core, np.array([known.near_share * 1000] * 2 + [known.near_deg] * 2)[: len(own)]
            )
        else:
            spread = np.array([500.0, 500.0, 8.0, 8.0])[: len(own)]
        mean = truth[: len(own)] + spread * rng.normal(size=len(own))
        covariance = np.diag(own**2)
        findings.append(Finding(source, mean[None], covariance[None], np.zeros(1)))
    return truth, findings


def test_what_is_called_sure_is_right_and_bars_are_as_long_as_errors() -> None:
    """300 truths: of those called ok 98% are within six bars or a pixel; 68 and 95% within bars."""
    rng = np.random.default_rng(11)
    right, pulls = [], []
    for _ in range(300):
        truth, findings = draw(rng)
        verdict = reach_verdict(together(*findings), None)
        if verdict.status == "ok":
            off = np.subtract(verdict.estimate.center_px, truth[:2])
            sigma = np.array(verdict.estimate.center_sigma_px)
            right.append(np.hypot(*off) < max(TOLERANCE_PX, 6.0 * sigma.max()))
            pulls.append(np.abs(off / sigma))
    assert len(right) > 200
    assert np.mean(right) >= 0.98
    assert 0.60 < np.mean(np.array(pulls) < 0.9945) < 0.76
    assert 0.90 < np.mean(np.array(pulls) < 1.96) < 0.98


def test_a_header_is_a_finding_in_every_way_that_it_can_be_read() -> None:
    other = Choice("swung to the other side", (900.0, 300.0), tilt_deg=(0.0, -20.0))
    stated = Metadata(center_px=(-10.0, 300.0), tilt_deg=(0.0, 20.0), choices=(other,))
    found = header_finding(stated, 1000)
    assert found is not None
    assert found.mean[found.best].tolist() == [-10.0, 300.0, 0.0, 20.0]
    assert [900.0, 300.0, 0.0, -20.0] in found.mean.tolist()
    assert found.features["doubtful"] == 0.0
    doubted = Metadata(center_px=(1.0, 2.0), verdicts=(Verdict("center", "doubtful", "The middle."),))
    again = header_finding(doubted, 1000)
    assert again is not None
    assert again.features["doubtful"] == 1.0
    assert header_finding(Metadata(), 1000) is None


def test_every_place_is_tried_once_the_likeliest_first() -> None:
    header = Finding.of("header", (100.0, 500.0), (0.0, 25.0), np.diag([1.0, 1.0, 0.5, 0.5]))
    assert header is not None
    found = together(say("network", (400, 500), 2.0), header)
    tried: list[Start] = []
    while start := next_start(found, tried):
        tried.append(start)
    assert 2 <= len(tried) <= 4
    assert any(abs(one.center_px[0] - 400) < 5 and one.tilt_deg == (0.0, 0.0) for one in tried)
    assert any(abs(one.center_px[0] - 100) < 5 and abs(one.tilt_deg[1] - 25) < 1 for one in tried)
