"""Crystals drawn, and the spots they make."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from pydantic import ValidationError

from xgeom_core.geometry import Geometry, Pooling
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals import Crystal, CrystalRecipe, bragg_spots, draw_crystals
from xgeom_core.simulate.crystals.falloff import debye_waller, soft_limit
from xgeom_core.simulate.crystals.symmetry import laue_rotations, present
from xgeom_core.simulate.crystals.wilson import wilson_intensities

_BEAM = Beam(1.0, 3e-4, (0.2, 0.1), 0.05, 0.99, 0.3)
_NATIVE = Geometry((1250.0, 1230.0), 200.0, (0.172, 0.172), 1.0, 1.0, -2.0)
_SHAPE = (2460, 2460)


def test_the_same_seed_gives_the_same_crystals_and_spots() -> None:
    recipe = CrystalRecipe(lattices=(1, 4))
    one, two, other = (draw_crystals(recipe, _BEAM, 1.5, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one == two != other
    first, second = (bragg_spots(crystals, _BEAM, _NATIVE, _SHAPE) for crystals in (one, two))
    for name in ("x", "y", "counts", "covariance", "hkl", "lattice"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_what_is_drawn_can_be_written_and_read_back() -> None:
    (crystal,) = draw_crystals(CrystalRecipe(lattices=(1, 1)), _BEAM, 1.5, np.random.default_rng(0))
    read = json.loads(json.dumps(asdict(crystal)))
    again = Crystal(**{key: tuple(v) if isinstance(v, list) else v for key, v in read.items()})
    assert again == crystal
    assert again.unit_cell().six == crystal.cell


def test_pooled_and_native_frames_show_the_same_spots(crystal: Crystal) -> None:
    native = bragg_spots([crystal], _BEAM, _NATIVE, _SHAPE)
    pooling = Pooling(3)
    pooled = bragg_spots([crystal], _BEAM, _NATIVE.pooled(pooling), (820, 820))
    assert (native.hkl == pooled.hkl).all()
    assert pooled.x == pytest.approx(native.x / 3)
    assert pooled.counts == pytest.approx(native.counts)
    assert pooled.covariance == pytest.approx(native.covariance / 9)


def test_counts_are_brightness_times_structure_factor_and_fall_off(crystal: Crystal) -> None:
    """Where a rotation sweeps a reflection fully through the sphere, only the Lorentz factor is left."""
    beam = Beam(1.0, 1e-5, oscillation_deg=1.0, polarized=0.5)
    sharp = replace(crystal, mosaic_deg=0.002, block_A=20000.0)
    spots = bragg_spots([sharp], beam, _NATIVE, _SHAPE)
    s = spots.hkl @ sharp.reciprocal().T
    length = np.linalg.norm(s, axis=1)
    # Kahn et al. 1982; the Lorentz factor |s0| / |n1 . (axis x s)| is 1 / sin(2 theta) across the axis.
    two_theta = 2 * np.arcsin(length / 2)
    rate = np.abs(-s[:, 1])  # s1 . (x cross s) = s0 . (x cross s) = s_y |s0|
    error = np.abs(np.linalg.norm(s + np.array([0, 0, 1]), axis=1) - 1)
    full = error < 0.3 * np.radians(1.0) * rate
    at_10 = 0.1 * np.cos(np.arcsin(0.05))
    wanted = (
        1000.0
        * wilson_intensities(spots.hkl, laue_rotations("mmm"), 7)
        * debye_waller(length, 20.0)
        * soft_limit(length, 2.0)
        * (1 + np.cos(two_theta) ** 2)
        / 2
        * at_10
        / rate
    )
    assert full.sum() > 200
    ratio = spots.counts[full] / wanted[full]
    assert np.median(np.abs(ratio - 1)) < 2e-3
    # Close to the axis the rate at mid exposure is not quite that at the crossing.
    assert np.abs(ratio - 1).max() < 0.05


def test_spot_counts_mean_what_the_recipe_says() -> None:
    """The mean of reflections about 10 Å at right angles to the axis that are fully recorded."""
    rng = np.random.default_rng(8)
    recipe = CrystalRecipe(
        edge_A=(150, 150),
        spot_counts=(500, 500),
        b_factor_A2=(30, 30),
        mosaic_deg=(0.02, 0.02),
        lattices=(1, 1),
    )
    counts = []
    for _ in range(60):
        beam = Beam(1.0, 1e-4, oscillation_deg=1.0)
        crystals = draw_crystals(recipe, beam, 5.0, rng)
        geometry = Geometry((410.0, 410.0), 400.0, (0.516, 0.516), 1.0)
        spots = bragg_spots(crystals, beam, geometry, (820, 820))
        s = spots.hkl @ crystals[0].reciprocal().T
        length, error = np.linalg.norm(s, axis=1), np.abs(np.linalg.norm(s + np.array([0, 0, 1]), axis=1) - 1)
        chosen = (abs(length - 0.1) < 0.01) & (np.abs(s[:, 0]) < 0.03) & (error < 3e-4)
        counts.extend(spots.counts[chosen])
    assert len(counts) > 150
    assert np.mean(counts) == pytest.approx(500.0, rel=0.25)


def test_absent_reflections_make_no_spots(crystal: Crystal) -> None:
    for centering in ("P", "C", "I", "F"):
        spots = bragg_spots([replace(crystal, centering=centering)], _BEAM, _NATIVE, _SHAPE)
        assert present(spots.hkl, centering).all()
        assert len(spots) > 50


def test_lattices_of_one_form_share_cell_and_structure_factors() -> None:
    rng = np.random.default_rng(1)
    recipe = CrystalRecipe(lattices=(3, 3), same_form=1.0, split=0.5)
    first, *others = draw_crystals(recipe, _BEAM, 1.5, rng)
    assert [crystal.brightness for crystal in others] == sorted(
        (crystal.brightness for crystal in others), reverse=True
    )
    for crystal in others:
        assert (crystal.cell, crystal.seed) == (first.cell, first.seed)
        assert crystal.rotation != first.rotation
        assert crystal.brightness < first.brightness
    strangers = draw_crystals(recipe.model_copy(update={"same_form": 0.0}), _BEAM, 1.5, rng)
    assert len({crystal.seed for crystal in strangers}) == 3
    spots = bragg_spots((first, *others), _BEAM, _NATIVE, _SHAPE)
    assert set(spots.lattice) == {0, 1, 2}


def test_split_lattices_are_turned_by_what_the_recipe_says() -> None:
    rng = np.random.default_rng(2)
    recipe = CrystalRecipe(lattices=(2, 2), same_form=1.0, split=1.0, split_deg=(1.0, 2.0))
    for _ in range(20):
        one, two = (np.array(c.rotation).reshape(3, 3) for c in draw_crystals(recipe, _BEAM, 1.5, rng))
        angle = np.degrees(np.arccos((np.trace(one.T @ two) - 1) / 2))
        assert 1.0 <= angle <= 2.0
        assert two @ two.T == pytest.approx(np.eye(3), abs=1e-12)


def test_a_given_cell_and_rotation_are_kept() -> None:
    rotation = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    recipe = CrystalRecipe(cell=(57.8, 57.8, 150, 90, 90, 90), rotation=rotation, lattices=(1, 1))
    (crystal,) = draw_crystals(recipe, _BEAM, 1.5, np.random.default_rng(0))
    assert (crystal.cell, crystal.rotation) == ((57.8, 57.8, 150, 90, 90, 90), rotation)
    assert crystal.reciprocal()[:, 0] == pytest.approx([0, 1 / 57.8, 0])


def test_frames_without_a_crystal_have_no_spots() -> None:
    crystals = draw_crystals(CrystalRecipe(present=0.0), _BEAM, 1.5, np.random.default_rng(0))
    assert crystals == ()
    assert len(bragg_spots(crystals, _BEAM, _NATIVE, _SHAPE)) == 0


def test_nothing_is_drawn_beyond_what_the_detector_sees() -> None:
    crystals = draw_crystals(CrystalRecipe(), _BEAM, 6.0, np.random.default_rng(0))
    assert all(crystal.d_min_A >= 5.4 for crystal in crystals)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"systems": {"pentagonal": 1}}, "no crystal system 'pentagonal'"),
        ({"edge_A": (1, 50)}, "within 3 and 2000 Å"),
        ({"edge_A": (90, 50)}, "upside down"),
        ({"cell": (50, 50, 50, 60, 60, 130)}, "do not close"),
        ({"cell": (50, 50, 60, 90, 90, 90), "centering": "F"}, "cannot be centered F"),
        ({"centering": "C"}, "goes with cell"),
        ({"rotation": (1, 0, 0, 0, 1, 0, 0, 0, -1)}, "must be a rotation"),
        ({"mosaic_deg": (0, 1)}, "above 0"),
        ({"mosaic_deg": (1, 20)}, "within 0 and 3 degrees"),
        ({"block_A": (10, 100)}, "above 50"),
        ({"cell": (50, 50, 60, 90, 90, 90), "structure": "a.pdb"}, "either a cell or a structure"),
        ({"edges_A": (40, 50)}, "Extra inputs"),
    ],
)
def test_recipes_that_cannot_be_are_refused(entries: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CrystalRecipe(**entries)
