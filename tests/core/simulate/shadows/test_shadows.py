"""Shadows stand where they should, whatever the tilt and the pixels."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.shadows import ShadowRecipe, Shadows, draw_shadows, transmission
from xgeom_core.simulate.shadows.draw import box_sides
from xgeom_core.simulate.shadows.shapes import Cylinder, Region, Slab, Stroke

SHAPE = (240, 260)
GEOMETRY = Geometry((131.2, 112.7), 150.0, (0.8, 0.8), 1.0, 2.5, -3.0)
SWUNG = replace(GEOMETRY, yaw_deg=28.0, center_px=(40.0, 112.7))


def _image(shadows: Shadows, geometry: Geometry = GEOMETRY, shape: tuple[int, int] = SHAPE) -> Any:
    image = transmission(shadows, geometry, shape)
    assert image is not None
    assert image.dtype == np.float32
    assert image.shape == shape
    assert image.min() >= 0.0
    assert image.max() <= 1.0
    return image


def _plane(geometry: Geometry = GEOMETRY) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the rays to the pixels cross the plane across the beam, in mm: angles times distance."""
    x, y = np.arange(SHAPE[1]) + 0.5, np.arange(SHAPE[0])[:, None] + 0.5
    radius = geometry.distance_mm * np.tan(geometry.two_theta(x, y))
    azimuth = geometry.azimuth(x, y)
    return radius * np.cos(azimuth), radius * np.sin(azimuth)


def test_nothing_casts_no_shadow() -> None:
    assert transmission(Shadows(), GEOMETRY, SHAPE) is None


@pytest.mark.parametrize("geometry", [GEOMETRY, SWUNG])
def test_a_disc(geometry: Geometry) -> None:
    image = _image(Shadows((Stroke("stop", ((3.0, -2.0),), (8.0,), 2.0, 0.1),)), geometry)
    x, y = _plane(geometry)
    r = np.hypot(x - 3.0, y + 2.0)
    assert image[r < 6.8] == pytest.approx(0.1)
    assert image[r > 9.2] == pytest.approx(1.0)
    rim = np.abs(r - 8.0) < 0.1
    assert image[rim] == pytest.approx(0.55, abs=0.12)


@pytest.mark.parametrize("geometry", [GEOMETRY, SWUNG])
def test_a_bent_and_tapered_arm(geometry: Geometry) -> None:
    points = ((0.0, 0.0), (-20.0, 15.0), (-20.0, 900.0))
    image = _image(Shadows((Stroke("arm", points, (2.0, 2.0, 50.0), 1.0),)), geometry)
    x, y = _plane(geometry)
    first = np.abs(x * 15.0 + y * 20.0) / 25.0
    between = (x * -20.0 + y * 15.0 > 30.0) & (x * -20.0 + y * 15.0 < 560.0)
    assert image[between & (first < 1.0)].max() == 0.0
    assert image[(x > 4.0) | (y < -4.0)].min() == 1.0
    half = 2.0 + 48.0 * (y - 15.0) / 885.0
    second = (y > 20.0) & (y < 60.0)
    assert image[second & (np.abs(x + 20.0) < half - 1.2)].max() == 0.0
    assert image[(y > 35.0) & (np.abs(x + 20.0) > half + 1.2)].min() == 1.0


def test_a_square_stop_and_half_planes() -> None:
    square = Region("stop", box_sides((1.0, 2.0), (7.0, 5.0), 30.0), 1.0)
    edge = Region("edge", ((0.6, -0.8, -40.0),), 4.0, 0.3)
    image = _image(Shadows((), (square, edge)))
    x, y = _plane()
    turn = np.radians(30.0)
    along = (x - 1.0) * np.cos(turn) + (y - 2.0) * np.sin(turn)
    across = (y - 2.0) * np.cos(turn) - (x - 1.0) * np.sin(turn)
    inside = np.maximum(np.abs(along) - 7.0, np.abs(across) - 5.0)
    depth = -40.0 - 0.6 * x + 0.8 * y
    assert image[inside < -1.0].max() == 0.0
    assert image[(inside > 1.0) & (depth < -2.2)].min() == 1.0
    assert image[(inside > 1.0) & (depth > 2.2)] == pytest.approx(0.3)
    assert (depth > 2.2).any()


