"""NXmx: read once. What is written comes back, frames and comparisons say the same, doubt is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Reading
from xgeom_core.formats.registry import read_geometry, write_geometry
from xgeom_core.frames import open_frames, write_nxmx
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata, Point, Rotation

DETECTOR = "instrument/detector"
SIZE = (40, 48)
FULL = Metadata(
    distance_mm=187.3,
    wavelength_A=0.97934,
    pixel_mm=(0.075, 0.08),
    center_px=(19.125, 23.5),
    tilt_deg=(2.0, -20.0),
    saturation=60000.0,
    detector="made up 2k",
    sensor_material="CdTe",
    sensor_mm=0.75,
    polarization=0.98,
    rotation=Rotation(12.5, 0.1, (0.6, 0.0, 0.8), "phi"),
    title="LaB6, 3 µm",
)


def _stated(path: Path) -> Metadata:
    with open_frames(path) as source:
        return source.metadata


def _same(metadata: Metadata, reading: Reading) -> bool:
    """Whether a frame's metadata and a comparison's reading say the same, choices and doubts included."""
    estimate = reading.estimate
    return (
        (metadata.center_px, metadata.tilt_deg, metadata.center_convention)
        == (estimate.center_px, estimate.tilt_deg, estimate.convention)
        and (metadata.distance_mm, metadata.pixel_mm, metadata.wavelength_A, metadata.choices)
        == (reading.distance_mm, reading.pixel_mm, reading.wavelength_A, reading.choices)
        and max(1, len(metadata.panels)) == reading.panels
    )


def _doubts(metadata: Metadata) -> dict[str, str]:
    return {one.quantity: one.sense for one in metadata.verdicts if one.sense != "plausible"}


# ------------------------------------------------------------------------------------------- written


@given(
    tilt=st.tuples(st.floats(-45, 45), st.floats(-45, 45)),
    center=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
    pixel=st.tuples(st.floats(0.005, 1.5), st.floats(0.005, 1.5)),
    distance=st.floats(20, 5000),
)
def test_any_geometry_comes_back_from_frames_and_from_geometry_files(
    tmp_path_factory: pytest.TempPathFactory, tilt: Point, center: Point, pixel: Point, distance: float
) -> None:
    folder = tmp_path_factory.getbasetemp()
    wanted = Metadata(distance, 0.9, pixel, center, tilt)
    write_nxmx(folder / "frames.h5", np.ones((1, *SIZE[::-1]), np.uint16), wanted)
    geometry = Geometry(center, distance, pixel, 0.9, *tilt)
    write_geometry("nxmx", Writing(geometry, SIZE), folder / "geometry.nxs", overwrite=True)

    found = _stated(folder / "frames.h5")
    readings = [read_geometry(folder / name) for name in ("frames.h5", "geometry.nxs")]

    assert [len(one) for one in readings] == [1, 1]
    assert _same(found, readings[0][0])
    for one in (found, *(reading.geometry for (reading,) in readings)):
        assert one is not None
        assert one.center_px == pytest.approx(center, abs=1e-6)
        assert one.distance_mm == pytest.approx(distance, rel=1e-9)
        assert one.pixel_mm == pytest.approx(pixel, rel=1e-9)
    for tilt_deg in (found.tilt_deg, *(reading.estimate.tilt_deg for (reading,) in readings)):
        assert tilt_deg == pytest.approx(tilt, abs=1e-6)


def test_everything_stated_comes_back(tmp_path: Path, images: Any) -> None:
    write_nxmx(tmp_path / "out.h5", images(3), FULL)

    found = _stated(tmp_path / "out.h5")

    for name, value in vars(FULL).items():
        if value not in (None, "", ()):
            got = getattr(found, name)
            if name == "rotation":
                assert got.axis == pytest.approx(value.axis)
                got = replace(got, axis=value.axis)
            assert got == (pytest.approx(value, abs=1e-9) if isinstance(value, tuple | float) else value), (
                name
            )
    assert _doubts(found) == {}
    (reading,) = read_geometry(tmp_path / "out.h5")
    assert _same(found, reading)
    assert reading.estimate.tilt_deg == pytest.approx((2.0, -20.0))


@pytest.mark.parametrize(
    "unknown", ["tilt_deg", "center_px", "distance_mm", "pixel_mm", "sensor_mm", "rotation"]
)
def test_what_is_unknown_stays_unknown(tmp_path: Path, images: Any, unknown: str) -> None:
    write_nxmx(tmp_path / "out.h5", images(2), replace(FULL, **{unknown: None}))
    assert getattr(_stated(tmp_path / "out.h5"), unknown) is None


def test_a_written_file_has_all_that_dials_asks_for(tmp_path: Path, images: Any) -> None:
    """What dxtbx's FormatNXmx reads, tried with DIALS 3.12.1; without any of these it refuses the file."""
    write_nxmx(tmp_path / "out.h5", images(3), Metadata(100.0, 1.1, (0.1, 0.1), (20.0, 20.0)))
    with h5py.File(tmp_path / "out.h5") as file:
        entry = file["entry"]
        classes = {
            name: entry[name].attrs["NX_class"]
            for name in ("data", "sample", "instrument", "instrument/beam", DETECTOR, f"{DETECTOR}/module")
        }
        assert list(classes.values()) == [
            *(b"NXdata", b"NXsample", b"NXinstrument", b"NXbeam", b"NXdetector", b"NXdetector_module")
        ]
        assert entry["definition"][()] == b"NXmx"
        axis = file[entry["sample/depends_on"][()]]
        assert (axis.attrs["transformation_type"], axis.shape, axis.attrs["units"]) == (
            b"rotation",
            (3,),
            b"deg",
        )
        detector = entry[DETECTOR]
        assert detector["sensor_material"][()] == b"Si"
        assert detector["sensor_thickness"][()] > 0
        assert detector["sensor_thickness"].attrs["units"] == b"mm"
        module = detector["module"]
        assert (module["data_origin"][:].tolist(), module["data_size"][:].tolist()) == ([0, 0], [48, 40])
        for name in ("fast_pixel_direction", "slow_pixel_direction"):
            link, chain = module[name], []
            while link.attrs["depends_on"] != b".":
                link = file[link.attrs["depends_on"]]
                chain.append(link.name.rsplit("/", 1)[-1])
            assert chain == ["module_offset", "distance"]


