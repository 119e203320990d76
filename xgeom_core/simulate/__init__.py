"""The simulator: crystal, background, detector, recipes, rendering and files."""

from xgeom_core.simulate.recipe import KINDS, Recipe, load_recipe
from xgeom_core.simulate.render import CrystalTruth, SimulatedFrame, render

__all__ = ["KINDS", "CrystalTruth", "Recipe", "SimulatedFrame", "load_recipe", "render"]
