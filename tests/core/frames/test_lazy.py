"""Opening reads no frame, and a frame reads no other; shown by frames that cannot be read at all."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from xgeom_core.errors import UnreadableFileError
from xgeom_core.frames import open_frames

COUNT, GOOD = 10_000, 7


def poison(dataset: h5py.Dataset, image: Any) -> None:
    """Fill a stack with chunks that fail to decompress, but for one good frame."""
    for index in range(COUNT):
        if index != GOOD:
            dataset.id.write_direct_chunk((index, 0, 0), b"no gzip stream")
    dataset[GOOD] = image


@pytest.mark.parametrize("name", ["entry/data/data", "images", "data"])
def test_one_frame_of_ten_thousand_is_read(tmp_path: Path, images: Any, name: str) -> None:
    image = images(1, dtype="u2")[0] % 200
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        stack = file.create_dataset(
            name, (COUNT, *image.shape), "u2", chunks=(1, *image.shape), compression="gzip"
        )
        poison(stack, image)
        if name == "images":
            file["labels"] = np.zeros((COUNT, 1), np.float32)
            file["labels"].attrs["names"] = ["bg_only"]

    with open_frames(path) as source:
        assert len(source) == COUNT
        frame = source.frame(GOOD)
        np.testing.assert_array_equal(frame.data, image.astype(float) ** (2 if name == "images" else 1))
        with pytest.raises(UnreadableFileError, match="damaged"):
            source.frame(GOOD + 1)


def test_reading_is_possible_while_another_program_holds_a_lock(tmp_path: Path, images: Any) -> None:
    """Beamline writers lock their files; also those behind links."""
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["data"] = images(2)
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("part.h5", "/data")

    with (tmp_path / "part.h5").open("r+b") as part, (tmp_path / "master.h5").open("r+b") as master:
        fcntl.flock(part, fcntl.LOCK_EX)
        fcntl.flock(master, fcntl.LOCK_EX)
        with open_frames(tmp_path / "master.h5") as source:
            np.testing.assert_array_equal(source.frame(1).data, images(2)[1])


def test_a_run_keeps_only_its_master_open(tmp_path: Path, images: Any) -> None:
    """A thousand data files must not exhaust the files a process may open."""
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for number in range(20):
            with h5py.File(tmp_path / f"part{number}.h5", "w") as part:
                part["data"] = images(1)
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(f"part{number}.h5", "/data")

    with open_frames(tmp_path / "master.h5") as source:
        for index in range(20):
            source.frame(index)
        for number in range(20):
            with h5py.File(tmp_path / f"part{number}.h5", "a") as part:  # refused while it is open
                part["more"] = 1
