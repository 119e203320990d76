"""Backgrounds drawn from recipes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import BeamRecipe, draw_beam
from xgeom_core.simulate.scattering import Background, BackgroundRecipe, draw_background, expected_background

SHAPE = (150, 160)
EVERYTHING = {
    "plastic": 1.0,
    "parasitic": {"columns": 1.0, "halo": 1.0, "streaks": 1.0, "layers": 1.0, "asymmetric": 1.0},
    "ice": {"present": 1.0},
    "powder": {"present": 1.0},
}


def _draw(recipe: BackgroundRecipe, seed: int) -> tuple[Background, Any, Geometry]:
    rng = np.random.default_rng(seed)
    beam = draw_beam(BeamRecipe(wavelength_A=(0.6, 1.6)), rng)
    tilt = rng.uniform(-3, 3, size=2)
    geometry = Geometry(
        (float(rng.uniform(-10, 170)), float(rng.uniform(10, 140))),
        float(rng.uniform(60, 900)),
        (2.6, 2.6),
        beam.wavelength_A,
        float(tilt[0]),
        float(tilt[1]),
    )
    return draw_background(recipe, beam, geometry, SHAPE, rng), beam, geometry


@pytest.mark.parametrize(
    "settings", [{}, EVERYTHING, {"shape": "flat"}, {"shape": "none"}, {"dry": 1.0, "air": (0.1, 1.0)}]
)
def test_any_draw_gives_a_sane_image_and_a_full_record(settings: dict[str, Any], ideal: Any) -> None:
    recipe = BackgroundRecipe.model_validate(settings)
    for seed in range(25):
        background, beam, geometry = _draw(recipe, seed)
        image = expected_background(background, beam, geometry, SHAPE, ideal)
        assert image.dtype == np.float32
        assert image.shape == SHAPE
        assert np.isfinite(image).all()
        assert (image >= 0).all()
        assert (image.max() > 0) == (recipe.shape != "none")
        json.dumps(asdict(background), allow_nan=False)


def test_the_same_seed_gives_the_same_bits(ideal: Any) -> None:
    recipe = BackgroundRecipe.model_validate(EVERYTHING)
    images = []
    for _ in range(2):
        background, beam, geometry = _draw(recipe, 3)
        images.append(expected_background(background, beam, geometry, SHAPE, ideal).tobytes())
    assert images[0] == images[1]


def test_shares_are_kept() -> None:
    recipe = BackgroundRecipe.model_validate(
        {"plastic": 0.3, "parasitic": {"halo": 0.5, "asymmetric": 0.0}, "ice": {"present": 0.2}}
    )
    drawn = [_draw(recipe, seed)[0] for seed in range(400)]
    assert np.mean([bool(b.plastics) for b in drawn]) == pytest.approx(0.3, abs=0.07)
    assert np.mean([b.halo is not None for b in drawn]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([bool(b.powders) for b in drawn]) == pytest.approx(0.2, abs=0.06)
    assert not any(b.waves or b.gradient for b in drawn)


def test_nothing_drawn_tells_of_center_or_tilt() -> None:
    recipe = BackgroundRecipe.model_validate(EVERYTHING)
    beam = draw_beam(BeamRecipe(), np.random.default_rng(0))
    one = Geometry((80.0, 70.0), 200.0, (2.6, 2.6), beam.wavelength_A)
    two = Geometry((20.0, 140.0), 200.0, (2.6, 2.6), beam.wavelength_A, 3.0, -2.0)
    drawn = [draw_background(recipe, beam, g, SHAPE, np.random.default_rng(7)) for g in (one, two)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"plastics": {"teflonn": 1.0}}, "teflonn"),
        ({"powder": {"substances": {"CeO3": 1.0}}}, "CeO3"),
        ({"counts_per_mm2": [-1, 5]}, "above 0"),
        ({"ring_A": [4, 3]}, "upside down"),
        ({"ice": {"present": 1.5}}, "less than or equal to 1"),
        ({"dry": 0.5, "air": [0, 1], "floor": [0, 0]}, "nothing scatters"),
        ({"parasitic": {"hallo": 1.0}}, "Extra inputs"),
    ],
)
def test_impossible_recipes_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        BackgroundRecipe.model_validate(settings)
