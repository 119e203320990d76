"""From spots to geometry: find lattices, their symmetry and the origin, then fit all together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.algebra import median
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.bravais import named
from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics, diagnose
from xgeom_core.predict.lattice.expansion import LEAST_SPOTS, Growth
from xgeom_core.predict.lattice.hkl_offsets import list_offsets, seen_from
from xgeom_core.predict.lattice.indexing import (
    Indexed,
    find_lattice,
    further_lattices,
    is_real,
    with_symmetry,
)
from xgeom_core.predict.lattice.joint import Joint, fit_joint
from xgeom_core.predict.lattice.known_cell import LEAST_KNOWN, has_cell, known_lattice
from xgeom_core.predict.lattice.offset import HklOffset
from xgeom_core.predict.lattice.parameterization import Priors
from xgeom_core.predict.lattice.random_match_rate import CORE, shares
from xgeom_core.predict.lattice.solution import FoundLattice, LatticeFit, LatticeSolution, Task
from xgeom_core.predict.lattice.symmetry import Cell, find_symmetries
from xgeom_core.predict.lattice.systematic import on_surface
from xgeom_core.predict.lattice.visibility import recorded_points
from xgeom_core.predict.spots.find import Spots

FloatArray = NDArray[np.float64]

# Spots that take part in indexing (the strongest), and in the last fit.
_MOST_INDEX = 900
_MOST_FIT = 1500
# So many of the likeliest offsets are tried.
_TRIED = 12
# How free the tilt of the last fit is.
_FREE_TILT_DEG = 10.0
# Shares that leave no need to look for blurred points: of any lattice; of one with symmetry that is no
# chance (log10), and whose offset is likelier than all others by this much (logarithm).
_CLEAR, _CLEAR_ENOUGH, _NO_SYMMETRY, _NO_CHANCE, _LEAD = 0.85, 0.6, "aP", -2.0, 3.0
# With fewer spots than this a known cell is tried first; strain up to which it shows a symmetry.
_FEW, _EXACT = 120, 0.003
# What another start found is kept where it explains this share of the spots beyond chance.
_EXPLAINED = 0.5
# Fewer spots than these fit blurred points of any lattice.
_FEWEST_BLURRED = 150
# What finding them must gain otherwise.
_WORTH_THE_BLUR = 0.1
# Relative change of the distance that the user is told of.
_WORTH_SAYING = 0.005


def solve_lattice(
    spots: Spots,
    start: Geometry,
    *,
    cell: Cell | None = None,
    sigma_px: float = 10.0,
    known: LatticeSolution | None = None,
) -> LatticeSolution | None:
    """Index a still with nothing known of the cell, and refine the geometry with it.

    Parameters
    ----------
    spots : Spots
        The strongest first.
    start : Geometry
        Rough geometry, through which spots are mapped into reciprocal space; distance and wavelength are
        taken as known. Center and tilt choose which offset of the indices is refined first, no more.
    cell : tuple of float, optional
        Cell ``(a, b, c, alpha, beta, gamma)`` in Å and degrees, where the user knows it.
    sigma_px : float
        How far the start is likely to be off (standard deviation).
    known : LatticeSolution, optional
        What was found in the same spots from another start. Where it explains them, only the offset that
        is refined first can change.

    Returns
    -------
    LatticeSolution or None
        None without a wavelength, with too few spots, or where no lattice is found.
    """
    if start.wavelength_A is None or len(spots) < (LEAST_KNOWN if cell else LEAST_SPOTS):
        return None
    task = Task(spots, start, sigma_px, cell)
    before = None if known is None else _again(task, known)
    if before is not None and (before.clear or before.merit > _EXPLAINED):
        return before.solution
    if cell and len(spots) < _FEW:
        before = _better(before, _with_cell(task, cell))
        if len(spots) < LEAST_SPOTS or (before is not None and before.merit > _CLEAR_ENOUGH):
            return None if before is None else before.solution
    growth = Growth.of(task.observed.take(np.arange(len(spots)) < _MOST_INDEX), start, tilt=True)
    found = _better(before, _attempt(task, growth, blurred=False))
    if len(spots) < _FEWEST_BLURRED or (found is not None and found.clear):
        return None if found is None else found.solution
    # Mosaic crystals with long axes record points that the usual way takes for others.
    again = _attempt(task, growth, blurred=True)
    if found is None or (again is not None and again.merit > found.merit + _WORTH_THE_BLUR):
        found = again
    return None if found is None else found.solution


def refined_at(solution: LatticeSolution, offset: HklOffset) -> LatticeSolution | None:
    """The same lattices fitted again with another of their points taken for the beam.

    Parameters
    ----------
    solution : LatticeSolution
        As `solve_lattice` gives it.
    offset : HklOffset
        One of its offsets.

    Returns
    -------
    LatticeSolution or None
        None where the fit from there fails.
    """
    return None if solution.lattice_fit is None else _refine(solution.lattice_fit, offset)


@dataclass(frozen=True, eq=False)
class Attempt:
    """A solution, and by how much its offset is likelier than all others (logarithm, the start included)."""

    solution: LatticeSolution
    lead: float

    @property
    def said(self) -> LatticeDiagnostics:
        """The solution's numbers."""
        assert self.solution.diagnostics is not None
        return self.solution.diagnostics

    @property
    def merit(self) -> float:
        """By how much the share of spots that it explains exceeds chance."""
        return self.said.core - self.said.chance

    @property
    def clear(self) -> bool:
        """Whether there is no need to look for blurred points."""
        share = self.solution.share
        real = self.said.log10_chance < _NO_CHANCE and self.solution.bravais != _NO_SYMMETRY
        return share > _CLEAR or (real and self.lead > _LEAD and share > _CLEAR_ENOUGH)


