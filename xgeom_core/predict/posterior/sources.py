"""What each source found, as a `Finding`: places, and the numbers that tell how far it may be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import RadialFit
from xgeom_core.predict.lattice import LatticeSolution
from xgeom_core.predict.network import NetworkOpinion
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.reliability import reliabilities

FloatArray = NDArray[np.float64]

# A swing that a header states is good to this; of a tilt that it does not state nothing is known.
_SWING_DEG, _STRAIGHT_DEG = 1.0, 1.0
# How far off headers are that are nearly right: pixels, and shares of the longer side, with their weights
# (`benchmarks/reliability.py` prints the counts).
_HEADER_PX, _HEADER_SHARES = 0.5, (0.002, 0.012)
_HEADER_WEIGHTS = (0.5, 0.35, 0.15)
# Weight of every other reading of a header against the one that it states.
_OTHER_READING = 0.1
# A user's start is taken to be good to this share of the side, and to so many degrees.
_STATED_SHARE, _STATED_DEG = 0.005, 1.0
_SYMMETRY = {"aP": 0, "m": 1, "o": 2, "t": 3, "h": 3, "c": 4}


def network_finding(said: NetworkOpinion, shape: tuple[int, int]) -> Finding | None:
    """The network's center; its tilt is too rough to count."""
    side = max(shape)
    own = said.estimate
    sigma = max(own.center_sigma_px or (np.nan,))
    x, y = own.center_px
    # Beyond the middle half of the panel the network has seen little.
    out = max(abs(x / shape[1] - 0.5), abs(y / shape[0] - 0.5))
    features = {
        "log_sigma": _log(sigma / side),
        "log_spread": _log(said.spread_px / side, 1e-5),
        "log_aspect": _log(side / min(shape)),
        "eccentric": out,
    }
    assert own.covariance is not None
    return Finding.of("network", own.center_px, None, own.covariance[:2, :2], features)


def header_finding(metadata: Metadata, side_px: int) -> Finding | None:
    """The center, and the tilt if any, that a header states, in every way that it can be read."""
    if metadata.center_px is None:
        return None
    senses = {verdict.quantity: verdict.sense for verdict in metadata.verdicts}
    readings = [(metadata.center_px, metadata.tilt_deg, 0.0, "")]
    readings += [
        (
            choice.center_or(metadata.center_px),
            choice.tilt_deg or metadata.tilt_deg,
            float(np.log(_OTHER_READING)),
            choice.name,
        )
        for choice in metadata.choices
        if choice.center_px is not None or choice.tilt_deg is not None
    ]
    places = []
    for center, tilt, weight, name in readings:
        turned = _SWING_DEG if tilt is not None and max(map(abs, tilt)) > 0 else _STRAIGHT_DEG
        for share, part in zip((0.0, *_HEADER_SHARES), _HEADER_WEIGHTS, strict=True):
            sigma = max(_HEADER_PX, share * side_px)
            covariance = np.diag(np.square([sigma, sigma, turned, turned]))
            places.append((center, tilt or (0.0, 0.0), covariance, weight + float(np.log(part)), name))
    doubtful = senses.get("center", "plausible") != "plausible"
    return Finding.of_places("header", places, {"doubtful": float(doubtful)})


def start_finding(start: Estimate) -> Finding | None:
    """What a user states."""
    assert start.covariance is not None
    return Finding.of("start", start.center_px, start.tilt_deg, start.covariance)


def stated_start(
    source: str, center_px: tuple[float, float], tilt_deg: tuple[float, float] | None, side_px: int
) -> Estimate:
    """A start that a user or a header states, with the error bar that such statements deserve."""
    sigma = _STATED_SHARE * side_px
    variances = [sigma**2, sigma**2] + ([_STATED_DEG**2] * 2 if tilt_deg is not None else [])
    return Estimate(source, center_px, tilt_deg, np.diag(variances))


