"""Large objects that reach into the image from its rim."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.ranges import choice, log_uniform, uniform
from xgeom_core.simulate.scattering.plane import plane_point
from xgeom_core.simulate.shadows.recipe import ShadowRecipe
from xgeom_core.simulate.shadows.shapes import Region, Stroke


def draw_object(
    recipe: ShadowRecipe, geometry: Geometry, shape: tuple[int, int], rng: np.random.Generator
) -> Stroke | Region:
    """A nozzle, an edge, a corner or a plate that enters from the rim of the image."""
    kind = choice(rng, recipe.object_kinds)
    edge = 3.0 * log_uniform(rng, recipe.edge_mm)
    passes = uniform(rng, recipe.object_transmission)
    size = float(np.mean(shape)) * geometry.pixel_mm[0]
    reach = uniform(rng, recipe.object_share) * size
    rim, inward = _entrance(geometry, shape, rng, corner=kind == "corner")
    side = np.array([-inward[1], inward[0]])
    tip = rim + inward * reach
    if kind == "nozzle":
        radius = 0.5 * uniform(rng, recipe.object_share) * size
        # The tube starts well outside, and its rounded tip ends where it should.
        ends = (tip - inward * radius, rim - inward * 3.0 * size)
        points = tuple((float(x), float(y)) for x, y in ends)
        return Stroke("nozzle", points, (radius, radius * float(rng.uniform(1.0, 2.0))), edge, passes)
    if kind == "plate":
        wide, deep = (0.3 * uniform(rng, recipe.object_share) * size for _ in range(2))
        middle = rim + inward * (reach + deep)
        normals = [inward, -inward + 0.3 * rng.normal() * side, side + 0.3 * rng.normal() * inward, -side]
        return Region("plate", _sides(normals, middle, (deep, deep, wide, wide)), edge / 6.0, passes)
    lean = float(rng.normal(0.0, 0.06))
    # Region: where normal . p <= c; the far side of a line through the tip, seen from the middle.
    return Region(kind, _sides([inward + lean * side], tip, (0.0,)), edge, passes)


def _sides(
    normals: list[FloatArray], middle: FloatArray, reach: tuple[float, ...]
) -> tuple[tuple[float, float, float], ...]:
    """Sides with the given outward directions at the given distances from a point inside."""
    units = [normal / np.linalg.norm(normal) for normal in normals]
    pairs = zip(units, reach, strict=True)
    return tuple((float(n[0]), float(n[1]), float(n @ middle) + away) for n, away in pairs)


def _entrance(
    geometry: Geometry, shape: tuple[int, int], rng: np.random.Generator, *, corner: bool
) -> tuple[FloatArray, FloatArray]:
    """A point of the image's rim on the plane, and the direction to the middle of the image."""
    height, width = shape
    middle = plane_point(geometry, 0.5 * width, 0.5 * height)
    if corner:
        x, y = width * int(rng.integers(2)), height * int(rng.integers(2))
        rim = plane_point(geometry, float(x), float(y))
        away = middle - rim
        return rim, np.asarray(away / np.linalg.norm(away))
    along = float(rng.uniform(0.1, 0.9))
    places = ((0.0, along), (1.0, along), (along, 0.0), (along, 1.0))
    x_share, y_share = places[int(rng.integers(4))]
    rim = plane_point(geometry, x_share * width, y_share * height)
    opposite = plane_point(
        geometry,
        width * (x_share if 0.0 < x_share < 1.0 else 0.5),
        height * (y_share if 0.0 < y_share < 1.0 else 0.5),
    )
    turn = np.radians(rng.normal(0.0, 8.0))
    away = opposite - rim
    turned = np.array([
        away[0] * np.cos(turn) - away[1] * np.sin(turn), away[0] * np.sin(turn) + away[1] * np.cos(turn)
    ])  # fmt: skip
    return rim, np.asarray(turned / np.linalg.norm(turned))
