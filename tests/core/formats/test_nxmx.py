"""NXmx and Dectris files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from xgeom_core.errors import MissingDatasetError, MissingSourceError, UnreadableFileError
from xgeom_core.frames import open_frames

DETECTOR = "instrument/detector"
FULL = {
    f"{DETECTOR}/beam_center_x": (19.5, "pixel"),
    f"{DETECTOR}/beam_center_y": (23.25, "pixel"),
    f"{DETECTOR}/x_pixel_size": (75e-6, "m"),
    f"{DETECTOR}/y_pixel_size": (0.08, "mm"),
    f"{DETECTOR}/distance": (120.0, "mm"),
    f"{DETECTOR}/saturation_value": (30000, ""),
    f"{DETECTOR}/description": (b"Dectris EIGER 16M", ""),
    "instrument/beam/incident_wavelength": (0.9795, "angstrom"),
}


def test_geometry_is_read_with_its_units(nxmx_file: Callable[..., Path], images: Any) -> None:
    with open_frames(nxmx_file(images(3), FULL)) as source:
        metadata = source.metadata
        frame = source.frame(1)

    assert (source.layout, len(source), source.shape) == ("NXmx", 3, (48, 40))
    assert (source.dataset, source.datasets) == ("/entry/data/data", ("/entry/data/data",))
    assert metadata.center_px == (19.5, 23.25)
    assert metadata.pixel_mm == (0.075, 0.08)
    assert metadata.distance_mm == 120.0
    assert metadata.wavelength_A == 0.9795
    assert metadata.saturation == 30000.0
    assert metadata.detector == "Dectris EIGER 16M"
    assert "pixel corner" in metadata.center_convention
    assert "0.5 px" in metadata.center_convention
    assert (frame.index, frame.dataset, frame.warnings) == (1, "/entry/data/data", ())
    np.testing.assert_array_equal(frame.data, images(3)[1])
    assert frame.valid.all()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({f"{DETECTOR}/detector_distance": (0.25, "m")}, {"distance_mm": 250.0}),
        ({f"{DETECTOR}/detector_distance": (0.25, "")}, {"distance_mm": 250.0}),
        ({f"{DETECTOR}/distance": (np.array([0.25]), "m")}, {"distance_mm": 250.0}),
        ({f"{DETECTOR}/distance": (0.0, "m")}, {"distance_mm": None}),
        ({"sample/beam/incident_wavelength": (0.12, "nm")}, {"wavelength_A": 1.2}),
        ({"instrument/beam/incident_wavelength": (np.full(5, 1.5), "angstrom")}, {"wavelength_A": 1.5}),
        ({f"{DETECTOR}/detectorSpecific/photon_energy": (6199.209921660013, "eV")}, {"wavelength_A": 2.0}),
        ({f"{DETECTOR}/countrate_correction_count_cutoff": (777, "")}, {"saturation": 777.0}),
        (
            {f"{DETECTOR}/detectorSpecific/countrate_correction_count_cutoff": (777, "")},
            {"saturation": 777.0},
        ),
        (
            {f"{DETECTOR}/beam_center_x": (0.0, "px"), f"{DETECTOR}/beam_center_y": (0.0, "px")},
            {"center_px": None},
        ),
        ({f"{DETECTOR}/beam_center_x": (10.0, "px")}, {"center_px": None}),
        (
            {
                f"{DETECTOR}/beam_center_x": (3.0, "mm"),
                f"{DETECTOR}/beam_center_y": (0.004, "m"),
                f"{DETECTOR}/x_pixel_size": (100, "um"),
                f"{DETECTOR}/y_pixel_size": (100, "um"),
            },
            {"center_px": (30.0, pytest.approx(40.0))},
        ),
        (
            {},
            {"center_px": None, "distance_mm": None, "wavelength_A": None, "pixel_mm": None, "detector": ""},
        ),
    ],
)
def test_fields_may_lie_elsewhere_or_be_missing(
    nxmx_file: Callable[..., Path],
    images: Any,
    fields: dict[str, tuple[Any, str]],
    expected: dict[str, Any],
) -> None:
    with open_frames(nxmx_file(images(1), fields)) as source:
        found = source.metadata

    assert {name: getattr(found, name) for name in expected} == expected


def test_an_unknown_unit_is_said_and_not_guessed(nxmx_file: Callable[..., Path], images: Any) -> None:
    with open_frames(nxmx_file(images(1), {f"{DETECTOR}/distance": (3.0, "parsec")})) as source:
        assert source.metadata.distance_mm is None
        assert any("parsec" in warning for warning in source.frame(0).warnings)


def test_every_bit_of_the_pixel_mask_makes_a_pixel_invalid(
    nxmx_file: Callable[..., Path], images: Any
) -> None:
    mask = np.zeros((48, 40), np.uint32)
    mask[3, 4], mask[5, 6] = 1, 1 << 30
    stack = images(1)
    stack[0, 7, 8] = 30001
    stack[0, 9, 9] = 2**32 - 1
    fields = FULL | {f"{DETECTOR}/detectorSpecific/pixel_mask": (mask, "")}

    with open_frames(nxmx_file(stack, fields)) as source:
        frame = source.frame(0)

    assert sorted(map(tuple, np.argwhere(~frame.valid))) == [(3, 4), (5, 6), (7, 8), (9, 9)]
    assert np.argwhere(frame.saturated).tolist() == [[7, 8]]
    assert not frame.data[~frame.valid].any()


def test_a_pixel_mask_of_another_shape_is_said_and_not_used(
    nxmx_file: Callable[..., Path], images: Any
) -> None:
    mask = np.ones((5, 5), np.uint32)

    with open_frames(nxmx_file(images(1), {f"{DETECTOR}/pixel_mask": (mask, "")})) as source:
        frame = source.frame(0)

    assert frame.valid.all()
    assert any("mask" in warning for warning in frame.warnings)


@pytest.fixture
def master(tmp_path: Path, images: Any) -> Path:
    """A Dectris master, linked files of 2, 3 and 0 frames; by its letters 10 comes before 9."""
    stack = images(5)
    parts = {"data_9": stack[:2], "data_10": stack[2:], "data_11": stack[:0]}
    path = tmp_path / "run_master.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        for name, part in parts.items():
            with h5py.File(tmp_path / f"run_{name}.h5", "w") as data:
                data["entry/data/data"] = part
            group[name] = h5py.ExternalLink(f"run_{name}.h5", "/entry/data/data")
    return path


def test_linked_stacks_are_one_run_in_order(master: Path, images: Any) -> None:
    with open_frames(master) as source:
        assert len(source) == 5
        assert source.dataset == "/entry/data"
        assert source.datasets[:2] == ("/entry/data/data_9", "/entry/data/data_10")
        for index in (4, 0, 2, 1, 3):
            np.testing.assert_array_equal(source.frame(index).data, images(5)[index])
        assert source.frame(4).dataset == "/entry/data"


def test_the_dataset_of_a_run_opens_the_same_run(master: Path) -> None:
    with open_frames(master) as run, open_frames(str(master), dataset=run.dataset) as again:
        assert (len(again), again.dataset) == (len(run), run.dataset)


def test_one_stack_of_a_run_can_be_picked(master: Path, images: Any) -> None:
    with open_frames(f"{master}::/entry/data/data_10") as source:
        assert len(source) == 3
        np.testing.assert_array_equal(source.frame(0).data, images(5)[2])


def test_a_data_file_opens_by_itself(master: Path) -> None:
    with open_frames(master.with_name("run_data_10.h5")) as source:
        assert (source.layout, len(source)) == ("NXmx", 3)


def test_frames_before_and_after_a_missing_linked_file_are_shown(master: Path, images: Any) -> None:
    with h5py.File(master, "r+") as file:
        file["entry/data/data_12"] = h5py.ExternalLink("run_data_12.h5", "entry/data/data")
    master.with_name("run_data_9.h5").unlink()

    with open_frames(master) as source:
        assert len(source) == 3 + 3, "room for the one before, none for the last"
        assert source.start == 3, "the first that can be shown"
        for index in (3, 4, 5):
            np.testing.assert_array_equal(source.frame(index).data, images(5)[index - 1])
        (note,) = source.frame(4).warnings
        assert note.startswith("2 data files (the first is run_data_9.h5) do not exist; the other frames are")
        for index in (0, 2):
            with pytest.raises(MissingSourceError, match=r"run_data_9\.h5, which does not exist"):
                source.frame(index)


def test_a_missing_linked_file_is_named(master: Path) -> None:
    master.with_name("run_data_10.h5").unlink()

    with pytest.raises(MissingSourceError, match=r"run_data_10\.h5"):
        open_frames(f"{master}::/entry/data/data_10")
    with open_frames(master) as source:
        assert source.frame(0).warnings[0].startswith("run_data_10.h5 does not exist; the other frames")
    for number in (9, 11):
        master.with_name(f"run_data_{number}.h5").unlink()
    with pytest.raises(MissingSourceError, match=r"none of which exists .*run_data_9\.h5"):
        open_frames(master)


def test_a_linked_file_that_vanishes_later_is_named(master: Path, images: Any) -> None:
    with open_frames(master) as source:
        master.with_name("run_data_10.h5").unlink()
        np.testing.assert_array_equal(source.frame(1).data, images(5)[1])
        with pytest.raises(MissingSourceError, match=r"run_data_10\.h5"):
            source.frame(2)


def test_a_linked_file_without_the_dataset_is_an_error(master: Path) -> None:
    with h5py.File(master.with_name("run_data_9.h5"), "w") as file:
        file["other"] = 1

    with pytest.raises(MissingDatasetError, match="data_9"):
        open_frames(master)


def test_stacks_of_different_sizes_are_not_one_run(master: Path) -> None:
    with h5py.File(master.with_name("run_data_10.h5"), "w") as file:
        file["entry/data/data"] = np.zeros((1, 20, 20), np.uint16)

    with pytest.raises(UnreadableFileError, match=r"not one run"):
        open_frames(master)


def test_an_empty_stack_has_no_frames(nxmx_file: Callable[..., Path]) -> None:
    with pytest.raises(MissingDatasetError, match="no frames"):
        open_frames(nxmx_file(np.zeros((0, 48, 40), np.uint16)))


def test_a_dataset_outside_the_run_can_still_be_looked_at(
    nxmx_file: Callable[..., Path], images: Any
) -> None:
    mask = np.zeros((48, 40), np.uint32)
    path = nxmx_file(images(2), {f"{DETECTOR}/pixel_mask": (mask, "")})

    with open_frames(f"{path}::/entry/{DETECTOR}/pixel_mask") as source:
        assert (source.layout, len(source)) == ("NXmx", 1)


def test_a_virtual_stack_whose_source_is_gone_is_noticed(tmp_path: Path, images: Any) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["data"] = images(2)
    path = tmp_path / "run.nxs"
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((2, 48, 40), "u4")
        layout[:] = h5py.VirtualSource("part.h5", "data", (2, 48, 40))
        file.create_group("entry/data").create_virtual_dataset("data", layout)

    with open_frames(path) as source:
        np.testing.assert_array_equal(source.frame(1).data, images(2)[1])
    (tmp_path / "part.h5").unlink()
    with pytest.raises(MissingSourceError, match=r"part\.h5"):
        open_frames(path)