def _better(one: Attempt | None, other: Attempt | None) -> Attempt | None:
    """The attempt that explains more."""
    if one is None or other is None:
        return other if one is None else one
    return other if other.merit > one.merit else one


def _again(task: Task, known: LatticeSolution) -> Attempt | None:
    """What was found before, at the offset that suits a new start best."""
    fit = known.lattice_fit
    if fit is None or len(fit.task.spots) != len(task.spots):
        return None
    return _likeliest(fit, task)


def _attempt(task: Task, growth: Growth, *, blurred: bool) -> Attempt | None:
    """Index the spots with lattices whose points are all sharp, or may be blurred."""
    spots, everything, strong = task.spots, task.observed, growth.observed
    fit = find_lattice(growth, blurred=blurred)
    if fit is None:
        return None
    first = with_symmetry(fit, strong, (task.start.pitch_deg, task.start.yaw_deg))
    # What is hardly better than chance is reported as such, without looking further.
    real = is_real(first.fit, strong)
    lattices = [first, *(further_lattices(strong, first) if real else [])]
    recorded = [
        recorded_points(lattice.fit, everything, spots, lattice.highest.rotations)
        for lattice in (lattices if real else [])
    ]
    offsets = list_offsets(
        first.fit,
        [other.fit for other in lattices[1:]],
        [one for one in recorded if one is not None],
        spots.shape,
        task.start.center_px,
    )
    return _likeliest(LatticeFit(task, lattices, offsets, recorded), task)


def _with_cell(task: Task, cell: Cell) -> Attempt | None:
    """Index a few spots with a known cell."""
    fit = known_lattice(task.observed, task.start, cell)
    if fit is None:
        return None
    possible = find_symmetries(fit.model.reciprocal, _EXACT)
    lattice = Indexed(fit, possible[0], possible[0], known=True)
    recorded = recorded_points(fit, task.observed, task.spots, lattice.highest.rotations)
    offsets = list_offsets(
        fit, [], [] if recorded is None else [recorded], task.spots.shape, task.start.center_px
    )
    return _likeliest(LatticeFit(task, [lattice], offsets, [recorded]), task)