FULL = Shadows(
    (
        Stroke("stop", ((1.0, 0.5),), (6.0,), 1.5),
        Stroke("arm", ((1.0, 0.5), (-30.0, -10.0), (-600.0, -300.0)), (1.5, 1.5, 1.5), 0.7, 0.4),
        Stroke("nozzle", ((50.0, -50.0), (300.0, -300.0)), (20.0, 30.0), 3.0, 0.2),
    ),
    (Region("stem", ((0.1, -0.995, 2.0), (-0.3, -0.954, 1.0)), 2.0, 0.8),),
    (Slab("sheet", (-0.999, 0.0, 0.04), 0.02, 0.06, 0.01, both=False), Slab("loop", (0.6, 0.0, 0.8), 0.05)),
    (Cylinder("capillary", (0.0, 1.0, 0.0), 0.1, 0.4),),
    6.0,
)


def test_two_pixel_sizes_see_the_same() -> None:
    fine = replace(GEOMETRY, center_px=(131.2 * 4, 112.7 * 4), pixel_mm=(0.2, 0.2))
    pooled = _image(FULL, fine, (960, 1040)).reshape(240, 4, 260, 4).mean(axis=(1, 3))
    image = _image(FULL)
    # Penumbras sharper than a pixel are drawn as wide as the pixel.
    assert np.abs(image - pooled).mean() < 2e-3
    assert np.quantile(np.abs(image - pooled), 0.97) < 0.02


def test_a_flipped_frame_has_the_flipped_shadows() -> None:
    def mirrored(point: tuple[float, float]) -> tuple[float, float]:
        return (-point[0], point[1])

    flipped = Shadows(
        tuple(replace(s, points=tuple(mirrored(p) for p in s.points)) for s in FULL.strokes),
        tuple(replace(r, sides=tuple((-a, b, c) for a, b, c in r.sides)) for r in FULL.regions),
        tuple(replace(s, normal=(-s.normal[0], s.normal[1], s.normal[2])) for s in FULL.slabs),
        tuple(replace(c, offset=-c.offset) for c in FULL.cylinders),
    )
    geometry = replace(GEOMETRY, center_px=(260 - 131.2, 112.7), yaw_deg=3.0)
    np.testing.assert_allclose(_image(flipped, geometry)[:, ::-1], _image(FULL), atol=2e-3)


def test_a_loop_absorbs_what_crosses_it_obliquely() -> None:
    image = _image(
        Shadows(slabs=(Slab("loop", (0.0, 0.0, 1.0), 0.2),)), replace(GEOMETRY, pitch_deg=0, yaw_deg=0)
    )
    x, y = _plane(replace(GEOMETRY, pitch_deg=0, yaw_deg=0))
    two_theta = np.arctan(np.hypot(x, y) / 150.0)
    np.testing.assert_allclose(image, np.exp(-0.2 / np.hypot(np.cos(two_theta), 1 / 12)), rtol=1e-3)


def test_a_sheet_darkens_one_side_from_a_line_on() -> None:
    sheet = Slab("sheet", (-1.0, 0.0, 0.0), 0.02, 0.1, 0.01, both=False)
    image = _image(Shadows(slabs=(sheet,)))
    x, y = _plane()
    along = -x / np.sqrt(x**2 + y**2 + 150.0**2)
    assert image[along < 0.08].min() == 1.0
    dark = along > 0.12
    np.testing.assert_allclose(image[dark], np.exp(-0.02 / along[dark]), rtol=2e-3)
    # Darkest at the line, where the rays run longest in the foil.
    assert image[(along > 0.12) & (along < 0.13)].mean() < image[along > 0.3].mean() - 0.05