# ---------------------------------------------------------------------------------------------- read


BASE: dict[str, tuple[Any, str]] = {
    f"{DETECTOR}/beam_center_x": (19.5, "pixel"),
    f"{DETECTOR}/beam_center_y": (23.25, "pixel"),
    f"{DETECTOR}/x_pixel_size": (0.1, "mm"),
    f"{DETECTOR}/y_pixel_size": (0.1, "mm"),
    f"{DETECTOR}/distance": (120.0, "mm"),
    "instrument/beam/incident_wavelength": (0.98, "angstrom"),
}


def test_a_swing_without_chain_moves_the_center_and_offers_the_other_side(
    nxmx_file: Callable[..., Path], images: Any
) -> None:
    path = nxmx_file(images(1), BASE | {f"{DETECTOR}/goniometer/two_theta": (np.array([25.0, 25.0]), "deg")})
    found = _stated(path)
    moved = 120.0 * np.tan(np.radians(25.0)) / 0.1
    assert found.center_px == pytest.approx((19.5 - moved, 23.25))
    assert found.distance_mm == pytest.approx(120.0 / np.cos(np.radians(25.0)))
    assert any(one.tilt_deg == (0.0, -25.0) for one in found.choices)
    (reading,) = read_geometry(path)
    assert _same(found, reading)


