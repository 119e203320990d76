"""What each source found, as a `Finding`: places, and the numbers that tell how far it may be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.predict.background.radial_fit import RadialFit
from xgeom_core.predict.lattice import HklOffset, LatticeSolution
from xgeom_core.predict.network import NetworkOpinion
from xgeom_core.predict.posterior.finding import Finding, Point
from xgeom_core.predict.posterior.reliability import UNKNOWN, reliabilities
from xgeom_core.predict.symmetry import Witness

FloatArray = NDArray[np.float64]

# A user's start is taken to be good to this share of the side, and to so many degrees.
_STATED_SHARE, _STATED_DEG = 0.005, 1.0
# Symmetries of the same pixels.
_ALIKE = ("180-degree symmetry", "quadrant symmetry")
# The radii of rings are free, so over a short arc only its curvature tells the center, and what modules are
# off by is read as a shift and a tilt. Rings over less azimuth than this tell no tilt, and the center to no
# more than this share of the side: the bars know of modules, but not of all that real rings there show.
_ONE_SIDED_DEG, _TRADED_SHARE = 110.0, 0.001
# The most that the scores of fits from different starts count in their log odds.
MOST_SCORE = 6.0
# What a score is worth: the patches of a frame that it compares are not quite independent.
SCORE_WORTH = 0.5
# How far centers (px) and tilts (degrees) of offsets move when they are refined; offsets less likely than the
# best by more than this (logarithm) are left out.
_UNREFINED = (0.3, 0.3, 0.1, 0.1)
_IMPOSSIBLE = 16.0


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


def symmetry_findings(witnesses: Sequence[Witness]) -> list[Finding]:
    """Symmetry's centers; of inversion and quadrants, which see the same pixels, the likelier right one."""
    found = [
        finding
        for one in witnesses
        if (finding := Finding.of(one.source, one.center_px, None, one.covariance, one.diagnostics))
        is not None
    ]
    alike = [finding for finding in found if finding.source in _ALIKE]
    if len(alike) > 1:
        found.remove(max(alike, key=_p_wrong))
    return found


def _p_wrong(finding: Finding) -> float:
    return reliabilities().get(finding.source, UNKNOWN).p_wrong(finding.features)


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


def background_finding(
    fits: Sequence[RadialFit], starts: Sequence[FloatArray], side_px: int
) -> Finding | None:
    """Fits of the background from several starts: basins and mirrors, weighed by what they explain.

    Parameters
    ----------
    fits : sequence of RadialFit
    starts : sequence of ndarray, shape (4,)
        Where each began: x, y in px, pitch, yaw in degrees.
    side_px : int
    """
    told = sorted(_sound(fits), key=lambda fit: _log_odds(fit, fits, side_px), reverse=True)
    if not told:
        return None
    places: list[tuple[Point, Point | None, FloatArray, float, str]] = []
    for number, fit in enumerate(told):
        if not any(_same(fit, other) for other in told[:number]):
            weight = _log_odds(fit, fits, side_px) - _log_odds(told[0], fits, side_px)
            if fit.azimuth_deg < _ONE_SIDED_DEG:
                loose = fit.covariance[:2, :2] + np.eye(2) * (_TRADED_SHARE * side_px) ** 2
                places.append((fit.center_px, None, loose, weight, ""))
                continue
            places.append((fit.center_px, fit.tilt_deg, fit.covariance, weight, ""))
            if fit.mirror is not None:
                center, tilt, odds = fit.mirror
                places.append((center, tilt, fit.covariance, weight + odds, "the mirrored tilt of the rings"))
    begun = starts[list(fits).index(told[0])]
    return Finding.of_places("background", places, background_features(told[0], side_px), begun)


def best_fit(fits: Sequence[RadialFit], side_px: int) -> RadialFit | None:
    """The fit that is likeliest right."""
    return max(_sound(fits), key=lambda fit: _log_odds(fit, fits, side_px), default=None)


def _sound(fits: Sequence[RadialFit]) -> list[RadialFit]:
    return [fit for fit in fits if np.isfinite(fit.covariance).all()]


