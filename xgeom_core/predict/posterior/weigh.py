"""One posterior of center and tilt out of everything that was found, and what it answers.

In ten lines: before a frame is looked at, the beam may be anywhere near the panel and the detector is
probably straight (`prior`). Every source (header, network, symmetry, background, lattice) is one `Finding`:
the places where the beam may be if the source is right. How often sources of its kind that say such things of
themselves are wrong, and how much wider than stated their errors are, was learned (`reliability`). So each is
a likelihood: its places, widened, or something a little off, or nothing at all. Their product is a mixture of
Gaussians, in which every source counts once. The answer is where the expected loss is least; it is "ok" if
the probability that it is right within its tolerance is above 0.99. Where it is less, what else may be true
is told, heaviest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.mixture import ANYWHERE, Mixture
from xgeom_core.predict.posterior.reliability import UNKNOWN, Likelihood, Reliability, reliabilities

FloatArray = NDArray[np.float64]

# The prior: weights and standard deviations of the center about the middle, in sides of the frame, and of the
# tilt, in degrees.
_CENTERS = ((0.6, 0.15), (0.3, 0.5), (0.1, 1.5))
_TILTS = ((0.68, 0.6), (0.29, 1.6), (0.03, 15.0))
# Where a header states a swing: how likely the detector is swung, by about that; and what counts as one.
_SWUNG, _SWUNG_DEG, _UNUSUAL_DEG = 0.8, 2.0, 5.0
# An answer counts as right within so many of its error bars, or within a pixel.
TOLERANCE_SIGMA, TOLERANCE_PX = 3.0, 1.0
# Being off by more than this share of the side is as bad as it gets.
_LOSS_SHARE = 0.05
# Parts of one place, however wide: wider ones are another opinion.
_WIDEST = 4.0
# Quantiles of the distance from the center in standard deviations, in two dimensions, and how much the first
# of them counts in an error bar.
_R68, _R95, _OF_R68 = 1.51, 2.448, 0.6
# Parts no wider than this, in units of the heaviest, are the core of a place.
_CORE = 1.5


@dataclass(frozen=True, eq=False)
class Place:
    """One place where the beam may be.

    Parameters
    ----------
    mean : ndarray, shape (4,)
        ``x, y`` in native px, pitch, yaw in degrees.
    covariance : ndarray, shape (4, 4)
    weight : float
        Its probability.
    sources : tuple of str
        Sources that are right if the beam is there.
    label : str
        What it is, where a source has a name for it, such as ``"the mirrored tilt of the rings"``.
    components : ndarray of int
        Of the mixture.
    """

    mean: FloatArray
    covariance: FloatArray
    weight: float
    sources: tuple[str, ...]
    label: str = ""
    components: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def sigma_px(self) -> float:
        """The larger standard deviation of the center."""
        return float(np.sqrt(np.linalg.eigvalsh(self.covariance[:2, :2])[-1]))


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of center and tilt after every source was heard.

    Parameters
    ----------
    mixture : Mixture
    findings : tuple of Finding
        In the order of the mixture's parts.
    likelihoods : tuple of Likelihood
    side_px : int
        Longer side of the frame.
    """

    mixture: Mixture
    findings: tuple[Finding, ...]
    likelihoods: tuple[Likelihood, ...]
    side_px: int

    def right(self, source: str) -> NDArray[np.bool_]:
        """In which components a source is right; shape (n,)."""
        names = [finding.source for finding in self.findings]
        if source not in names:
            return np.zeros(len(self.mixture.log_weight), dtype=bool)
        number = names.index(source)
        part = self.mixture.parts[:, number]
        return np.asarray((part != ANYWHERE) & self.likelihoods[number].right[part])

    def p_right(self, source: str) -> float:
        """Probability that a source is right."""
        return float(self.mixture.weight[self.right(source)].sum())

    def places_of(self, source: str) -> FloatArray:
        """Probability of each place of a source, as many as its finding has; empty without one."""
        for number, finding in enumerate(self.findings):
            if finding.source == source:
                part = self.mixture.parts[:, number]
                inside = self.right(source)
                place = self.likelihoods[number].place[part[inside]]
                weight = self.mixture.weight[inside]
                return np.bincount(place, weights=weight, minlength=len(finding.mean)).astype(np.float64)
        return np.zeros(0)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where the beam may be, likeliest first; their weights sum to 1."""
        left = np.argsort(self.mixture.log_weight)[::-1]
        mean, covariance = self.mixture.mean, self.mixture.covariance
        sigma = np.sqrt(0.5 * np.trace(covariance[:, :2, :2], axis1=1, axis2=2))
        found = []
        while len(left):
            first = left[0]
            reach = max(TOLERANCE_PX, TOLERANCE_SIGMA * sigma[first])
            near = np.hypot(*(mean[left, :2] - mean[first, :2]).T) < reach
            near &= sigma[left] <= max(_WIDEST * sigma[first], TOLERANCE_PX)
            found.append(self._place(left[near]))
            left = left[~near]
        return tuple(sorted(found, key=lambda place: -place.weight))

    def _place(self, which: NDArray[np.int64]) -> Place:
        """Components that mean one place."""
        part = self.mixture.take(which)
        # Error bars are meant as quantiles: moments with the tail's parts would be mostly those of the tail.
        size = np.sqrt(np.trace(part.covariance[:, :2, :2], axis1=1, axis2=2))
        mean, covariance = part.take(size <= _CORE * size[0]).moments()
        ratio = radius(part, mean[:2]) / np.sqrt(0.5 * np.trace(covariance[:2, :2]))
        share = self.mixture.weight[which]
        sources = tuple(
            finding.source
            for finding in self.findings
            if share[self.right(finding.source)[which]].sum() > 0.5 * share.sum()
        )
        return Place(
            mean,
            covariance * np.clip(ratio, 0.9, 2.0) ** 2,
            float(share.sum()),
            sources,
            self._label(which[0]),
            which,
        )

    def _label(self, component: np.int64) -> str:
        """The name that a source has for a component."""
        words = []
        for number, finding in enumerate(self.findings):
            part = self.mixture.parts[component, number]
            if finding.labels and part != ANYWHERE and self.likelihoods[number].right[part]:
                words.append(finding.labels[self.likelihoods[number].place[part]])
        return ", ".join(word for word in words if word)

    @cached_property
    def best(self) -> Place:
        """The place at which the expected loss is least."""
        most = _LOSS_SHARE * self.side_px
        weight, centers = self.mixture.weight, self.mixture.mean[:, :2]
        wide = np.trace(self.mixture.covariance[:, :2, :2], axis1=1, axis2=2)

        def loss(place: Place) -> float:
            away = np.sqrt(((centers - place.mean[:2]) ** 2).sum(axis=1) + wide)
            return float(weight @ np.minimum(away, most))

        return min(self.places[:20], key=loss)

    @cached_property
    def certainty(self) -> float:
        """Probability that the beam is at the best place, or within its tolerance if it is elsewhere.

        Errors that the place's own bar allows, its tail included, are no faults.
        """
        best = self.best
        elsewhere = np.ones(len(self.mixture.log_weight), dtype=bool)
        elsewhere[best.components] = False
        if not elsewhere.any():
            return 1.0
        reach = max(TOLERANCE_PX, TOLERANCE_SIGMA * best.sigma_px)
        inside = self.mixture.take(elsewhere).within(best.mean[:2], reach)[0]
        return float(best.weight + (1.0 - best.weight) * inside)

    def radius_px(self, center_px: FloatArray) -> float:
        """Standard deviation of the center about any point, as quantiles of the distance have it."""
        return radius(self.mixture, center_px)


def radius(mixture: Mixture, center_px: FloatArray) -> float:
    """Standard deviation about a point that gives nearly the right 68 and 95% quantiles.

    Notes
    -----
    For a round Gaussian in two dimensions the quantiles are 1.51 and 2.45 standard deviations.
    """
    reach = np.geomspace(1e-3, 1e5, 241)
    inside = mixture.within(center_px, reach)
    r68, r95 = np.interp([0.68, 0.95], inside, reach)
    return float(_OF_R68 * r68 / _R68 + (1.0 - _OF_R68) * r95 / _R95)


def prior(shape: tuple[int, int], swings: Sequence[FloatArray] = ()) -> Mixture:
    """What is thought of center and tilt before a frame is looked at.

    Parameters
    ----------
    shape : tuple of int
        ``(slow, fast)``.
    swings : sequence of ndarray, shape (4,)
        What a header states of a swung detector, in every way that it can be read: by how much the swing
        moved the beam in px, pitch and yaw in degrees. Nobody writes a swing into the header of a detector
        that is not swung.
    """
    side = max(shape)
    unswung = 1.0 - _SWUNG if swings else 1.0
    tilts = [(unswung * weight, np.zeros(4), sigma) for weight, sigma in _TILTS]
    tilts += [(_SWUNG / len(swings), one, _SWUNG_DEG) for one in swings]
    middle = np.array([0.5 * shape[1], 0.5 * shape[0], 0.0, 0.0])
    weights, means, covariances = [], [], []
    for center_weight, center in _CENTERS:
        for tilt_weight, moved, sigma in tilts:
            weights.append(float(np.log(center_weight * tilt_weight)))
            means.append(middle + moved)
            covariances.append(np.diag(np.square([center * side] * 2 + [sigma] * 2)))
    return Mixture.prior(weights, np.array(means), np.array(covariances))


def _stated_swings(findings: Sequence[Finding]) -> list[FloatArray]:
    """Swings that a header states: see `prior`."""
    header = next((finding for finding in findings if finding.source == "header"), None)
    if header is None or not header.knows_tilt:
        return []
    moved = np.zeros((len(header.mean), 2)) if header.moved is None else header.moved
    swings = np.unique(np.round(np.column_stack([moved, header.mean[:, 2:]]), 2), axis=0)
    return [swing for swing in swings if np.abs(swing[2:]).max() > _UNUSUAL_DEG]


def weigh(
    findings: Sequence[Finding], shape: tuple[int, int], known: Mapping[str, Reliability] | None = None
) -> Posterior:
    """The posterior of center and tilt.

    Parameters
    ----------
    findings : sequence of Finding
        At most one of each source.
    shape : tuple of int
        ``(slow, fast)`` of the frame.
    known : mapping, optional
        How each kind of source errs; by default as the bundled coefficients have it.
    """
    side = max(shape)
    known = reliabilities() if known is None else known
    mixture = prior(shape, _stated_swings(findings))
    # Those of few places first: what they exclude need not be multiplied with all of a lattice's.
    ordered = sorted(findings, key=lambda finding: len(finding.mean))
    likelihoods = [Likelihood.of(finding, known.get(finding.source, UNKNOWN), side) for finding in ordered]
    for said in likelihoods:
        mixture = mixture.times(said)
    return Posterior(mixture, tuple(ordered), tuple(likelihoods), side)
