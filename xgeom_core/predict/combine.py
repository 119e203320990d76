"""One answer out of network, background and lattice: agreement is used, disagreement is said."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.predict.evidence import (
    Comparison,
    HasGeometry,
    LatticeEvidence,
    Opinion,
    compare,
    multiply,
    opinion,
    reconcile,
)
from xgeom_core.predict.lattice_origins import Origin, at_origin, judge_origins, spacing_px

# Systematic errors that a background fit does not see of itself, in native px and degrees.
_BACKGROUND_FLOOR = (0.03, 0.005)
# A network's errors have wider tails than its error bar, and no bar below this share of the side is meant.
_NETWORK_STRETCH = 2.0
_NETWORK_SHARE = 0.002
# Two sources contradict each other below this probability of chance.
_CHANCE = 1e-3
_NETWORK_CHANCE = 1e-5
# All origins but the chosen one together may keep this probability.
_DOUBT = 0.05
# An answer is no answer beyond these error bars: share of the longer side (7.5 px of 2527), degrees.
_SIGMA_SHARE = 0.003
_SIGMA_DEG = 0.5
# A lattice of so many spots and such a share of them is never wrong but by a shift of the origin.
_STRONG_SPOTS = 40
_STRONG_SHARE = 0.5
# A triclinic one must explain this share (of hundreds of spots a smaller one): a cell with a long axis that
# is not resolved looks like one.
_NO_SYMMETRY, _SKEW_SHARE = "aP", 0.9
_SKEW_SPOTS, _SKEW_PART = 300, 0.7
# One that leaves no other origin any chance outweighs a background that is off by up to this share of
# the side (25 px of 2527): real backgrounds are pulled that far by shadows.
_LONE_SPOTS = 80
_LONE_SHARE_INDEXED = 0.65
_LONE_SHARE = 0.01
# Origins are looked for within this share of the side, and must cover so many sigma of the network.
_SEARCHED_SHARE = 0.08
_SEARCH_SIGMA = 3.0
_USUAL_SPACING_PX = 8.0


@dataclass(frozen=True, eq=False)
class Combined:
    """The answer and how it came about.

    Parameters
    ----------
    estimate : Estimate
        Source ``"fit"``, or ``"network"`` where nothing better can be believed.
    status, reason
        As in the estimate.
    evidence : str
        ``"lattice"``, ``"background"``, ``"lattice+background"`` or ``"network"``.
    comparisons : tuple of Comparison
        Every pair of sources.
    shares : dict
        For each source used the share of the center's and the tilt's information it brought.
    origins : tuple of Origin
        The lattice's origins, likeliest first; empty without a lattice.
    """

    estimate: Estimate
    status: Status
    reason: str
    evidence: str
    comparisons: tuple[Comparison, ...] = ()
    shares: dict[str, tuple[float, float]] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()


def combine(
    network: Estimate,
    background: HasGeometry | None,
    lattice: LatticeEvidence | None,
    side_px: int,
    *,
    px_per_inverse_A: float | None = None,
    background_refused: str = "",
    searched_px: float | None = None,
) -> Combined:
    """The posterior of center and tilt.

    Parameters
    ----------
    network : Estimate
        The rough start; used as a wide Gaussian.
    background : RadialFit or None
        None where there is none, or where it was refused.
    lattice : LatticeSolution or None
        One with a `reason` is not used, but its reason is told; only a doubt about its origin is
        judged here, with the background. Its rivals' odds are taken to know the network already
        (they were listed within reach of it).
    side_px : int
        Longer side of the frame in native px.
    px_per_inverse_A : float, optional
        ``wavelength * distance / pixel``: px on the detector per 1/Å near the beam; tells how far a
        false origin of the lattice would be off.
    searched_px : float, optional
        How far from the network's center origins of the lattice were looked for; by default 8% of the
        side. Where the network is unsure by more, the true origin may not be among those listed, and
        the lattice alone does not answer.
    background_refused : str
        Why there is no background fit, in words, for the reason of an uncertain answer.

    Returns
    -------
    Combined
    """
    wide = opinion(network.source, network, _NETWORK_SHARE * side_px, 0.3, _NETWORK_STRETCH)
    base = None if background is None else opinion("background", background, *_BACKGROUND_FLOOR)
    refusals = [background_refused] if background_refused else []
    origins: tuple[Origin, ...] = ()
    exact: Opinion | None = None
    if lattice is not None and lattice.reason and not _origin_alone(lattice):
        refusals.append(lattice.reason)
    elif lattice is not None:
        origins = judge_origins(lattice, base)
        exact = at_origin(lattice, origins[0])
    return _Verdict(
        network,
        wide,
        base,
        exact,
        lattice,
        origins,
        side_px,
        px_per_inverse_A,
        refusals,
        searched_px or _SEARCHED_SHARE * side_px,
    ).reach()


def _origin_alone(lattice: LatticeEvidence) -> bool:
    """Whether nothing but the choice of the origin keeps a lattice from being trusted."""
    close = any(rival.log_odds > np.log(_DOUBT) for rival in lattice.rivals)
    return close and "origin" in lattice.reason


@dataclass
class _Verdict:
    """Weighs the sources; `reach` gives the answer."""

    network: Estimate
    wide: Opinion | None
    background: Opinion | None
    lattice: Opinion | None
    solution: LatticeEvidence | None
    origins: tuple[Origin, ...]
    side: int
    scale: float | None
    refusals: list[str]
    searched: float
    notes: list[str] = field(default_factory=list)

    def reach(self) -> Combined:
        background, lattice = self.background, self.lattice
        if background is None and lattice is None:
            told = "; ".join(text.rstrip(".") for text in self.refusals)
            return self._rough(told or "neither the background nor the spots tell where the center is")
        ambiguous = self._ambiguous()
        if lattice is not None and background is None:
            weak = self._weak() or self._unsearched()
            if ambiguous or weak:
                return self._rough(ambiguous or weak)
        if background is not None and lattice is not None:
            pair = compare(lattice, background)
            if ambiguous or pair.probability < _CHANCE:
                return self._settle(lattice, background, pair, ambiguous)
            return self._answer([lattice, background])
        return self._answer([item for item in (lattice, background) if item is not None])

    def _settle(self, lattice: Opinion, background: Opinion, pair: Comparison, ambiguous: str) -> Combined:
        """Lattice and background contradict each other, or the origin is in doubt."""
        weak = self._weak()
        if weak:
            # What could not answer alone cannot speak against a background that can.
            self.notes.append(f"{_capital(weak)}; so the background alone answers.")
            return self._answer([background])
        if ambiguous and self._with_some_origin(lattice, background):
            self.notes.append(f"{_capital(ambiguous)}; so the background alone answers.")
            return self._answer([background])
        small = pair.apart_px < 0.4 * self._spacing() and self._strong(_STRONG_SPOTS, _STRONG_SHARE)
        # Farther off lie false origins; those were all tried and excluded if the lattice is alone.
        alone = pair.apart_px < _LONE_SHARE * self.side and self._strong(_LONE_SPOTS, _LONE_SHARE_INDEXED)
        if not ambiguous and (small or (alone and self.origins[0].probability > 1.0 - _CHANCE)):
            self.notes.append(f"{_capital(pair.words())}, so both error bars were widened.")
            return self._answer([lattice, background])
        near = {item.name: self._with_network(item) for item in (lattice, background)}
        if (
            not ambiguous
            and self._strong(_STRONG_SPOTS, _STRONG_SHARE)
            and near["lattice"] > 0.05
            and near["background"] < _CHANCE
        ):
            self.notes.append(f"{_capital(pair.words())}; the network is with the lattice.")
            return self._answer([lattice])
        return self._rough(ambiguous or f"{pair.words()}, more than their error bars allow")

    def _answer(self, used: list[Opinion]) -> Combined:
        off = [item for item in used if self._with_network(item) < _NETWORK_CHANCE]
        if self.wide is not None and off and len(used) == 1:
            pair = compare(off[0], self.wide)
            return self._rough(f"{pair.words()}, which neither's error bar allows")
        if off and self.wide is not None:
            # Two that know nothing of each other agree: the network is outvoted.
            self.notes.append(f"{_capital(compare(used[0], self.wide).words())}.")
        if len(used) == 2:
            # The lattice is the firm one: shadows and slopes move a background, not a lattice.
            used = list(reconcile(used[0], used[1]))
        posterior = multiply(used if self.wide is None or off else [*used, self.wide])
        sigma = np.sqrt(np.diag(posterior.covariance))
        evidence = "+".join(item.name for item in used)
        if sigma[:2].max() > _SIGMA_SHARE * self.side:
            return self._rough(f"the {evidence} knows the center only to {sigma[:2].max():.0f} px")
        tilt: tuple[float, float] | None = (float(posterior.mean[2]), float(posterior.mean[3]))
        covariance = posterior.covariance
        if len(covariance) < 4 or not any(item.knows_tilt for item in used):
            tilt, covariance = None, covariance[:2, :2]
        elif sigma[2:].max() > _SIGMA_DEG:
            self.notes.append(f"The tilt is known no better than to {sigma[2:].max():.1f} degrees.")
            tilt, covariance = None, covariance[:2, :2]
        center = (float(posterior.mean[0]), float(posterior.mean[1]))
        estimate = Estimate("fit", center, tilt, covariance, warnings=tuple(self.notes))
        return Combined(estimate, "ok", "", evidence, self._pairs(), posterior.shares, self.origins)

    def _rough(self, reason: str) -> Combined:
        """The network's center, uncertain."""
        whose = "the network's rough center" if self.network.source == "network" else "the rough center given"
        text = f"{_capital(reason)}; this is {whose}."
        source = self.network
        estimate = Estimate(
            source.source, source.center_px, source.tilt_deg, source.covariance, "uncertain", text
        )
        return Combined(estimate, "uncertain", text, "network", self._pairs(), {}, self.origins)

    def _ambiguous(self) -> str:
        """The lattice's origins, if several remain likely; "" otherwise."""
        if not self.origins:
            return ""
        first = self.origins[0]
        others = [item for item in self.origins[1:] if _apart(first, item) > 0.5]
        if sum(item.probability for item in others) < _DOUBT:
            return ""
        likely = [item for item in others if item.probability > 0.2 * _DOUBT] or others[:1]
        second = likely[0]
        return (
            f"the lattice fits {len(likely) + 1} origins about equally well; the next lies "
            f"{_apart(first, second):.1f} px from ({first.center_px[0]:.1f}, {first.center_px[1]:.1f}), at "
            f"({second.center_px[0]:.1f}, {second.center_px[1]:.1f})"
        )

    def _with_some_origin(self, lattice: Opinion, background: Opinion) -> bool:
        """Whether the background agrees with any of the origins."""
        for origin in self.origins:
            tilt = origin.tilt_deg or (0.0, 0.0)
            moved = Opinion("lattice", np.array([*origin.center_px, *tilt]), lattice.information)
            if compare(moved, background).probability > _CHANCE:
                return True
        return False

    def _strong(self, spots: int, share: float) -> bool:
        solution = self.solution
        return solution is not None and int(np.sum(solution.indexed)) >= spots and solution.share >= share

    def _weak(self) -> str:
        """Why a lattice may not answer alone; "" if it may.

        Wrong triples of vectors betray themselves by the spots that they leave over, and by a metric
        without symmetry: a long axis that the spots do not resolve leaves a skew sublattice.
        """
        solution = self.solution
        if solution is None:
            return ""
        many = int(np.sum(solution.indexed)) >= _SKEW_SPOTS and solution.share >= _SKEW_PART
        if solution.bravais == _NO_SYMMETRY and solution.share < _SKEW_SHARE and not many:
            return (
                f"the only lattice found has no symmetry and leaves {100 * (1 - solution.share):.0f}% of the "
                "spots over, and nothing else supports it"
            )
        if solution.share >= _STRONG_SHARE:
            return ""
        return f"only {100 * solution.share:.0f}% of the spots fit the lattice, and nothing else supports it"

    def _unsearched(self) -> str:
        """Why the true origin may be missing from the list; "" if the list reaches far enough."""
        sigma = max(self.network.center_sigma_px or (0.0,))
        if _SEARCH_SIGMA * sigma <= self.searched:
            return ""
        return (
            f"the rough center is unsure by {sigma:.0f} px, but origins of the lattice were looked for "
            f"within {self.searched:.0f} px only"
        )

    def _spacing(self) -> float:
        """How far the nearest false origin could lie, in px."""
        if self.scale is None or self.solution is None:
            return _USUAL_SPACING_PX
        return spacing_px(np.asarray(self.solution.reciprocal), self.scale)

    def _with_network(self, item: Opinion) -> float:
        return 1.0 if self.wide is None else compare(item, self.wide).probability

    def _pairs(self) -> tuple[Comparison, ...]:
        known = [item for item in (self.lattice, self.background, self.wide) if item is not None]
        return tuple(compare(a, b) for i, a in enumerate(known) for b in known[i + 1 :])


def _apart(first: Origin, second: Origin) -> float:
    return float(np.hypot(*np.subtract(first.center_px, second.center_px)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
