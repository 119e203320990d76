"""Starts: who proposes where to begin, and which of several attempts is believed.

A network sees the picture and may be blind to layouts that it never learned; a header was right when somebody
wrote it. Neither is privileged: each is only a start, and what the frame itself says about one decides. A fit
may settle in a false basin near a start, though, so that an answer which one start alone has found is asked
for again from beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.metadata import Metadata
from xgeom_core.predict.attempt import Attempt, tilt_to_begin_with
from xgeom_core.predict.posterior.combine import Combined

# A center that somebody states is taken to be good to this share of the longer side (2527 px: 13 px), and a
# swing that a header states to this.
_STATED_SHARE, _STATED_DEG = 0.005, 1.0
# From here on a stated tilt is a swing of the detector, and an answer farther from it than this denies it.
_SWING_DEG, _DENIED_DEG = 5.0, 3.0
# How far beside a start a fit is begun once more, as a share of the side (2527 px: 38 px).
_BESIDE_SHARE = 0.015
# Answers of two attempts are one if they are this near in px, or within so many of their joint error bars.
_SAME_PX, _SAME_SIGMA = 0.3, 4.0
# By how much a background must be explained better to be believed against another.
_BETTER = 1.3

Attempting = Callable[[Estimate], Attempt]


def stated_start(
    source: str, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None, side_px: int
) -> Estimate:
    """A start that a user or a header states, with the error bar that such statements deserve."""
    sigma = _STATED_SHARE * side_px
    variances = [sigma**2, sigma**2] + ([_STATED_DEG**2] * 2 if tilt_deg is not None else [])
    return Estimate(source, center_px, tilt_deg, np.diag(variances))


def header_starts(metadata: Metadata, side_px: int) -> list[Estimate]:
    """Where a header says that the beam is: as it is read, and the other ways its swing may turn.

    A center that is doubtful, such as the exact middle of the image, is no start.
    """
    sense = {verdict.quantity: verdict.sense for verdict in metadata.verdicts}
    if metadata.center_px is None or sense.get("center", "plausible") != "plausible":
        return []
    starts = [stated_start("header", metadata.center_px, metadata.tilt_deg, side_px)]
    if _is_swing(metadata.tilt_deg):
        starts += [
            stated_start(f"header, {choice.name}", choice.center_px, choice.tilt_deg, side_px)
            for choice in metadata.choices
            if choice.center_px is not None and _is_swing(choice.tilt_deg)
        ]
    return starts


def _is_swing(tilt_deg: tuple[float, float] | None) -> bool:
    return tilt_deg is not None and max(map(abs, tilt_deg)) >= _SWING_DEG


def settle(first: Attempt, headers: list[Estimate], side_px: int, again: Attempting) -> Attempt:
    """The attempt to believe, after asking for more where the first leaves doubts.

    Parameters
    ----------
    first : Attempt
        From the network's start.
    headers : list of Estimate
        What the header proposes, the likeliest first.
    side_px : int
        Longer side of the frame.
    again : callable
        Makes an attempt from another start.
    """
    swing = headers[0] if headers and _is_swing(headers[0].tilt_deg) else None
    if first.ok and (swing is None or not _denies(first.combined.estimate, swing)):
        return first
    for start in headers:
        found = again(start)
        if found.ok and (first.ok or _found_beside(found, first, side_px, again)):
            return _of_two(first, found) if first.ok else _told(found, first)
    if first.ok and swing is not None:
        turned = max(map(abs, swing.tilt_deg or (0.0, 0.0)))
        return _doubted(first, f"the header states a swing of {turned:.1f} degrees, which the answer denies")
    return first


def _denies(answer: Estimate, swing: Estimate) -> bool:
    """Whether an answer contradicts a stated swing."""
    tilt, stated = answer.tilt_deg or (0.0, 0.0), tilt_to_begin_with(swing)
    return max(abs(a - b) for a, b in zip(tilt, stated, strict=True)) > _DENIED_DEG


def _found_beside(found: Attempt, first: Attempt, side_px: int, again: Attempting) -> bool:
    """Whether a background is found from beside the start as well; a lattice has no basins to fall into."""
    if "lattice" in found.combined.evidence:
        return True
    if _unexplained(found) > _unexplained(first):
        return False
    answer = found.combined.estimate.center_px
    # Away from the answer, so that the way back is no shorter than from the start itself.
    away = np.subtract(found.start.center_px, answer)
    length = float(np.hypot(*away))
    step = away / length if length > 1.0 else np.array([np.sqrt(0.5), np.sqrt(0.5)])
    x, y = np.add(found.start.center_px, _BESIDE_SHARE * side_px * step)
    other = again(replace(found.start, center_px=(float(x), float(y))))
    return other.ok and _agree(found, other)


def _agree(one: Attempt, other: Attempt) -> bool:
    first, second = one.combined.estimate, other.combined.estimate
    apart = float(np.hypot(*np.subtract(first.center_px, second.center_px)))
    sigma = np.hypot(max(first.center_sigma_px or (0.0,)), max(second.center_sigma_px or (0.0,)))
    return apart <= max(_SAME_PX, _SAME_SIGMA * float(sigma))


def _unexplained(attempt: Attempt) -> float:
    """What a background's model leaves unexplained: relative, and as a share of the frame left out.

    One that did not settle explains nothing.
    """
    fit = attempt.found.background
    return np.inf if fit is None or not fit.converged else (1.0 + fit.excess) / max(1.0 - fit.dropped, 0.01)


def _of_two(first: Attempt, header: Attempt) -> Attempt:
    """Two answers, of which the second agrees with the swing that the header states."""
    if _agree(first, header):
        return first
    if _spots(header) >= _spots(first) and (
        _spots(header) or _unexplained(first) > _BETTER * _unexplained(header)
    ):
        return _told(header, first)
    return _doubted(first, "another answer fits as well, which the header's swing agrees with")


def _spots(attempt: Attempt) -> int:
    """Spots that a lattice in use explains."""
    lattice = attempt.found.lattice
    used = lattice is not None and "lattice" in attempt.combined.evidence
    return int(np.sum(lattice.indexed)) if used and lattice is not None else 0


def _told(found: Attempt, first: Attempt) -> Attempt:
    """An answer that the network's start does not lead to says so."""
    answer = found.combined.estimate
    apart = np.hypot(*np.subtract(first.start.center_px, answer.center_px))
    said = f"Found from the {found.start.source}'s center: the network's rough one is {apart:.0f} px off."
    combined = replace(found.combined, estimate=replace(answer, warnings=(*answer.warnings, said)))
    return replace(found, combined=combined)


def _doubted(found: Attempt, doubt: str) -> Attempt:
    """An answer that is called uncertain."""
    answer = found.combined.estimate
    reason = f"{doubt[:1].upper()}{doubt[1:]}."
    estimate = replace(answer, status="uncertain", reason=reason)
    combined: Combined = replace(found.combined, estimate=estimate, status="uncertain", reason=reason)
    return replace(found, combined=combined)