@pytest.mark.parametrize(
    ("values", "center", "distance", "offered"),
    [
        # as an NXsas file of a Pilatus 100K has them: all in mm
        ((1.95, 2.325, 0.1, 120.0), (19.5, 23.25), 120.0, (1.95, 2.325)),
        # off the image: still the length, as the definition wants it; swapped axes are offered too
        ((1.95, -0.5, 0.1, 120.0), (19.5, -5.0), 120.0, (-5.0, 19.5)),
        # lengths in mm, the center in px: only so does it lie on the image
        ((19.5, 23.25, 0.1, 120.0), (19.5, 23.25), 120.0, (195.0, 232.5)),
        # all in µm
        ((1950.0, 2325.0, 100.0, 120000.0), (19.5, 23.25), 120.0, (1950.0, 2325.0)),
        # pixel and distance of different habits
        ((19.5, 23.25, 1e-4, 513.8), (19.5, 23.25), 513.8, None),
        # all in m
        ((1.95e-3, 2.325e-3, 1e-4, 0.12), (19.5, 23.25), 120.0, (1.95e-3, 2.325e-3)),
    ],
)
def test_lengths_without_a_unit_are_read_as_they_make_sense(
    nxmx_file: Callable[..., Path],
    images: Any,
    values: tuple[float, float, float, float],
    center: Point,
    distance: float,
    offered: Point | None,
) -> None:
    x, y, pixel, far = values
    fields = {
        "beam_center_x": x,
        "beam_center_y": y,
        "x_pixel_size": pixel,
        "y_pixel_size": pixel,
        "distance": far,
    }
    path = nxmx_file(images(1), {f"{DETECTOR}/{name}": (np.array([at]), "") for name, at in fields.items()})

    found = _stated(path)

    assert found.center_px == pytest.approx(center)
    assert (found.distance_mm, found.pixel_mm) == (pytest.approx(distance), pytest.approx((0.1, 0.1)))
    if offered is not None:
        assert _doubts(found)["center"] == "doubtful"
        assert any(one.center_px == pytest.approx(offered) for one in found.choices)
    if pixel > 1e-2 or distance > 500:
        assert _doubts(found)["distance"] == "doubtful"
        assert any(one.distance_mm == pytest.approx(far * 1e3) for one in found.choices)
        with open_frames(path) as source:
            assert "have no unit" in source.frame(0).warnings[0]
    (reading,) = read_geometry(path)
    assert _same(found, reading)


def test_lengths_in_m_without_a_unit_are_what_the_standard_says(
    nxmx_file: Callable[..., Path], images: Any
) -> None:
    bare = {name: (value / (1 if "center" in name else 1e3), "") for name, (value, _) in BASE.items()}
    found = _stated(nxmx_file(images(1), bare | {"instrument/beam/incident_wavelength": (0.98, "")}))
    assert (found.center_px, found.distance_mm, found.pixel_mm) == ((19.5, 23.25), 120.0, (0.1, 0.1))
    assert (found.wavelength_A, _doubts(found)) == (0.98, {})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (f"{DETECTOR}/distance", (np.array([120.0, 130.0]), "mm"), "detector_distance varies"),
        (f"{DETECTOR}/beam_center_x", (np.array([19.5, 20.0]), "pixel"), "beam_center_x varies"),
        ("instrument/beam/incident_wavelength", (np.array([0.98, 0.99]), "angstrom"), "wavelength varies"),
        (f"{DETECTOR}/distance", (120.0, "furlong"), "unit 'furlong' of detector_distance is unknown"),
        (f"{DETECTOR}/beam_center_x", (120.0, "furlong"), "unit 'furlong' of beam_center_x is unknown"),
        ("instrument/beam/incident_wavelength", (1.0, "furlong"), "unit 'furlong' of the wavelength"),
    ],
)
def test_what_varies_or_is_unknown_is_said(
    nxmx_file: Callable[..., Path], images: Any, field: str, value: Any, words: str
) -> None:
    with open_frames(nxmx_file(images(2), BASE | {field: value})) as source:
        assert any(words in warning for warning in source.frame(1).warnings)


def test_a_spectrum_counts_by_its_weights(nxmx_file: Callable[..., Path], images: Any) -> None:
    spectrum = {
        "instrument/beam/incident_wavelength": (np.array([1.0, 1.1, 1.2]), "angstrom"),
        "instrument/beam/incident_wavelength_weights": (np.array([0.0, 1.0, 3.0]), ""),
    }
    with open_frames(nxmx_file(images(1), BASE | spectrum)) as source:
        assert source.metadata.wavelength_A == pytest.approx(1.175)
        assert source.frame(0).warnings == ()


