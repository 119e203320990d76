"""How many spots a lattice would index by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.assign_indices import Observed, assign
from xgeom_core.predict.lattice.model import Model
from xgeom_core.predict.lattice.residual_model import Spread, residuals

FloatArray = NDArray[np.float64]

_TURNS_DEG = (67.0, 131.0, 227.0)
# Few spots tell little of chance at each turn: more turns, all odd.
_MANY, _MORE_TURNS_DEG = 60, tuple(67.0 + 11.3 * number for number in range(20))
# Half the deviations allowed hold nearly all spots of a true lattice, which gather about its points, but a
# quarter of random ones or less.
CORE = 0.5


@dataclass(frozen=True, eq=False)
class Criteria:
    """When a lattice counts a spot as its own.

    Parameters
    ----------
    model : Model
        The lattice.
    tolerance : float
        Distance from an index, in index units.
    spread : Spread
        How its spots scatter.
    """

    model: Model
    tolerance: float
    spread: Spread

    def holds(self, observed: Observed, part: float = 1.0) -> NDArray[np.bool_]:
        """Which spots the lattice counts as its own, or would with a part of the deviations allowed."""
        found = assign(self.model, observed, self.spread)
        geometry = self.model.geometry
        polar = residuals(geometry, observed.xy, found.rest, found.miss, observed.sigma)
        return np.asarray((found.off < self.tolerance) & self.spread.holds(polar, part))


def turns_deg(count: int) -> tuple[float, ...]:
    """Angles by which so many spots are turned to tell chance."""
    return _TURNS_DEG if count >= _MANY else _MORE_TURNS_DEG


def shares(criteria: list[Criteria], observed: Observed, part: float = 1.0) -> tuple[float, float]:
    """Share of the spots that any of some lattices holds, and what it would be by chance.

    Parameters
    ----------
    criteria : list of Criteria
        The lattices.
    observed : Observed
        The spots.
    part : float
        What part of the deviations allowed counts; see `CORE`.

    Notes
    -----
    The spots are turned about the center of the geometry by some odd angles, so that their
    density stays what it is; the mean share indexed then is chance.
    """
    center = criteria[0].model.geometry.center_px
    away = observed.xy - center
    by_chance = []
    for degrees in turns_deg(len(away)):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turned = Observed(away @ np.array([[c, s], [-s, c]]) + center, observed.sigma)
        by_chance.append(np.any([one.holds(turned, part) for one in criteria], axis=0).mean())
    own = np.any([one.holds(observed, part) for one in criteria], axis=0).mean()
    return float(own), float(np.mean(by_chance))