def background_finding(fits: Sequence[RadialFit], side_px: int) -> Finding | None:
    """Fits of the background from several starts: distinct basins, weighed by what they explain."""
    told = [fit for fit in fits if np.isfinite(fit.covariance).all()]
    if not told:
        return None
    told = sorted(told, key=_unexplained)
    first = told[0]
    places = [
        (
            fit.center_px,
            fit.tilt_deg,
            fit.covariance,
            _STRONGER * (_unexplained(first) - _unexplained(fit)),
            "",
        )
        for number, fit in enumerate(told)
        if not any(_same(fit, other) for other in told[:number])
    ]
    return Finding.of_places("background", places, background_features(first, side_px))


def best_fit(fits: Sequence[RadialFit]) -> RadialFit | None:
    """The fit that explains most of the frame."""
    told = [fit for fit in fits if np.isfinite(fit.covariance).all()]
    return min(told, key=_unexplained, default=None)


def best_lattice(solutions: Sequence[LatticeSolution], side_px: int) -> LatticeSolution | None:
    """The lattice that is most likely right."""
    known = reliabilities()["lattice"]
    return min(solutions, key=lambda one: known.p_wrong(lattice_features(one, side_px)), default=None)


# How much more likely a fit is that leaves less unexplained, a unit of `_unexplained`.
_STRONGER = 10.0


def _unexplained(fit: RadialFit) -> float:
    """What a background's model leaves unexplained: relative, and as a share of the frame left out."""
    return (1.0 + fit.excess) / max(1.0 - fit.dropped, 0.01) + (0.0 if fit.converged else 1.0)


def _same(one: RadialFit, other: RadialFit) -> bool:
    """Whether two fits ended in one basin."""
    apart = np.abs(np.subtract(one.center_px, other.center_px))
    sigma = np.sqrt(np.diag(one.covariance)[:2] + np.diag(other.covariance)[:2])
    return bool((apart < np.maximum(0.3, 3.0 * sigma)).all())


def background_features(fit: RadialFit, side_px: int) -> dict[str, float]:
    """What a background fit says of itself."""
    sigma = np.sqrt(np.diag(fit.covariance))
    return {
        "log_misfit": _log(fit.misfit),
        "log_excess": _log(fit.excess, 1e-3),
        "log_contrast": _log(fit.contrast),
        "log_dropped": _log(fit.dropped, 1e-2),
        "log_evidence": _log(fit.evidence_px / side_px),
        "log_sigma": _log(float(sigma[:2].max()) / side_px),
        "log_tilt_sigma": _log(float(sigma[2:].max())) if len(sigma) == 4 else 0.0,
        "log_lean": _log(fit.lean_deg, 0.1),
        "log_rings": float(np.log1p(fit.rings)),
        "sharp": float(fit.sharp),
        "unsettled": float(not fit.converged),
        "lopsided": float(fit.lopsided),
    }


def lattice_finding(solution: LatticeSolution | None, side_px: int) -> Finding | None:
    """A lattice: one place for every offset of its origin that may be the beam."""
    if solution is None or solution.covariance is None:
        return None
    places = [(solution.center_px, solution.tilt_deg, solution.covariance, 0.0, "")]
    places += [
        (rival.center_px, rival.tilt_deg, solution.covariance, rival.log_odds, "another origin")
        for rival in solution.rivals
    ]
    return Finding.of_places("lattice", places, lattice_features(solution, side_px))


def lattice_features(solution: LatticeSolution, side_px: int) -> dict[str, float]:
    """What a lattice says of itself."""
    sigma = np.sqrt(np.diag(solution.covariance))
    bravais = solution.bravais
    return {
        "log_indexed": _log(float(np.sum(solution.indexed)), 1.0),
        "share": solution.share,
        "symmetry": float(_SYMMETRY.get(bravais, _SYMMETRY.get(bravais[:1], 0))),
        "log_rms": _log(solution.rms_px, 0.01),
        "log_sigma": _log(float(sigma[:2].max()) / side_px),
        "log_tilt_sigma": _log(float(sigma[2:].max())) if len(sigma) == 4 else 0.0,
        "refused": float(bool(solution.reason) and "origin" not in solution.reason),
    }


def _log(value: float, floor: float = 1e-6) -> float:
    """Logarithm of what should be positive; NaN stays NaN."""
    return float(np.log(np.maximum(value, floor)))