def test_a_capillary_absorbs_along_its_axis_and_on_its_deep_side() -> None:
    x, y = _plane()
    centered = _image(Shadows(cylinders=(Cylinder("capillary", (1.0, 0.0, 0.0), 0.3),)))
    r = np.sqrt(x**2 + y**2 + 150.0**2)
    np.testing.assert_allclose(centered, np.exp(-0.3 / np.sqrt(1 - (x / r) ** 2)), rtol=1e-3)
    # Brute force: march from the point inside the unit circle to its wall.
    off = _image(Shadows(cylinders=(Cylinder("capillary", (1.0, 0.0, 0.0), 0.3, 0.6),)))
    for row, column in ((20, 130), (200, 130), (112, 20), (60, 220)):
        k = np.array([x[row, column], y[row, column], 150.0]) / r[row, column]
        # The axis crossed with the beam points to -y: there the sample stands 0.6 radii off.
        steps = np.linspace(0.0, 4.0, 400001)
        inside = (-0.6 + steps * k[1]) ** 2 + (steps * k[2]) ** 2 < 1.0
        path = steps[np.argmin(inside)]
        assert off[row, column] == pytest.approx(np.exp(-0.3 * path), rel=1e-3)


EVERYTHING = {"stop": 1.0, "arm": 1.0, "stem": 1.0, "objects": 1.0, "sheet": 1.0, "mount": 1.0}


@pytest.mark.parametrize("settings", [{}, EVERYTHING])
def test_any_draw_is_sane(settings: dict[str, Any]) -> None:
    recipe = ShadowRecipe.model_validate(settings)
    open_share = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        geometry = Geometry(
            (float(rng.uniform(-20, 260)), float(rng.uniform(20, 220))),
            float(rng.uniform(80, 800)),
            (1.6, 1.6),
            1.0,
            float(rng.uniform(-3, 3)),
            float(rng.choice([-25.0, 0.5, 2.0, 28.0])),
        )
        shadows = draw_shadows(recipe, geometry, SHAPE, rng)
        json.dumps(asdict(shadows), allow_nan=False)
        image = transmission(shadows, geometry, SHAPE)
        if image is not None:
            assert np.isfinite(image).all()
            assert image.min() >= 0.0
            assert image.max() <= 1.0
            open_share.append(image.mean())
    # Shadows are parts of a frame, never the whole of it.
    assert min(open_share) > 0.3
    assert np.mean(open_share) > 0.7


def test_the_stop_hides_the_beam_and_its_radius_is_recorded() -> None:
    recipe = ShadowRecipe(stop=1.0, stop_transmission=(0, 0), stop_radius_mm=(5, 9), edge_mm=(0.3, 1.0))
    for seed in range(30):
        shadows = draw_shadows(recipe, GEOMETRY, SHAPE, np.random.default_rng(seed))
        assert 5.0 <= shadows.stop_radius_mm <= 9.0
        image = _image(shadows)
        if not any(s.name == "stop" and len(s.points) > 1 for s in shadows.strokes):
            assert image[112, 131] < 0.05
    none = draw_shadows(ShadowRecipe(stop=0.0), GEOMETRY, SHAPE, np.random.default_rng(0))
    assert none.stop_radius_mm == 0.0
    assert not any(s.name in ("stop", "arm") for s in none.strokes)


def test_the_same_seed_draws_the_same() -> None:
    recipe = ShadowRecipe.model_validate(EVERYTHING)
    drawn = [draw_shadows(recipe, GEOMETRY, SHAPE, np.random.default_rng(5)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert _image(drawn[0]).tobytes() == _image(drawn[1]).tobytes()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stop_shapes": {"round": 1}}, "choose from disc, square, bar"),
        ({"arm_directions": {"north": 1}}, "choose from"),
        ({"object_kinds": {"hand": 1}}, "choose from"),
        ({"stop_radius_mm": [0, 5]}, "above 0"),
        ({"object_share": [0.1, 1.5]}, "within 0 and 1"),
        ({"arm_width_mm": [30, 40]}, "must be 20(.0)? or less"),
        ({"stopp": 1.0}, "Extra inputs"),
    ],
)
def test_impossible_recipes_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ShadowRecipe.model_validate(settings)
