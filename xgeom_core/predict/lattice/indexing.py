"""Auto-indexing: lattices with a free origin, one after the other, and the symmetry of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import inverse3
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.basis import reduce_basis
from xgeom_core.predict.lattice.expansion import (
    LEAST_SPOTS,
    TOLERANCE,
    Growth,
    grown_lattices,
    near_beam,
    same_lattice,
)
from xgeom_core.predict.lattice.fit import Fit, fit_model
from xgeom_core.predict.lattice.parameterization import FIXED_CELL, FREE_CELL, Freedom
from xgeom_core.predict.lattice.random_match_rate import CORE, Criteria, shares
from xgeom_core.predict.lattice.residual_model import residuals
from xgeom_core.predict.lattice.split_crystal import turned_lattices
from xgeom_core.predict.lattice.symmetry import NO_SYMMETRY, Symmetry, find_symmetries, symmetrized

FloatArray = NDArray[np.float64]

# Reach in reciprocal space (1/Å) of the spots searched first, then where that finds little. A tilt that
# is not known yet bends the lattice the more the further out.
_REACHES = (0.30, 0.20, 0.45)
# With the tilt known the inner spots alone never tell more.
_FURTHER_REACHES = (0.30, 0.45)
_GOOD_SHARE = 0.55
# With so many spots the better half of two lattices is told from chance as clearly.
_GOOD_EXCESS, _MANY = 0.42, 100
_LARGEST_STRAIN = 0.05
# What a symmetry may cost in robust sums of squares, in all and per spot.
_LOSS_XY, _LOSS_MISS, _LOSS_PER_SPOT = 18.0, 12.0, 0.035
_LEAST_EXCESS = 0.3
# By how much a first lattice must exceed chance, and what multiple of that its core must hold.
_LEAST_FIRST, _LEAST_RATIO = 0.15, 4.0
_LEAST_FURTHER = 25


@dataclass(frozen=True, eq=False)
class Indexed:
    """A lattice with a free origin, its metric symmetry, and the highest one that it may have."""

    fit: Fit
    symmetry: Symmetry
    highest: Symmetry = NO_SYMMETRY
    known: bool = False

    @property
    def cell_freedom(self) -> FloatArray:
        """What the symmetry leaves free of the metric, nothing of a known one; see `Freedom`."""
        return FIXED_CELL if self.known else self.symmetry.cell_freedom()


def find_lattice(growth: Growth, *, blurred: bool = False) -> Fit | None:
    """The lattice that indexes most spots, its origin and cell free.

    Parameters
    ----------
    growth : Growth
        Spots and rough geometry.
    blurred : bool
        See `Model.blurred`.

    Returns
    -------
    Fit or None
        None where there is no lattice.
    """
    best: Fit | None = None
    most = 0.0
    reaches = _REACHES if growth.tilt else _FURTHER_REACHES
    for reach in reaches[:-1] if blurred else reaches:
        for fit in grown_lattices(growth, reach, blurred=blurred):
            merit = excess(fit, growth.observed)
            if merit > most:
                best, most = fit, merit
        if best is not None and _settled(best, most):
            break
    return best


def _settled(fit: Fit, merit: float) -> bool:
    """Whether a lattice explains so much that there is no need to look for a better one elsewhere."""
    return fit.share > _GOOD_SHARE or (len(fit.used) >= _MANY and merit > _GOOD_EXCESS)


def is_real(fit: Fit, observed: Observed) -> bool:
    """Whether a lattice is so much better than chance that others may be looked for beside it."""
    own, chance = shares([Criteria(fit.model, fit.tolerance, fit.spread)], observed, CORE)
    return own > _LEAST_RATIO * chance and excess(fit, observed) > _LEAST_FIRST


def excess(fit: Fit, observed: Observed) -> float:
    """Share of the spots that a lattice indexes, less what it would by chance."""
    # Blurred points take up so much room that only the core tells them from chance.
    part = CORE if fit.model.blurred else 1.0
    own, chance = shares([Criteria(fit.model, fit.tolerance, fit.spread)], observed, part)
    return own - chance


def with_symmetry(
    fit: Fit, observed: Observed, start_tilt: tuple[float, float], *, tilt: bool = True
) -> Indexed:
    """Impose the highest metric symmetry under which the spots fit as well as without.

    Parameters
    ----------
    fit : Fit
        With free origin and cell.
    observed : Observed
        The spots of the fit.
    start_tilt : tuple of float
        Where the weak prior on the tilt stands.
    tilt : bool
        Whether the tilt is fitted.
    """
    real = inverse3(fit.model.reciprocal)
    model = replace(fit.model, reciprocal=inverse3(reduce_basis(real) @ real))
    free = fit_model(
        model,
        observed,
        Freedom(True, FREE_CELL, tilt=tilt, extras=tilt),
        tolerance=TOLERANCE,
        rounds=3,
        start_tilt=start_tilt,
    )
    if free is None:
        return Indexed(fit, NO_SYMMETRY)
    possible = find_symmetries(free.model.reciprocal, _LARGEST_STRAIN)
    for symmetry in possible:
        if symmetry.order == 1:
            break
        bent = replace(free.model, reciprocal=symmetrized(free.model.reciprocal, symmetry))
        freedom = Freedom(True, symmetry.cell_freedom(), tilt=tilt, extras=tilt)
        tied = fit_model(bent, observed, freedom, tolerance=0.3, rounds=5, start_tilt=start_tilt)
        if tied is not None and _as_good(tied, free, observed):
            return Indexed(tied, symmetry, possible[0])
    return Indexed(free, NO_SYMMETRY, possible[0])


def _as_good(tied: Fit, free: Fit, observed: Observed) -> bool:
    """Whether the spots that the free fit explains lie as well under a symmetry.

    Notes
    -----
    Positions and distances from the Ewald sphere are judged apart, since a tilt can make up for a
    wrong symmetry in one of them. Besides the gain that each constant freed brings by noise, a small
    one per spot is forgiven: free constants also soak up what is not in the model.
    """
    if tied.used.sum() < 0.93 * free.used.sum():
        return False
    used = free.used
    loss = []
    for fit in (tied, free):
        geometry = fit.model.geometry
        polar = residuals(geometry, observed.xy, fit.rest, fit.miss, observed.sigma)
        loss.append(
            (_loss(free.spread.pulls2(polar)[used]), _loss((fit.miss / free.spread.miss(polar))[used] ** 2))
        )
    count = int(used.sum())
    return bool(
        loss[0][0] - loss[1][0] < _LOSS_XY + 2 * count * _LOSS_PER_SPOT
        and loss[0][1] - loss[1][1] < _LOSS_MISS + count * _LOSS_PER_SPOT
    )


def _loss(pulls2: FloatArray) -> float:
    """The robust loss that the fits minimize, as a sum of squares for small pulls."""
    return float((8.0 * (np.sqrt(1.0 + pulls2 / 4.0) - 1.0)).sum())


def further_lattices(observed: Observed, first: Indexed, most: int = 3) -> list[Indexed]:
    """More lattices among the spots that the first one leaves, in the geometry it found.

    Parameters
    ----------
    observed : Observed
        The spots of the first lattice's fit.
    first : Indexed
        The first lattice.
    most : int
        The most lattices to look for.
    """
    geometry = first.fit.model.geometry
    left = ~first.fit.used
    found: list[Indexed] = []
    # Blurred lattices leave little room for others, and take long.
    for _ in range(1 if first.fit.model.blurred else most):
        if left.sum() < max(2 * LEAST_SPOTS, 0.08 * len(left)):
            break
        rest = observed.take(left)
        fit = find_lattice(Growth.of(rest, geometry, tilt=False), blurred=first.fit.model.blurred)
        if not _worth(fit, rest):
            fit = _split(first, rest)
        if fit is None or not _worth(fit, rest):
            break
        if any(same_lattice(fit.model, other.fit.model) for other in (first, *found)):
            break
        tilt = (geometry.pitch_deg, geometry.yaw_deg)
        indexed = with_symmetry(fit, rest, tilt, tilt=False)
        found.append(indexed)
        left[np.flatnonzero(left)[indexed.fit.used]] = False
    return found


def _worth(fit: Fit | None, observed: Observed) -> bool:
    """Whether a further lattice is one."""
    return (
        fit is not None and int(fit.used.sum()) >= _LEAST_FURTHER and excess(fit, observed) >= _LEAST_EXCESS
    )


def _split(first: Indexed, observed: Observed) -> Fit | None:
    """The first lattice, turned a little, that indexes most of some spots."""
    model = near_beam(first.fit.model)
    growth = Growth.of(observed, model.geometry, tilt=False)
    tries = [growth.whole(turned, _REACHES[1]) for turned in turned_lattices(model, observed)]
    fits = [fit for fit in tries if fit is not None]
    return max(fits, key=lambda fit: excess(fit, observed), default=None)
