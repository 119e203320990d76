"""Scattering that is not Bragg: solvent, air, foils, powders, and what makes them lopsided."""

from xgeom_core.simulate.scattering.background import Background
from xgeom_core.simulate.scattering.draw import draw_background
from xgeom_core.simulate.scattering.expected import expected_background
from xgeom_core.simulate.scattering.recipe import BackgroundRecipe, IceRecipe, ParasiticRecipe, PowderRecipe

__all__ = [
    "Background",
    "BackgroundRecipe",
    "IceRecipe",
    "ParasiticRecipe",
    "PowderRecipe",
    "draw_background",
    "expected_background",
]
