"""Numbers by which a right lattice differs from a wrong one, whatever the frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from xgeom_core.predict.lattice.joint import Joint
from xgeom_core.predict.lattice.random_match_rate import turns_deg
from xgeom_core.predict.lattice.symmetry import Symmetry
from xgeom_core.predict.lattice.visibility import Recorded

# Of points this much nearer to the sphere than recorded ones usually are, and of so many of those nearest to
# the middle of the spots, the share that was recorded is stated.
_NEAR, _INNER = 0.7, 0.5
# Powers of ten: orientations and origins that differ, with a cell known and with cells to choose from.
_CHOICES = (11.0, 17.0)


class LatticeDiagnostics(NamedTuple):
    """What a lattice says about itself; defined for every solution, comparable between starts and frames.

    Parameters
    ----------
    tried, indexed : int
        Spots that took part, and that the lattices explain.
    share : float
        Share of the tried spots that the lattices explain.
    core, chance : float
        Share of the spots within half of the deviations allowed, and what that is for spots turned about the
        center, which no lattice explains.
    excess_sigma : float
        By how many standard deviations of chance the core exceeds it.
    log10_chance : float
        Logarithm of the number of lattices that would hold as many at the core by chance, of all that were
        there to choose from; above 0 there is no evidence. Some powers of ten larger for cells not known.
    recorded : float
        Share of the points of the first lattice very near the Ewald sphere that were recorded, in the inner
        half of the spots; cells that are a multiple of the true one leave most out. 0 where
        unknown.
    order : int
        Number of rotations of the first lattice's metric: 1 triclinic, 2 monoclinic, 4, 8, 12, 24 cubic.
    lattices : int
        How many were found.
    rms_sigma : float
        Root mean square residual in units of the errors stated of the spots.
    rms_px : float
        The same in px.
    tilt_sigma_deg : float
        The larger error of pitch and yaw.
    distance_change : float
        Logarithm of distance found over distance stated.
    aspect : float
        Longest over shortest edge of the reduced cell.
    log_points_per_spot : float
        Logarithm of the number of lattice points within the usual distance of the sphere, per indexed spot.
    """

    tried: int
    indexed: int
    share: float
    core: float
    chance: float
    excess_sigma: float
    log10_chance: float
    recorded: float
    order: int
    lattices: int
    rms_sigma: float
    rms_px: float
    tilt_sigma_deg: float
    distance_change: float
    aspect: float
    log_points_per_spot: float


def excess_sigma(core: float, chance: float, count: int) -> float:
    """By how many standard deviations a share of so many spots exceeds chance."""
    return float((core - chance) * np.sqrt(count / max(chance * (1.0 - chance), 0.02)))


def log10_chance(core: float, chance: float, count: int, *, known: bool) -> float:
    """See `LatticeDiagnostics`: the tail of a binomial distribution times the number of choices."""
    held = round(core * count)
    turned = len(turns_deg(count)) * count
    p = (chance * turned + 0.5) / (turned + 1.0)
    if held <= p * count:
        return _CHOICES[not known]
    tail = gammaln(count + 1) - gammaln(held + 1) - gammaln(count - held + 1)
    tail += held * np.log(p) + (count - held) * np.log1p(-p)
    return _CHOICES[not known] + float(tail) / np.log(10.0)


def diagnose(
    joint: Joint,
    symmetry: Symmetry,
    core: tuple[float, float],
    recorded: Recorded | None,
    stated_mm: float,
    sigma_px: float,
    *,
    known: bool,
) -> LatticeDiagnostics:
    """The numbers of a fit.

    Parameters
    ----------
    joint : Joint
    symmetry : Symmetry
        Of the first lattice.
    core : tuple of float
        Share of the spots at the core, and by chance.
    recorded : Recorded or None
        What the first lattice recorded.
    stated_mm : float
        Distance stated.
    sigma_px : float
        Usual error of a spot.
    known : bool
        Whether the cell was.
    """
    indexed = joint.indexed
    edges = np.linalg.norm(np.linalg.inv(joint.models[0].reciprocal), axis=1)
    seen, points = _recorded(recorded)
    return LatticeDiagnostics(
        len(indexed),
        int(indexed.sum()),
        float(indexed.mean()),
        *core,
        excess_sigma(*core, len(indexed)),
        log10_chance(*core, len(indexed), known=known),
        seen,
        symmetry.order,
        len(joint.models),
        joint.rms_px / sigma_px,
        joint.rms_px,
        float(np.sqrt(np.diag(joint.covariance)[2:].max())),
        float(np.log(joint.geometry.distance_mm / stated_mm)),
        float(edges.max() / edges.min()),
        float(np.log(max(points, 1) / max(int(joint.parts[0].used.sum()), 1))),
    )


def _recorded(recorded: Recorded | None) -> tuple[float, int]:
    """Share of the points near the sphere that were recorded, and number of those that might have been."""
    if recorded is None:
        return 0.0, 0
    usual = float(np.median(np.abs(recorded.spot_missed)))
    middle = recorded.spot_rays.mean(axis=0)
    away = np.linalg.norm(recorded.rays - middle, axis=1)
    inner = away <= np.quantile(np.linalg.norm(recorded.spot_rays - middle, axis=1), _INNER)
    near = inner & (np.abs(recorded.missed) < _NEAR * usual)
    count = int((np.abs(recorded.missed) < usual).sum())
    return (float(recorded.seen[near].mean()) if near.any() else 0.0), count
