"""From spots to geometry: find lattices, their symmetry and the origin, then fit all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.bravais import conventional
from xgeom_core.predict.lattice.expansion import LEAST_SPOTS, Growth
from xgeom_core.predict.lattice.hkl_offsets import Origin, Prior, list_origins
from xgeom_core.predict.lattice.indexing import (
    Indexed,
    find_lattice,
    further_lattices,
    is_real,
    with_symmetry,
)
from xgeom_core.predict.lattice.joint import Joint, fit_joint
from xgeom_core.predict.lattice.parameterization import Priors
from xgeom_core.predict.lattice.random_match_rate import CORE, shares
from xgeom_core.predict.lattice.solution import Cell, FoundLattice, LatticeSolution, Rival
from xgeom_core.predict.lattice.trust import Evidence, cell_mismatch, why_not
from xgeom_core.predict.lattice.visibility import recorded_points
from xgeom_core.predict.spots.find import Spots

FloatArray = NDArray[np.float64]

# Spots that take part in indexing (the strongest), and in the last fit.
_MOST_INDEX = 900
_MOST_FIT = 1500
# Origins that are less likely than the best by more than this (logarithm) are no rivals.
_DEAD = 8.0
# Shares that leave no need to look for blurred points: of any lattice, of a trusted one with symmetry.
_CLEAR, _CLEAR_ENOUGH, _NO_SYMMETRY = 0.85, 0.6, "aP"
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
    reach_px: float,
    cell: Cell | None = None,
    sigma_px: float | None = None,
) -> LatticeSolution | None:
    """Index a still with nothing known of the cell, and refine the geometry with it.

    Parameters
    ----------
    spots : Spots
        The strongest first.
    start : Geometry
        Rough center; distance and wavelength are taken as known. Tilt 0 unless known.
    reach_px : float
        How far the center may be from the start at most, in px. Origins further off are not looked at.
    cell : tuple of float, optional
        Cell ``(a, b, c, alpha, beta, gamma)`` in Å and degrees, where the user knows it.
    sigma_px : float, optional
        How far the start is likely to be off (standard deviation); a third of the reach by default.

    Returns
    -------
    LatticeSolution or None
        None without a wavelength, with too few spots, or where no lattice is found.
    """
    if start.wavelength_A is None or len(spots) < LEAST_SPOTS:
        return None
    task = Task(spots, start, reach_px, sigma_px or reach_px / 3.0, cell)
    growth = Growth.of(task.observed.take(np.arange(len(spots)) < _MOST_INDEX), start, tilt=True)
    found = _attempt(task, growth, blurred=False)
    if len(spots) < _FEWEST_BLURRED or (found is not None and found.clear):
        return None if found is None else found.solution
    # Mosaic crystals with long axes record points that the usual way takes for others.
    again = _attempt(task, growth, blurred=True)
    if found is None or (again is not None and again.merit > found.merit + _WORTH_THE_BLUR):
        found = again
    return None if found is None else found.solution


@dataclass(frozen=True, eq=False)
class Task:
    """What is given; see `solve_lattice`."""

    spots: Spots
    start: Geometry
    reach_px: float
    sigma_px: float
    cell: Cell | None

    @property
    def observed(self) -> Observed:
        """Positions of all spots and their errors."""
        return Observed(np.stack([self.spots.x, self.spots.y], axis=1), _errors(self.spots))

    @property
    def tilt(self) -> tuple[float, float]:
        """Of the start, in degrees."""
        return self.start.pitch_deg, self.start.yaw_deg


@dataclass(frozen=True, eq=False)
class Attempt:
    """A solution, and by how much the share of spots that it explains exceeds chance."""

    solution: LatticeSolution
    merit: float

    @property
    def clear(self) -> bool:
        """Whether there is no need to look for blurred points."""
        share = self.solution.share
        trusted = not self.solution.reason and self.solution.bravais != _NO_SYMMETRY
        return share > _CLEAR or (trusted and share > _CLEAR_ENOUGH)


def _attempt(task: Task, growth: Growth, *, blurred: bool) -> Attempt | None:
    """Index the spots with lattices whose points are all sharp, or may be blurred."""
    spots, everything, strong = task.spots, task.observed, growth.observed
    fit = find_lattice(growth, blurred=blurred)
    if fit is None:
        return None
    first = with_symmetry(fit, strong, task.tilt)
    # What is hardly better than chance is reported as such, without looking further.
    real = is_real(first.fit, strong)
    lattices = [first, *(further_lattices(strong, first) if real else [])]
    prior = Prior(task.start, task.reach_px, task.sigma_px)
    others = [other.fit for other in lattices[1:]]
    recorded = [
        recorded_points(lattice.fit, everything, spots, lattice.highest.rotations)
        for lattice in (lattices if real else [])
    ]
    origins = list_origins(first.fit, others, prior, [one for one in recorded if one is not None])
    some = everything.take(np.arange(len(spots)) < _MOST_FIT)
    return _refine(lattices, origins, some, task) if origins else None


def _errors(spots: Spots) -> FloatArray:
    """Errors of the spots with a floor: no spot is worth more than a tenth of a pixel to a lattice fit."""
    return np.asarray(np.hypot(spots.sigma_px, 0.05))


def _refine(
    lattices: list[Indexed],
    origins: list[Origin],
    observed: Observed,
    task: Task,
) -> Attempt | None:
    """Fit from the likeliest origin; list the others as rivals."""
    priors = Priors(task.tilt, task.start.distance_mm)
    cells = [lattice.cell_freedom for lattice in lattices]
    for number, origin in enumerate(origins):
        models = [origin.model, *origin.others]
        joint = fit_joint(models, cells, observed, priors)
        used = lattices
        if joint is None and len(models) > 1:
            joint, used = fit_joint(models[:1], cells[:1], observed, priors), lattices[:1]
        if joint is not None:
            rivals = _rivals(origins, number, joint)
            return _solution(joint, used, rivals, observed, task)
    return None


def _rivals(origins: list[Origin], chosen: int, joint: Joint) -> tuple[Rival, ...]:
    best = origins[chosen]
    rivals = []
    for number, origin in enumerate(origins):
        odds = origin.log_odds - best.log_odds
        if number == chosen or odds < -_DEAD:
            continue
        geometry = origin.model.geometry
        away = float(np.hypot(*np.subtract(geometry.center_px, joint.geometry.center_px)))
        rivals.append(
            Rival(
                geometry.center_px,
                (geometry.pitch_deg, geometry.yaw_deg),
                float(joint.indexed.mean()),
                joint.rms_px,
                odds,
                away,
            )
        )
    return tuple(rivals)


def _solution(
    joint: Joint,
    lattices: list[Indexed],
    rivals: tuple[Rival, ...],
    observed: Observed,
    task: Task,
) -> Attempt:
    count = len(task.spots)
    found = []
    predicted = np.full((count, 2), np.nan)
    for model, part, lattice in zip(joint.models, joint.parts, lattices, strict=True):
        bravais, edges = conventional(model.reciprocal, lattice.symmetry)
        used = np.zeros(count, dtype=bool)
        used[: len(part.used)] = part.used
        hkl = np.zeros((count, 3), dtype=np.int64)
        hkl[used] = np.round(part.assignment.hkl[part.used]).astype(np.int64)
        predicted[used] = (observed.xy - part.assignment.rest)[part.used]
        found.append(FoundLattice(edges, bravais, model.reciprocal, used, hkl))
    found_geometry = joint.geometry
    own, chance = shares(joint.criteria(), observed, CORE)
    symmetric = lattices[0].symmetry.order > 2
    evidence = Evidence(joint, own, chance, task.start, task.reach_px, rivals, symmetric)
    reason = why_not(evidence) or cell_mismatch(joint, task.cell)
    solution = LatticeSolution(
        found_geometry.center_px,
        (found_geometry.pitch_deg, found_geometry.yaw_deg),
        joint.covariance,
        found[0].cell,
        found[0].bravais,
        found[0].reciprocal,
        np.any([lattice.indexed for lattice in found], axis=0),
        float(joint.indexed.mean()),
        joint.rms_px,
        tuple(found),
        rivals,
        predicted,
        found_geometry.distance_mm,
        reason,
        _notes(found_geometry, task.start),
        len(observed.xy),
    )
    return Attempt(solution, own - chance)


def _notes(found: Geometry, start: Geometry) -> tuple[str, ...]:
    """What the user should know besides."""
    if abs(found.distance_mm / start.distance_mm - 1.0) < _WORTH_SAYING:
        return ()
    return (
        f"The spots agree best with a distance of {found.distance_mm:.2f} mm; "
        f"{start.distance_mm:.2f} mm was stated.",
    )
