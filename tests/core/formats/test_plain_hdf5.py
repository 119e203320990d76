"""HDF5 files without a layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from xgeom_core.errors import MissingDatasetError, MissingSourceError
from xgeom_core.formats.registry import read_geometry
from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata


@pytest.fixture
def several(tmp_path: Path, images: Any) -> Path:
    """Two stacks, a large mask, a table, a scalar, text, and a link in a circle."""
    path = tmp_path / "several.h5"
    with h5py.File(path, "w") as file:
        file["scan/small"] = images(1, (30, 20))
        file["scan/stack"] = images(3)
        file["scan/pixel_mask"] = np.zeros((500, 500), np.uint8)
        file["scan/table"] = np.zeros((900, 5))
        file["scan/curve"] = np.arange(20000.0)
        file["title"] = "a title"
        file["scan/again"] = file["scan"]
        file["scan/image_of_text"] = np.full((40, 40), b"text")
    return path


def test_the_largest_stack_is_read_and_all_are_listed(several: Path, images: Any) -> None:
    with open_frames(several) as source:
        assert (source.layout, source.dataset) == ("HDF5", "/scan/stack")
        assert set(source.datasets) == {"/scan/pixel_mask", "/scan/small", "/scan/stack"}
        assert (len(source), source.shape) == (3, (48, 40))
        np.testing.assert_array_equal(source.frame(2).data, images(3)[2])
        assert source.truth(0) is None


@pytest.mark.parametrize("name", ["/scan/small", "scan/small/", "/scan/again/small"])
def test_another_one_can_be_picked(several: Path, images: Any, name: str) -> None:
    with open_frames(f"{several}::{name}") as source:
        np.testing.assert_array_equal(source.frame(0).data, images(1, (30, 20))[0])


def test_a_dataset_that_is_not_there_lists_those_that_are(several: Path) -> None:
    with pytest.raises(MissingDatasetError, match=r"no dataset /scan/oops.*/scan/small.*/scan/stack"):
        open_frames(several, dataset="/scan/oops")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("/scan/curve", r"shape \(20000,\) and type float64, not an image"),
        ("/scan/image_of_text", "type string, not an image"),
        ("/title", "type string, not an image"),
        ("/scan", "a group, not an image"),
    ],
)
def test_a_dataset_that_is_no_image_says_what_it_is(several: Path, name: str, what: str) -> None:
    with pytest.raises(MissingDatasetError, match=what):
        open_frames(several, dataset=name)


def test_no_image_at_all_is_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["curve"] = np.arange(10)

    with pytest.raises(MissingDatasetError, match="holds no image"):
        open_frames(tmp_path / "empty.h5")
    with pytest.raises(MissingDatasetError, match="no images at all"):
        open_frames(tmp_path / "empty.h5", dataset="/data")


@pytest.mark.parametrize("name", ["data", "images", "entry", "entry/data"])
def test_images_behind_a_broken_link_are_missing_not_absent(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file[name] = h5py.ExternalLink("gone.h5", "/data")
        file["labels"] = np.zeros((3, 2))
        file["labels"].attrs["names"] = ["a", "b"]

    with pytest.raises(MissingSourceError, match=r"gone\.h5"):
        open_frames(tmp_path / "links.h5")


def test_integers_sentinels_and_booleans(tmp_path: Path) -> None:
    image = np.full((20, 20), 5, np.int32)
    image[0, :2] = -1, -2
    with h5py.File(tmp_path / "kinds.h5", "w") as file:
        file["ints"] = image
        file["flags"] = image > 0

    with open_frames(tmp_path / "kinds.h5", dataset="ints") as source:
        assert np.argwhere(~source.frame(0).valid).tolist() == [[0, 0], [0, 1]]
    with open_frames(tmp_path / "kinds.h5", dataset="flags") as source:
        frame = source.frame(0)
    assert frame.valid.all()
    np.testing.assert_array_equal(frame.data, (image > 0).astype(np.float32))


def test_attributes_that_name_their_units_are_taken(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "attrs.h5", "w") as file:
        file["data"] = np.ones((20, 20), np.int32)
        file["data"].attrs.update(
            {
                "distance_m": 0.2,
                "pixel_m": 75e-6,
                "wavelength_A": 1.1,
                "beam_center_x": 9.5,
                "beam_center_y": 8,
            }
        )

    with open_frames(tmp_path / "attrs.h5") as source:
        metadata = source.metadata

    assert (metadata.distance_mm, metadata.pixel_mm) == (200.0, (0.075, 0.075))
    assert (metadata.wavelength_A, metadata.center_px) == (1.1, (9.5, 8.0))
    assert "0.5 px" in metadata.center_convention


def test_cxi_fields_are_in_si_units(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        file["cxi_version"] = 160
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = np.ones((2, 20, 24), np.float32)
        for place, nx_class in (("", "NXentry"), ("/instrument_1", "NXinstrument")):
            file[f"entry_1{place}"].attrs["NX_class"] = nx_class
        detector.attrs["NX_class"] = "NXdetector"
        detector["distance"] = 0.3
        detector["x_pixel_size"] = detector["y_pixel_size"] = 110e-6
        file["entry_1/instrument_1/source_1/energy"] = 1.9864458571489286e-15

    with open_frames(tmp_path / "run.cxi") as source:
        assert (len(source), source.shape) == (2, (20, 24))
        assert source.metadata.distance_mm == 300.0
        assert source.metadata.pixel_mm == (0.11, 0.11)
        assert source.metadata.wavelength_A == pytest.approx(1.0)


def test_what_frames_say_is_what_geometry_says(tmp_path: Path) -> None:
    path = tmp_path / "attrs.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((20, 20), np.int32)
        file["data"].attrs.update(
            {"distance_mm": 200, "pixel_um": 75, "beam_center_x": 9.5, "beam_center_y": 8}
        )

    (reading,) = read_geometry(path)
    with open_frames(path) as source:
        found = source.metadata

    assert (reading.estimate.source, found.center_px) == ("HDF5", (9.5, 8.0))
    assert (reading.estimate.center_px, reading.distance_mm) == (found.center_px, found.distance_mm)
    assert (reading.pixel_mm, reading.choices) == (found.pixel_mm, found.choices)
    assert found.choices[0].center_px == (10.0, 8.5)


@pytest.mark.parametrize("value", [b"\xff\xfe", "12 mm", np.array([]), h5py.Empty("f8"), np.nan, 1 + 2j])
def test_damaged_attributes_are_none(tmp_path: Path, value: Any) -> None:
    with h5py.File(tmp_path / "attrs.h5", "w") as file:
        file["data"] = np.ones((20, 20), np.int32)
        for name in ("distance_m", "pixel_m", "wavelength_A", "beam_center_x", "beam_center_y", "signal"):
            file["data"].attrs[name] = value
        file.attrs["signal"] = value

    with open_frames(tmp_path / "attrs.h5") as source:
        assert source.metadata == Metadata()


@pytest.mark.parametrize("axes", [(), (1,), (1, 1), (3, 4), (2, 3, 2)])
def test_frames_are_numbered_over_all_leading_axes(
    tmp_path: Path, images: Any, axes: tuple[int, ...]
) -> None:
    count = int(np.prod(axes))
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file["data"] = images(count).reshape(*axes, 48, 40)

    with open_frames(tmp_path / "stack.h5") as source:
        assert (len(source), source.shape, source.axes) == (count, (48, 40), axes or (1,))
        for index in range(count):
            np.testing.assert_array_equal(source.frame(index).data, images(count)[index])


@pytest.mark.parametrize(
    ("where", "stated"),
    [
        ("scan", {"axes": ["y", "x", ".", "."]}),
        ("scan", {"axes": "y:x:row:column"}),
        ("scan/data", {"axes": "[y,x,row,column]"}),
        ("scan/data", {"dim0": b"y", "dim1": b"x", "dim2": b"NDArray Dim1"}),
    ],
)
def test_axes_have_the_names_that_the_file_gives_them(
    tmp_path: Path, images: Any, where: str, stated: dict[str, Any]
) -> None:
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file["scan/data"] = images(6).reshape(2, 3, 48, 40)
        file[where].attrs.update(stated)

    with open_frames(tmp_path / "stack.h5") as source:
        assert source.axis_names == ("y", "x")


def test_the_signal_is_read_before_a_larger_dataset(tmp_path: Path, images: Any) -> None:
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["scan/counts"], file["scan/errors"] = images(1), np.ones((4, 48, 40))
        file["scan"].attrs["signal"] = "counts"

    with open_frames(tmp_path / "two.h5") as source:
        assert source.dataset == "/scan/counts"


@pytest.mark.parametrize("shape", [(40, 50, 3), (2, 40, 50, 4)])
def test_color_pictures_are_refused_and_never_taken_for_stacks(
    tmp_path: Path, images: Any, shape: tuple[int, ...]
) -> None:
    with h5py.File(tmp_path / "color.h5", "w") as file:
        file["photo"] = np.zeros(shape, np.uint8)
    with pytest.raises(MissingDatasetError, match="holds no image"):
        open_frames(tmp_path / "color.h5")
    with pytest.raises(MissingDatasetError, match=r"/photo .* is a color picture of shape .*, not a grey"):
        open_frames(tmp_path / "color.h5", dataset="photo")
