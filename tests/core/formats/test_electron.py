"""Files of electron cameras: pixels and metadata as written, damage told in a sentence."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import electron_files as made
from electron_files import ELECTRON
from xgeom_core.errors import FrameFileError, MissingDatasetError, MissingSourceError, UnreadableFileError
from xgeom_core.formats.electron import calibration
from xgeom_core.formats.electron.dectris import electrons
from xgeom_core.formats.registry import find_format, read_geometry, recognize
from xgeom_core.formats.values import wavelength_of_electron
from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata

EACH = pytest.mark.parametrize("name", list(ELECTRON))


def _written(name: str, folder: Path, /, **changes: Any) -> Path:
    path = folder / ELECTRON[name][1]
    ELECTRON[name][2](path, changes)
    return path


def _stated(path: Path) -> Metadata:
    with open_frames(path) as source:
        return source.metadata


@EACH
def test_frames_and_what_is_stated_are_read_as_written(name: str, tmp_path: Path) -> None:
    path = _written(name, tmp_path)
    with open_frames(path) as source:
        assert (len(source), source.shape) == (3, (48, 64))
        for number, image in enumerate(made.stack()):
            np.testing.assert_array_equal(source.frame(number).data, image)
        metadata = source.metadata
    for field, value in ELECTRON[name][3].items():
        found = getattr(metadata, field)
        assert found == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9)), field
    assert recognize(path).key == ELECTRON[name][0]


@EACH
def test_geometry_and_frames_say_the_same(name: str, tmp_path: Path) -> None:
    path = _written(name, tmp_path)
    metadata = _stated(path)
    if metadata.center_px is None:
        with pytest.raises(MissingDatasetError, match="states no beam center"):
            read_geometry(path)
        return
    (reading,) = read_geometry(path)
    for field in ("distance_mm", "pixel_mm", "wavelength_A", "choices"):
        assert getattr(reading, field) == getattr(metadata, field)
    assert reading.estimate.center_px == metadata.center_px


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, entry in ELECTRON.items() for field in entry[4]]
)
def test_a_field_changes_what_the_table_says(name: str, field: str, tmp_path: Path) -> None:
    notes = {note.name: note.becomes for note in find_format(ELECTRON[name][0]).fields}
    changed = _stated(_written(name, tmp_path, **ELECTRON[name][4][field]))
    whole = _stated(_written(name, tmp_path))
    assert getattr(changed, notes[field]) != getattr(whole, notes[field])


def test_every_row_of_the_tables_is_tried() -> None:
    tried = {(entry[0], field) for entry in ELECTRON.values() for field in entry[4]}
    keys = {entry[0] for entry in ELECTRON.values()}
    assert tried == {(key, note.name) for key in keys for note in find_format(key).fields}


@EACH
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.97])
def test_a_truncated_file_costs_frames_or_a_sentence(name: str, part: float, tmp_path: Path) -> None:
    path = _written(name, tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    try:
        with open_frames(path) as source:
            assert len(source) < 3
            assert any("truncated" in note for note in source.frame(0).warnings)
            np.testing.assert_array_equal(source.frame(0).data, made.stack()[0])
    except FrameFileError as error:
        assert str(path) in str(error)


@EACH
def test_damage_anywhere_in_the_header_is_no_traceback(name: str, tmp_path: Path) -> None:
    path = _written(name, tmp_path)
    data = path.read_bytes()
    dice = np.random.default_rng(5)
    for _ in range(15):
        broken = bytearray(data)
        for place in dice.integers(0, min(len(data), 2200), 6):
            broken[place] = dice.choice([0, 1, 44, 127, 255, 48])
        path.write_bytes(bytes(broken))
        for read in (_frame, read_geometry):
            try:
                read(path)
            except FrameFileError as error:
                assert len(str(error)) > 20


def _frame(path: Path) -> None:
    with open_frames(path) as source:
        source.frame(len(source) - 1)


@pytest.mark.parametrize(
    ("mode", "kind"), [(0, "i1"), (1, "i2"), (2, "f4"), (6, "u2"), (12, "f2"), (101, "u1")]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_mrc_modes(mode: int, kind: str, order: str, tmp_path: Path) -> None:
    data = (made.stack() % 16).astype(kind)
    made.write_mrc(tmp_path / "a.mrc", {}, data, mode, order)
    with open_frames(tmp_path / "a.mrc") as source:
        np.testing.assert_array_equal(source.frame(2).data, data[2])
        assert source.metadata.distance_mm == pytest.approx(1200.0)


def test_mrc_that_holds_no_counts_or_lies_about_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    made.write_mrc(path, {}, mode=4)
    with pytest.raises(MissingDatasetError, match="mode 4"):
        open_frames(path)
    made.write_mrc(path, {})
    data = bytearray(path.read_bytes())
    data[92:96] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableFileError, match="extended header of 2147483647 bytes"):
        open_frames(path)


@pytest.mark.parametrize("depth", [1, 6, 12, 24])
@pytest.mark.parametrize("quad", [False, True])
def test_raw_merlin_frames(depth: int, quad: bool, tmp_path: Path) -> None:
    side = 512 if quad else 256
    images = np.random.default_rng(1).integers(0, 2**depth - 1 if depth > 1 else 2, (2, side, side))
    double = 2 if depth == 24 else 1
    stored = (256 * double, 1024 if quad else 256)
    content = b""
    for number, image in enumerate(images):
        content += made.merlin_header(
            number + 1, stored, "R64", "   2x2" if quad else "   1x1", 4 if quad else 1, depth
        )
        content += made.pack_raw(made.quad_rows(image) if quad else image, depth)
    (tmp_path / "a.mib").write_bytes(content)
    with open_frames(tmp_path / "a.mib") as source:
        assert (len(source), source.shape) == (2, (side, side))
        for number, image in enumerate(images):
            np.testing.assert_array_equal(source.frame(number).data, image.astype(np.float32))


@pytest.mark.parametrize(("pixel", "kind"), [("U08", "u1"), ("U16", ">u2"), ("U32", ">u4")])
def test_merlin_counts_of_any_width(pixel: str, kind: str, tmp_path: Path) -> None:
    image = (made.stack(1)[0] % 200).astype(kind)
    (tmp_path / "a.mib").write_bytes(made.merlin_header(1, image.shape, pixel) + image.tobytes())
    with open_frames(tmp_path / "a.mib") as source:
        np.testing.assert_array_equal(source.frame(0).data, image)


def test_the_gap_between_four_chips_is_masked_and_full_counters_are_saturated(tmp_path: Path) -> None:
    image = np.ones((515, 515), ">u2")
    image[256:259] = image[:, 256:259] = 0
    image[7, 9] = 4095
    (tmp_path / "a.mib").write_bytes(merlin_quad(image))
    with open_frames(tmp_path / "a.mib") as source:
        frame = source.frame(0)
    assert np.argwhere(frame.saturated).tolist() == [[7, 9]]
    assert (~frame.valid).sum() == 515**2 - 512**2 + 1


def merlin_quad(image: np.ndarray) -> bytes:
    return made.merlin_header(1, image.shape, "U16", "  2x2G", 4) + image.tobytes()


def test_the_acquisition_text_opens_the_frames_beside_it(tmp_path: Path) -> None:
    path = _written("merlin", tmp_path)
    with open_frames(path.with_suffix(".hdr")) as source:
        assert len(source) == 3


def test_raw_frames_of_chips_in_a_row_are_refused(tmp_path: Path) -> None:
    header = made.merlin_header(1, (256, 1024), "R64", "   Nx1", 4)
    (tmp_path / "a.mib").write_bytes(header + bytes(256 * 1024 * 2))
    with pytest.raises(MissingDatasetError, match="laid out Nx1"):
        open_frames(tmp_path / "a.mib")


def test_a_series_of_tvips_opens_by_any_of_its_files(tmp_path: Path) -> None:
    made.write_tvips(tmp_path / "a_000.tvips", {}, (2, 1, 2), version=1)
    with open_frames(tmp_path / "a_002.tvips") as source:
        assert (len(source), source.start) == (5, 3)
        np.testing.assert_array_equal(source.frame(4).data, made.stack(5)[4])
    (tmp_path / "a_000.tvips").unlink()
    with pytest.raises(MissingSourceError, match=r"a_000\.tvips, is not beside it"):
        open_frames(tmp_path / "a_002.tvips")


def test_a_damaged_later_file_of_a_series_costs_its_frames(tmp_path: Path) -> None:
    made.write_tvips(tmp_path / "a_000.tvips", {}, (2, 1, 2))
    (tmp_path / "a_001.tvips").write_bytes(b"short")
    with open_frames(tmp_path / "a_000.tvips") as source:
        assert len(source) == 4
        np.testing.assert_array_equal(source.frame(3).data, made.stack(5)[4])
        assert any("a_001" in note for note in source.frame(0).warnings)


def test_a_camera_length_of_one_meter_is_no_placeholder(tmp_path: Path) -> None:
    assert _stated(_written("hyperspy", tmp_path, scale=None)).distance_mm == 1000.0


@pytest.mark.parametrize("name", ["mrc", "merlin", "tvips"])
def test_stacks_larger_than_memory_open(name: str, tmp_path: Path) -> None:
    """A file of 200 GB, most of it a hole: only its size and one frame are ever read."""
    path = _written(name, tmp_path)
    if name == "mrc":
        data = bytearray(path.read_bytes())
        data[8:12] = (2**24).to_bytes(4, "little")
        path.write_bytes(bytes(data))
    else:
        (tmp_path / "a_001.tvips").unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.truncate(2 * 10**11)
    with open_frames(path) as source:
        assert len(source) > 10**7
        assert not source.frame(len(source) - 1).data.any()


@pytest.mark.parametrize("name", ["mrc", "merlin"])
def test_packed_files_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    packed = tmp_path / f"{ELECTRON[name][1]}.gz"
    packed.write_bytes(gzip.compress(_written(name, tmp_path).read_bytes()))
    with pytest.raises(UnreadableFileError, match="unpack it first"):
        open_frames(packed)


def test_binning_and_camera_length_of_tvips_are_offered(tmp_path: Path) -> None:
    choices = _stated(_written("tvips", tmp_path)).choices
    assert [choice.pixel_mm for choice in choices] == [(0.0624, 0.0624), None]
    assert choices[1].distance_mm == 1200.0


@pytest.mark.parametrize("unit", ["1/nm", "1 / nm", "nm^-1", "$nm^{-1}$", "k_nm^-1", "[1/n_m]", "nm⁻¹"])
def test_units_of_inverse_lengths(unit: str) -> None:
    axis = calibration.Axis(0.2, 0.0, unit, 10)
    assert calibration.angle_of(axis, 0.025) == pytest.approx(0.2 * 0.1 * 0.025)


def test_units_of_angles_and_of_nothing() -> None:
    assert calibration.angle_of(calibration.Axis(2.0, 0.0, "mrad", 10), None) == pytest.approx(2e-3)
    for unit in ("", "px", "nm", "Å", "eV", "-1", "1/"):
        assert calibration.angle_of(calibration.Axis(2.0, 0.0, unit, 10), 0.025) is None


def test_without_a_camera_length_the_ratio_is_told(tmp_path: Path) -> None:
    path = _written("hyperspy", tmp_path, camera_length=None)
    with open_frames(path) as source:
        metadata, (note,) = source.metadata, source.frame(0).warnings
    assert (metadata.distance_mm, metadata.pixel_mm) == (None, None)
    ratio = float(note.split("pixel size of ")[1].split(" times")[0])
    assert ratio * 1e-3 == pytest.approx(0.02 * made.WAVELENGTH_200KV, rel=1e-5)


def test_a_calibration_about_the_middle_is_doubtful(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    made.write_hyperspy(path, {"offset": -0.4}, np.ones((40, 40)))
    verdicts = {verdict.quantity: verdict.sense for verdict in _stated(path).verdicts}
    assert verdicts["center"] == "doubtful"


def test_several_signals_are_listed_and_can_be_picked(tmp_path: Path) -> None:
    path = _written("hyperspy", tmp_path)
    with h5py.File(path, "a") as file:
        file["Experiments/small/data"] = np.ones((20, 20))
        file["Experiments/curve/data"] = np.ones(2000)
    with open_frames(path) as source:
        assert source.dataset == "/Experiments/gold/data"
        assert set(source.datasets) == {"/Experiments/gold/data", "/Experiments/small/data"}
    with open_frames(path, dataset="/Experiments/small/data") as source:
        assert source.shape == (20, 20)
        assert source.metadata.wavelength_A is None


@pytest.mark.parametrize("kv", [30, 60, 80, 100, 120, 200, 300, 150])
@pytest.mark.parametrize("camera", ["DECTRIS ELA", "Dectris Singla 1M", "ARINA", "Quadro"])
def test_electron_cameras_state_photons_that_are_electrons(kv: float, camera: str) -> None:
    as_photons = 12.398419843320026 / kv
    found, notes = electrons(camera, as_photons)
    assert found == pytest.approx(wavelength_of_electron(kv * 1e3), rel=1e-9)
    assert f"{kv:g} kV" in notes[0]
    assert electrons("Dectris EIGER2 Si 1M", as_photons) == (as_photons, ())


@pytest.mark.parametrize("kv", [60, 80, 100, 120, 200, 300])
def test_a_wavelength_of_electrons_stays(kv: float) -> None:
    true = wavelength_of_electron(kv * 1e3)
    assert electrons("DECTRIS SINGLA", true) == (true, ())


def test_a_master_of_an_electron_camera(nxmx_file: Callable[..., Path], images: Any) -> None:
    path = nxmx_file(
        images(2),
        {
            "instrument/detector/description": ("DECTRIS SINGLA", ""),
            "instrument/beam/incident_energy": (200_000.0, "eV"),
        },
    )
    assert _stated(path).wavelength_A == pytest.approx(made.WAVELENGTH_200KV, rel=1e-9)


def test_the_real_file_opens_with_its_metadata(frames_dir: Path) -> None:
    path = frames_dir.parent / "frames2" / "Amorphous.hspy"
    if not path.is_file():
        pytest.skip("no Amorphous.hspy beside the reference frames")
    with open_frames(path) as source:
        frame, metadata = source.frame(0), source.metadata
    assert (source.layout, frame.shape) == ("HyperSpy", (512, 512))
    assert (metadata.distance_mm, metadata.detector) == (510.0, "Titan 300 kV D2080 SuperTwin")
    assert metadata.wavelength_A == pytest.approx(made.WAVELENGTH_200KV)
    # Its calibration is wrong by ten orders of magnitude.
    assert any("cannot be" in note for note in frame.warnings)