def _log_odds(fit: RadialFit, fits: Sequence[RadialFit], side_px: int) -> float:
    """Of a fit against the others: by what it explains of the frame, and by what it says of itself.

    About a center far off the panel rings are nearly straight, and explain whatever lies in stripes: so what
    fits explain counts by no more than `MOST_SCORE`.
    """
    wrong = reliabilities()["background"].p_wrong(background_features(fit, side_px))
    best = max(other.score for other in fits)
    return max(SCORE_WORTH * (fit.score - best), -MOST_SCORE) + float(np.log1p(-wrong) - np.log(wrong))


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
        "log_tilt_sigma": _log(float(sigma[2:].max())) if len(sigma) == 4 else np.nan,
        "log_lean": _log(fit.lean_deg, 0.1),
        "log_rings": float(np.log1p(fit.rings)),
        "sharp": float(fit.sharp),
        "unsettled": float(not fit.converged),
        "log_gain": float(np.arcsinh(fit.gain_sigma)),
        "azimuth": fit.azimuth_deg / 360.0,
        "turned": float(max(map(abs, fit.tilt_deg)) / 10.0) if fit.tilt_deg is not None else np.nan,
    }


def best_lattice(solutions: Sequence[LatticeSolution]) -> LatticeSolution | None:
    """The lattice that is most likely right; none of another cell than the one given."""
    known = reliabilities()["lattice"]
    possible = [one for one in solutions if not one.other_cell]
    return min(possible, key=lambda one: known.p_wrong(lattice_features(one)), default=None)


def lattice_finding(solution: LatticeSolution | None) -> Finding | None:
    """A lattice: one place for every offset of its indices that may be the beam."""
    if solution is None or not solution.offsets:
        return None
    chosen = solution.offset
    assert chosen is not None
    loose = solution.covariance + np.diag(np.square(_UNREFINED))
    places = [(solution.center_px, solution.tilt_deg, solution.covariance, chosen.log_likelihood, "")]
    for offset in solution.offsets:
        if offset.hkl != chosen.hkl:
            hkl = " ".join(str(one) for one in np.subtract(offset.hkl, chosen.hkl))
            label = f"the lattice indexed with an hkl offset of {hkl}"
            places.append((offset.center_px, offset.tilt_deg, loose, offset.log_likelihood, label))
    best = max(weight for _, _, _, weight, _ in places)
    told = [place for place in places if place[3] > best - _IMPOSSIBLE]
    return Finding.of_places("lattice", told, lattice_features(solution))


def offset_at(solution: LatticeSolution, center_px: tuple[float, float]) -> HklOffset | None:
    """The offset whose beam is nearest to a center; None if that is the one refined already."""
    if not solution.offsets or solution.offset is None:
        return None
    own = np.hypot(*np.subtract(solution.center_px, center_px))
    nearest = min(solution.offsets, key=lambda one: np.hypot(*np.subtract(one.center_px, center_px)))
    away = np.hypot(*np.subtract(nearest.center_px, center_px))
    return None if nearest.hkl == solution.offset.hkl or own <= away else nearest


def lattice_features(solution: LatticeSolution) -> dict[str, float]:
    """What a lattice says of itself."""
    said = solution.diagnostics
    if said is None:
        return {}
    return {
        "log_indexed": _log(said.indexed, 1.0),
        "share": said.share,
        "core": said.core,
        "log_chance": _log(said.chance, 1e-3),
        "log_excess": float(np.arcsinh(said.excess_sigma)),
        "log_unlikely": float(np.arcsinh(-said.log10_chance)),
        "recorded": said.recorded,
        "log_order": _log(said.order),
        "lattices": float(said.lattices),
        "log_rms_sigma": _log(said.rms_sigma, 1e-2),
        "log_rms": _log(said.rms_px, 1e-2),
        "log_tilt_sigma": _log(said.tilt_sigma_deg, 1e-3),
        "distance_change": abs(said.distance_change) * 100.0,
        "log_aspect": _log(said.aspect),
        "log_points": said.log_points_per_spot,
    }


def _log(value: float, floor: float = 1e-6) -> float:
    """Logarithm of what should be positive; NaN stays NaN."""
    return float(np.log(np.maximum(value, floor)))
