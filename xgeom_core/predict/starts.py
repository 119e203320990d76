"""Where to look next: the likeliest place that was not tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xgeom_core.predict.attempt import Start
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.weigh import Place, Posterior

# At most so many attempts are made at a frame; a place less likely than this is not worth one.
_MOST, _LEAST_WEIGHT = 4, 0.003
# From places that are known no better than this share of the side no fit finds its way.
_VAGUE_SHARE = 0.12
# Places nearer than this share of the side (2527 px: 10 px), and tilts nearer than this, lead to the same.
_SAME_SHARE, _SAME_DEG = 0.004, 3.0
# Tilts that are known no better than this are begun with at 0, but for those that are so many bars from it.
_KNOWN_DEG, _SWUNG_SIGMA = 1.5, 4.0
# What somebody wrote down is tried before what else is proposed.
_WRITTEN = ("header", "start")


def next_start(posterior: Posterior, tried: Sequence[Start]) -> Start | None:
    """Where the next attempt should begin; None if nothing is left that is worth one."""
    if len(tried) >= _MOST:
        return None
    for start in _possible(posterior):
        if tried and start.sigma_px > _VAGUE_SHARE * posterior.side_px:
            continue
        if not any(_same(start, other, posterior.side_px) for other in tried):
            return start
    return None


def _possible(posterior: Posterior) -> Iterator[Start]:
    """The best place, then what each source proposes itself, then whatever else is possible."""
    yield _at(posterior.best)
    # A lattice's offsets all stand for one set of directions: another start finds no other lattice.
    proposing = [finding for finding in posterior.findings if finding.source != "lattice"]
    proposing.sort(key=lambda one: (one.source not in _WRITTEN, -posterior.p_right(one.source)))
    for finding in proposing:
        yield _of(finding, finding.best)
    for place in posterior.places:
        if place.weight > _LEAST_WEIGHT:
            yield _at(place)
    for finding in proposing:
        for number in np.argsort(finding.log_weight)[::-1]:
            yield _of(finding, int(number))


def _at(place: Place) -> Start:
    return _start(place.mean, np.sqrt(np.diag(place.covariance)))


def _of(finding: Finding, number: int) -> Start:
    return _start(finding.mean[number], np.sqrt(np.diag(finding.covariance[number])))


def _start(mean: np.ndarray, sigma: np.ndarray) -> Start:
    tilt = (0.0, 0.0)
    if len(mean) == 4:
        known = sigma[2:].max() < _KNOWN_DEG or np.abs(mean[2:] / sigma[2:]).max() > _SWUNG_SIGMA
        tilt = (float(mean[2]), float(mean[3])) if known else tilt
    return Start((float(mean[0]), float(mean[1])), tilt, float(sigma[:2].max()))


def _same(one: Start, other: Start, side_px: int) -> bool:
    apart = np.hypot(*np.subtract(one.center_px, other.center_px))
    turned = np.abs(np.subtract(one.tilt_deg, other.tilt_deg)).max()
    return bool(apart < _SAME_SHARE * side_px and turned < _SAME_DEG)
