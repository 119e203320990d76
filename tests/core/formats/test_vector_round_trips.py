"""What is written is read back: DIALS, XDS and NXmx, with and without a template to alter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.formats.dials import expt as dials
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.nexus import geometry as nxmx_geometry
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.xds import inp as xds
from xgeom_core.geometry import Geometry

SIZE = (2070, 2167)
PIXEL = (0.075, 0.08)

geometries = st.builds(
    Geometry,
    center_px=st.tuples(st.floats(-500, 3000), st.floats(-500, 3000)),
    distance_mm=st.floats(20, 3000),
    pixel_mm=st.just(PIXEL),
    wavelength_A=st.floats(0.2, 3),
    pitch_deg=st.floats(-30, 30),
    yaw_deg=st.floats(-30, 30),
)
seeds = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round")


def _round(form: Format, writing: Writing, folder: Path, name: str) -> Reading:
    path = folder / name
    if form.write is not None:
        path.unlink(missing_ok=True)
        path.write_text(form.write(writing))
    else:
        assert form.write_file is not None
        path.unlink(missing_ok=True)
        form.write_file(writing, path)
    assert form.recognizes(path, path.read_bytes()[:65536])
    (reading,) = form.read(path, Hints())
    return reading


def _assert_same(reading: Reading, wanted: Geometry, size: tuple[int, int] | None = SIZE) -> None:
    found = reading.geometry
    assert found is not None
    assert found.center_px == pytest.approx(wanted.center_px, abs=0.01)
    assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=0.001)
    assert (found.pitch_deg, found.yaw_deg) == pytest.approx((wanted.pitch_deg, wanted.yaw_deg), abs=0.001)
    assert found.pixel_mm == pytest.approx(wanted.pixel_mm)
    assert found.wavelength_A == pytest.approx(wanted.wavelength_A, rel=1e-6)
    assert reading.image_size == size


@pytest.mark.parametrize(
    ("form", "name"), [(dials.FORMAT, "a.expt"), (xds.FORMAT, "XDS.INP"), (nxmx_geometry.FORMAT, "a.h5")]
)
@given(wanted=geometries)
def test_a_fresh_file(form: Format, name: str, folder: Path, wanted: Geometry) -> None:
    _assert_same(_round(form, Writing(wanted, SIZE), folder, name), wanted)


def _xds_template(path: Path, seed: int) -> None:
    frame = Rotation.random(random_state=seed).as_matrix()
    mirrored = -1 if seed % 2 else 1
    beam, x, y = (
        " ".join(f"{v:.9f}" for v in axis) for axis in (frame[:, 2], frame[:, 0], mirrored * frame[:, 1])
    )
    path.write_text(
        "! my comment ORGX= 1 stays\nJOB= XYCORR INIT ! and this\nNX= 10 NY= 20  QX= 1.0 QY=1.0\n"
        f"DIRECTION_OF_DETECTOR_X-AXIS= {x}\nDIRECTION_OF_DETECTOR_Y-AXIS={y} ! y\n"
        f"INCIDENT_BEAM_DIRECTION= {beam}\nORGX= 5 ORGY= 6\nROTATION_AXIS= 0 1 0\n"
        f"DETECTOR_DISTANCE= {mirrored * 100}\n"
    )


@given(wanted=geometries, seed=seeds)
def test_an_altered_xds_inp(folder: Path, wanted: Geometry, seed: int) -> None:
    template = folder / "TEMPLATE.INP"
    _xds_template(template, seed)
    before = template.read_text()
    reading = _round(xds.FORMAT, Writing(wanted, SIZE, template), folder, "XDS.INP")
    _assert_same(reading, wanted)
    after = (folder / "XDS.INP").read_text()
    for kept in (
        "! my comment ORGX= 1 stays\n",
        "JOB= XYCORR INIT ! and this\n",
        "ROTATION_AXIS= 0 1 0\n",
        " ! y\n",
        next(line for line in before.split("\n") if "INCIDENT" in line),
    ):
        assert kept in after
    # Only the wavelength was missing and is added.
    assert len(after.strip().split("\n")) == len(before.strip().split("\n")) + 1


def _dials_template(path: Path, seed: int, panels: int, mirrored: bool) -> None:
    """A detector whose root, groups and panels all stand in frames of their own."""
    rng = np.random.default_rng(seed)

    def record(index: int, frame: np.ndarray, origin: list[float]) -> dict[str, object]:
        return {
            "name": f"record {index}",
            "fast_axis": frame[:, 0].tolist(),
            "slow_axis": frame[:, 1].tolist(),
            "origin": origin,
        }

    small = [Rotation.from_rotvec(rng.normal(0, 0.02, 3)).as_matrix() for _ in range(panels + 2)]
    root_frame = np.diag([1.0, 1.0, 1.0] if mirrored else [1.0, -1.0, -1.0]) @ small[0]
    root = record(-1, root_frame, [3.0, -2.0, -250.0])
    group = record(-2, small[1], [0.5, 0.25, 0.0])
    group["children"] = [{"panel": index} for index in range(panels)]
    root["children"] = [group]
    width = 500
    records = [
        {
            **record(index, small[index + 2], [(index - panels / 2) * width * PIXEL[0], -80.0, 0.1 * index]),
            "pixel_size": list(PIXEL),
            "image_size": [width, SIZE[1]],
            "raw_image_offset": [index * width, 0],
            "gain": 2.5,
        }
        for index in range(panels)
    ]
    direction = np.array([0.01, -0.02, 1.0])
    path.write_text(
        json.dumps(
            {
                "__id__": "ExperimentList",
                "experiment": [{"__id__": "Experiment", "beam": 0, "detector": 0, "crystal": 0}],
                "beam": [{"direction": (direction / np.linalg.norm(direction)).tolist(), "wavelength": 1.0}],
                "detector": [{"panels": records, "hierarchy": root}],
                "crystal": [{"real_space_a": [1, 2, 3]}],
            }
        )
    )


def _distances(path: Path) -> np.ndarray:
    """Distances between the corners of all panels: what a rigid move keeps."""
    from xgeom_core.formats.dials.models import experiments, panels

    (experiment,) = experiments(json.loads(path.read_text()), str(path))
    corners = [
        panel.plane.point(corner)
        for panel in panels(experiment.detector, str(path))
        for corner in ((0, 0), (500, 0), (0, 2000))
    ]
    return np.linalg.norm(np.subtract.outer(corners, corners).diagonal(axis1=1, axis2=3), axis=-1)


@given(wanted=geometries, seed=seeds, panels=st.sampled_from([1, 4]), mirrored=st.booleans())
def test_an_altered_experiment_list(
    folder: Path, wanted: Geometry, seed: int, panels: int, mirrored: bool
) -> None:
    template, size = folder / "template.expt", (500 * panels, SIZE[1])
    _dials_template(template, seed, panels, mirrored)
    path = folder / "b.expt"
    path.write_text(dials.FORMAT.write(Writing(wanted, size, template)))  # type: ignore[misc]
    (before,), (after,) = (dials.FORMAT.read(one, Hints()) for one in (template, path))
    chosen = before.native.get("panel"), after.native.get("panel")
    if chosen[0] == chosen[1]:  # the beam may now be nearer to another panel, with a plane of its own
        _assert_same(after, wanted, size)
    assert after.panels == panels
    assert _distances(path) == pytest.approx(_distances(template), abs=1e-6)
    old, new = (json.loads(one.read_text()) for one in (template, path))
    assert new["crystal"] == old["crystal"]
    assert new["detector"][0]["panels"] == old["detector"][0]["panels"]  # the root moves, and only it
    assert new["detector"][0]["hierarchy"]["children"] == old["detector"][0]["hierarchy"]["children"]


@given(first=geometries, wanted=geometries, third=geometries)
def test_an_altered_nxmx_file_and_an_altered_copy_of_that(
    folder: Path, first: Geometry, wanted: Geometry, third: Geometry
) -> None:
    paths = [folder / f"{name}.h5" for name in ("one", "two", "three")]
    template = None
    for geometry, path in zip((first, wanted, third), paths, strict=True):
        _assert_same(
            _round(nxmx_geometry.FORMAT, Writing(geometry, SIZE, template), folder, path.name), geometry
        )
        if template is None:
            with h5py.File(path, "r+") as file:
                file["entry/title"] = "kept"
        template = path
    with h5py.File(paths[2]) as file:
        assert file["entry/title"][()] == b"kept"


def test_a_template_is_never_changed(tmp_path: Path) -> None:
    wanted = Geometry((1000.0, 1100.0), 200.0, PIXEL, 1.0, 3.0, -4.0)
    makers: list[tuple[Format, str, Callable[[Path], None]]] = [
        (dials.FORMAT, "t.expt", lambda path: _dials_template(path, 1, 4, False)),
        (xds.FORMAT, "T.INP", lambda path: _xds_template(path, 1)),
        (nxmx_geometry.FORMAT, "t.h5", lambda path: nxmx_geometry.write_file(Writing(wanted, SIZE), path)),
    ]
    for form, name, make in makers:
        template = tmp_path / name
        make(template)
        before = template.read_bytes()
        writing = Writing(Geometry((900.0, 1000.0), 300.0, PIXEL, 1.0, 1.0, 2.0), (2000, SIZE[1]), template)
        _round(form, writing, tmp_path, f"out-{name}")
        assert template.read_bytes() == before
