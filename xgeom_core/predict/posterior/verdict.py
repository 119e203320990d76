"""What a posterior answers: a center, a tilt where it is told, how sure, and what else may be true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.predict.candidate import Candidate
from xgeom_core.predict.posterior.doubts import doubts_in_words
from xgeom_core.predict.posterior.weigh import Place, Posterior

# What "ok" means: the probability that the center is right within its tolerance.
OK = 0.99
# An answer is no answer if its error bar is wider: share of the longer side (3 px of 2527), degrees.
_SIGMA_SHARE, _SIGMA_DEG = 0.0012, 0.4
# Sources that see the frame well enough to answer; and those that know a tilt.
_ANSWERING = (
    *("lattice", "background", "direct beam"),
    *("180-degree symmetry", "quadrant symmetry", "Friedel pairs"),
)
# What measures the frame itself is told as evidence where it agrees, too.
_MEASURING = ("lattice", "background")
# A header that is right with this probability, which the frame can neither confirm nor contradict, is told.
_STANDS = 0.5
# A source whose own error bar is this many times longer than the answer's adds nothing.
_LEAST_SHARE = 0.2
_LEAST_CANDIDATE, _MOST_CANDIDATES = 0.005, 8


@dataclass(frozen=True, eq=False)
class Verdict:
    """The answer and how it came about.

    Parameters
    ----------
    estimate : Estimate
        Source ``"fit"``, ``"header"``, ``"network"`` or ``"start"``.
    evidence : str
        Sources that are right if the answer is, joined by ``"+"``.
    probability : float
        That the center is right within its tolerance.
    candidates : tuple of Candidate
        Where the beam may be, likeliest first, the answer among them.
    origins : tuple
        The lattice's possible origins ``(x, y, probability)``, likeliest first; empty without a lattice.
    agreement : tuple of (str, str)
        For the report: how each source compares with the answer.
    """

    estimate: Estimate
    evidence: str
    probability: float
    candidates: tuple[Candidate, ...] = ()
    origins: tuple[tuple[float, float, float], ...] = ()
    agreement: tuple[tuple[str, str], ...] = field(default=())

    @property
    def status(self) -> Status:
        """That of the estimate."""
        return self.estimate.status

    @property
    def reason(self) -> str:
        """That of the estimate."""
        return self.estimate.reason


def reach_verdict(
    found: Posterior,
    header: Estimate | None,
    notes: tuple[str, ...] = (),
    absent: Mapping[str, str] | None = None,
) -> Verdict:
    """What a posterior answers.

    Parameters
    ----------
    found : Posterior
    header : Estimate or None
        What the file states.
    notes : tuple of str
        Of the sources, for the user, whatever the answer.
    absent : mapping, optional
        Why a source says nothing, by its name, where there is more to say than that.
    """
    best = found.best
    answering = [name for name in _ANSWERING if name in best.sources and _tells(found, name)]
    wide = best.sigma_px > _SIGMA_SHARE * found.side_px
    if answering and found.certainty >= OK and not wide:
        estimate = _settled(best, notes)
        agreeing = [name for name in _MEASURING if name in best.sources and name not in answering]
        evidence = "+".join(sorted([*answering, *agreeing], key=_ANSWERING.index))
    elif header is not None and _stands(found) and not answering:
        estimate, evidence = _stated(found, header), "header"
    else:
        estimate = _uncertain(found, bool(answering) and wide, absent or {})
        evidence = "+".join(name for name in best.sources if _tells(found, name)) or "network"
    likely = [place for place in found.places if place.weight >= _LEAST_CANDIDATE][:_MOST_CANDIDATES]
    return Verdict(
        estimate,
        evidence,
        found.certainty,
        tuple(_candidate(place) for place in likely),
        _origins(found),
        _agreement(found),
    )


def settled(found: Posterior) -> bool:
    """Whether further starts would change nothing: they find other places, but no narrower error bars."""
    return found.certainty >= OK and any(name in found.best.sources for name in _MEASURING)


def _stands(found: Posterior) -> bool:
    """Whether the header is likely right and nothing in the frame contradicts it."""
    contradicted = any(finding.source == "header" and finding.against > 0 for finding in found.findings)
    return found.p_right("header") > _STANDS and not contradicted


def _tells(found: Posterior, source: str) -> bool:
    """Whether a source knows the best place's center well enough to answer, and not only to agree."""
    finding = next(item for item in found.findings if item.source == source)
    near = int(np.argmin(np.hypot(*(finding.mean[:, :2] - found.best.mean[:2]).T)))
    own = float(np.sqrt(np.linalg.eigvalsh(finding.covariance[near, :2, :2])[-1]))
    return found.best.sigma_px > _LEAST_SHARE * own


