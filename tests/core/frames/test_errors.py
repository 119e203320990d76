"""Every way a file can fail is one sentence that names the file."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from xgeom_core.errors import FrameFileError, MissingDatasetError, UnreadableFileError, UsageError
from xgeom_core.frames import open_frames, write_nxmx
from xgeom_core.metadata import Metadata


def failure(kind: type[FrameFileError], location: Any, **keywords: Any) -> str:
    """The message of opening ``location``, which must be one line and name the file."""
    with pytest.raises(kind) as caught:
        open_frames(location, **keywords)
    gc.collect()  # a file left open by a failing reader would warn now, and warnings are errors
    message = str(caught.value)
    assert Path(str(location).partition("::")[0]).name in message
    assert "\n" not in message
    return message


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    assert "does not exist" in failure(UnreadableFileError, tmp_path / "none.h5")
    assert "does not exist" in failure(UnreadableFileError, f"{tmp_path}/none.h5::/data")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in failure(UnreadableFileError, tmp_path)


@pytest.mark.parametrize("name", ["a.h5", "a.cbf", "a.xyz"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert "is empty" in failure(UnreadableFileError, tmp_path / name)


@pytest.mark.parametrize("name", ["a.h5", "a.nxs", "a.cxi"])
def test_text_with_the_name_of_an_hdf5_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("hello, this is text\n" * 100)
    assert "not an HDF5 file" in failure(UnreadableFileError, tmp_path / name)


@pytest.mark.parametrize(
    "name",
    ["a.xyz", "noname", "a.tif", "a.img", "a.cbf", "a.edf", "a.mccd", "a.sfrm", "a.txt", "a.npy", "a.jpg"],
)
@pytest.mark.parametrize("content", [b"hello, this is text\n" * 100, b"{\n" * 40, b"II*\0" * 40, bytes(999)])
def test_contents_of_no_known_format(
    tmp_path: Path, name: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    failure(FrameFileError, tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_an_hdf5_file_is_known_by_its_contents(tmp_path: Path, images: Any) -> None:
    write_nxmx(tmp_path / "named.wrongly", images(1), Metadata())
    with open_frames(tmp_path / "named.wrongly") as source:
        assert source.layout == "NXmx"


def test_a_truncated_hdf5_file(tmp_path: Path, images: Any) -> None:
    path = tmp_path / "cut.h5"
    write_nxmx(path, images(3), Metadata())
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:1024])

    message = failure(UnreadableFileError, path)

    assert f"truncated: 1024 bytes of {size}" in message
    assert "copy it again" in message


def test_a_damaged_hdf5_file(tmp_path: Path, images: Any) -> None:
    path = tmp_path / "bad.h5"
    write_nxmx(path, images(3), Metadata())
    content = bytearray(path.read_bytes())
    content[96:2048] = b"\xff" * (2048 - 96)
    path.write_bytes(content)

    assert "damaged" in failure(UnreadableFileError, path)


def test_a_file_that_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "busy.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["data"] = np.zeros((2, 20, 20))
        file.flush()
        # Closed by its writer it would be readable; a copy made now is like a crashed writer's file.
        content = path.read_bytes()
    crashed = tmp_path / "crashed.h5"
    crashed.write_bytes(content)

    assert "being written" in failure(UnreadableFileError, crashed)


def test_a_file_whose_writer_lets_others_read_along(tmp_path: Path) -> None:
    path = tmp_path / "busy.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("data", (2, 20, 20), "f4", maxshape=(None, 20, 20), chunks=(1, 20, 20))
        file.swmr_mode = True
        data[1] = 7
        data.flush()
        # Another process has no handle in common with the writer; a copy is read like that.
        content = path.read_bytes()
    growing = tmp_path / "growing.h5"
    growing.write_bytes(content)

    with open_frames(growing) as source:
        assert len(source) == 2
        assert source.frame(1).data[0, 0] == 7


def test_a_damaged_frame_leaves_the_others_readable(tmp_path: Path, images: Any) -> None:
    path = tmp_path / "bad.h5"
    write_nxmx(path, images(3), Metadata())
    with h5py.File(path, "r+") as file:
        file["entry/data/data"].id.write_direct_chunk((1, 0, 0), b"\x00garbage" * 9)

    with open_frames(path) as source:
        np.testing.assert_array_equal(source.frame(2).data, images(3)[2])
        with pytest.raises(UnreadableFileError, match=r"Frame 1 of .*bad\.h5 .*damaged"):
            source.frame(1)


def test_bitshuffle_lz4_and_zstandard_are_read(tmp_path: Path, images: Any) -> None:
    filters = {"lz4": hdf5plugin.LZ4(), "bslz4": hdf5plugin.Bitshuffle(), "zstd": hdf5plugin.Zstd()}
    with h5py.File(tmp_path / "packed.h5", "w") as file:
        for name, compression in filters.items():
            file.create_dataset(name, data=images(2), chunks=(1, 48, 40), **compression)
    for name in filters:
        with open_frames(tmp_path / "packed.h5", dataset=name) as source:
            np.testing.assert_array_equal(source.frame(1).data, images(2)[1])


@pytest.mark.parametrize("index", [3, -1, 1000])
def test_a_frame_out_of_range(nxmx_file: Callable[..., Path], images: Any, index: int) -> None:
    with open_frames(nxmx_file(images(3))) as source:
        for ask in (source.frame, source.truth):
            with pytest.raises(MissingDatasetError, match=rf"numbered 0 to 2: there is no frame {index}\."):
                ask(index)


def test_the_second_frame_of_one(nxmx_file: Callable[..., Path], images: Any) -> None:
    with open_frames(nxmx_file(images(1))) as source, pytest.raises(MissingDatasetError, match="one frame"):
        source.frame(1)


def test_a_dataset_in_a_format_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.cbf").write_bytes(b"###CBF: VERSION 1.5")
    assert "no dataset /data" in failure(MissingDatasetError, f"{tmp_path}/a.cbf::/data")


def test_two_different_datasets(nxmx_file: Callable[..., Path], images: Any) -> None:
    with pytest.raises(UsageError, match=r"/entry/data/data and /other"):
        open_frames(f"{nxmx_file(images(1))}::/entry/data/data", dataset="/other")


def test_a_missing_dataset_lists_those_that_exist(nxmx_file: Callable[..., Path], images: Any) -> None:
    path = nxmx_file(images(1))
    for name in ("/entry/data/oops", "/oops"):
        assert "/entry/data/data" in failure(MissingDatasetError, f"{path}::{name}")


@pytest.mark.parametrize("value", [np.arange(5.0), np.array([[b"text"]])])
def test_a_stack_that_is_no_stack(nxmx_file: Callable[..., Path], value: Any) -> None:
    assert "not an image" in failure(MissingDatasetError, nxmx_file(value))


def test_a_failed_opening_leaves_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "none.h5"
    with h5py.File(path, "w") as file:
        file["curve"] = np.arange(5)
    failure(MissingDatasetError, path)

    with h5py.File(path, "a") as file:  # HDF5 refuses this while a reader has the file open
        file["more"] = 1