@pytest.mark.parametrize(("value", "found"), [(12.398419843320026, 1.0), (6199.209921660013, 2.0)])
def test_an_energy_without_a_unit(
    nxmx_file: Callable[..., Path], images: Any, value: float, found: float
) -> None:
    fields = {name: one for name, one in BASE.items() if "wavelength" not in name}
    path = nxmx_file(images(1), fields | {"instrument/monochromator/energy": (value, "")})
    assert _stated(path).wavelength_A == pytest.approx(found)


def test_a_carried_rotation_axis_and_a_rolled_detector(tmp_path: Path, images: Any) -> None:
    """Omega turns phi's axis along; x of the lab frame is the detector's fast axis across the beam."""
    write_nxmx(tmp_path / "a.h5", images(2), replace(FULL, tilt_deg=None))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        chain = file["entry/sample/transformations"]
        chain["omega"] = 90.0
        chain["omega"].attrs.update(
            {"units": "deg", "transformation_type": "rotation", "vector": [0.0, 0.0, 1.0], "depends_on": "."}
        )
        chain["phi"].attrs.update({"vector": [1.0, 0.0, 0.0], "depends_on": "omega"})
        for name, vector in (("fast", [0.0, 1.0, 0.0]), ("slow", [-1.0, 0.0, 0.0])):
            file[f"entry/{DETECTOR}/module/{name}_pixel_direction"].attrs["vector"] = vector
        offset = file[f"entry/{DETECTOR}/module/module_offset"].attrs
        offset["offset"] = [offset["offset"][1], -offset["offset"][0], 0.0]
    found = _stated(tmp_path / "a.h5")
    assert found.center_px == pytest.approx(FULL.center_px)
    # In the frame of NeXus omega carries (1, 0, 0) to (0, 1, 0), which is the fast axis.
    assert found.rotation is not None
    assert found.rotation.axis == pytest.approx((1.0, 0.0, 0.0), abs=1e-12)


def test_panels_stand_where_their_chains_put_them(tmp_path: Path, images: Any) -> None:
    write_nxmx(tmp_path / "a.h5", images(1), FULL)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        detector = file[f"entry/{DETECTOR}"]
        detector.copy("module", "second")
        for name, origin, shift in (("module", [0, 0], 0.0), ("second", [24, 0], 24.5)):
            detector[f"{name}/data_origin"][:] = origin
            detector[f"{name}/data_size"][:] = [24, 40]
            offset = detector[f"{name}/module_offset"].attrs
            offset["offset"] = offset["offset"] - [0.0, shift * 0.08, 0.0]
            for axis in ("fast", "slow"):
                path = f"/entry/{DETECTOR}/{name}/module_offset"
                detector[f"{name}/{axis}_pixel_direction"].attrs["depends_on"] = path
    found = _stated(tmp_path / "a.h5")
    geometry = found.geometry(FULL.center_px or (0, 0), FULL.tilt_deg)
    assert geometry is not None
    assert [(one.name, one.corner_px, one.size_px) for one in found.panels] == [
        ("module", (0, 0), (40, 24)),
        ("second", (0, 24), (40, 24)),
    ]
    fast, slow, _ = geometry.axes()
    for panel, row in zip(found.panels, (0.0, 24.5), strict=True):
        assert panel.origin_mm == pytest.approx(geometry.to_lab(0.0, row).tolist(), abs=1e-9)
        assert (panel.fast, panel.slow) == (pytest.approx(fast.tolist()), pytest.approx(slow.tolist()))
    (reading,) = read_geometry(tmp_path / "a.h5")
    assert _same(found, reading)


def test_a_chain_that_differs_from_the_field_is_the_one_and_the_other_is_offered(
    tmp_path: Path, images: Any
) -> None:
    write_nxmx(tmp_path / "a.h5", images(1), FULL)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file[f"entry/{DETECTOR}/beam_center_x"][()] = 12.0
        del file[f"entry/{DETECTOR}/distance"].attrs["units"]
        file[f"entry/{DETECTOR}/detector_distance"][()] = 0.25
    found = _stated(tmp_path / "a.h5")
    chain, field = read_geometry(tmp_path / "a.h5")
    assert _same(found, chain)
    assert (chain.where, field.where) == ("transformation chain", "beam_center")
    assert found.center_px == pytest.approx(FULL.center_px)
    assert any(one.center_px == (12.0, 23.5) for one in found.choices)
    assert [one for one in chain.estimate.warnings if "says 250 mm instead" in one]
    assert _doubts(found) == {}