def _settled(best: Place, notes: tuple[str, ...]) -> Estimate:
    """An answer that is "ok"."""
    center = _pair(best.mean[:2])
    if _tells_tilt(best):
        return Estimate("fit", center, _pair(best.mean[2:]), best.covariance, warnings=notes)
    return Estimate("fit", center, None, best.covariance[:2, :2], warnings=notes)


def _stated(found: Posterior, header: Estimate) -> Estimate:
    """The header's center, with the bar that the frame gives it."""
    sigma = found.radius_px(np.array(header.center_px))
    said = (
        f"Nothing in this frame contradicts the header's center, and nothing tells it better: it could be "
        f"off by {_in_px(2.0 * sigma)}."
    )
    return Estimate("header", header.center_px, header.tilt_deg, np.diag([sigma**2] * 2), "stated", said)


def _uncertain(found: Posterior, wide: bool, absent: Mapping[str, str]) -> Estimate:
    """The likeliest center, and what else may be true."""
    best = found.best
    sigma = found.radius_px(best.mean[:2])
    if wide:
        knows = "knows" if len(best.sources) == 1 else "know"
        reason = f"The {' and '.join(best.sources)} {knows} the center only to {_in_px(best.sigma_px)}."
    else:
        reason = doubts_in_words(found, absent)
    fitted = any(name in _ANSWERING and _tells(found, name) for name in best.sources)
    source = "fit" if fitted else (best.sources[0] if best.sources else "network")
    center = best.mean[:2]
    if len(best.sources) == 1 and not fitted:
        # What nothing else confirms stays as it was stated.
        own = next(finding for finding in found.findings if finding.source == source).mean[:, :2]
        center = own[np.argmin(np.hypot(*(own - center).T))]
    return Estimate(source, _pair(center), None, np.diag([sigma**2] * 2), "uncertain", reason)


def _tells_tilt(place: Place) -> bool:
    return bool(np.sqrt(np.diag(place.covariance)[2:].max()) <= _SIGMA_DEG)


def _candidate(place: Place) -> Candidate:
    sigma = np.sqrt(np.diag(place.covariance))
    told = _tells_tilt(place)
    return Candidate(
        _pair(place.mean[:2]),
        _pair(sigma[:2]),
        _pair(place.mean[2:]) if told else None,
        _pair(sigma[2:]) if told else None,
        place.weight,
        place.sources,
        place.label,
    )


def _origins(found: Posterior) -> tuple[tuple[float, float, float], ...]:
    lattice = next((finding for finding in found.findings if finding.source == "lattice"), None)
    if lattice is None:
        return ()
    share = found.places_of("lattice")
    total = share.sum()
    order = [number for number in np.argsort(share)[::-1] if share[number] > 1e-4 * total]
    return tuple((*_pair(lattice.mean[number, :2]), float(share[number] / total)) for number in order)


def _agreement(found: Posterior) -> tuple[tuple[str, str], ...]:
    """How each source compares with the answer, and how far it is believed."""
    rows = []
    for finding in found.findings:
        off = finding.mean[:, :2] - found.best.mean[:2]
        number = int(np.argmin(np.hypot(*off.T)))
        apart = float(np.hypot(*off[number]))
        right = 100.0 * found.p_right(finding.source)
        rows.append((finding.source, f"{_in_px(apart)} from the answer; right with {right:.3g}%"))
    return tuple(rows)


def _in_px(value: float) -> str:
    return f"{value:.2g} px" if value < 10.0 else f"{value:.0f} px"


def _pair(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[1])