def _likeliest(fit: LatticeFit, task: Task) -> Attempt | None:
    """The fit at the offset that start and spots together favor."""
    fit = replace(fit, task=task)
    odds = np.array([offset.log_likelihood + task.log_prior(offset) for offset in fit.offsets])
    for number in np.argsort(-odds, kind="stable")[:_TRIED]:
        solution = _refine(fit, fit.offsets[number])
        if solution is not None:
            return Attempt(solution, float(odds[number] - np.delete(odds, number).max(initial=-np.inf)))
    return None


def _refine(fit: LatticeFit, offset: HklOffset) -> LatticeSolution | None:
    """Fit all lattices with the beam at one offset; the first alone where they do not go together."""
    some = fit.task.observed.take(np.arange(len(fit.task.spots)) < _MOST_FIT)
    first = fit.lattices[0].fit.model
    beam = first.rays(np.array([offset.hkl], dtype=np.float64))[0]
    models = [seen_from(lattice.fit.model, beam) for lattice in fit.lattices]
    geometry = models[0].geometry
    # What the start says of the tilt is for others to count.
    priors = Priors((geometry.pitch_deg, geometry.yaw_deg), geometry.distance_mm, _FREE_TILT_DEG)
    for count in {len(models): None, 1: None}:
        cells = [lattice.cell_freedom for lattice in fit.lattices[:count]]
        joint = fit_joint(models[:count], cells, some, priors)
        if joint is not None:
            return _solution(joint, fit, offset, some)
    return None


def _solution(joint: Joint, fit: LatticeFit, offset: HklOffset, observed: Observed) -> LatticeSolution:
    task, count = fit.task, len(fit.task.spots)
    found, symmetries = [], []
    predicted = np.full((count, 2), np.nan)
    for model, part, lattice in zip(joint.models, joint.parts, fit.lattices, strict=False):
        bravais, edges, shown, axes = named(model.reciprocal, lattice.symmetry)
        symmetries.append(shown)
        used = np.zeros(count, dtype=bool)
        used[: len(part.used)] = part.used
        hkl = np.zeros((count, 3), dtype=np.int64)
        hkl[used] = np.round(part.assignment.hkl[part.used]).astype(np.int64)
        predicted[used] = (observed.xy - part.assignment.rest)[part.used]
        found.append(FoundLattice(edges, bravais, model.reciprocal, used, hkl, axes))
    found_geometry, covariance = on_surface(joint.geometry, joint.covariance)
    diagnostics = diagnose(
        joint,
        symmetries[0],
        shares(joint.criteria(), observed, CORE),
        fit.recorded[0] if fit.recorded else None,
        task.start.distance_mm,
        median(task.observed.sigma),
        known=fit.lattices[0].known,
    )
    return LatticeSolution(
        found_geometry.center_px,
        (found_geometry.pitch_deg, found_geometry.yaw_deg),
        covariance,
        found[0].cell,
        found[0].bravais,
        found[0].reciprocal,
        np.any([lattice.indexed for lattice in found], axis=0),
        float(joint.indexed.mean()),
        joint.rms_px,
        tuple(found),
        predicted,
        found_geometry.distance_mm,
        _notes(found_geometry, task.start),
        len(observed.xy),
        fit.offsets,
        offset,
        diagnostics,
        task.cell is not None and not has_cell(joint.models[0].reciprocal, task.cell),
        fit,
    )


def _notes(found: Geometry, start: Geometry) -> tuple[str, ...]:
    """What the user should know besides."""
    if abs(found.distance_mm / start.distance_mm - 1.0) < _WORTH_SAYING:
        return ()
    return (
        f"The spots agree best with a distance of {found.distance_mm:.2f} mm; "
        f"{start.distance_mm:.2f} mm was stated.",
    )
