"""Simulated frames: recipes, experiments drawn from them, and what a detector makes of those."""

from xgeom_core.simulate.experiment import Experiment, draw_experiment
from xgeom_core.simulate.recipe import KINDS, Recipe, load_recipe
from xgeom_core.simulate.render import CrystalTruth, Expected, SimulatedFrame, expected, expose, render

__all__ = [
    "KINDS",
    "CrystalTruth",
    "Expected",
    "Experiment",
    "Recipe",
    "SimulatedFrame",
    "draw_experiment",
    "expected",
    "expose",
    "load_recipe",
    "render",
]
