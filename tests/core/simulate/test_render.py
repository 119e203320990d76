"""Whole frames: reproducible, as bright as expected, and with the geometry that their label states."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.simulate import KINDS, draw_experiment, expected, expose, load_recipe, render
from xgeom_core.simulate.detectors import Faults


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_and_repeats(kind: str) -> None:
    recipe = load_recipe(kind)
    one = render(recipe, (128, 128), np.random.default_rng(5))
    two = render(recipe, (128, 128), np.random.default_rng(5))
    other = render(recipe, (128, 128), np.random.default_rng(6))
    assert np.array_equal(one.counts, two.counts)
    assert np.array_equal(one.known, two.known)
    assert one.geometry == two.geometry
    assert one.geometry.center_px != other.geometry.center_px
    assert one.counts.min() >= 0
    assert not one.counts[~one.known].any()
    if kind == "binary":
        assert set(np.unique(one.counts)) <= {0, 1}
    assert json.loads(json.dumps(one.experiment.record()))["geometry"]["distance_mm"] > 0


def test_kinds_differ_as_the_poster_says() -> None:
    def frames(kind: str) -> list:
        return [render(load_recipe(kind), (160, 160), np.random.default_rng(i)) for i in range(8)]

    distances = {kind: [f.geometry.distance_mm for f in frames(kind)] for kind in ("standard", "long")}
    assert min(distances["long"]) >= max(distances["standard"])
    flat = [np.median(f.counts[f.known]) for f in frames("flat")]
    assert min(flat) > 0, "a flat background is not an empty one"
    assert all(frame.crystal.lattices == 0 for frame in frames("background-only"))
    assert all(frame.experiment.background.powders for frame in frames("powder"))
    assert len({frame.experiment.kind for frame in frames("realistic")}) > 1


def test_mean_and_variance_of_many_exposures_are_those_of_the_expected_photons() -> None:
    recipe = load_recipe("standard")
    drawn = draw_experiment(recipe, (96, 96), np.random.default_rng(11))
    drawn = replace(drawn, detector=replace(drawn.detector, faults=Faults()))
    photons = expected(drawn, (96, 96)).image.astype(float)
    stack = np.array([expose(drawn, (96, 96), np.random.default_rng(i)).counts for i in range(300)])
    use = drawn.detector.known() & (photons > 0.05)
    assert use.mean() > 0.5
    pull = (stack.mean(axis=0)[use] - photons[use]) / np.sqrt(photons[use] / 300)
    assert abs(pull.mean()) < 4 / np.sqrt(use.sum())
    assert pull.std() == pytest.approx(1.0, abs=0.05)
    assert (stack.var(axis=0, ddof=1)[use] / photons[use]).mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("kind", ["standard", "long", "flat", "background-only"])
def test_neither_center_nor_tilt_can_be_read_off_the_other(kind: str) -> None:
    recipe = load_recipe(kind)
    rng = np.random.default_rng(2)
    drawn = [draw_experiment(recipe, (820, 820), rng).geometry for _ in range(600)]
    table = np.array([(*g.center_px, g.pitch_deg, g.yaw_deg) for g in drawn])
    correlation = np.abs(np.corrcoef(table.T) - np.eye(4))
    assert correlation.max() < 4 / np.sqrt(600)
    assert table[:, 2:].std(axis=0) == pytest.approx([np.sqrt(3)] * 2, rel=0.1)


def test_spots_lie_where_the_recorded_lattice_says() -> None:
    """The cell, the orientation and the geometry of the record alone, by formulas written out here."""
    recipe = load_recipe("binary")
    hits = []
    for seed in range(6):
        made = render(recipe, (820, 820), np.random.default_rng(seed))
        record = made.experiment.record()
        spots = np.argwhere(made.counts > 0)[:, ::-1] + 0.5
        if len(spots) < 300 or len(record["crystals"]) > 1:
            continue
        hits.append(_explained(spots, record))
    assert len(hits) >= 2
    assert min(hits) > 0.97


def _explained(spots: np.ndarray, record: dict) -> float:
    """Share of lit pixels whose reciprocal-space vector is within reach of a lattice point."""
    where = record["geometry"]
    p, y = np.radians(where["pitch_deg"]), np.radians(where["yaw_deg"])
    fast = np.array([np.cos(y), 0, -np.sin(y)])
    slow = np.array([np.sin(p) * np.sin(y), np.cos(p), np.sin(p) * np.cos(y)])
    offset = (spots - where["center_px"]) * where["pixel_mm"]
    lab = offset[:, :1] * fast + offset[:, 1:] * slow + [0, 0, where["distance_mm"]]
    k = 1.0 / record["beam"]["wavelength_A"]
    s = k * lab / np.linalg.norm(lab, axis=1, keepdims=True) - [0, 0, k]
    crystal = record["crystals"][0]
    a, b, c = crystal["cell"][:3]
    al, be, ga = np.radians(crystal["cell"][3:])
    volume = np.sqrt(
        1 - np.cos(al) ** 2 - np.cos(be) ** 2 - np.cos(ga) ** 2 + 2 * np.cos(al) * np.cos(be) * np.cos(ga)
    )
    real = np.array([
        [a, b * np.cos(ga), c * np.cos(be)],
        [0, b * np.sin(ga), c * (np.cos(al) - np.cos(be) * np.cos(ga)) / np.sin(ga)],
        [0, 0, c * volume / np.sin(ga)],
    ])  # fmt: skip
    rotation = np.array(crystal["rotation"]).reshape(3, 3)
    # The crystal turns during the exposure: a spot belongs to the angle at which it fits best.
    half = np.radians(record["beam"]["oscillation_deg"]) / 2
    axis = np.array(record["beam"]["axis"])
    away = np.full(len(spots), np.inf)
    for phi in np.linspace(-half, half, 9):
        turn = np.eye(3) * np.cos(phi) + (1 - np.cos(phi)) * np.outer(axis, axis)
        turn += np.sin(phi) * np.cross(np.eye(3), axis).T
        hkl = s @ (turn @ rotation @ real)
        point = np.round(hkl) @ np.linalg.inv(turn @ rotation @ real)
        away = np.minimum(away, np.linalg.norm(point - s, axis=1))
    pixel = where["pixel_mm"][0] / where["distance_mm"] * k
    mosaic = 4 * np.radians(crystal["mosaic_deg"]) * np.linalg.norm(s, axis=1)
    return float((away < 3 * pixel + mosaic + 1.2 / crystal["block_A"]).mean())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\n[detector]\ndistance_mm = [-5, 100]', "detector.distance_mm.*above 0"),
        ('name = "x"\n[detector]\npitch_deg = [3, -3]', "detector.pitch_deg.*upside down"),
        ('name = "x"\n[detector]\ndistance = [100, 200]', "detector.distance.*did you mean 'distance_mm'"),
        ('name = "x"\n[crystal]\nlattices = [3, 1]', "crystal.lattices.*1 or more"),
        ('name = "x"\n[crystal]\ncell = [50, 60, 70, 100, 30, 40]', "crystal.cell.*do not close"),
        ('name = "x"\n[crystal]\ncell = [-50, 60, 70, 90, 90, 90]', "crystal.cell.*between 3 and"),
        ('name = "x"\n[background]\nshoulder = [-9, -8]', "background.shoulder.*below 0"),
        ('name = "x"\n[background]\nfog = 1', "unknown key 'background.fog'"),
        ('name = "x"\n[beam]\npolarized = [0.5, 1.5]', "beam.polarized.*within 0 and 1"),
        ('name = "x"\n[beam]\noscillation_deg = [0, 40]', "beam.oscillation_deg.*within 0 and 3 degrees"),
        ('name = "x"\n[detector]\ndistance_mm = [100, inf]', "detector.distance_mm"),
        ('name = "x"\n[parts.a]\nweight = -1', "parts.a.weight.*greater than 0"),
        ('name = "x"\n[parts.a.beam]\nwavelength = [1, 2]', "parts.a.beam.wavelength'; did you mean"),
        ("[beam]\n", "name"),
        ("name = ", "TOML"),
    ],
)
def test_bad_recipes_are_named_with_what_may_be(tmp_path, text: str, said: str) -> None:
    from xgeom_core.errors import RecipeError

    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=said):
        load_recipe(str(path))


def test_parts_inherit_what_stands_above_them(tmp_path) -> None:
    path = tmp_path / "mixed.toml"
    path.write_text(
        'name = "mixed"\n[beam]\nwavelength_A = [1.1, 1.2]\nstills = 1.0\n[detector]\nlayouts = {plain = 1}\n'
        "[parts.near]\nweight = 3\n[parts.near.beam]\nstills = 0.0\n"
        "[parts.far.detector]\nlayouts = {eiger_4m = 1}\n"
        "[background.ice]\npresent = 1.0\ncubic = 1.0\n[parts.far.background.ice]\ncubic = 0.0\n"
    )
    recipe = load_recipe(str(path))
    near, far = recipe.parts["near"], recipe.parts["far"]
    assert near.beam.wavelength_A == far.beam.wavelength_A == (1.1, 1.2)
    assert (near.beam.stills, far.beam.stills) == (0.0, 1.0)
    assert near.detector.layouts == {"plain": 1}
    assert far.detector.layouts == {"eiger_4m": 1}, "weights are replaced, not added to"
    assert (far.background.ice.present, far.background.ice.cubic) == (1.0, 0.0)
    rng = np.random.default_rng(1)
    names = [recipe.one(rng).name for _ in range(400)]
    assert names.count("near") == pytest.approx(300, abs=45)


def test_an_unknown_kind_gets_the_nearest_name() -> None:
    from xgeom_core.errors import RecipeError

    with pytest.raises(RecipeError, match="Did you mean 'standard'"):
        load_recipe("standart")