def test_what_older_files_of_this_program_say_of_a_tilt(nxmx_file: Callable[..., Path], images: Any) -> None:
    path = nxmx_file(images(1), BASE | {f"{DETECTOR}/xgeom_tilt": (np.array([1.0, -2.0]), "deg")})
    assert _stated(path).tilt_deg == (1.0, -2.0)


def test_two_detectors_are_two_readings_and_frames_have_their_own(tmp_path: Path, images: Any) -> None:
    path = tmp_path / "two.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry1")
        entry.attrs["NX_class"] = "NXentry"
        entry.create_group("instrument").attrs["NX_class"] = "NXinstrument"
        for name, x, count in (("saxs", 10.0, 1), ("waxs", 30.0, 4)):
            group = entry.create_group(f"instrument/{name}")
            group.attrs["NX_class"] = "NXdetector"
            group["data"] = images(count)
            group["beam_center_x"], group["beam_center_y"] = x, 5.0
    readings = read_geometry(path)
    assert [(one.where, one.estimate.center_px) for one in readings] == [
        ("/entry1/instrument/saxs", (10.0, 5.0)),
        ("/entry1/instrument/waxs", (30.0, 5.0)),
    ]
    with open_frames(path) as source:  # the larger stack
        assert (source.dataset, source.metadata.center_px) == ("/entry1/instrument/waxs/data", (30.0, 5.0))
    with open_frames(path, dataset="/entry1/instrument/saxs/data") as source:
        assert source.metadata.center_px == (10.0, 5.0)


@pytest.mark.parametrize("value", [b"\xff\xfe\xfd", np.nan, "text", h5py.Empty("f8"), np.array([]), 1 + 2j])
def test_damaged_fields_and_attributes_are_none(
    nxmx_file: Callable[..., Path], images: Any, value: Any
) -> None:
    path = nxmx_file(images(1), BASE)
    with h5py.File(path, "r+") as file:
        for name in BASE:
            field = file[f"entry/{name}"]
            field.attrs["units"] = value
        for name in ("sensor_thickness", "saturation_value", "depends_on"):
            file[f"entry/{DETECTOR}/{name}"] = value
        for group in ("entry", "entry/instrument", f"entry/{DETECTOR}"):
            file[group].attrs["NX_class"] = value
    found = _stated(path)
    assert (found.saturation, found.sensor_mm, found.tilt_deg) == (None, None, None)


def test_a_sas_file_without_units(frames_dir: Path) -> None:
    """Values in mm; the file's axes are swapped too, as its rings tell: (-4.75, 86.37) px."""
    path = frames_dir.parent / "frames2" / "AgBehenate_228.hdf5"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the reference frames")
    found = _stated(path)
    assert (found.distance_mm, found.pixel_mm) == (513.8, (0.172, 0.172))
    assert found.center_px == pytest.approx((85.86, -5.42))
    assert min(
        max(abs(one.center_px[0] + 4.75), abs(one.center_px[1] - 86.37))
        for one in found.choices
        if one.center_px is not None
    ) == pytest.approx(0.67, abs=0.01)
    assert _doubts(found) == {"center": "doubtful", "distance": "doubtful", "pixel size": "doubtful"}
    (reading,) = read_geometry(path)
    assert _same(found, reading)


def test_a_stack_of_higher_rank_beside_its_detector(frames_dir: Path) -> None:
    path = frames_dir.parent / "frames2" / "i22-119583-Pilatus2M.h5"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the reference frames")
    with open_frames(path) as source:
        assert (source.layout, source.axes, source.shape) == ("NXmx", (1, 1), (1679, 1475))
        assert source.axis_names == ("scan dimension X", "frame number n")
        assert source.frame(0).valid.mean() > 0.9
