"""Lattices grown from bases that the inner spots suggest, further and further out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.algebra import inverse3, lengths
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.basis import Basis, choose_bases
from xgeom_core.predict.lattice.fit import Fit, fit_model, refine
from xgeom_core.predict.lattice.fourier import search
from xgeom_core.predict.lattice.model import Model, observed_rays, wavelength
from xgeom_core.predict.lattice.non_primitive_basis import divided
from xgeom_core.predict.lattice.parameterization import FREE_CELL, Freedom, Priors

FloatArray = NDArray[np.float64]

LEAST_SPOTS = 15
# Index units within which spots count as a lattice's own, at last and on the way there.
TOLERANCE, _ROUGH_TOLERANCE = 0.25, 0.3
# Spots that take part in the search.
_MOST_SEARCH = 400
_LIMITS_A = (12.0, 180.0)
# A lattice that explains a smaller share even of the inner spots is none; one that explains this is found.
_HOPELESS, _FOUND = 0.12, 0.9
# Next to one that explains as much as this, bases that explain less of the inner spots are not worth growing.
_REAL, _AS_GOOD = 0.45, 0.6
# So many of the innermost spots tell whether a cell is a multiple.
_MANY = 40
# Growth begins within this part of the reach, and goes on in such steps.
_INNERMOST, _OUTWARD = 0.75, 1.3
# Two lattices are one if their bases differ by less than this and are turned by no more. Blocks of a split
# crystal are turned by more.
_SAME_CHANGE, _SAME_DEG = 0.08, 0.4


@dataclass(frozen=True, eq=False)
class Beginning:
    """A lattice fitted to the innermost spots.

    Parameters
    ----------
    model : Model
        The lattice.
    share : float
        Share of those spots that it explains.
    smaller : Model or None
        The lattice with a smaller cell, if this one seems a multiple of it.
    """

    model: Model
    share: float
    smaller: Model | None

    def among(self, others: list[Model]) -> bool:
        """Whether it is one of some lattices, or a multiple of one."""
        mine = [self.model] if self.smaller is None else [self.model, self.smaller]
        return any(same_lattice(other, one) for other in others for one in mine)


@dataclass(frozen=True, eq=False)
class Growth:
    """What lattices are grown with.

    Parameters
    ----------
    observed : Observed
        Spots, the strongest first.
    start : Geometry
        Rough geometry.
    rays : ndarray, shape (n, 3)
        Of the spots in that geometry, in 1/Å.
    length : ndarray, shape (n,)
        Distance of the rays from the beam, in 1/Å.
    tilt : bool
        Whether the tilt is still to be found.
    known : dict of float to list of Basis
        Bases by reach, once they have been looked for.
    """

    observed: Observed
    start: Geometry
    rays: FloatArray
    length: FloatArray
    tilt: bool
    known: dict[float, list[Basis]] = field(default_factory=dict)

    @classmethod
    def of(cls, observed: Observed, start: Geometry, *, tilt: bool) -> Growth:
        """With the rays that a geometry gives."""
        rays = observed_rays(start, observed.xy[:, 0], observed.xy[:, 1])
        return cls(observed, start, rays, lengths(rays - np.array([0.0, 0.0, 1.0 / wavelength(start)])), tilt)

    @property
    def freedom(self) -> Freedom:
        """Of all fits."""
        return Freedom(origin=True, cell=FREE_CELL, tilt=self.tilt, extras=False)

    def bases(self, reach: float) -> list[Basis]:
        """Bases that the spots within a reach (1/Å) suggest, the best first."""
        if reach not in self.known:
            inner = np.flatnonzero(self.length < reach)[:_MOST_SEARCH]
            rays, weights = self.rays[inner], np.ones(len(inner))
            enough = len(inner) >= LEAST_SPOTS
            self.known[reach] = (
                choose_bases(search(rays, weights, _LIMITS_A), rays, weights) if enough else []
            )
        return self.known[reach]

    def begin(self, model: Model, reach: float) -> Beginning | None:
        """A model fitted to the innermost spots; None if it explains next to nothing there."""
        inner = self.length < _INNERMOST * reach
        if inner.sum() < LEAST_SPOTS:
            return Beginning(model, 0.0, None)
        refined = self._refined(model, inner, 3)
        if refined is None:
            return None
        model, hkl, used = refined
        # Few spots fall into one class by chance.
        smaller = divided(model, hkl, used) if used.sum() >= _MANY else None
        return Beginning(model, float(used.mean()), smaller)

    def grow(self, model: Model, reach: float) -> Fit | None:
        """A model that fits the innermost spots, fitted to more and more spots, and at last to all."""
        radius, farthest = _OUTWARD * _INNERMOST * reach, float(self.length.max())
        while radius < farthest:
            inner = self.length < radius
            radius *= _OUTWARD
            if inner.sum() >= LEAST_SPOTS:
                refined = self._refined(model, inner, 3)
                if refined is None:
                    return None
                model = refined[0]
        tilt = (self.start.pitch_deg, self.start.yaw_deg)
        fit = fit_model(model, self.observed, self.freedom, tolerance=TOLERANCE, rounds=4, start_tilt=tilt)
        return None if fit is None or fit.share < _HOPELESS else fit

    def whole(self, model: Model, reach: float) -> Fit | None:
        """A model fitted to the innermost spots first, then to more and more."""
        begun = self.begin(model, reach)
        return None if begun is None else self.grow(begun.model, reach)

    def _refined(
        self, model: Model, which: NDArray[np.bool_], rounds: int
    ) -> tuple[Model, FloatArray, NDArray[np.bool_]] | None:
        """A model fitted to some spots, their indices, and which it explained."""
        priors = Priors((self.start.pitch_deg, self.start.yaw_deg), self.start.distance_mm)
        some = self.observed.take(which)
        refined = refine(model, some, self.freedom, priors, tolerance=_ROUGH_TOLERANCE, rounds=rounds)
        if refined is None or refined[1].used.mean() < _HOPELESS:
            return None
        return refined[0], refined[1].assignment.hkl, refined[1].used


def grown_lattices(growth: Growth, reach: float, *, blurred: bool) -> list[Fit]:
    """Lattices grown from the best bases that the spots within a reach suggest, each once.

    Parameters
    ----------
    growth : Growth
        What they are grown with.
    reach : float
        In 1/Å.
    blurred : bool
        See `Model.blurred`.
    """
    fits: list[Fit] = []
    seen: list[Model] = []
    least = 0.0
    for basis in growth.bases(reach):
        reciprocal = inverse3(basis.real)
        model = near_beam(Model(growth.start, reciprocal @ basis.phase, reciprocal, blurred=blurred))
        begun = growth.begin(model, reach)
        # Most bases are others of the same lattice; most of the rest are none.
        if begun is None or begun.share < least or begun.among(seen):
            continue
        seen.append(begun.model)
        fit = growth.grow(begun.model, reach)
        if fit is not None and (smaller := divided(fit.model, fit.hkl, fit.used)) is not None:
            fit = growth.grow(smaller, reach) or fit
        if fit is None:
            continue
        fits.append(fit)
        seen.append(fit.model)
        if fit.share > _FOUND:
            break
        if fit.share > _REAL:
            least = max(least, _AS_GOOD * begun.share)
    return fits


def near_beam(model: Model) -> Model:
    """The same lattice with its point nearest to the beam as origin, so that errors stay small there."""
    beam = np.array([[0.0, 0.0, model.radius]])
    return replace(model, origin=model.rays(np.round(model.indices(beam)))[0])


def same_lattice(one: Model, other: Model) -> bool:
    """Whether two lattices are one, found twice because its spots scatter."""
    change = inverse3(one.reciprocal) @ other.reciprocal
    whole = np.round(change)
    if np.abs(change - whole).max() >= _SAME_CHANGE or abs(np.linalg.det(whole)) < 0.5:
        return False
    turn = other.reciprocal @ inverse3(one.reciprocal @ whole)
    cosine = (np.trace(turn) / np.cbrt(np.linalg.det(turn)) - 1.0) / 2.0
    return bool(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) < _SAME_DEG)
