"""Classical ways to find the beam center, for comparison and as fallbacks. None needs a network."""

from __future__ import annotations

from xgeom_core.predict.classical import (
    center_of_mass,
    circle,
    midpoint,
    radial_symmetry,
    ring_fit,
    symmetry,
)
from xgeom_core.predict.classical.registry import Method

__all__ = ["METHODS", "Method"]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(center_of_mass.NAME, center_of_mass.WHEN, center_of_mass.center_of_mass),
        Method(circle.NAME, circle.WHEN, circle.circle),
        Method(radial_symmetry.NAME, radial_symmetry.WHEN, radial_symmetry.radial_symmetry),
        Method(symmetry.FRIEDEL, symmetry.WHEN_PAIRS, symmetry.friedel),
        Method(symmetry.INVERSION, symmetry.WHEN_ALIKE, symmetry.inversion),
        Method(midpoint.NAME, midpoint.WHEN, midpoint.midpoint),
        Method(ring_fit.NAME, ring_fit.WHEN, ring_fit.ring_fit),
    )
}
