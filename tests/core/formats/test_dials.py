"""DIALS: real files, and files put together here from rotation matrices, must give the known truth."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import GeometryError, UnreadableFileError, UsageError, XgeomError
from xgeom_core.formats.dials import expt as dials
from xgeom_core.formats.dials.writing import dials_import_options
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import Geometry

Json = dict[str, Any]
IDENTITY: Json = {"fast_axis": [1, 0, 0], "slow_axis": [0, 1, 0], "origin": [0, 0, 0]}


def _read(path: Path, data: Any) -> list[Reading]:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return dials.read(path, Hints())


def _panel(**changes: Any) -> Json:
    panel: Json = {
        "fast_axis": [1.0, 0.0, 0.0],
        "slow_axis": [0.0, -1.0, 0.0],
        "origin": [-50.0, 60.0, -200.0],
        "pixel_size": [0.1, 0.2],
        "image_size": [1000, 600],
    }
    return {**panel, **changes}


def _list(panels: list[Json], hierarchy: Json | None = None, **changes: Any) -> Json:
    detector: Json = {"panels": panels}
    if hierarchy is not None:
        detector["hierarchy"] = hierarchy
    return {
        "__id__": "ExperimentList",
        "experiment": [{"beam": 0, "detector": 0}],
        "beam": [{"direction": [0.0, 0.0, 1.0], "wavelength": 0.9}],
        "detector": [detector],
        **changes,
    }


# ------------------------------------------------------------------------------------------ real files


def test_the_i19_sweeps_of_which_three_are_swung(frames_dir: Path) -> None:
    path = frames_dir / "lcysteine_i19" / "indexed.expt.gz"
    with gzip.open(path) as stream:
        assert dials.recognizes(path, stream.read(65536))
    swung, straight = dials.read(path, Hints())
    assert (swung.where, straight.where) == ("experiments 0-2", "experiment 3")
    for reading, center, total in ((swung, (191.77, 866.10), 29.61), (straight, (729.01, 866.07), 0.22)):
        assert reading.estimate.center_px == pytest.approx(center, abs=0.006)
        assert reading.geometry is not None
        assert np.degrees(np.arccos(reading.geometry.axes()[2][2])) == pytest.approx(total, abs=0.005)
        assert reading.wavelength_A == 0.6889
        assert reading.image_size == (1475, 1679)
    assert straight.distance_mm == pytest.approx(160.49, abs=0.005)
    assert "parallax" in swung.estimate.warnings[0]
    assert not straight.estimate.warnings


def test_the_rayonix_file_whose_slow_axis_points_down(frames_dir: Path) -> None:
    """Fast +x and slow -y in a frame with y up: rows run downwards, the image is as stored, not mirrored."""
    (reading,) = dials.read(frames_dir / "rayonix_sfx" / "experiments_000.json", Hints())
    # 169.9416 mm and 170.0674 mm in pixels of 0.1770833 mm
    assert reading.estimate.center_px == pytest.approx((959.670, 960.380), abs=0.001)
    assert reading.estimate.center_px == pytest.approx((960.1, 960.6), abs=1.0)
    assert reading.estimate.tilt_deg == pytest.approx((0.0, 0.0))
    assert reading.distance_mm == pytest.approx(123.5455, abs=1e-3)


# ------------------------------------------------------------------------------- put together by hand


def _two_theta(origin: Any, fast: Any, slow: Any, beam: Any, at: np.ndarray) -> np.ndarray:
    """Scattering angles of pixels straight from vectors, by no formula of the project."""
    points = origin + at[:, :1] * 0.1 * fast + at[:, 1:] * 0.2 * slow
    return np.arccos(points @ beam / np.linalg.norm(points, axis=1))


@given(
    tilt=st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    center=st.tuples(st.floats(-200, 1200), st.floats(-200, 800)),
    distance=st.floats(50, 1000),
    depth=st.integers(0, 5),
    mirrored=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_a_panel_deep_in_a_hierarchy(
    tmp_path_factory: pytest.TempPathFactory,
    tilt: tuple[float, float],
    center: tuple[float, float],
    distance: float,
    depth: int,
    mirrored: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    lab = Rotation.random(random_state=seed).as_matrix()
    turned = lab @ Rotation.from_euler("xy", tilt, degrees=True).as_matrix()  # about x, then the fixed y
    fast, slow, beam = turned[:, 0], turned[:, 1] * (-1 if mirrored else 1), lab[:, 2]
    origin = beam * distance - center[0] * 0.1 * fast - center[1] * 0.2 * slow
    # Random groups around the panel; its own vectors are what is left.
    axes, start = np.eye(3), np.zeros(3)
    node: Json = {"panel": 0}
    groups = []
    for _ in range(depth):
        turn, move = Rotation.random(random_state=rng.integers(10**6)).as_matrix(), rng.normal(0, 100, 3)
        groups.append(
            {"fast_axis": turn[:, 0].tolist(), "slow_axis": turn[:, 1].tolist(), "origin": move.tolist()}
        )
        start, axes = axes @ move + start, axes @ turn
    for group in reversed(groups):
        node = {**group, "children": [node]}
    local = {
        "fast_axis": (axes.T @ fast).tolist(),
        "slow_axis": (axes.T @ slow).tolist(),
        "origin": (axes.T @ (origin - start)).tolist(),
    }
    data = _list([_panel(**local)], {**IDENTITY, "children": [node]})
    data["beam"][0]["direction"] = (-beam * 7).tolist()
    path = tmp_path_factory.getbasetemp() / "deep.expt"
    (reading,) = _read(path, data)
    assert reading.estimate.center_px == pytest.approx(center, abs=1e-6)
    assert reading.distance_mm == pytest.approx(distance, abs=1e-6)
    if not mirrored:
        assert reading.estimate.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert reading.geometry is not None
    at = rng.uniform(-500, 1500, (20, 2))
    expected = _two_theta(origin, fast, slow, beam, at)
    assert reading.geometry.two_theta(at[:, 0], at[:, 1]) == pytest.approx(expected, abs=1e-7)


def test_panels_that_stand_in_one_image(tmp_path: Path) -> None:
    panels = [
        _panel(origin=[-50.0 + 55.0 * i, 60.0, -200.0], image_size=[500, 600], raw_image_offset=[550 * i, 0])
        for i in range(3)
    ]
    (reading,) = _read(tmp_path / "a.expt", _list(panels))
    assert reading.panels == 3
    # The beam (x = 0) is 500 px from the first corner: at the end of panel 0.
    assert reading.estimate.center_px == pytest.approx((500.0, 300.0))
    assert reading.image_size == (1600, 600)
    panels[0]["origin"][0] -= 3.0
    panels[1]["origin"][0] -= 2.5
    (reading,) = _read(tmp_path / "b.expt", _list(panels))
    assert reading.estimate.center_px == pytest.approx((550 - 25.0, 300.0))
    assert "25.0 px beside the nearest panel (1)" in reading.estimate.warnings[0]


def test_panels_without_a_common_image_are_counted_each_by_itself(tmp_path: Path) -> None:
    panels = [_panel(origin=[x, 60.0, -200.0], image_size=[500, 600]) for x in (-70.0, -10.0)]
    (reading,) = _read(tmp_path / "a.expt", _list(panels))
    assert reading.estimate.center_px == pytest.approx((100.0, 300.0))
    assert "panel 1 of 2" in reading.estimate.convention
    assert reading.image_size == (500, 600)


def test_experiments_that_share_models_are_one_reading(tmp_path: Path) -> None:
    data = _list([_panel()])
    data["detector"].append({"panels": [_panel(origin=[-40.0, 60.0, -200.0])]})
    data["experiment"] = [{"beam": 0, "detector": d} for d in (0, 1, 0, 0)]
    first, second = _read(tmp_path / "a.expt", data)
    assert (first.where, second.where) == ("experiments 0, 2, 3", "experiment 1")
    assert first.estimate.center_px == pytest.approx((500.0, 300.0))
    assert second.estimate.center_px == pytest.approx((400.0, 300.0))


def test_old_layouts(tmp_path: Path) -> None:
    beam = {"direction": [0.0, 0.0, 1.0], "wavelength": 0.9}
    block = {"__id__": "DataBlock", "imageset": [{"detector": 0, "beam": 0}], "beam": [beam]}
    for number, data in enumerate(
        [
            [{**block, "detector": [{"panels": [_panel()]}]}],
            [{**block, "detector": [[_panel()]]}],
            {"__id__": "imageset", "beam": beam, "detector": {"panels": [_panel()]}},
            {"experiment": [{}], "beam": [beam], "detector": [{"panels": [_panel()]}]},
            {"experiment": [{"beam": beam, "detector": {"panels": [_panel()]}}]},
        ]
    ):
        path = tmp_path / f"{number}.json"
        (reading,) = _read(path, data)
        assert reading.estimate.center_px == pytest.approx((500.0, 300.0))
        assert dials.recognizes(path, path.read_bytes())


def test_a_beam_that_varies_over_the_scan_is_mentioned(tmp_path: Path) -> None:
    data = _list([_panel()])
    data["beam"][0]["s0_at_scan_points"] = [[0, 0, -1], [0, 0.01, -1]]
    (reading,) = _read(tmp_path / "a.expt", data)
    assert "varies over the scan" in reading.estimate.warnings[0]


# ------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "not complete JSON"),
        ("[" * 100_000, "JSON"),
        ("{}", "no list of experiments"),
        ("[1, 2]", "no list of experiments"),
        ({**_list([_panel()]), "experiment": []}, "nothing in it"),
        ({**_list([_panel()]), "experiment": [{"beam": "beam.json", "detector": 0}]}, "another file"),
        ({**_list([_panel()]), "experiment": [{"beam": 0, "detector": 4}]}, "no detector number 4"),
        (_list([]), "no panels"),
        (_list([_panel(origin=[1, 2])]), "origin must be 3 numbers"),
        (_list([_panel(slow_axis=[1.0, 0.1, 0.0])]), "not at right angles"),
        (_list([_panel(pixel_size=[0.1, 0.0])]), "two lengths in mm"),
        (_list([_panel()], {**IDENTITY, "children": []}), "each of its 1 panels once"),
        (
            _list([_panel()], {**IDENTITY, "children": [{"panel": 0}, {"panel": 0}]}),
            "each of its 1 panels once",
        ),
    ],
)
def test_broken_files_are_refused_in_a_sentence(tmp_path: Path, data: Any, words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words):
        _read(tmp_path / "a.expt", data)


def test_a_detector_behind_the_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"a\.expt, experiment 0, panel 0: The beam never meets"):
        _read(tmp_path / "a.expt", _list([_panel(origin=[-50.0, 60.0, 200.0])]))


def test_a_hierarchy_deeper_than_any_is_refused(tmp_path: Path) -> None:
    node: Json = {"panel": 0}
    for _ in range(200):
        node = {**IDENTITY, "children": [node]}
    with pytest.raises(UnreadableFileError, match="too deep"):
        _read(tmp_path / "a.expt", _list([_panel()], node))


# ------------------------------------------------------------------------------------------- written

WANTED = Geometry((510.0, 310.0), 250.0, (0.1, 0.2), 0.8, 4.0, -3.0)


def test_templates_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.expt"
    cases: list[tuple[Json, Geometry, str]] = [
        (_list([_panel(pixel_size=[0.3, 0.3])]), WANTED, "pixels of 0.3 mm"),
        (_list([_panel(image_size=[9, 9])]), WANTED, "images of 9 x 9 px"),
        (
            _list(
                [_panel()],
                experiment=[{"beam": 0, "detector": 0}, {"beam": 1, "detector": 0}],
                beam=[{"direction": [0, 0, 1.0]}, {"direction": [0, 0.1, 1.0]}],
            ),
            WANTED,
            "more than one detector or beam",
        ),
    ]
    for data, wanted, words in cases:
        path.write_text(json.dumps(data))
        with pytest.raises(UsageError, match=words):
            dials.write(Writing(wanted, (1000, 600), path))
    with pytest.raises(UsageError, match="wavelength"):
        dials.write(Writing(Geometry((1.0, 2.0), 100.0, (0.1, 0.1)), (10, 10)))


def test_each_layout_can_be_a_template(tmp_path: Path) -> None:
    beam = {"direction": [0.0, 0.0, 1.0], "wavelength": 0.9}
    shared = [{"beam": 0, "detector": 0}, {"beam": 0, "detector": 0}]
    for data in (
        _list([_panel()]),
        _list([_panel()], {**IDENTITY, "children": [{"panel": 0}]}, experiment=shared),
        [{"__id__": "DataBlock", "imageset": shared, "beam": [beam], "detector": [[_panel()]]}],
    ):
        path = tmp_path / "t.expt"
        path.write_text(json.dumps(data))
        (reading,) = _read(tmp_path / "out.expt", dials.write(Writing(WANTED, (1000, 600), path)))
        assert reading.estimate.center_px == pytest.approx(WANTED.center_px, abs=1e-6)
        assert reading.estimate.tilt_deg == pytest.approx((4.0, -3.0), abs=1e-6)
        assert reading.distance_mm == pytest.approx(250.0)


def test_import_options_say_what_they_leave_out() -> None:
    options = dials_import_options(Writing(WANTED, (1000, 600)))
    lines = options.split("\n")
    assert "geometry.detector.fast_slow_beam_centre=510.0000,310.0000" in lines
    assert "geometry.detector.distance=250.000000" in lines
    assert "geometry.beam.wavelength=0.8" in lines
    assert "cannot state the tilt: pitch 4.0000, yaw -3.0000" in options
    flat = dials_import_options(Writing(Geometry((510.0, 310.0), 250.0, (0.1, 0.2)), (1000, 600)))
    assert "tilt" not in flat
    # The vectors offered in a comment are those of the file that is written.
    panel = json.loads(dials.write(Writing(WANTED, (1000, 600))))["detector"][0]["panels"][0]
    (origin,) = (line.split("=")[1] for line in lines if "panel.origin" in line)
    assert [float(value) for value in origin.split(",")] == pytest.approx(panel["origin"], abs=1e-8)


def test_a_missing_file_is_an_error_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(XgeomError, match="not there"):
        dials.read(tmp_path / "none.expt", Hints())
