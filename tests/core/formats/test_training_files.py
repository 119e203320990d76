"""Training files: counts, pooling, and where the known center lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.errors import MissingDatasetError, MissingSourceError
from xgeom_core.frames import open_frames

# 120 x 144 detector pixels pooled by 3 are 40 x 48 stored ones: no crop.
CENTERED = {"beam_center_fast": 60.9, "beam_center_slow": 72.3}


def test_roots_become_counts_and_pixels_their_pooled_size(training_file: Callable[..., Path]) -> None:
    stack = np.arange(2 * 48 * 40, dtype=np.uint16).reshape(2, 48, 40) % 256
    stack[0, 0, 0] = 65535  # no sentinel here

    with open_frames(training_file(stack, [CENTERED, CENTERED | {"detdist": 300.0}])) as source:
        frames = [source.frame(0), source.frame(1)]

    assert (source.layout, len(source), source.shape) == ("training", 2, (48, 40))
    assert (source.dataset, source.datasets) == ("/images", ("/images",))
    np.testing.assert_array_equal(frames[1].data, stack[1].astype(np.float32) ** 2)
    assert frames[0].valid.all()
    assert frames[0].data[0, 0] == 65535.0**2
    assert frames[0].metadata.pixel_mm == pytest.approx((0.516, 0.516))
    assert frames[0].metadata.wavelength_A == 1.0
    assert [frame.metadata.distance_mm for frame in frames] == [200.0, 300.0]
    assert source.metadata.distance_mm == 200.0
    assert frames[0].metadata.center_px is None


@pytest.mark.parametrize(("transform", "expected"), [("none", 7.0), (b"none", 7.0), ("sqrt", 49.0)])
def test_the_transform_is_the_files_own(
    training_file: Callable[..., Path], transform: Any, expected: float
) -> None:
    path = training_file(np.full((1, 48, 40), 7, np.float32), [CENTERED], attrs={"transform": transform})

    with open_frames(path) as source:
        assert (source.frame(0).data == expected).all()


def test_what_is_no_root_is_masked(training_file: Callable[..., Path]) -> None:
    stack = np.full((1, 48, 40), 2.5, np.float32)
    stack[0, 1, 1], stack[0, 2, 2] = -1.0, np.nan

    with open_frames(training_file(stack, [CENTERED])) as source:
        frame = source.frame(0)

    assert np.argwhere(~frame.valid).tolist() == [[1, 1], [2, 2]]
    assert frame.data[1, 1] == 0.0


def test_several_shots_of_an_example_are_frames_in_order(training_file: Callable[..., Path]) -> None:
    stack = np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1) * np.ones((48, 40), np.float32)

    with open_frames(training_file(stack, [CENTERED, {"beam_center_fast": 30.0, "detdist": 99.0}])) as source:
        assert len(source) == 6
        assert [source.frame(index).data[0, 0] for index in range(6)] == [0.0, 1.0, 4.0, 9.0, 16.0, 25.0]
        assert [source.frame(index).metadata.distance_mm for index in (2, 3)] == [200.0, 99.0]
        known = [source.truth(index) for index in (2, 3)]
    assert [estimate.center_px[0] for estimate in known if estimate] == pytest.approx([20.3, 10.0])


@given(
    pooling=st.integers(1, 5),
    detector=st.tuples(st.integers(100, 160), st.integers(100, 160)),
    crop=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    beam=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)),
)
def test_the_known_center_lies_in_the_pixel_where_the_beam_was(
    tmp_path_factory: pytest.TempPathFactory,
    pooling: int,
    detector: tuple[int, int],
    crop: tuple[int, int],
    beam: tuple[float, float],
) -> None:
    """Light the beam's detector pixel, pool and crop as the simulators do, and find it again."""
    (width, height), center = detector, (beam[0] * detector[0], beam[1] * detector[1])
    native = np.zeros((height, width), np.float32)
    native[int(center[1]), int(center[0])] = 9.0
    rows, columns = height // pooling, width // pooling
    blocks = native[: rows * pooling, : columns * pooling].reshape(rows, pooling, columns, pooling)
    pooled = blocks.max(axis=(1, 3))
    stored_rows, stored_columns = max(8, rows - crop[1]), max(8, columns - crop[0])
    top, left = (rows - stored_rows) // 2, (columns - stored_columns) // 2
    image = pooled[top : top + stored_rows, left : left + stored_columns]
    path = tmp_path_factory.mktemp("training") / "one.h5"
    with h5py.File(path, "w") as file:
        file["images"] = image[None]
        file["images"].attrs["pooling"] = pooling
        file["labels"] = np.array([center], np.float64)
        file["labels"].attrs["names"] = np.array([b"beam_center_fast", b"beam_center_slow"])
        file["geom"] = np.array([[200.0, 1.0, 0.1, width, height]], np.float64)
        file["geom"].attrs["names"] = np.array([b"detdist", b"wavelen", b"pixsize", b"xdim", b"ydim"])

    with open_frames(path) as source:
        known, frame = source.truth(0), source.frame(0)

    assert known is not None
    lit = np.argwhere(frame.data == 81.0)
    assert lit.tolist() == [[int(known.center_px[1]), int(known.center_px[0])]]


@pytest.mark.parametrize("names", [str, lambda key: key.encode()])
def test_names_may_be_text_or_bytes(training_file: Callable[..., Path], names: Any) -> None:
    path = training_file(np.ones((1, 48, 40), np.uint16), [CENTERED], names=names)

    with open_frames(path) as source:
        known = source.truth(0)

    assert known is not None
    assert known.center_px == pytest.approx((20.3, 24.1))
    assert (known.source, known.status) == ("truth", "ok")
    assert "pooled by 3" in known.convention


