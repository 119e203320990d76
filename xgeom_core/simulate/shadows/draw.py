"""Draw the shadows of one frame from their recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.ranges import choice, log_uniform, uniform
from xgeom_core.simulate.shadows.objects import draw_object
from xgeom_core.simulate.shadows.recipe import ShadowRecipe
from xgeom_core.simulate.shadows.shapes import Cylinder, Point, Region, Shadows, Slab, Stroke

_DIRECTIONS = {"right": 0.0, "down": 90.0, "left": 180.0, "up": 270.0}


def draw_shadows(
    recipe: ShadowRecipe, geometry: Geometry, shape: tuple[int, int], rng: np.random.Generator
) -> Shadows:
    """Shadows drawn from their recipe.

    Parameters
    ----------
    recipe : ShadowRecipe
        What may be drawn.
    geometry : Geometry
        The detector: objects at the rim of the image are placed by it.
    shape : tuple of int
        ``(slow, fast)``.
    rng : numpy.random.Generator
        Source of all randomness.
    """
    shadows = Shadows()
    if rng.random() < recipe.stop:
        shadows = _stop(recipe, geometry, shape, rng)
    if rng.random() < recipe.stem:
        shadows = replace(shadows, regions=(*shadows.regions, _stem(recipe, rng)))
    if rng.random() < recipe.objects:
        drawn = draw_object(recipe, geometry, shape, rng)
        if isinstance(drawn, Stroke):
            shadows = replace(shadows, strokes=(*shadows.strokes, drawn))
        else:
            shadows = replace(shadows, regions=(*shadows.regions, drawn))
    if rng.random() < recipe.sheet:
        shadows = replace(shadows, slabs=(_sheet(recipe, rng),))
    if rng.random() < recipe.mount:
        shadows = _mount(shadows, recipe, rng)
    return shadows


def _turned(degrees: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def box_sides(middle: Point, half: Point, degrees: float) -> tuple[tuple[float, float, float], ...]:
    """Sides of a rectangle turned by an angle, as `Region` wants them."""
    sides = []
    for quarter in range(4):
        normal = _turned(degrees + 90.0 * quarter)
        reach = half[quarter % 2] + float(normal @ np.array(middle))
        sides.append((float(normal[0]), float(normal[1]), reach))
    return tuple(sides)


def _stop(
    recipe: ShadowRecipe, geometry: Geometry, shape: tuple[int, int], rng: np.random.Generator
) -> Shadows:
    """The stop, and with some luck its arm."""
    # Short distances come with small stops: nobody hides the solvent ring.
    widest = geometry.distance_mm * float(np.tan(np.radians(recipe.stop_deg)))
    radius = min(log_uniform(rng, recipe.stop_radius_mm), widest)
    kind = choice(rng, recipe.stop_shapes)
    away = _turned(float(rng.uniform(0.0, 360.0))) * uniform(rng, recipe.stop_offset) * radius
    middle = (float(away[0]), float(away[1]))
    # A penumbra as wide as the stop leaves no stop.
    edge = min(log_uniform(rng, recipe.edge_mm), 1.2 * radius)
    passes = uniform(rng, recipe.stop_transmission)
    named = choice(rng, recipe.arm_directions)
    degrees = float(_DIRECTIONS.get(named, rng.uniform(0.0, 360.0)) + rng.normal(0.0, 2.0))
    strokes: tuple[Stroke, ...] = ()
    regions: tuple[Region, ...] = ()
    if kind == "square":
        turn = 0.0 if rng.random() < 0.7 else float(rng.uniform(0.0, 90.0))
        regions = (Region("stop", box_sides(middle, (radius, radius), turn), edge, passes),)
    elif kind == "bar":
        tip = _turned(degrees + 180.0) * radius * float(rng.uniform(1.0, 3.0))
        ends = ((middle[0] + float(tip[0]), middle[1] + float(tip[1])), (middle[0], middle[1]))
        strokes = (Stroke("stop", ends, (0.5 * radius, 0.5 * radius), edge, passes),)
    else:
        strokes = (Stroke("stop", (middle,), (radius,), edge, passes),)
    if rng.random() < recipe.arm:
        strokes = (*strokes, _arm(recipe, middle, radius, degrees, _reach_mm(geometry, shape), rng))
    return Shadows(strokes, regions, stop_radius_mm=radius)


def _reach_mm(geometry: Geometry, shape: tuple[int, int]) -> float:
    """Long enough to lead out of the image from anywhere near it."""
    away = [
        abs(geometry.center_px[0]) * geometry.pixel_mm[0],
        abs(geometry.center_px[1]) * geometry.pixel_mm[1],
    ]
    return 3.0 * (sum(away) + shape[0] * geometry.pixel_mm[1] + shape[1] * geometry.pixel_mm[0])


def _arm(
    recipe: ShadowRecipe,
    start: Point,
    radius: float,
    degrees: float,
    reach: float,
    rng: np.random.Generator,
) -> Stroke:
    """A wire or bar from the stop out of the image, or to where it leaves the scattered light."""
    half = 0.5 * min(log_uniform(rng, recipe.arm_width_mm), 2.0 * radius)
    edge = log_uniform(rng, recipe.edge_mm)
    passes = uniform(rng, recipe.arm_transmission)
    points = [start]
    direction = degrees
    if rng.random() < recipe.arm_bent:
        knee = np.array(start) + _turned(direction) * radius * float(rng.uniform(2.0, 10.0))
        points.append((float(knee[0]), float(knee[1])))
        direction += float(rng.uniform(-70.0, 70.0))
    end = np.array(points[-1]) + _turned(direction) * reach
    points.append((float(end[0]), float(end[1])))
    # An arm that runs towards the sample casts a shadow that widens.
    radii = [half] * (len(points) - 1) + [half * (1.0 + float(rng.random() < 0.3) * reach / 300.0)]
    return Stroke("arm", tuple(points), tuple(radii), edge, passes)


def _stem(recipe: ShadowRecipe, rng: np.random.Generator) -> Region:
    """The faint wedge behind a loop's stem, a pin or a fiber: from near the beam outwards."""
    level = rng.random() < 0.7
    degrees = float(90.0 * rng.integers(4) + rng.normal(0.0, 8.0)) if level else float(rng.uniform(0, 360))
    half = float(rng.uniform(3.0, 14.0))
    tip = rng.normal(0.0, 2.0, size=2)
    sides = []
    for normal in (_turned(degrees + 90.0 - half), _turned(degrees - 90.0 + half)):
        # The two blades of the wedge: inside means behind both.
        sides.append((float(normal[0]), float(normal[1]), float(normal @ tip)))
    passes = float(rng.uniform(0.75, 0.97))
    return Region("stem", tuple(sides), log_uniform(rng, recipe.edge_mm) * 3.0, passes)


