"""Rendered frames: reproducible, and with the geometry that their label states."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.optimize import least_squares

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import Geometry
from xgeom_core.simulate import KINDS, load_recipe, render
from xgeom_core.simulate.background import RadialProfile, polarization, radial_background
from xgeom_core.simulate.detector import PILATUS, beamstop_transmission, count


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_and_repeats(kind: str) -> None:
    recipe = load_recipe(kind)
    one = render(recipe, (128, 128), np.random.default_rng(5))
    two = render(recipe, (128, 128), np.random.default_rng(5))
    other = render(recipe, (128, 128), np.random.default_rng(6))
    assert np.array_equal(one.counts, two.counts)
    assert one.geometry == two.geometry
    assert one.geometry.center_px != other.geometry.center_px
    assert one.counts.min() >= 0
    assert not one.counts[~one.known].any()
    if kind == "binary":
        assert set(np.unique(one.counts)) <= {0, 1}


def test_kinds_differ_as_the_poster_says() -> None:
    def frames(kind: str) -> list:
        return [render(load_recipe(kind), (160, 160), np.random.default_rng(i)) for i in range(8)]

    distances = {kind: [f.geometry.distance_mm for f in frames(kind)] for kind in ("standard", "long")}
    assert min(distances["long"]) >= max(distances["standard"])
    flat = [np.median(f.counts[f.known]) for f in frames("flat")]
    assert min(flat) > 0, "a flat background is not an empty one"


def ridge(image: np.ndarray, center: tuple[float, float], radius: float) -> np.ndarray:
    """Points (x, y) on the ridge of a ring near a radius, one for every three degrees."""
    points = []
    for phi in np.radians(np.arange(0, 360, 3)):
        r = np.arange(radius - 25, radius + 25, 0.05)
        x, y = center[0] + r * np.cos(phi), center[1] + r * np.sin(phi)
        values = map_coordinates(image, [y - 0.5, x - 0.5], order=1)
        above = np.maximum(values - 0.7 * values.max(), 0)
        points.append((np.average(x, weights=above), np.average(y, weights=above)))
    return np.array(points)


def test_tilt_of_rendered_rings_equals_their_label() -> None:
    """Ridges of two sharp rings against cones cut by a plane, by a formula written out here."""
    truth = Geometry((251.3, 247.6), 120.0, (1.0, 1.0), 1.0, 2.4, -1.7)
    rings = []
    for d in (2.5, 1.2):
        profile = RadialProfile(ring_A=d, ring_width=0.006, air=0, shoulder=0, floor=0)
        image = radial_background(truth, (500, 500), profile, 0.5)
        cone = np.tan(2 * np.arcsin(1.0 / (2 * d)))
        rings.append((*ridge(image, truth.center_px, 120.0 * cone).T, cone))

    def residual(p: np.ndarray) -> np.ndarray:
        cp, sp, cy, sy = np.cos(p[2]), np.sin(p[2]), np.cos(p[3]), np.sin(p[3])
        parts = []
        for x, y, cone in rings:
            u, v = x - p[0], y - p[1]
            across = np.hypot(u * cy + v * sp * sy, v * cp)
            parts.append(across - cone * (p[4] - u * sy + v * sp * cy))
        return np.concatenate(parts)

    fit = least_squares(residual, [250, 250, 0, 0, 118]).x
    assert fit[:2] == pytest.approx(truth.center_px, abs=0.05)
    assert np.degrees(fit[2:4]) == pytest.approx((2.4, -1.7), abs=0.04)


def test_counts_are_poisson() -> None:
    rng = np.random.default_rng(0)
    for expected in (0.05, 3.0, 400.0):
        counts = count(np.full((400, 400), expected), rng)
        assert counts.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / 160000))
        assert counts.var() == pytest.approx(expected, rel=0.05)


def test_polarization_of_a_polarized_beam_vanishes_along_the_polarization() -> None:
    along_x, along_y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    assert polarization(along_x, 1.0) == pytest.approx(0.0)
    assert polarization(along_y, 1.0) == pytest.approx(1.0)
    assert polarization(along_x, 0.5) == pytest.approx(0.5)


def test_gaps_of_a_pilatus_are_where_its_makers_say() -> None:
    sensitive = PILATUS.sensitive((2527, 2463), 0.172)
    assert sensitive[0, :487].all()
    assert not sensitive[0, 487:494].any()
    assert not sensitive[195:212, 0].any()
    assert sensitive[212, 494]
    assert 1 - sensitive.mean() == pytest.approx(0.0845, abs=5e-4)


def test_beam_stop_and_arm_cast_shadows() -> None:
    open_ = beamstop_transmission((100, 100), (50.0, 50.0), 10.0, 90.0, 4.0)
    assert open_[50, 50] == 0.0
    assert open_[90, 50] == 0.0, "the arm points down at 90 degrees"
    assert open_[10, 50] == 1.0
    assert open_[50, 90] == 1.0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "x"\n[detector]\ndistance_mm = [-5, 100]', "distance_mm"),
        ('name = "x"\n[detector]\npitch_deg = [3, -3]', "upside down"),
        ('name = "x"\n[detector]\ndistance = [100, 200]', "detector.distance"),
        ('name = "x"\n[crystal]\nlattices = [3, 1]', "lattices"),
        ('name = "x"\n[background]\nshoulder = [-9, -8]', "shoulder"),
        ('name = "x"\n[beam]\npolarized = [0.5, 1.5]', "polarized"),
        ('name = "x"\n[detector]\ndistance_mm = [100, inf]', "distance_mm"),
        ("name = ", "TOML"),
    ],
)
def test_bad_recipes_are_named(tmp_path, text: str, key: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=key):
        load_recipe(str(path))


def test_an_unknown_kind_gets_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'standard'"):
        load_recipe("standart")
