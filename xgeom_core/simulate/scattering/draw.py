"""Draw the scattering of one frame from its recipe."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.ranges import choice, log_uniform, uniform
from xgeom_core.simulate.scattering.air import Air, AirColumn
from xgeom_core.simulate.scattering.background import Background
from xgeom_core.simulate.scattering.lopsided import Gradient, Wave
from xgeom_core.simulate.scattering.parasitic import Halo, Layers, Streak
from xgeom_core.simulate.scattering.plastic import Plastic
from xgeom_core.simulate.scattering.powder import Powder
from xgeom_core.simulate.scattering.protein import Protein
from xgeom_core.simulate.scattering.recipe import BackgroundRecipe, IceRecipe, ParasiticRecipe, PowderRecipe
from xgeom_core.simulate.scattering.small_angle import SmallAngle
from xgeom_core.simulate.scattering.water import Water


def draw_background(
    recipe: BackgroundRecipe,
    beam: Beam,
    geometry: Geometry,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Background:
    """A background drawn from its recipe.

    Parameters
    ----------
    recipe : BackgroundRecipe
        What may be drawn.
    beam, geometry, shape
        The frame it is for; ``shape`` is ``(slow, fast)``. Nothing drawn depends on the tilt, and on
        the beam center nothing at all, so that neither can be read off the other.
    rng : numpy.random.Generator
        Source of all randomness.
    """
    counts = log_uniform(rng, recipe.counts_per_mm2)
    powders = _powders(recipe, rng)
    if recipe.shape != "water":
        return Background(recipe.shape, counts, water=None, powders=powders)
    dry = rng.random() < recipe.dry
    water = Water(
        uniform(rng, recipe.ring_A),
        uniform(rng, recipe.ring_width),
        uniform(rng, recipe.shoulder),
        uniform(rng, recipe.plateau),
    )
    part = recipe.parasitic
    waves, gradient = _lopsided(part, rng)
    return Background(
        shape="water",
        counts_per_mm2=counts,
        water=None if dry else water,
        protein=None if dry else Protein(uniform(rng, recipe.protein), float(rng.uniform(0.2, 0.8))),
        small_angle=SmallAngle(
            uniform(rng, recipe.small_angle),
            uniform(rng, recipe.small_angle_width),
            float(rng.uniform(1.8, 3.5)),
        ),
        air=Air(uniform(rng, recipe.air)),
        plastics=_plastics(recipe, rng),
        fluorescence=uniform(rng, recipe.floor),
        columns=_columns(part, geometry.distance_mm, rng),
        powders=powders,
        layers=_layers(part, rng),
        waves=waves,
        gradient=gradient,
        halo=_halo(part, geometry.distance_mm, rng),
        streaks=_streaks(part, geometry.distance_mm, rng),
        helium=bool(rng.random() < recipe.helium),
    )


def _plastics(recipe: BackgroundRecipe, rng: np.random.Generator) -> tuple[Plastic, ...]:
    if rng.random() >= recipe.plastic:
        return ()
    return (Plastic(choice(rng, recipe.plastics), log_uniform(rng, recipe.plastic_height)),)


def _powders(recipe: BackgroundRecipe, rng: np.random.Generator) -> tuple[Powder, ...]:
    found: list[Powder] = []
    if rng.random() < recipe.powder.present:
        part = recipe.powder
        substance = choice(rng, part.substances)
        found.append(
            _powder(substance, part, rng, uniform(rng, part.strain), uniform(rng, part.instrument_mrad))
        )
    # Ice comes with a solvent: not with a background that was asked to be flat or absent.
    if rng.random() < recipe.ice.present and recipe.shape == "water":
        cubic = rng.random() < recipe.ice.cubic
        found.append(_powder("cubic ice" if cubic else "ice", recipe.ice, rng, 2e-3, 0.5))
    return tuple(found)


def _powder(
    substance: str,
    part: PowderRecipe | IceRecipe,
    rng: np.random.Generator,
    strain: float,
    instrument_mrad: float,
) -> Powder:
    spotty, textured = rng.random() < part.spotty, rng.random() < part.textured
    spottiness, texture = log_uniform(rng, part.spottiness), uniform(rng, part.texture)
    return Powder(
        substance,
        log_uniform(rng, part.height),
        log_uniform(rng, part.crystallite_A),
        strain,
        instrument_mrad,
        spottiness if spotty else 0.0,
        log_uniform(rng, part.grain_deg),
        texture if textured else 0.0,
        float(rng.uniform(0.0, 360.0)),
        int(rng.integers(2**31)),
    )


def _columns(part: ParasiticRecipe, distance_mm: float, rng: np.random.Generator) -> tuple[AirColumn, ...]:
    if rng.random() >= part.columns:
        return ()
    first, second = sorted((uniform(rng, part.column_mm), uniform(rng, part.column_mm)))
    # Nothing nearer to the detector than half its distance: that air lies behind the stop.
    limit = 0.5 * distance_mm
    return (AirColumn(log_uniform(rng, part.column_height), min(first, limit - 1.0), min(second, limit)),)


def _layers(part: ParasiticRecipe, rng: np.random.Generator) -> Layers | None:
    if rng.random() >= part.layers:
        return None
    direction = rng.normal(size=3)
    axis = direction / np.linalg.norm(direction) * rng.uniform(20.0, 120.0)
    return Layers(
        log_uniform(rng, part.layer_height),
        (float(axis[0]), float(axis[1]), float(axis[2])),
        float(rng.uniform(0.03, 0.09)),
        float(rng.uniform(0.2, 0.5)),
    )


def _lopsided(part: ParasiticRecipe, rng: np.random.Generator) -> tuple[tuple[Wave, ...], Gradient | None]:
    if rng.random() >= part.asymmetric:
        return (), None
    waves = tuple(
        Wave(
            order,
            uniform(rng, part.asymmetry),
            float(rng.uniform(0.0, 360.0)),
            float(rng.uniform(0.0, 1.5)),
        )
        for order in (1, 2)
    )
    return waves, Gradient(uniform(rng, part.gradient), float(rng.uniform(0.0, 360.0)))


def _halo(part: ParasiticRecipe, distance_mm: float, rng: np.random.Generator) -> Halo | None:
    if rng.random() >= part.halo:
        return None
    radius = min(uniform(rng, part.halo_radius_mm), 0.2 * distance_mm)
    return Halo(
        log_uniform(rng, part.halo_height),
        radius,
        radius * float(rng.uniform(0.1, 0.6)),
        (float(rng.normal(0.0, 0.12 * radius)), float(rng.normal(0.0, 0.12 * radius))),
        float(rng.uniform(0.0, 2.5)),
    )


def _streaks(part: ParasiticRecipe, distance_mm: float, rng: np.random.Generator) -> tuple[Streak, ...]:
    if rng.random() >= part.streaks:
        return ()
    # Slits are set along the axes; facets of crystals and fibers stand in any direction.
    level = rng.random() < 0.7
    direction = float(90.0 * rng.integers(4) + rng.normal(0.0, 1.0)) if level else float(rng.uniform(0, 360))
    count = 2 if rng.random() < 0.35 else 1
    return tuple(
        Streak(
            log_uniform(rng, part.streak_height),
            direction + 90.0 * number,
            min(log_uniform(rng, part.streak_mm), 0.12 * distance_mm),
            float(np.exp(rng.uniform(np.log(0.1), np.log(1.0)))),
            float(rng.uniform(0.2, 0.8)),
        )
        for number in range(count)
    )
