"""Whether an indexing is to be trusted, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.chance import Criteria, chance_share
from xgeom_core.predict.lattice.fit import Observed
from xgeom_core.predict.lattice.joint import Joint
from xgeom_core.predict.lattice.solution import Rival

FloatArray = NDArray[np.float64]

_LEAST_INDEXED = 25
_LEAST_SHARE = 0.3
_LEAST_EXCESS = 8.0
_LEAST_RATIO = 3.0
_LEAST_ODDS = 3.0
_STEEPEST_DEG = 8.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a verdict rests on: the fit, the share of spots indexed, and by chance, and the rivals."""

    joint: Joint
    observed: Observed
    start: Geometry
    reach_px: float
    rivals: tuple[Rival, ...]


def why_not(evidence: Evidence) -> str:
    """The reason not to trust an indexing, or ""."""
    joint = evidence.joint
    indexed = joint.indexed
    count, share = int(indexed.sum()), float(indexed.mean())
    if count < _LEAST_INDEXED:
        return f"only {count} spots fit the lattice"
    if share < _LEAST_SHARE:
        return f"only {100 * share:.0f}% of the {len(indexed)} spots fit the lattice"
    criteria = [
        Criteria(model, part.tolerance, part.spread)
        for model, part in zip(joint.models, joint.parts, strict=True)
    ]
    chance = chance_share(criteria, evidence.observed)
    excess = (share - chance) * np.sqrt(len(indexed) / max(chance * (1.0 - chance), 0.02))
    if excess < _LEAST_EXCESS or share < _LEAST_RATIO * chance:
        return f"the lattice explains {100 * share:.0f}% of the spots, but {100 * chance:.0f}% would fit by chance"
    geometry, start = joint.geometry, evidence.start
    turned = np.hypot(geometry.pitch_deg - start.pitch_deg, geometry.yaw_deg - start.yaw_deg)
    if turned > _STEEPEST_DEG:
        return f"the tilt ran away by {turned:.0f} degrees"
    moved = float(np.hypot(*np.subtract(geometry.center_px, start.center_px)))
    if moved > evidence.reach_px + 1.0:
        return f"the center ran {moved:.0f} px away from the start"
    close = [rival for rival in evidence.rivals if rival.log_odds > -_LEAST_ODDS]
    if close:
        where = ", ".join(f"{rival.distance_px:.0f} px" for rival in close[:4])
        number = "another origin fits" if len(close) == 1 else f"{len(close)} other origins fit"
        return f"{number} the lattice equally well, {where} away"
    return ""
