"""Draw the crystals of a frame from their recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals.cell import Cell, draw_cell, fixed_cell
from xgeom_core.simulate.crystals.crystal import Crystal, Nine
from xgeom_core.simulate.crystals.recipe import CrystalRecipe
from xgeom_core.simulate.crystals.structure import structure_cell
from xgeom_core.simulate.ranges import log_uniform, uniform

# Seeds stay below what a float64 (JSON, HDF5 labels) holds exactly.
_SEEDS = 2**48


def draw_crystals(
    recipe: CrystalRecipe, beam: Beam, reach_A: float, rng: np.random.Generator
) -> tuple[Crystal, ...]:
    """The lattices of one frame.

    Parameters
    ----------
    recipe : CrystalRecipe
        What they may be.
    beam : Beam
        The beam; reflections finer than half its wavelength do not exist.
    reach_A : float
        Best resolution that the detector sees, Å. A crystal's limit is not drawn finer than nine
        tenths of it: nobody could tell.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    tuple of Crystal
        Brightest first; empty for a frame without a crystal.

    Raises
    ------
    RecipeError
        If the recipe names a structure that cannot be used.
    """
    if rng.random() >= recipe.present:
        return ()
    fewest, most = recipe.lattices
    more = most > fewest and rng.random() < recipe.second_lattice
    number = int(rng.integers(fewest, most, endpoint=True)) if more else fewest
    finest = max(0.9 * reach_A, 0.5 * beam.wavelength_A)
    crystals = [_draw_one(recipe, finest, log_uniform(rng, recipe.spot_counts), rng)]
    for _ in range(number - 1):
        brightness = crystals[-1].brightness * uniform(rng, recipe.further_brightness)
        crystals.append(_draw_further(recipe, crystals[0], finest, brightness, rng))
    crystals.sort(key=lambda crystal: -crystal.brightness)
    return tuple(crystals)


def random_rotation(rng: np.random.Generator) -> FloatArray:
    """A rotation matrix drawn evenly from all; shape (3, 3).

    Notes
    -----
    Four normal numbers make a quaternion of random direction (Shoemake, Graphics Gems III, 1992).
    """
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _draw_one(recipe: CrystalRecipe, finest: float, brightness: float, rng: np.random.Generator) -> Crystal:
    cell = _choose_cell(recipe, rng)
    rotation = recipe.rotation if recipe.rotation is not None else _nine(random_rotation(rng))
    return Crystal(
        cell=cell.six,
        system=cell.system,
        centering=cell.centering,
        laue=cell.laue,
        rotation=rotation,
        mosaic_deg=log_uniform(rng, recipe.mosaic_deg),
        block_A=log_uniform(rng, recipe.block_A),
        b_factor_A2=uniform(rng, recipe.b_factor_A2),
        d_min_A=max(uniform(rng, recipe.d_min_A), finest),
        brightness=brightness,
        seed=int(rng.integers(_SEEDS)),
        structure=recipe.structure or "",
    )


def _draw_further(
    recipe: CrystalRecipe, first: Crystal, finest: float, brightness: float, rng: np.random.Generator
) -> Crystal:
    """A further lattice: of the same form or another one, anywhere or split off the first."""
    same, near = rng.random() < recipe.same_form, rng.random() < recipe.split
    other = _draw_one(recipe, finest, brightness, rng)
    turned = random_rotation(rng)
    axis, angle = rng.normal(size=3), np.radians(uniform(rng, recipe.split_deg))
    if not same:
        return other
    if near:
        turned = _about(axis, angle) @ np.array(first.rotation).reshape(3, 3)
    return replace(
        first,
        rotation=_nine(turned),
        mosaic_deg=other.mosaic_deg,
        d_min_A=other.d_min_A,
        brightness=brightness,
    )


def _choose_cell(recipe: CrystalRecipe, rng: np.random.Generator) -> Cell:
    if recipe.structure is not None:
        return structure_cell(recipe.structure)
    if recipe.cell is not None:
        return fixed_cell(recipe.cell, recipe.centering)
    return draw_cell(rng, recipe.systems, recipe.edge_A)


def _about(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation by an angle in radians about an axis of any length (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))


def _nine(matrix: FloatArray) -> Nine:
    a, b, c, d, e, f, g, h, i = (float(value) for value in matrix.ravel())
    return a, b, c, d, e, f, g, h, i
