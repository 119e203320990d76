"""Opinions about center and tilt as Gaussians over (x, y, pitch, yaw), and their algebra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from xgeom_core.geometry import FloatArray


class HasGeometry(Protocol):
    """What states a center and perhaps a tilt: an Estimate, a RadialFit, a LatticeSolution."""

    @property
    def center_px(self) -> tuple[float, float]:
        """Center ``(x, y)`` in native px."""

    @property
    def tilt_deg(self) -> tuple[float, float] | None:
        """``(pitch, yaw)`` in degrees, or None."""

    @property
    def covariance(self) -> FloatArray | None:
        """Shape (4, 4) or (2, 2)."""


class OtherOrigin(Protocol):
    """Another origin of the same lattice."""

    @property
    def center_px(self) -> tuple[float, float]:
        """Center it would mean, native px."""

    @property
    def tilt_deg(self) -> tuple[float, float] | None:
        """Tilt it would mean."""

    @property
    def log_odds(self) -> float:
        """Logarithm of its odds against the origin chosen."""


class LatticeEvidence(HasGeometry, Protocol):
    """What the combination needs of a LatticeSolution."""

    @property
    def indexed(self) -> NDArray[np.bool_]:
        """Which spots the lattice explains."""

    @property
    def share(self) -> float:
        """Their share."""

    @property
    def bravais(self) -> str:
        """Bravais lattice that its metric shows, such as ``"tP"``."""

    @property
    def reciprocal(self) -> FloatArray:
        """Columns a*, b*, c* in 1/Å, lab frame."""

    @property
    def rivals(self) -> Sequence[Any]:
        """Other origins; see `OtherOrigin`."""

    @property
    def reason(self) -> str:
        """Why it is not to be trusted; "" if it is."""


@dataclass(frozen=True, eq=False)
class Opinion:
    """One source's Gaussian.

    Parameters
    ----------
    name : str
        ``"network"``, ``"background"`` or ``"lattice"``.
    mean : ndarray, shape (4,)
        ``x, y`` in native px, pitch, yaw in degrees; the tilt is 0 where unknown.
    information : ndarray, shape (4, 4)
        Inverse covariance; zero where the source knows nothing.
    """

    name: str
    mean: FloatArray
    information: FloatArray

    @property
    def knows_tilt(self) -> bool:
        """Whether it says anything of the tilt."""
        return bool(self.information[2:, 2:].any())

    def covariance(self, size: int) -> FloatArray:
        """Marginal covariance of the first `size` parameters; shape (size, size)."""
        if self.knows_tilt:
            return np.asarray(np.linalg.inv(self.information)[:size, :size])
        return np.asarray(np.linalg.inv(self.information[:2, :2]))


def opinion(
    name: str, source: HasGeometry, floor_px: float, floor_deg: float, stretch: float = 1.0
) -> Opinion | None:
    """The Gaussian of a source with a floor for systematic error; None if it states no usable error.

    Parameters
    ----------
    name : str
    source : HasGeometry
    floor_px, floor_deg : float
        Added in quadrature to each standard deviation.
    stretch : float
        By which the source's own standard deviations are multiplied first.
    """
    covariance = source.covariance
    if covariance is None or not np.isfinite(covariance).all() or not np.isfinite(source.center_px).all():
        return None
    size = 4 if covariance.shape == (4, 4) and source.tilt_deg is not None else 2
    floor = np.array([floor_px, floor_px, floor_deg, floor_deg])[:size] ** 2
    part = stretch**2 * covariance[:size, :size] + np.diag(floor)
    if np.linalg.eigvalsh(part).min() <= 0:
        return None
    information = np.zeros((4, 4))
    information[:size, :size] = np.linalg.inv(part)
    tilt = source.tilt_deg if size == 4 and source.tilt_deg is not None else (0.0, 0.0)
    return Opinion(name, np.array([*source.center_px, *tilt]), information)


@dataclass(frozen=True)
class Comparison:
    """How two sources agree.

    Parameters
    ----------
    first, second : str
        Their names.
    chi2 : float
        Mahalanobis distance squared over what both know.
    dof : int
        2 (center) or 4 (center and tilt).
    probability : float
        Of a disagreement at least as large by chance.
    apart_px : float
        Distance between the centers.
    apart_deg : float or None
        Larger difference of pitch and yaw; None where one does not know the tilt.
    """

    first: str
    second: str
    chi2: float
    dof: int
    probability: float
    apart_px: float
    apart_deg: float | None

    def words(self) -> str:
        """Who says what differs from whom and by how much."""
        tilt = f" and {self.apart_deg:.2f}°" if self.apart_deg is not None else ""
        return f"{self.first} and {self.second} differ by {self.apart_px:.1f} px{tilt}"


def compare(first: Opinion, second: Opinion) -> Comparison:
    """Test whether two opinions can be about the same geometry."""
    size = 4 if first.knows_tilt and second.knows_tilt else 2
    off = (first.mean - second.mean)[:size]
    spread = first.covariance(size) + second.covariance(size)
    value = float(off @ np.linalg.solve(spread, off))
    return Comparison(
        first.name,
        second.name,
        value,
        size,
        float(chdtrc(size, value)),
        float(np.hypot(off[0], off[1])),
        float(np.abs(off[2:]).max()) if size == 4 else None,
    )


@dataclass(frozen=True, eq=False)
class Posterior:
    """Product of Gaussians.

    Parameters
    ----------
    mean : ndarray, shape (4,)
    covariance : ndarray, shape (4, 4) or (2, 2)
        (2, 2) if no source knows the tilt.
    shares : dict
        For each source the share of the center's and of the tilt's information that it brought.
    """

    mean: FloatArray
    covariance: FloatArray
    shares: dict[str, tuple[float, float]]


def multiply(opinions: Sequence[Opinion]) -> Posterior:
    """Combine opinions; at least one is needed."""
    size = 4 if any(item.knows_tilt for item in opinions) else 2
    total = np.sum([item.information[:size, :size] for item in opinions], axis=0)
    covariance = np.linalg.inv(total)
    pulled = np.sum([item.information[:size, :size] @ item.mean[:size] for item in opinions], axis=0)
    mean = np.zeros(4)
    mean[:size] = covariance @ pulled
    shares = {}
    for item in opinions:
        part = np.diag(covariance @ item.information[:size, :size])
        shares[item.name] = (float(part[:2].mean()), float(part[2:].mean()) if size == 4 else 0.0)
    return Posterior(mean, covariance, shares)


def reconcile(firm: Opinion, soft: Opinion) -> tuple[Opinion, Opinion]:
    """Widen two opinions that differ by more than chance until they agree.

    Parameters
    ----------
    firm, soft : Opinion
        The soft one is the more prone to errors that it does not see: its variances are multiplied
        by f, those of the firm one by the root of f.

    Returns
    -------
    firm, soft : Opinion
        As they were, if chance explains the difference; else with the f at which chi-square is what
        it is on average.
    """
    pair = compare(firm, soft)
    if pair.probability > _UNLIKELY:
        return firm, soft
    low, high = 0.0, 30.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        wide = compare(_wider(firm, np.exp(0.5 * middle)), _wider(soft, np.exp(middle)))
        low, high = (middle, high) if wide.chi2 > wide.dof else (low, middle)
    return _wider(firm, np.exp(0.5 * high)), _wider(soft, np.exp(high))


def _wider(item: Opinion, factor: float) -> Opinion:
    """The same opinion with variances multiplied."""
    return Opinion(item.name, item.mean, item.information / factor)


_UNLIKELY = 0.05
