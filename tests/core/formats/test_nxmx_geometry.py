"""NXmx: transformation chains against matrices multiplied here, beam_center fields, and what disagrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import MissingDatasetError, UnreadableFileError, UsageError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.nexus import geometry as nxmx
from xgeom_core.formats.reading import Hints
from xgeom_core.geometry import Geometry

DETECTOR = "/entry/instrument/detector"
CHAIN = f"{DETECTOR}/transformations"
# From x right, y down, z along the beam to the frame of NeXus: y up.
TO_NEXUS = np.diag([-1.0, -1.0, 1.0])


def _class(group: h5py.Group, name: str) -> h5py.Group:
    group.attrs["NX_class"] = name
    return group


def _link(
    file: h5py.File, path: str, value: Any, unit: str, kind: str, vector: Any, on: str, **extra: Any
) -> None:
    file[path] = value
    file[path].attrs.update(
        {
            "units": unit,
            "transformation_type": kind,
            "vector": np.asarray(vector, float),
            "depends_on": on,
            **extra,
        }
    )


def _empty(file: h5py.File) -> h5py.Group:
    entry = _class(file.create_group("entry"), "NXentry")
    instrument = _class(entry.create_group("instrument"), "NXinstrument")
    beam = _class(instrument.create_group("beam"), "NXbeam")
    beam["incident_wavelength"] = 0.976223
    beam["incident_wavelength"].attrs["units"] = "angstrom"
    return _class(instrument.create_group("detector"), "NXdetector")


def _module(
    file: h5py.File,
    on: str,
    origin: Any,
    fast: Any = (-1, 0, 0),
    slow: Any = (0, -1, 0),
    name: str = "module",
) -> None:
    path = f"{DETECTOR}/{name}"
    _class(file.create_group(path), "NXdetector_module")
    file[f"{path}/data_size"] = np.array([4362, 4148])
    offset = {"offset": np.asarray(origin, float), "offset_units": "mm"}
    _link(file, f"{path}/module_offset", 0.0, "m", "translation", (1, 0, 0), on, **offset)
    _link(file, f"{path}/fast_pixel_direction", 7.5e-5, "m", "translation", fast, f"{path}/module_offset")
    _link(file, f"{path}/slow_pixel_direction", 0.08, "mm", "translation", slow, f"{path}/module_offset")


def _fields(detector: h5py.Group, center: tuple[float, float], unit: str = "pixel") -> None:
    for axis, value, size in zip("xy", center, (7.5e-5, 8e-5), strict=True):
        detector[f"beam_center_{axis}"] = value
        detector[f"beam_center_{axis}"].attrs["units"] = unit
        detector[f"{axis}_pixel_size"] = size
    detector["detector_distance"] = 0.2893


# -------------------------------------------------------------------------------------------- chains


@given(
    tilt=st.tuples(st.floats(-35, 35), st.floats(-35, 35)),
    center=st.tuples(st.floats(-100, 4300), st.floats(-100, 4300)),
    distance=st.floats(60, 1000),
    links=st.integers(0, 6),
    seed=st.integers(0, 10**6),
)
def test_any_chain_is_the_product_of_its_links(
    tmp_path_factory: pytest.TempPathFactory,
    tilt: tuple[float, float],
    center: tuple[float, float],
    distance: float,
    links: int,
    seed: int,
) -> None:
    """Random links are multiplied here with scipy; the module's own vectors are what is then left."""
    rng = np.random.default_rng(seed)
    axes = TO_NEXUS @ Rotation.from_euler("xy", tilt, degrees=True).as_matrix()
    corner = np.array([0, 0, distance]) - center[0] * 0.075 * axes[:, 0] - center[1] * 0.08 * axes[:, 1]
    path = tmp_path_factory.getbasetemp() / "chain.h5"
    with h5py.File(path, "w") as file:
        _empty(file)
        whole, on = np.eye(4), "."
        for number in range(links):
            one, vector, offset = np.eye(4), rng.normal(size=3), rng.normal(0, 50, 3)
            name = f"{CHAIN}/link{number}"
            unit_vector = vector / np.linalg.norm(vector)
            if rng.random() < 0.5:
                angle = rng.uniform(-180, 180)
                one[:3, :3] = Rotation.from_rotvec(np.radians(angle) * unit_vector).as_matrix()
                value, unit, kind = (
                    (angle, "deg", "rotation") if number % 2 else (np.radians(angle), "rad", "rotation")
                )
            else:
                length = rng.uniform(-300, 300)
                one[:3, 3] = length * unit_vector
                value, unit, kind = length / 1e3, "m", "translation"
            one[:3, 3] += offset
            extra = {"offset": offset * 1e3, "offset_units": "um"}
            _link(file, name, [value], unit, kind, vector, on, **extra)
            whole, on = whole @ one, name
        turn = whole[:3, :3].T
        _module(file, on, turn @ (corner - whole[:3, 3]), turn @ axes[:, 0], turn @ axes[:, 1])
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == pytest.approx(center, abs=1e-5)
    assert (reading.estimate.tilt_deg or (0.0, 0.0)) == pytest.approx(tilt, abs=1e-6)
    assert reading.distance_mm == pytest.approx(distance, abs=1e-6)
    assert reading.pixel_mm == pytest.approx((0.075, 0.08))
    assert reading.image_size == (4148, 4362)
    assert reading.wavelength_A == 0.976223


