"""Masks in files of their own."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.frames.mask_file import read_mask, write_mask


@pytest.fixture
def mask():
    pixels = np.zeros((60, 80), dtype=bool)
    pixels[10:20, 5:70] = True
    return pixels


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m.npy", "m.tif", "m.TIFF"])
def test_a_mask_comes_back_as_it_was_written(tmp_path, mask, name):
    write_mask(tmp_path / name, mask)
    assert (read_mask(tmp_path / name) == mask).all()


def test_an_unknown_ending_is_refused_with_a_sentence(tmp_path, mask):
    with pytest.raises(UsageError, match=r"m\.png: a mask is saved as"):
        write_mask(tmp_path / "m.png", mask)


def test_a_folder_that_is_not_there_ends_in_a_sentence(tmp_path, mask):
    with pytest.raises(UsageError, match="choose another folder"):
        write_mask(tmp_path / "nowhere" / "m.h5", mask)


def test_the_only_image_and_the_nexus_mask_are_found(tmp_path, mask):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["some/where"] = mask.astype(np.int32) * 8
    assert (read_mask(tmp_path / "a.h5") == mask).all()
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["entry/instrument/detector/pixel_mask"] = mask.astype(np.uint32)
        file["other"] = np.ones(mask.shape, dtype=np.int32)
    assert (read_mask(tmp_path / "b.h5") == mask).all()


@pytest.mark.parametrize("name", ["text.h5", "text.npy", "text.tif", "absent.h5"])
def test_what_is_no_mask_ends_in_a_sentence(tmp_path, name):
    if not name.startswith("absent"):
        (tmp_path / name).write_text("no mask at all")
    with pytest.raises(UnreadableFileError, match=name):
        read_mask(tmp_path / name)


def test_a_cube_is_no_mask(tmp_path):
    np.save(tmp_path / "cube.npy", np.zeros((3, 4, 5)))
    with pytest.raises(UnreadableFileError, match="two-dimensional"):
        read_mask(tmp_path / "cube.npy")
