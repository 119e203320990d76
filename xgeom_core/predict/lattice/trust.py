"""Whether an indexing is to be trusted, in words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics, excess_sigma
from xgeom_core.predict.lattice.joint import Joint
from xgeom_core.predict.lattice.solution import Cell, Rival

FloatArray = NDArray[np.float64]

_LEAST_INDEXED = 25
_LEAST_SHARE = 0.3
_LEAST_EXCESS = 8.0
# How many times more spots than by chance a lattice must hold: metrics of little symmetry come by chance
# too, monoclinic ones as multiples of others.
_LEAST_RATIO, _LEAST_SKEW_RATIO = 3.5, 7.0
_LEAST_ODDS = 3.0
_STEEPEST_DEG = 8.0
# How far edges (relative) and cosines of a cell given may differ from the one found.
_CELL_LIMIT = 0.04
_FURTHEST_DISTANCE = 0.03
_LEAST_CHANCE = -2.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a verdict rests on.

    Parameters
    ----------
    joint : Joint
        The fit.
    core, chance : float
        Share of the spots at the core of the lattices, and what it would be by chance.
    start : Geometry
        The start.
    reach_px : float
        How far the center may be from it.
    rivals : tuple of Rival
        Other origins.
    symmetric : bool
        Whether the metric of the first lattice shows more symmetry than a monoclinic one.
    """

    joint: Joint
    core: float
    chance: float
    start: Geometry
    reach_px: float
    rivals: tuple[Rival, ...]
    symmetric: bool


def why_not(evidence: Evidence) -> str:
    """The reason not to trust an indexing, or ""."""
    joint = evidence.joint
    indexed = joint.indexed
    count, share = int(indexed.sum()), float(indexed.mean())
    if count < _LEAST_INDEXED:
        return f"only {count} spots fit the lattice"
    if share < _LEAST_SHARE:
        return f"only {100 * share:.0f}% of the {len(indexed)} spots fit the lattice"
    core, chance = evidence.core, evidence.chance
    least = _LEAST_RATIO if evidence.symmetric else _LEAST_SKEW_RATIO
    if excess_sigma(core, chance, len(indexed)) < _LEAST_EXCESS or core < least * chance:
        explained, random = f"{100 * core:.0f}%", f"{100 * chance:.0f}%"
        return f"the lattice explains {explained} of the spots, but {random} would fit by chance"
    geometry, start = joint.geometry, evidence.start
    turned = np.hypot(geometry.pitch_deg - start.pitch_deg, geometry.yaw_deg - start.yaw_deg)
    if turned > _STEEPEST_DEG:
        return f"the tilt ran away by {turned:.0f} degrees"
    stretched = geometry.distance_mm / start.distance_mm - 1.0
    if abs(stretched) > _FURTHEST_DISTANCE:
        return f"the distance ran away by {100 * stretched:.0f}%"
    moved = float(np.hypot(*np.subtract(geometry.center_px, start.center_px)))
    if moved > evidence.reach_px + 1.0:
        return f"the center ran {moved:.0f} px away from the start"
    close = [rival for rival in evidence.rivals if rival.log_odds > -_LEAST_ODDS]
    if close:
        where = ", ".join(f"{rival.distance_px:.0f} px" for rival in close[:4])
        number = "another origin fits" if len(close) == 1 else f"{len(close)} other origins fit"
        return f"{number} the lattice equally well, {where} away"
    return ""


def chance_alone(diagnostics: LatticeDiagnostics) -> str:
    """The reason not to trust few spots on a known cell, or ""."""
    if diagnostics.log10_chance < _LEAST_CHANCE:
        return ""
    return f"{diagnostics.indexed} of {diagnostics.tried} spots fit the cell given, which could be chance"


def cell_mismatch(joint: Joint, cell: Cell | None) -> str:
    """Why the first lattice cannot be that of a cell given by the user, or "".

    Notes
    -----
    The cell given may be centered, so its axes need only be whole combinations of the primitive ones.
    """
    if cell is None:
        return ""
    real = np.linalg.inv(joint.models[0].reciprocal)
    steps = np.array(list(itertools.product(range(-4, 5), repeat=3)))
    vectors = steps @ real
    length = np.linalg.norm(vectors, axis=1)
    near = [vectors[np.abs(length / edge - 1.0) < _CELL_LIMIT] for edge in cell[:3]]
    cosines = np.cos(np.radians(cell[3:]))
    for a, b in itertools.product(near[0], near[1]):
        if abs(_cosine(a, b) - cosines[2]) > _CELL_LIMIT:
            continue
        for c in near[2]:
            if max(abs(_cosine(b, c) - cosines[0]), abs(_cosine(a, c) - cosines[1])) < _CELL_LIMIT:
                return ""
    return "the spots show another cell than the one given"


def _cosine(a: FloatArray, b: FloatArray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