def test_a_two_theta_arm(tmp_path: Path) -> None:
    """A detector at 120 mm swung by 45 degrees about the horizontal; numbers of a published example."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        _empty(file)
        _link(file, f"{CHAIN}/two_theta", 45, "deg", "rotation", (-1, 0, 0), ".")
        _link(file, f"{CHAIN}/det_z", 120.0, "mm", "translation", (0, 0, 1), "two_theta")  # relative path
        origin = 112.19250476301882 * np.array([0.72264186, 0.69122265, 0.0])
        _module(file, f"{CHAIN}/det_z", origin)
    (reading,) = nxmx.read(path, Hints())
    # The foot of the normal is the arm's own center; the beam meets the plane 120 mm tan(45) beside it.
    foot = origin[0] / 0.075, origin[1] / 0.08
    assert reading.estimate.center_px[0] == pytest.approx(foot[0], abs=1e-3)
    assert abs(reading.estimate.center_px[1] - foot[1]) == pytest.approx(120 / 0.08, abs=1e-3)
    assert reading.distance_mm == pytest.approx(120 * np.sqrt(2), abs=1e-3)
    assert abs(reading.estimate.tilt_deg[0]) == pytest.approx(45.0, abs=1e-4)  # type: ignore[index]


def test_chain_and_field_that_agree_are_one_reading(tmp_path: Path) -> None:
    """The layout of a Diamond file: 155.985 mm and 166.904 mm are 2079.8 and 2086.3 px."""
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        detector = _empty(file)
        _fields(detector, (2079.80, 2086.30))
        _link(file, f"{CHAIN}/det_z", np.array([289.3]), "mm", "translation", (0, 0, 1), ".")
        _module(file, f"{CHAIN}/det_z", (155.985, 166.904, 0))
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == pytest.approx((2079.8, 2086.3))
    assert reading.estimate.tilt_deg is None  # no link turns
    assert reading.distance_mm == pytest.approx(289.3)
    assert reading.native["beam_center_x"] == "2079.8 pixel"
    assert reading.choices[0].center_px == pytest.approx((2080.3, 2086.8))
    assert nxmx.recognizes(path, path.read_bytes()[:65536])


def test_chain_and_field_that_differ_are_both_given(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        detector = _empty(file)
        _fields(detector, (2070.0, 2086.30))
        _link(file, f"{CHAIN}/det_z", 289.3, "mm", "translation", (0, 0, 1), ".")
        _module(file, f"{CHAIN}/det_z", (155.985, 166.904, 0))
    chain, field = nxmx.read(path, Hints())
    assert (chain.where, field.where) == ("transformation chain", "beam_center")
    assert chain.estimate.center_px == pytest.approx((2079.8, 2086.3))
    assert field.estimate.center_px == pytest.approx((2070.0, 2086.3))
    assert "says (2070.00, 2086.30) px instead" in chain.estimate.warnings[0]


def test_a_chain_without_place_across_the_beam_takes_it_from_the_field(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        detector = _empty(file)
        _fields(detector, (1000.5, 900.25))
        _link(file, f"{CHAIN}/det_z", 250.0, "mm", "translation", (0, 0, 1), ".")
        _link(file, f"{CHAIN}/tilt", 3.0, "deg", "rotation", (0, -1, 0), f"{CHAIN}/det_z")
        _module(file, f"{CHAIN}/tilt", (0, 0, 0))
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == (1000.5, 900.25)
    assert reading.estimate.tilt_deg == pytest.approx((0.0, 3.0))
    assert reading.distance_mm == pytest.approx(250.0)


def test_modules_in_one_image(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        _empty(file)
        _link(file, f"{CHAIN}/det_z", 250.0, "mm", "translation", (0, 0, 1), ".")
        for number, x in enumerate((300.0, -20.0)):
            _module(file, f"{CHAIN}/det_z", (x + 24.0, 40.0, 0), name=f"m{number}")
            file[f"{DETECTOR}/m{number}/data_origin"] = np.array([0, 4200 * number])
    (reading,) = nxmx.read(path, Hints())
    assert reading.panels == 2
    # x = 324 mm is 4320 px from the corner of m0 (4148 wide); m1's corner is 4 mm = 53.3 px from the beam.
    assert reading.estimate.center_px == pytest.approx((4200 + 4.0 / 0.075, 500.0))
    assert reading.image_size == (4200 + 4148, 4362)


# -------------------------------------------------------------------------------------------- fields


@pytest.mark.parametrize(
    ("unit", "center"),
    [("pixel", (1000.0, 800.0)), ("m", (0.075, 0.064)), ("mm", (75.0, 64.0)), ("", (1000.0, 800.0))],
)
def test_fields_alone(tmp_path: Path, unit: str, center: tuple[float, float]) -> None:
    path = tmp_path / "a_master.h5"
    with h5py.File(path, "w") as file:
        _fields(_empty(file), center, unit)
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == pytest.approx((1000.0, 800.0))
    assert reading.estimate.tilt_deg is None
    assert reading.distance_mm == pytest.approx(289.3)
    assert reading.pixel_mm == pytest.approx((0.075, 0.08))
    assert reading.where == ""
    assert reading.choices[0].center_px == pytest.approx((1000.5, 800.5))


def test_a_swung_detector_without_chain_is_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        detector = _empty(file)
        _fields(detector, (1000.0, 800.0))
        detector["goniometer/two_theta"] = [25.0, 25.0]
    (reading,) = nxmx.read(path, Hints())
    assert "swung by 25 degrees" in reading.estimate.warnings[0]


def _cut(file: h5py.File) -> None:
    del file[f"{CHAIN}/det_z"]


def _circle(file: h5py.File) -> None:
    file[f"{CHAIN}/det_z"].attrs["depends_on"] = f"{DETECTOR}/module/module_offset"


def _strange_unit(file: h5py.File) -> None:
    file[f"{CHAIN}/det_z"].attrs["units"] = "furlong"


def _no_vector(file: h5py.File) -> None:
    del file[f"{CHAIN}/det_z"].attrs["vector"]


def _behind(file: h5py.File) -> None:
    file[f"{CHAIN}/det_z"][()] = -289.3


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_cut, "det_z is missing"),
        (_circle, "runs in a circle"),
        (_strange_unit, "no length in a known unit"),
        (_no_vector, "has no vector"),
        (_behind, "never meets the detector"),
    ],
)
def test_a_broken_chain_is_named_and_the_field_used(
    tmp_path: Path, harm: Callable[[h5py.File], None], words: str
) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        _fields(_empty(file), (2079.80, 2086.30))
        _link(file, f"{CHAIN}/det_z", 289.3, "mm", "translation", (0, 0, 1), ".")
        _module(file, f"{CHAIN}/det_z", (155.985, 166.904, 0))
        harm(file)
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == (2079.80, 2086.30)
    assert reading.estimate.tilt_deg is None
    assert words in reading.estimate.warnings[0]


def test_files_that_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        _fields(_empty(file), (0.0, 0.0))  # "not set"
    with pytest.raises(MissingDatasetError, match="states no beam center"):
        nxmx.read(path, Hints())
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros((3, 3))
    assert not nxmx.recognizes(path, path.read_bytes())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnreadableFileError, match="not a readable HDF5 file"):
        nxmx.read(path, Hints())
    with pytest.raises(UnreadableFileError, match="is not there"):
        nxmx.read(tmp_path / "none.h5", Hints())


def test_reference_frames_give_their_headers(frames_dir: Path) -> None:
    path = frames_dir / "nanobragg" / "frame_00.h5"
    with path.open("rb") as stream:
        assert nxmx.recognizes(path, stream.read(65536))
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == (1231.5, 1263.5)
    assert reading.pixel_mm == pytest.approx((0.172, 0.172))


# ------------------------------------------------------------------------------------------- written

WANTED = Geometry((1000.0, 800.0), 250.0, (0.075, 0.08), 1.0, 4.0, -3.0)


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        nxmx.write_file(Writing(WANTED, (4148, 4362)), path)
    assert path.read_text() == "mine"


def test_modules_move_as_a_whole(tmp_path: Path) -> None:
    template, path = tmp_path / "t.nxs", tmp_path / "a.nxs"
    with h5py.File(template, "w") as file:
        _empty(file)
        _link(file, f"{CHAIN}/det_z", 250.0, "mm", "translation", (0, 0, 1), ".")
        for number, x in enumerate((300.0, -20.0)):
            _module(file, f"{CHAIN}/det_z", (x + 24.0, 40.0, 0), name=f"m{number}")
            file[f"{DETECTOR}/m{number}/data_origin"] = np.array([0, 4200 * number])
    wanted = Geometry((4300.0, 700.0), 333.0, (0.075, 0.08), 1.0, 10.0, -5.0)
    nxmx.write_file(Writing(wanted, (8348, 4362), template), path)
    (reading,) = nxmx.read(path, Hints())
    assert reading.estimate.center_px == pytest.approx((4300.0, 700.0), abs=1e-6)
    assert reading.estimate.tilt_deg == pytest.approx((10.0, -5.0), abs=1e-9)
    assert reading.distance_mm == pytest.approx(333.0)
    with h5py.File(path) as file, h5py.File(template) as old:
        for name in ("m0", "m1"):
            attributes = f"{DETECTOR}/{name}/module_offset"
            assert file[attributes].attrs["offset"] == pytest.approx(old[attributes].attrs["offset"])


def test_a_template_without_chain_gets_one(tmp_path: Path) -> None:
    template, path = tmp_path / "t_master.h5", tmp_path / "a.h5"
    with h5py.File(template, "w") as file:
        _fields(_empty(file), (5.0, 6.0))
        file["entry/sample/name"] = "lysozyme"
    nxmx.write_file(Writing(WANTED, (4148, 4362), template), path)
    (reading,) = nxmx.read(path, Hints())
    assert reading.geometry is not None
    assert reading.estimate.center_px == pytest.approx(WANTED.center_px)
    assert reading.estimate.tilt_deg == pytest.approx((4.0, -3.0))
    with h5py.File(path) as file:
        assert file["entry/sample/name"][()] == b"lysozyme"
        assert file[f"{DETECTOR}/beam_center_x"][()] == 1000.0


def test_templates_that_do_not_fit(tmp_path: Path) -> None:
    template = tmp_path / "t.h5"
    nxmx.write_file(Writing(Geometry((10.0, 10.0), 100.0, (0.1, 0.1)), (100, 100)), template)
    with pytest.raises(UsageError, match=r"pixels of 0\.1 mm"):
        nxmx.write_file(Writing(WANTED, (100, 100), template), tmp_path / "a.h5")
    with h5py.File(template, "w") as file:
        file["data"] = 1
    with pytest.raises(UsageError, match="has no /entry/instrument/detector"):
        nxmx.write_file(Writing(WANTED, (100, 100), template), tmp_path / "a.h5")
    with pytest.raises(UsageError, match="is not there"):
        nxmx.write_file(Writing(WANTED, (100, 100), tmp_path / "none"), tmp_path / "a.h5")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["t.h5"]  # no partial file is left
