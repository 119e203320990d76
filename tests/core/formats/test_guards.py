"""What is looked at before a library may believe a file; what is well goes through."""

from __future__ import annotations

import bz2
import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import pytest

from xgeom_core.errors import ConfigError, ModelError, RecipeError, UnreadableFileError, XgeomError
from xgeom_core.formats import text
from xgeom_core.formats.limits import GREATEST_FRAME_PX, check_size
from xgeom_core.formats.tiff_tags import directories
from xgeom_core.frames import tree
from xgeom_core.frames.mask_file import read_mask
from xgeom_core.frames.opening import open_in_process
from xgeom_core.models.store import read_card
from xgeom_core.simulate.recipe import load_recipe
from xgeom_core.training.config import load_config
from xgeom_core.training.search_space import load_space

STARTER = b"\x0c\x1a\x04\xd5"


@pytest.fixture
def cbf(tmp_path: Path) -> Path:
    image = np.random.default_rng(0).poisson(30, (48, 40)).astype(np.int32)
    path = tmp_path / "a.cbf"
    fabio.cbfimage.CbfImage(data=image).write(str(path))
    return path


def test_every_flipped_bit_of_a_cbf_is_noticed(cbf) -> None:
    whole = cbf.read_bytes()
    start = whole.find(STARTER) + len(STARTER)
    size = int(whole.split(b"X-Binary-Size: ")[1].split(b"\n")[0])
    rng = np.random.default_rng(1)
    refused = 0
    for at, bit in zip(rng.integers(0, size, 200), rng.integers(0, 8, 200), strict=True):
        content = bytearray(whole)
        content[start + at] ^= 1 << bit
        cbf.write_bytes(content)
        with pytest.raises(UnreadableFileError, match="Content-MD5"):
            open_in_process(cbf)
        refused += 1
    assert refused == 200


def test_a_cbf_without_a_checksum_is_believed(cbf) -> None:
    with open_in_process(cbf) as source:
        expected = source.frame(0).data
    cbf.write_bytes(cbf.read_bytes().replace(b"Content-MD5", b"Content-XXX"))
    with open_in_process(cbf) as source:
        assert np.array_equal(source.frame(0).data, expected)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_of_a_packed_cbf_only_its_section_is_unpacked(cbf, suffix, pack) -> None:
    with open_in_process(cbf) as source:
        expected = source.frame(0).data
    bomb = cbf.with_name(f"bomb.cbf{suffix}")
    bomb.write_bytes(pack(cbf.read_bytes()) + pack(bytes(2**24)) * 8)
    tracemalloc.start()
    with open_in_process(bomb) as source:
        assert np.array_equal(source.frame(0).data, expected)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**24


