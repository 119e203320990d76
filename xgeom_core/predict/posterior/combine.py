"""One answer out of network, background and lattice: agreement is used, disagreement is said."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.predict.posterior.evidence import (
    Comparison,
    HasGeometry,
    LatticeEvidence,
    Opinion,
    compare,
    multiply,
    opinion,
    reconcile,
)
from xgeom_core.predict.posterior.lattice_doubts import (
    ambiguous_origins,
    astray,
    origin_alone,
    unsearched,
    weak_lattice,
)
from xgeom_core.predict.posterior.lattice_origins import Origin, at_origin, judge_origins, spacing_px
from xgeom_core.predict.posterior.likeliest import likeliest_place

# Systematic errors that a background fit does not see of itself, in native px and degrees.
_BACKGROUND_FLOOR = (0.015, 0.004)
# A network's errors have wider tails than its error bar, and no bar below this share of the side is meant.
_NETWORK_STRETCH = 2.0
_NETWORK_SHARE = 0.002
# Two sources contradict each other below this probability of chance.
_CHANCE = 1e-3
_NETWORK_CHANCE = 1e-5
# An answer is no answer beyond these error bars: share of the longer side (7.5 px of 2527), degrees.
_SIGMA_SHARE = 0.003
_SIGMA_DEG = 0.5
# A lattice of so many spots and such a share of them is never wrong but by a shift of the origin.
_STRONG_SPOTS = 40
_STRONG_SHARE = 0.5
# One that leaves no other origin any chance outweighs a background that is off by up to this share of
# the side (25 px of 2527): real backgrounds are pulled that far by shadows.
_LONE_SPOTS = 80
_LONE_SHARE_INDEXED = 0.65
_LONE_SHARE = 0.01
# Origins are looked for within this share of the side.
_SEARCHED_SHARE = 0.08
_USUAL_SPACING_PX = 8.0


@dataclass(frozen=True, eq=False)
class Combined:
    """The answer and how it came about.

    Parameters
    ----------
    estimate : Estimate
        Source ``"fit"``, or ``"network"`` where nothing better can be believed. Uncertain fits have no tilt.
    status, reason
        As in the estimate.
    evidence : str
        ``"lattice"``, ``"background"``, ``"lattice+background"`` or ``"network"``; ``"lattice+network"``
        for the likeliest center where the lattice's origin, or the lattice, is in doubt.
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
    if lattice is not None and lattice.reason and not origin_alone(lattice):
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
        ambiguous = ambiguous_origins(self.origins)
        if lattice is not None and background is None:
            hidden = unsearched(max(self.network.center_sigma_px or (0.0,)), self.searched)
            weak = weak_lattice(self.solution) if self.solution is not None else ""
            # With one doubt nearly all lattices have the truth among their origins, with two hardly any.
            if doubt := ambiguous or weak or hidden:
                twice = hidden or (ambiguous and weak)
                return self._rough(doubt) if twice else self._likeliest(doubt, lattice)
            if self.solution is not None and (doubt := astray(self.solution, lattice, self.network)):
                return self._rough(doubt)
        if background is not None and lattice is not None:
            pair = compare(lattice, background)
            if ambiguous or pair.probability < _CHANCE:
                return self._settle(lattice, background, pair, ambiguous)
            return self._answer([lattice, background])
        return self._answer([item for item in (lattice, background) if item is not None])

    def _settle(self, lattice: Opinion, background: Opinion, pair: Comparison, ambiguous: str) -> Combined:
        """Lattice and background contradict each other, or the origin is in doubt."""
        weak = "" if self.solution is None else weak_lattice(self.solution)
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
        pairs = self._pairs()
        return Combined(estimate, "ok", "", evidence, pairs, posterior.shares, self.origins)

    def _rough(self, reason: str) -> Combined:
        """The network's center, uncertain."""
        whose = "the rough center given" if self.network.source == "start" else f"the {self.network.source}'s"
        whose += "" if self.network.source == "start" else " rough center"
        text = f"{_capital(reason)}; this is {whose}."
        source = self.network
        estimate = Estimate(
            source.source, source.center_px, source.tilt_deg, source.covariance, "uncertain", text
        )
        return self._uncertain(estimate, "network")

    def _likeliest(self, reason: str, lattice: Opinion) -> Combined:
        """The best single center where origins of the lattice and the rough center remain possible."""
        rough = self.network
        if self.wide is None:
            return self._rough(reason)
        placed = likeliest_place(self.origins, lattice, rough.center_px, self.wide)
        moved = float(np.hypot(*np.subtract(placed.center_px, rough.center_px)))
        whose = "the one given" if rough.source == "start" else f"the {rough.source}'s"
        text = f"{_capital(reason)}; the likeliest center lies {moved:.1f} px from {whose}."
        estimate = Estimate("fit", placed.center_px, None, placed.covariance, "uncertain", text)
        return self._uncertain(estimate, f"lattice+{rough.source}")

    def _uncertain(self, estimate: Estimate, evidence: str) -> Combined:
        return Combined(estimate, "uncertain", estimate.reason, evidence, self._pairs(), {}, self.origins)

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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