def _sheet(recipe: ShadowRecipe, rng: np.random.Generator) -> Slab:
    """A foil almost along the beam: the tape or window that darkens one side from a line on."""
    level = rng.random() < 0.8
    degrees = float(90.0 * rng.integers(4) + rng.normal(0.0, 2.0)) if level else float(rng.uniform(0, 360))
    lean = np.radians(rng.normal(0.0, 3.0))
    across = _turned(degrees) * np.cos(lean)
    normal = (float(across[0]), float(across[1]), float(np.sin(lean)))
    # From the beam itself to some ten degrees to the side.
    edge = float(np.abs(rng.normal(0.0, 0.08))) + max(float(np.sin(lean)), 0.0) + 0.01
    depth = uniform(rng, recipe.sheet_depth)
    return Slab("sheet", normal, depth, edge, float(rng.uniform(0.003, 0.02)), both=False)


def _mount(shadows: Shadows, recipe: ShadowRecipe, rng: np.random.Generator) -> Shadows:
    """A loop full of solvent, or a capillary."""
    depth = uniform(rng, recipe.mount_depth)
    if rng.random() < 0.7:
        turn, lean = rng.uniform(0.0, 2.0 * np.pi), np.arccos(rng.uniform(0.05, 1.0))
        normal = (
            float(np.sin(lean) * np.cos(turn)),
            float(np.sin(lean) * np.sin(turn)),
            float(np.cos(lean)),
        )
        return replace(shadows, slabs=(*shadows.slabs, Slab("loop", normal, 0.3 * depth)))
    axis = _turned(float(90.0 * rng.integers(2) + rng.normal(0.0, 4.0)))
    cylinder = Cylinder(
        "capillary", (float(axis[0]), float(axis[1]), 0.0), depth, float(rng.uniform(-0.8, 0.8))
    )
    return replace(shadows, cylinders=(cylinder,))