def test_packed_files_are_unpacked_up_to_a_limit(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.edf.gz"
    path.write_bytes(gzip.compress(bytes(3 * 2**20)))
    assert text.unpacked_size(path) == 3 * 2**20
    monkeypatch.setattr(text, "LARGEST_UNPACKED", 2**21)
    with pytest.raises(UnreadableFileError, match="unpacks to more than 2 MiB"):
        text.unpacked_size(path)


def test_the_greatest_frame() -> None:
    check_size("a", (20_000, 20_000))
    assert GREATEST_FRAME_PX == 20_000 * 20_000
    with pytest.raises(UnreadableFileError, match=r"^a states a frame of 20000 x 20001 pixels"):
        check_size("a", (20_000, 20_001))


@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_of_a_tiff_may_follow_each_other_but_not_in_a_circle(tmp_path, order) -> None:
    def chain(*following: int) -> Path:
        """Empty directories at 8, 14, 20, ..., and where each leads."""
        rows = b"".join(struct.pack(f"{order}HI", 0, at) for at in following)
        path = tmp_path / "a.tif"
        path.write_bytes({"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8) + rows)
        return path

    assert len(directories(chain(14, 20, 0))) == 3
    with pytest.raises(UnreadableFileError, match="loop"):
        directories(chain(14, 20, 14))
    with pytest.raises(UnreadableFileError, match="truncated"):
        directories(chain(14, 20, 10**9))


def edf(folder: Path, *fields: str) -> Path:
    lines = ("ByteOrder = LowByteFirst", "DataType = UnsignedShort", "Dim_1 = 40", "Dim_2 = 48", *fields)
    path = folder / "a.edf"
    path.write_bytes(("{\n" + "".join(f"{line} ;\n" for line in lines)).ljust(510).encode() + b"}\n")
    return path


def test_edf_data_in_a_file_beside_are_read(tmp_path) -> None:
    image = np.arange(48 * 40, dtype="<u2")
    (tmp_path / "a.bin").write_bytes(image.tobytes())
    fields = (
        "EDF_BinaryFileName = a.bin",
        "EDF_BinaryFilePosition = 0",
        f"EDF_BinaryFileSize = {image.nbytes}",
    )
    with open_in_process(edf(tmp_path, *fields)) as source:
        assert np.array_equal(source.frame(0).data.ravel(), image)


@pytest.mark.parametrize("kind", ["nothing", "pipe", "link out"])
def test_edf_data_that_are_no_file_beside_are_refused(tmp_path, kind) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(2 * 48 * 40))
    if kind == "pipe":
        os.mkfifo(folder / "a.bin")
    elif kind == "link out":
        (folder / "a.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableFileError, match="only a file in the same folder is read"):
        open_in_process(edf(folder, "EDF_BinaryFileName = a.bin"))


def external(path: Path, target: str, name: str = "data", shape: tuple[int, ...] = (48, 40)) -> Path:
    with h5py.File(path, "a") as file:
        file.create_dataset(name, shape, "u1", external=[(target, 0, h5py.h5f.UNLIMITED)])
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (folder / "raw", tmp_path / "raw"):
        place.write_bytes(bytes(range(64)) * 30)
    return folder


def test_hdf5_bytes_in_the_same_folder_are_read(raw, monkeypatch) -> None:
    monkeypatch.chdir(raw)
    for target in ("raw", str(raw / "raw")):
        path = external(raw / f"{len(target)}.h5", target)
        with open_in_process(path) as source:
            assert source.frame(0).data[0, 39] == 39
        assert np.count_nonzero(read_mask(path.rename(path.with_suffix(".hdf5"))) == 0) == 30


@pytest.mark.parametrize("target", ["../raw", "link"])
def test_hdf5_bytes_elsewhere_are_refused_wherever_they_are_read(raw, monkeypatch, target) -> None:
    monkeypatch.chdir(raw)
    (raw / "link").symlink_to(raw.parent / "raw")
    with pytest.raises(UnreadableFileError, match="only files in its own folder are read"):
        open_in_process(external(raw / "a.h5", target))
    with pytest.raises(UnreadableFileError, match="own folder"):
        read_mask(external(raw / "b.h5", target, "mask"))
    path = external(raw / "c.h5", target, "small", (4,))
    assert "own folder" in tree.details(str(path), "/small").value
    with h5py.File(path, "a") as file:
        file["entry/data/data"] = np.ones((1, 48, 40), np.uint16)
    external(path, target, "entry/instrument/detector/distance", (1,))
    external(path, target, "entry/instrument/detector/pixel_mask")
    with open_in_process(path) as source:
        assert source.metadata.distance_mm is None
        assert source.frame(0).valid.all()
        assert any("mask is damaged or gone" in warning for warning in source.frame(0).warnings)


def test_virtual_datasets_of_other_virtual_ones_are_read(tmp_path, images) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["data"] = images(2)
    previous = "part.h5"
    for name in ("first.h5", "second.h5"):
        layout = h5py.VirtualLayout((2, 48, 40), "u4")
        layout[:] = h5py.VirtualSource(previous, "data", (2, 48, 40), "u4")
        with h5py.File(tmp_path / name, "w") as file:
            file.create_virtual_dataset("data", layout)
        previous = name
    with open_in_process(tmp_path / "second.h5") as source:
        assert np.array_equal(source.frame(1).data, images(2)[1])


@pytest.mark.parametrize("what", ["a pipe", "a folder"])
@pytest.mark.parametrize(
    ("opener", "error"),
    [
        (load_config, ConfigError),
        (load_space, ConfigError),
        (load_recipe, RecipeError),
        (read_card, ModelError),
    ],
)
def test_what_is_no_file_is_not_waited_for(tmp_path, opener, error: type[XgeomError], what) -> None:
    path = tmp_path / "a.toml"
    os.mkfifo(path) if what == "a pipe" else path.mkdir()
    with pytest.raises(error, match=what):
        opener(str(path) if opener is load_recipe else path)
