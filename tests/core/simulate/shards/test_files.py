"""What stands in the files: the layout, the frames, the truth, and how to make each frame again."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from dataclasses import dataclass, replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from xgeom_core import __version__
from xgeom_core.frames import open_frames
from xgeom_core.simulate import Recipe, load_recipe
from xgeom_core.simulate.shards import LABELS, write_training_file
from xgeom_core.simulate.shards.layout import experiment_json
from xgeom_core.simulate.stream import simulate_frame

SHAPE = (96, 128)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "set.h5"
    write_training_file(path, load_recipe("varied"), SHAPE, 4, seed=7)
    return path


def test_frames_and_truth_come_back(written) -> None:
    recipe = load_recipe("varied")
    with open_frames(written) as source:
        assert (source.layout, len(source), source.shape) == ("training", 4, SHAPE)
        assert source.datasets == ("/images",)
        for index in range(4):
            made = simulate_frame(recipe, SHAPE, 7, index)
            frame, truth = source.frame(index), source.truth(index)
            assert np.array_equal(np.rint(frame.data).astype(int), made.counts)
            assert np.array_equal(frame.valid, made.known)
            assert truth is not None
            assert truth.center_px == pytest.approx(made.geometry.center_px, abs=1e-3)
            assert truth.tilt_deg == pytest.approx((made.geometry.pitch_deg, made.geometry.yaw_deg), abs=1e-5)
            assert frame.metadata.distance_mm == pytest.approx(made.geometry.distance_mm)
            assert frame.metadata.pixel_mm == pytest.approx(made.geometry.pixel_mm)


def test_every_frame_can_be_made_again_from_its_file_alone(written) -> None:
    with h5py.File(written) as file:
        recipe, seed = Recipe.model_validate_json(file.attrs["recipe"]), int(file.attrs["seed"])
        assert file.attrs["xgeom_version"] == __version__
        assert file.attrs["recipe_name"] == "varied"
        assert file.attrs["pivot"] == "beam center"
        assert "outer corner of the first pixel" in file.attrs["convention"]
        for place, number in enumerate(file["index"]):
            again = simulate_frame(recipe, file["images"].shape[1:], seed, int(number))
            assert np.array_equal(file["images"][place], np.sqrt(again.counts.astype(np.float32)))
            assert np.array_equal(file["known"][place], again.known)
            geometry = again.geometry
            exact = [*geometry.center_px, geometry.pitch_deg, geometry.yaw_deg]
            assert file["truth"][place].tolist() == exact
            assert json.loads(file["experiment"].asstr()[place]) == json.loads(experiment_json(again))


def test_the_layout_is_the_one_that_resonet_reads(written) -> None:
    """Its loaders ask for just this: float32 images, float32 labels, and names found in a list."""
    with h5py.File(written) as file:
        images, labels, geom = file["images"], file["labels"], file["geom"]
        assert (images.shape, images.dtype) == ((4, *SHAPE), np.float32)
        assert (labels.shape, labels.dtype) == ((4, 33), np.float32)
        assert list(labels.attrs["names"]) == list(LABELS)
        assert list(geom.attrs["names"]) == ["detdist", "wavelen", "pixsize", "xdim", "ydim"]
        assert geom[0, 3:].tolist() == [128, 96]
        assert (images.attrs["transform"], images.attrs["pooling"]) == ("sqrt", 1)
        # A frame without a crystal has no rotation.
        which = int(np.argmax(labels[:, LABELS.index("num_lat")] > 0))
        row = dict(zip(LABELS, labels[which], strict=True))
        assert labels.attrs["pdbmap"][int(row["pdb"])]
        rotation = np.array([row[f"r{i}"] for i in range(1, 10)]).reshape(3, 3)
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-5)
        assert row["reso"] * row["one_over_reso"] == pytest.approx(1.0, rel=1e-5)
        assert (row["beam_center_fast"], row["beam_center_slow"]) == pytest.approx(file["truth"][which][:2])


def test_plain_hdf5_and_zlib_read_the_images(written) -> None:
    """No plugin is needed: another process, which has neither ISA-L nor HDF5 plugins, reads the same."""
    code = (
        "import sys; sys.modules.update(isal=None, hdf5plugin=None)\n"
        "import h5py; f = h5py.File(sys.argv[1])\n"
        "print(float(f['images'][:].sum(dtype='f8')), int(f['known'][:].sum()))"
    )
    said = subprocess.run([sys.executable, "-c", code, written], capture_output=True, text=True, check=True)
    with h5py.File(written) as file:
        total, sensitive = said.stdout.split()
        assert float(total) == pytest.approx(file["images"][:].sum(dtype=np.float64))
        assert int(sensitive) == file["known"][:].sum()
        assert {file[name].compression for name in ("images", "known")} == {"gzip"}
        _, chunk = file["images"].id.read_direct_chunk((2, 0, 0))
        assert zlib.decompress(chunk) == file["images"][2].tobytes()


def test_the_experiment_becomes_json_that_every_reader_takes() -> None:
    @dataclass
    class Inner:
        wavelength_A: float = 1.0
        axis: tuple[float, ...] = (0.0, 1.0)

    @dataclass
    class Experiment:
        beam: Inner
        gain: np.float32
        seams: np.ndarray
        limit: float = float("inf")

    frame = SimpleNamespace(experiment=Experiment(Inner(), np.float32(0.5), np.arange(2)))
    assert json.loads(experiment_json(frame)) == {
        "beam": {"wavelength_A": 1.0, "axis": [0.0, 1.0]},
        "gain": 0.5,
        "seams": [0, 1],
        "limit": None,
    }


def test_one_frame_at_a_time_lies_in_a_chunk(written) -> None:
    with h5py.File(written) as file:
        assert file["images"].chunks == file["known"].chunks == (1, *SHAPE)


def test_counts_beyond_sixteen_bits_are_kept(tmp_path, monkeypatch) -> None:
    from xgeom_core.simulate.shards import crew

    made = simulate_frame(load_recipe("standard"), (32, 32), 0, 0)
    counts = made.counts.copy()
    counts[3, 4], counts[5, 6] = 1_000_000, 3
    monkeypatch.setattr(crew, "simulate_frame", lambda *_: replace(made, counts=counts))
    write_training_file(tmp_path / "a.h5", load_recipe("standard"), (32, 32), 1, 0)
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(np.rint(file["images"][0].astype(float) ** 2), counts)
