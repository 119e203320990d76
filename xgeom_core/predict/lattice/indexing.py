"""Auto-indexing: lattices with a free origin, one after the other, and the symmetry of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.basis import choose_bases, reduce_basis
from xgeom_core.predict.lattice.chance import CORE, Criteria, shares
from xgeom_core.predict.lattice.fit import Fit, fit_model
from xgeom_core.predict.lattice.fourier import search
from xgeom_core.predict.lattice.model import Model, observed_rays, wavelength
from xgeom_core.predict.lattice.observed import Observed
from xgeom_core.predict.lattice.split import turned_lattices
from xgeom_core.predict.lattice.spread import residuals
from xgeom_core.predict.lattice.supercell import divided
from xgeom_core.predict.lattice.symmetry import NO_SYMMETRY, Symmetry, find_symmetries, symmetrized
from xgeom_core.predict.lattice.unknowns import FREE_CELL, Freedom

FloatArray = NDArray[np.float64]

LEAST_SPOTS = 15
# Spots that take part in the search, and in the fits.
_MOST_SEARCH = 400
# Reach in reciprocal space (1/Å) of the spots searched first, then where that finds little. A tilt that
# is not known yet bends the lattice the more the further out.
_REACHES = (0.30, 0.20, 0.45)
_LIMITS_A = (12.0, 180.0)
_GOOD_SHARE = 0.55
_TOLERANCE = 0.25
_LARGEST_STRAIN = 0.05
# What a symmetry may cost in robust sums of squares, in all and per spot.
_LOSS_XY, _LOSS_MISS, _LOSS_PER_SPOT = 18.0, 12.0, 0.035
_LEAST_EXCESS = 0.3
_LEAST_FURTHER = 25
# Two lattices are one if their bases differ by less than this and are turned by no more. Blocks of a split
# crystal are turned by more.
_SAME_CHANGE, _SAME_DEG = 0.08, 0.4
# A lattice that explains a smaller share even of the inner spots is none.
_HOPELESS = 0.12


@dataclass(frozen=True, eq=False)
class Indexed:
    """A lattice with a free origin, its metric symmetry, and the highest one that it may have."""

    fit: Fit
    symmetry: Symmetry
    highest: Symmetry = NO_SYMMETRY

    @property
    def cell_freedom(self) -> FloatArray:
        """What the symmetry leaves free of the metric; see `Freedom`."""
        return self.symmetry.cell_freedom()


def find_lattice(
    observed: Observed, start: Geometry, *, tilt: bool = True, blurred: bool = False
) -> Fit | None:
    """The lattice that indexes most spots, its origin and cell free.

    Parameters
    ----------
    observed : Observed
        Spots, the strongest first.
    start : Geometry
        Rough geometry.
    tilt : bool
        Whether the tilt is still to be found.
    blurred : bool
        See `Model.blurred`.

    Returns
    -------
    Fit or None
        None where there is no lattice.
    """
    best: Fit | None = None
    most = 0.0
    for reach in _REACHES[:2] if blurred else _REACHES:
        for fit in _tries(observed, start, reach, tilt, blurred):
            merit = excess(fit, observed)
            if merit > most:
                best, most = fit, merit
        if best is not None and best.share > _GOOD_SHARE:
            break
    return best


def excess(fit: Fit, observed: Observed) -> float:
    """Share of the spots that a lattice indexes, less what it would by chance."""
    # Blurred points take up so much room that only the core tells them from chance.
    part = CORE if fit.model.blurred else 1.0
    own, chance = shares([Criteria(fit.model, fit.tolerance, fit.spread)], observed, part)
    return own - chance


def _tries(observed: Observed, start: Geometry, reach: float, tilt: bool, blurred: bool) -> list[Fit]:
    """Lattices grown from the best bases that the inner spots suggest."""
    rays = observed_rays(start, observed.xy[:, 0], observed.xy[:, 1])
    length = np.linalg.norm(rays - np.array([0.0, 0.0, 1.0 / wavelength(start)]), axis=1)
    inner = np.flatnonzero(length < reach)[:_MOST_SEARCH]
    if len(inner) < LEAST_SPOTS:
        return []
    weights = np.ones(len(inner))
    vectors = search(rays[inner], weights, _LIMITS_A)
    fits = []
    for basis in choose_bases(vectors, rays[inner], weights):
        reciprocal = np.asarray(np.linalg.inv(basis.real), dtype=np.float64)
        model = _near_beam(Model(start, reciprocal @ basis.phase, reciprocal, blurred=blurred))
        fit = _grow(model, observed, length, reach, tilt)
        if fit is not None and (smaller := divided(fit.model, fit.hkl, fit.used)) is not None:
            fit = _grow(smaller, observed, length, reach, tilt) or fit
        if fit is not None:
            fits.append(fit)
            if fit.share > 0.9:
                break
    return fits


def _near_beam(model: Model) -> Model:
    """The same lattice with its point nearest to the beam as origin, so that errors stay small there."""
    beam = np.array([[0.0, 0.0, model.radius]])
    return replace(model, origin=model.rays(np.round(model.indices(beam)))[0])


def _grow(model: Model, observed: Observed, length: FloatArray, reach: float, tilt: bool) -> Fit | None:
    """Fit a lattice to the inner spots first, then further and further out."""
    freedom = Freedom(origin=True, cell=FREE_CELL, tilt=tilt, extras=False)
    start_tilt = (model.geometry.pitch_deg, model.geometry.yaw_deg)
    radius, last = 0.75 * reach, False
    fit = None
    while not last:
        last = radius >= length.max()
        inner = length < radius
        radius *= 1.3
        if inner.sum() < LEAST_SPOTS:
            continue
        tolerance, rounds = (_TOLERANCE, 4) if last else (0.3, 3)
        fit = fit_model(
            model, observed.take(inner), freedom, tolerance=tolerance, rounds=rounds, start_tilt=start_tilt
        )
        if fit is None or fit.share < _HOPELESS:
            return None
        model = fit.model
    return fit


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
    real = np.asarray(np.linalg.inv(fit.model.reciprocal), dtype=np.float64)
    model = replace(
        fit.model, reciprocal=np.asarray(np.linalg.inv(reduce_basis(real) @ real), dtype=np.float64)
    )
    free = fit_model(
        model,
        observed,
        Freedom(True, FREE_CELL, tilt=tilt, extras=tilt),
        tolerance=_TOLERANCE,
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
        fit = find_lattice(rest, geometry, tilt=False, blurred=first.fit.model.blurred)
        if not _worth(fit, rest):
            fit = _split(first, rest)
        if fit is None or not _worth(fit, rest):
            break
        if any(same_lattice(fit, other.fit) for other in (first, *found)):
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
    model = _near_beam(first.fit.model)
    rays = observed_rays(model.geometry, observed.xy[:, 0], observed.xy[:, 1])
    length = np.linalg.norm(rays - np.array([0.0, 0.0, model.radius]), axis=1)
    tries = [
        _grow(turned, observed, length, _REACHES[1], False) for turned in turned_lattices(model, observed)
    ]
    fits = [fit for fit in tries if fit is not None]
    return max(fits, key=lambda fit: excess(fit, observed), default=None)


def same_lattice(one: Fit, other: Fit) -> bool:
    """Whether two lattices are one, found twice because its spots scatter."""
    change = np.linalg.solve(one.model.reciprocal, other.model.reciprocal)
    whole = np.round(change)
    if np.abs(change - whole).max() >= _SAME_CHANGE or abs(np.linalg.det(whole)) < 0.5:
        return False
    turn = other.model.reciprocal @ np.linalg.inv(one.model.reciprocal @ whole)
    cosine = (np.trace(turn) / np.cbrt(np.linalg.det(turn)) - 1.0) / 2.0
    return bool(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) < _SAME_DEG)
