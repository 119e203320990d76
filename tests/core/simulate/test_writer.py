"""Training files: round trip through the reader, reproducible, never half-written."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from xgeom_core.errors import RecipeError
from xgeom_core.files import open_frames
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.writer import LABELS, simulate_frame, write_training_file


def test_frames_and_truth_come_back(tmp_path) -> None:
    path, recipe = tmp_path / "set.h5", load_recipe("varied")
    write_training_file(path, recipe, (96, 128), 3, seed=7)
    with open_frames(path) as source:
        assert (source.layout, len(source), source.shape) == ("training", 3, (96, 128))
        assert source.datasets == ("/images",)
        for index in range(3):
            made = simulate_frame(recipe, (96, 128), 7, index)
            frame, truth = source.frame(index), source.truth(index)
            assert np.array_equal(np.rint(frame.data).astype(int), made.counts)
            assert np.array_equal(frame.valid, made.known)
            assert truth is not None
            assert truth.center_px == pytest.approx(made.geometry.center_px, abs=1e-3)
            assert truth.tilt_deg == pytest.approx((made.geometry.pitch_deg, made.geometry.yaw_deg), abs=1e-5)
            assert frame.metadata.distance_mm == pytest.approx(made.geometry.distance_mm)
            assert frame.metadata.pixel_mm == pytest.approx(made.geometry.pixel_mm)


def test_the_layout_is_the_one_that_resonet_reads(tmp_path) -> None:
    path = tmp_path / "set.h5"
    write_training_file(path, load_recipe("standard"), (64, 64), 2, seed=1)
    with h5py.File(path) as file:
        assert file["images"].shape == (2, 64, 64)
        assert file["labels"].shape == (2, 33)
        assert list(file["labels"].attrs["names"]) == list(LABELS)
        assert list(file["geom"].attrs["names"]) == ["detdist", "wavelen", "pixsize", "xdim", "ydim"]
        row = dict(zip(LABELS, file["labels"][0], strict=True))
        rotation = np.array([row[f"r{i}"] for i in range(1, 10)]).reshape(3, 3)
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-5)
        assert row["reso"] * row["one_over_reso"] == pytest.approx(1.0, rel=1e-5)


def test_the_same_seed_gives_the_same_images(tmp_path) -> None:
    for name in ("a.h5", "b.h5"):
        write_training_file(tmp_path / name, load_recipe("flat"), (64, 64), 2, seed=3)
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert np.array_equal(a["images"][:], b["images"][:])


def test_a_stopped_writer_leaves_the_old_file_whole(tmp_path) -> None:
    path = tmp_path / "set.h5"
    path.write_bytes(b"old")

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_training_file(path, load_recipe("flat"), (64, 64), 2, seed=3, tell=stop)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(RecipeError, match="nowhere"):
        write_training_file(tmp_path / "nowhere" / "set.h5", load_recipe("flat"), (64, 64), 1, seed=3)
