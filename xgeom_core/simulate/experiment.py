"""The experiment behind a simulated frame: everything that was drawn, in one record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam, draw_beam
from xgeom_core.simulate.crystals import Crystal, draw_crystals
from xgeom_core.simulate.detectors import Detector, draw_detector, draw_geometry
from xgeom_core.simulate.recipe import Recipe
from xgeom_core.simulate.scattering import Background, draw_background
from xgeom_core.simulate.shadows import Shadows, draw_shadows


@dataclass(frozen=True)
class Experiment:
    """What was drawn for one frame; with the seed of its noise it makes the frame.

    Parameters
    ----------
    kind : str
        Name of the recipe, or of its part, that the frame comes from.
    binary : bool
        Whether the frame only says where peaks are.
    beam, detector, geometry, background, shadows, crystals
        What was drawn; the geometry is in pixels of the frame.
    """

    kind: str
    binary: bool
    beam: Beam
    detector: Detector
    geometry: Geometry
    background: Background
    shadows: Shadows
    crystals: tuple[Crystal, ...]

    def record(self) -> dict[str, Any]:
        """All of it as plain numbers, texts, lists and tables, ready for JSON."""
        return asdict(self)

    def at(self, geometry: Geometry) -> Experiment:
        """The same experiment seen by the same detector placed otherwise."""
        return replace(self, geometry=geometry)


def draw_experiment(recipe: Recipe, shape: tuple[int, int], rng: np.random.Generator) -> Experiment:
    """Draw an experiment from a recipe.

    Parameters
    ----------
    recipe : Recipe
        A mixture is drawn from first.
    shape : tuple of int
        ``(slow, fast)`` of the frame in pixels.
    rng : numpy.random.Generator
        Each room gets a generator of its own, so that a change in one leaves the others' draws alone.

    Notes
    -----
    Center and tilt are drawn independently and the tilt pivots at the beam center, so neither can
    be read off the other.
    """
    rngs = rng.spawn(7)
    recipe = recipe.one(rngs[0])
    beam = draw_beam(recipe.beam, rngs[1])
    detector = draw_detector(recipe.detector, shape, beam, rngs[2])
    geometry = draw_geometry(recipe.detector, detector, shape, beam, rngs[3])
    background = draw_background(recipe.background, beam, geometry, shape, rngs[4])
    crystals = draw_crystals(recipe.crystal, beam, _reach_A(geometry, shape), rngs[5])
    shadows = draw_shadows(recipe.shadow, geometry, shape, rngs[6])
    return Experiment(recipe.name, recipe.binary, beam, detector, geometry, background, shadows, crystals)


def _reach_A(geometry: Geometry, shape: tuple[int, int]) -> float:
    """The best resolution in the corners: reflections beyond it would be drawn for nothing."""
    corners = geometry.resolution_A(np.array([0.0, shape[1]])[:, None], np.array([0.0, shape[0]]))
    return float(corners.min())
