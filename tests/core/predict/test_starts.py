"""Who is believed of several starts: what the frame says about each decides, not who proposed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.metadata import Choice, Metadata, Verdict
from xgeom_core.predict.attempt import Attempt, Evidence
from xgeom_core.predict.posterior.combine import Combined
from xgeom_core.predict.starts import header_starts, settle, stated_start

SIDE = 820
NETWORK = Estimate("network", (500.0, 400.0), covariance=np.diag([100.0, 100.0]))


def _attempt(
    start: Estimate,
    center: tuple[float, float] | None,
    tilt: tuple[float, float] = (0.0, 0.0),
    *,
    evidence: str = "background",
    spots: int = 0,
    excess: float = 0.03,
) -> Attempt:
    """What a start led to; no center: nothing that can be believed."""
    covariance = np.diag([0.01, 0.01, 0.01, 0.01])
    found = Evidence()
    found.background = SimpleNamespace(excess=excess, dropped=0.1, converged=center is not None)  # type: ignore[assignment]
    if spots:
        found.lattice = SimpleNamespace(indexed=np.ones(spots, dtype=bool))  # type: ignore[assignment]
    if center is None:
        reason = "The fit to the background did not settle."
        said = replace(start, source="network", status="uncertain", reason=reason)
        return Attempt(start, found, Combined(said, "uncertain", reason, "network"))
    return Attempt(start, found, Combined(Estimate("fit", center, tilt, covariance), "ok", "", evidence))


def _landing(
    *places: tuple[float, float] | None, **what: Any
) -> tuple[list[Estimate], Callable[..., Attempt]]:
    """Attempts that land at the given places in turn; and the starts that were asked for."""
    asked: list[Estimate] = []

    def again(start: Estimate) -> Attempt:
        asked.append(start)
        return _attempt(start, places[len(asked) - 1], **what)

    return asked, again


def test_a_header_is_a_start_unless_it_is_doubtful() -> None:
    plain = Metadata(center_px=(410.0, 300.0))
    (start,) = header_starts(plain, SIDE)
    assert (start.source, start.center_px, start.tilt_deg) == ("header", (410.0, 300.0), None)
    assert header_starts(Metadata(), SIDE) == []
    doubted = replace(plain, verdicts=(Verdict("center", "doubtful", "The middle."),))
    assert header_starts(doubted, SIDE) == []


def test_a_stated_swing_may_turn_the_other_ways() -> None:
    other = Choice("swung to the other side", (900.0, 300.0), tilt_deg=(0.0, -20.0))
    swung = Metadata(
        center_px=(-10.0, 300.0), tilt_deg=(0.0, 20.0), choices=(other, Choice("+0.5", (1.0, 1.0)))
    )
    first, second = header_starts(swung, SIDE)
    assert (first.center_px, first.tilt_deg) == ((-10.0, 300.0), (0.0, 20.0))
    assert (second.center_px, second.tilt_deg) == ((900.0, 300.0), (0.0, -20.0))


def test_an_answer_that_nothing_denies_stands_without_a_second_attempt() -> None:
    asked, again = _landing()
    first = _attempt(NETWORK, (480.0, 400.0))
    assert settle(first, [stated_start("header", (470.0, 400.0), None, SIDE)], SIDE, again) is first
    assert asked == []


def test_a_background_found_from_the_header_is_asked_for_once_more_from_beside() -> None:
    header = stated_start("header", (300.0, 350.0), None, SIDE)
    first = _attempt(NETWORK, None)
    asked, again = _landing((302.0, 351.0), (302.02, 351.0))
    chosen = settle(first, [header], SIDE, again)
    assert chosen.ok
    assert chosen.combined.estimate.center_px == (302.0, 351.0)
    assert "204 px off" in chosen.combined.estimate.warnings[-1]
    beside = np.subtract(asked[1].center_px, header.center_px)
    assert np.hypot(*beside) > 10
    # Away from the answer.
    assert beside @ np.subtract((302.0, 351.0), header.center_px) < 0


def test_a_false_basin_that_only_one_start_finds_is_no_answer() -> None:
    header = stated_start("header", (300.0, 350.0), None, SIDE)
    first = _attempt(NETWORK, None)
    for places in (((302.0, 351.0), (330.0, 340.0)), ((302.0, 351.0), None)):
        _, again = _landing(*places)
        assert settle(first, [header], SIDE, again) is first


def test_a_background_that_explains_less_than_what_was_refused_is_no_answer() -> None:
    header = stated_start("header", (300.0, 350.0), None, SIDE)
    settled_elsewhere = _attempt(NETWORK, (480.0, 400.0), excess=0.02)
    refused = replace(settled_elsewhere, combined=_attempt(NETWORK, None).combined)
    asked, again = _landing((302.0, 351.0), excess=0.2)
    assert settle(refused, [header], SIDE, again) is refused
    assert len(asked) == 1


def test_a_lattice_found_from_the_header_needs_no_second_start() -> None:
    asked, again = _landing((302.0, 351.0), evidence="lattice", spots=200)
    chosen = settle(
        _attempt(NETWORK, None), [stated_start("header", (300.0, 350.0), None, SIDE)], SIDE, again
    )
    assert chosen.ok
    assert len(asked) == 1


def test_an_answer_that_denies_the_stated_swing_gives_way_or_is_doubted() -> None:
    swing = stated_start("header", (-15.0, 327.0), (0.0, 20.0), SIDE)
    sure = _attempt(NETWORK, (161.0, 318.0), (0.0, 6.7), evidence="lattice", spots=398)
    _, again = _landing((-15.2, 327.4), tilt=(0.5, 20.1), evidence="lattice", spots=398)
    chosen = settle(sure, [swing], SIDE, again)
    assert chosen.ok
    assert chosen.combined.estimate.tilt_deg == (0.5, 20.1)
    # The swing leads to a lattice of fewer spots: neither is sure.
    _, again = _landing((-15.2, 327.4), tilt=(0.5, 20.1), evidence="lattice", spots=200)
    assert settle(sure, [swing], SIDE, again).combined.status == "uncertain"
    # The swing leads nowhere.
    _, again = _landing(None)
    doubted = settle(sure, [swing], SIDE, again)
    assert doubted.combined.status == doubted.combined.estimate.status == "uncertain"
    assert "swing of 20.0 degrees" in doubted.combined.reason
    # An answer that agrees with the swing is asked no more.
    asked, again = _landing()
    agrees = _attempt(NETWORK, (-15.2, 327.4), (0.5, 20.1), evidence="lattice", spots=398)
    assert settle(agrees, [swing], SIDE, again) is agrees
    assert asked == []
