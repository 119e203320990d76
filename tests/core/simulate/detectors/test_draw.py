"""Drawn detectors and geometries: ranges, independence, swung arms, and recipes that cannot be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.detectors import LAYOUTS, Detector, DetectorRecipe, draw_detector, draw_geometry
from xgeom_core.simulate.detectors.draw import swing_out

BEAM = Beam(1.0)
SHAPE = (410, 410)


def draw(seed: int, **entries: Any) -> tuple[Detector, Geometry]:
    recipe = DetectorRecipe(**entries)
    rng = np.random.default_rng(seed)
    one = draw_detector(recipe, SHAPE, BEAM, rng)
    return one, draw_geometry(recipe, one, SHAPE, BEAM, rng)


def test_every_layout_can_be_drawn_recorded_and_written_down() -> None:
    for name in LAYOUTS:
        one, geometry = draw(3, layouts={name: 1.0})
        assert one.name == name and one.sensor.energy_keV == pytest.approx(12.39842)
        assert geometry.pixel_mm == (one.pixel_mm, one.pixel_mm)
        assert one.pixel_mm * 410 == pytest.approx(one.layout.side_mm)
        assert json.loads(json.dumps(asdict(one)))["name"] == name
        seen = one.record(np.full(SHAPE, 3.0, dtype=np.float32), np.random.default_rng(0))
        assert seen.counts.min() >= 0 and seen.known.any()


def test_no_detector_is_lost_whole() -> None:
    for name in LAYOUTS:
        for seed in range(6):
            one, _ = draw(seed, layouts={name: 1.0}, dead_module=1.0)
            seen = one.record(np.full(SHAPE, 3.0, dtype=np.float32), np.random.default_rng(0))
            assert seen.known.sum() > 0.7 * one.known().sum()


def test_same_seed_same_draw() -> None:
    assert draw(5, swing=0.5) == draw(5, swing=0.5)
    assert draw(5) != draw(6)


def test_ranges_are_kept_and_filled() -> None:
    entries = {
        "distance_mm": (100, 400),
        "center_offset": (-0.2, 0.1),
        "pitch_deg": (-2, 1),
        "yaw_deg": (0, 3),
        "layouts": {"plain": 1.0},
    }
    drawn = [draw(seed, **entries)[1] for seed in range(400)]
    table = {
        "log": (np.log([g.distance_mm for g in drawn]), np.log(100), np.log(400)),
        "x": (np.array([g.center_px[0] for g in drawn]), 410 * 0.3, 410 * 0.6),
        "y": (np.array([g.center_px[1] for g in drawn]), 410 * 0.3, 410 * 0.6),
        "pitch": (np.array([g.pitch_deg for g in drawn]), -2, 1),
        "yaw": (np.array([g.yaw_deg for g in drawn]), 0, 3),
    }
    for values, low, high in table.values():
        assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-3
    names = list(table)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert abs(stats.spearmanr(table[a][0], table[b][0]).statistic) < 0.17


def test_small_detectors_stand_nearer() -> None:
    for name in ("photon_3", "pilatus_6m"):
        for seed in range(20):
            one, geometry = draw(seed, layouts={name: 1.0}, distance_sides=(0.5, 2.0))
            assert 0.5 <= geometry.distance_mm / one.layout.side_mm <= 2.0


def test_layouts_come_by_weight() -> None:
    names = [draw(seed, layouts={"mx340": 3.0, "plain": 1.0})[0].name for seed in range(300)]
    assert names.count("mx340") == pytest.approx(225, abs=30)


def test_center_in_a_gap() -> None:
    for seed in range(40):
        one, geometry = draw(seed, layouts={"pilatus_6m": 1.0}, center_on_gap=1.0)
        native = [(geometry.center_px[i] - one.corner_px[i]) / one.placing.scale for i in (0, 1)]
        in_x = native[0] % 494 >= 487
        in_y = native[1] % 212 >= 195
        assert in_x or in_y
        assert 0 < native[0] < 2463 and 0 < native[1] < 2527
    # Where there is no gap the center stays where it was.
    _, geometry = draw(1, layouts={"plain": 1.0}, center_on_gap=1.0)
    assert 0 < geometry.center_px[0] < 410


def test_center_off_the_detector() -> None:
    edges = set()
    for seed in range(60):
        _, geometry = draw(seed, layouts={"plain": 1.0}, center_off_panel=1.0, off_panel_reach=(0.05, 0.2))
        x, y = (place / 410 for place in geometry.center_px)
        beyond = {"left": -x, "right": x - 1, "top": -y, "bottom": y - 1}
        out = [edge for edge, by in beyond.items() if by > 0]
        assert len(out) == 1 and 0.05 <= beyond[out[0]] <= 0.2
        edges.add(out[0])
    assert len(edges) == 4


@pytest.mark.parametrize(("angle", "vertical"), [(25.0, True), (-29.6, True), (18.0, False), (-7.0, False)])
def test_swung_pixels_are_turned_pixels(angle: float, vertical: bool) -> None:
    """Every pixel of the swung detector is where the arm took it, up to the roll about the beam."""
    straight = Geometry((200.0, 230.0), 150.0, (0.4, 0.4), 1.0, 1.3, -0.8)
    swung = swing_out(straight, angle, vertical)
    sin, cos = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    x, y = np.meshgrid(np.linspace(0, 410, 5), np.linspace(0, 410, 5))
    at = straight.to_lab(x, y)
    if vertical:
        turned = np.stack(
            [cos * at[..., 0] + sin * at[..., 2], at[..., 1], cos * at[..., 2] - sin * at[..., 0]], axis=-1
        )
    else:
        turned = np.stack(
            [at[..., 0], cos * at[..., 1] - sin * at[..., 2], sin * at[..., 1] + cos * at[..., 2]], axis=-1
        )
    wanted = np.arctan2(np.hypot(turned[..., 0], turned[..., 1]), turned[..., 2])
    np.testing.assert_allclose(swung.two_theta(x, y), wanted, atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(swung.to_lab(x, y), axis=-1), np.linalg.norm(at, axis=-1), rtol=1e-12
    )
    # The beam wanders against the turn, to where the plane crosses z.
    axis = 0 if vertical else 1
    moved = (swung.center_px[axis] - straight.center_px[axis]) * 0.4
    wander = -150.0 * np.tan(np.radians(angle)) if vertical else 150.0 * np.tan(np.radians(angle))
    assert moved == pytest.approx(wander, rel=0.05)
    assert abs(swung.yaw_deg if vertical else swung.pitch_deg) == pytest.approx(abs(angle), abs=2.0)


def test_swung_detectors_are_drawn() -> None:
    tilts, farthest = [], 0.0
    for seed in range(60):
        one, geometry = draw(seed, layouts={"pilatus_2m": 1.0}, swing=1.0, swing_deg=(10, 30))
        tilts.append(max(abs(geometry.pitch_deg), abs(geometry.yaw_deg)))
        center = np.array(geometry.center_px) - one.placing.scale * np.array(one.layout.size) / 2
        farthest = max(farthest, float(np.abs(center - one.corner_px).max()) / 410)
    assert min(tilts) > 6 and 25 < max(tilts) < 34
    # The arm stops before the beam is farther than one side from the middle (and its offset) away.
    assert 0.5 < farthest < 1.4
    assert not any(abs(draw(seed)[1].yaw_deg) > 3 for seed in range(30))


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"distance_mm": (-100, 300)}, "must lie above 0"),
        ({"distance_mm": (300, 100)}, "upside down"),
        ({"distance_mm": (1, 100)}, "must lie within 5 and 20000 mm"),
        ({"layouts": {"pilatus_9m": 1.0}}, "there is no detector 'pilatus_9m'; choose among pilatus_200k"),
        ({"layouts": {"plain": 0.0}}, "one of them above 0"),
        ({"pitch_deg": (-70, 70)}, "must lie within -60 and 60 degrees"),
        ({"swing_deg": (-30, 30)}, "must not reach below 0"),
        ({"swing": 0.5, "swing_deg": (0, 60), "yaw_deg": (-30, 30)}, "edge on.*within 0 and 80"),
        ({"center_on_gap": 0.6, "center_off_panel": 0.6}, "within 0 and 1, not 1.2"),
        ({"center_offset": (-5, 5)}, "must lie within -3 and 3 sides"),
        ({"fill": (0.05, 1)}, "must lie within 0.1 and 1"),
        ({"hot_fraction": (0, 0.5)}, "must lie within 0 and 0.01"),
        ({"gain_step": (0.0, 2.0)}, "must lie within 0 and 0.3"),
        ({"swing": 1.5}, "less than or equal to 1"),
        ({"stop": 0.5}, "Extra inputs"),
    ],
)
def test_impossible_recipes_are_refused(entries: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        DetectorRecipe(**entries)


def test_impossible_frames_are_refused() -> None:
    with pytest.raises(RecipeError, match="1 pixel or more"):
        draw_detector(DetectorRecipe(), (0, 100), BEAM, np.random.default_rng(0))
    one = draw_detector(DetectorRecipe(), (100, 100), BEAM, np.random.default_rng(0))
    with pytest.raises(ValueError, match="not \\(50, 50\\)"):
        draw_geometry(DetectorRecipe(), one, (50, 50), BEAM, np.random.default_rng(0))