@pytest.mark.parametrize(
    "row",
    [
        {"xdim": 150.0, "ydim": 180.0},  # a random quadrant: larger than the pooled detector
        {"xdim": 0.0},
        {"beam_center_fast": np.nan},
        {"cent_fast_train": 33.0, "cent_slow_train": 24.1},  # the file says it is elsewhere
    ],
)
def test_a_center_that_cannot_be_reconstructed_is_unknown(
    training_file: Callable[..., Path], row: dict[str, float]
) -> None:
    labels = ("beam_center_fast", "beam_center_slow", "cent_fast_train", "cent_slow_train")
    path = training_file(np.ones((1, 48, 40), np.uint16), [CENTERED | row], labels=labels)

    with open_frames(path) as source:
        assert source.truth(0) is None
        assert source.frame(0).valid.all()


def test_the_files_own_label_may_be_off_by_the_rounded_crop(training_file: Callable[..., Path]) -> None:
    labels = ("beam_center_fast", "beam_center_slow", "cent_fast_train", "cent_slow_train")
    row = CENTERED | {"cent_fast_train": 20.3 + 0.8, "cent_slow_train": 24.1 - 0.8}

    with open_frames(training_file(np.ones((1, 48, 40), np.uint16), [row], labels=labels)) as source:
        known = source.truth(0)

    assert known is not None
    assert known.center_px == pytest.approx((20.3, 24.1))


@pytest.mark.parametrize("own", [True, False])
def test_tilt_labels_are_believed_only_from_our_own_files(
    training_file: Callable[..., Path], own: bool
) -> None:
    row = CENTERED | {"pitch_deg": 1.5, "yaw_deg": -0.5}
    root = {"xgeom_version": "0.1"} if own else {}

    with open_frames(training_file(np.ones((1, 48, 40), np.uint16), [row], root=root)) as source:
        known = source.truth(0)

    assert known is not None
    assert known.tilt_deg == ((1.5, -0.5) if own else None)
    assert bool(known.warnings) is not own


def test_no_geometry_at_all_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bare.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.ones((1, 48, 40), np.uint16)
        file["labels"] = np.ones((1, 2), np.float32)
        file["labels"].attrs["names"] = ["beam_center_fast", "beam_center_slow"]

    with open_frames(path) as source:
        frame = source.frame(0)
        assert source.truth(0) is None
    assert frame.metadata.pixel_mm is None
    assert any("pooled" in warning for warning in frame.warnings)


def make_master(folder: Path, name: Callable[[Path], str], count: int = 3) -> Path:
    """A master of virtual datasets over ``count`` shards of two frames each."""
    master = folder / "master.h5"
    shapes = {"images": (2, 48, 40), "labels": (2, 2), "geom": (2, 5)}
    with h5py.File(master, "w") as file:
        for key, shape in shapes.items():
            layout = h5py.VirtualLayout((2 * count, *shape[1:]), "f4")
            for shard in range(count):
                path = folder / f"shard{shard}.h5"
                with h5py.File(path, "a") as out:
                    out[key] = np.full(shape, 60 if key == "labels" else 120 if key == "geom" else shard)
                layout[2 * shard : 2 * shard + 2] = h5py.VirtualSource(name(path), key, shape)
            file.create_virtual_dataset(key, layout)
        file["labels"].attrs["names"] = ["beam_center_fast", "beam_center_slow"]
        file["geom"].attrs["names"] = ["detdist", "wavelen", "pixsize", "xdim", "ydim"]
    return master


@pytest.mark.parametrize("name", [str, lambda path: path.name, lambda path: f"/gone/away/{path.name}"])
def test_a_master_reads_through_to_its_shards(tmp_path: Path, name: Callable[[Path], str]) -> None:
    """Also after a move: HDF5 looks beside the master for the last part of an absolute name."""
    with open_frames(make_master(tmp_path, name)) as source:
        assert [source.frame(index).data.max() for index in range(6)] == [0, 0, 1, 1, 4, 4]


@pytest.mark.parametrize("name", [str, lambda path: path.name, lambda path: f"/gone/away/{path.name}"])
def test_a_master_whose_shards_are_gone_is_no_stack_of_zeros(
    tmp_path: Path, name: Callable[[Path], str]
) -> None:
    master = make_master(tmp_path, name)
    for shard in (1, 2):
        (tmp_path / f"shard{shard}.h5").unlink()

    with pytest.raises(MissingSourceError, match=r"3 other files, 2 of which do not exist .*shard1\.h5"):
        open_frames(master)


@pytest.mark.parametrize("damage", ["no dataset", "no file", "sources gone"])
def test_a_shard_that_gives_nothing_is_noticed_at_its_frames(tmp_path: Path, damage: str) -> None:
    """These exist as files, so that opening finds nothing wrong, and HDF5 gives zeros."""
    master = make_master(tmp_path, str)
    shard = tmp_path / "shard1.h5"
    if damage == "no file":
        shard.write_bytes(b"no HDF5")
    else:
        with h5py.File(shard, "w") as file:
            if damage == "sources gone":
                layout = h5py.VirtualLayout((2, 48, 40), "f4")
                layout[:] = h5py.VirtualSource("deeper.h5", "images", (2, 48, 40))
                file.create_virtual_dataset("images", layout)

    with open_frames(master) as source:
        assert source.frame(4).data.max() == 4.0
        assert source.frame(0).data.max() == 0.0  # zeros that are real
        with pytest.raises(MissingSourceError, match=r"shard1\.h5"):
            source.frame(2)


def test_images_of_another_shape_are_an_error(training_file: Callable[..., Path]) -> None:
    with pytest.raises(MissingDatasetError, match=r"\(N, slow, fast\)"):
        open_frames(training_file(np.ones((4, 40), np.uint16), [CENTERED] * 4))
