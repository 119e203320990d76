"""The tree of an HDF5 file."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.frames.tree import children, details, search


@pytest.fixture
def master(tmp_path: Path) -> str:
    path = tmp_path / "master.h5"
    with h5py.File(tmp_path / "data_1.h5", "w") as file:
        file.create_dataset("data", data=np.ones((2, 20, 30), "u2"), **hdf5plugin.Bitshuffle())
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "a run"
        entry["energy"] = 12.4
        entry["energy"].attrs["units"] = "keV"
        entry["small"] = np.arange(4)
        entry["data_1"] = h5py.ExternalLink("data_1.h5", "/data")
        entry["data_2"] = h5py.ExternalLink("data_2.h5", "/data")
        entry["same"] = h5py.SoftLink("/entry/data_1")
        entry["nowhere"] = h5py.SoftLink("/entry/none")
        entry["circle"] = h5py.SoftLink("/entry")
        layout = h5py.VirtualLayout((2, 20, 30), "u2")
        layout[0] = h5py.VirtualSource("data_1.h5", "data", (2, 20, 30))[0]
        layout[1] = h5py.VirtualSource("data_3.h5", "data", (2, 20, 30))[0]
        entry.create_virtual_dataset("virtual", layout)
    return str(path)


def test_members_tell_shape_type_and_storage(master: str) -> None:
    (entry,) = children(master)
    assert (entry.path, entry.kind, entry.children) == ("/entry", "group", 9)
    nodes = {node.name: node for node in children(master, "/entry")}
    data = nodes["data_1"]
    assert (data.shape, data.dtype, data.image, data.note) == ((2, 20, 30), "uint16", True, "bitshuffle")
    assert data.link == "data_1.h5 :: /data"
    assert nodes["title"].dtype == "text" and nodes["title"].shape == ()
    assert not nodes["small"].image


def test_what_is_missing_is_named(master: str) -> None:
    nodes = {node.name: node for node in children(master, "/entry")}
    assert (nodes["data_2"].kind, nodes["data_2"].note) == ("missing", "missing: data_2.h5")
    assert (nodes["nowhere"].kind, nodes["nowhere"].note) == ("missing", "leads nowhere")
    assert nodes["virtual"].note == "missing: data_3.h5"


def test_details_are_attributes_and_small_values(master: str) -> None:
    found = details(master, "/entry/energy")
    assert found.attributes == (("units", "keV"),) and found.value == "12.4"
    assert details(master, "/entry/title").value == "a run"
    assert details(master, "/entry/small").value == "[0, 1, 2, 3]"
    assert details(master, "/entry/data_1").value == "", "images are not put into words"
    assert details(master, "/entry").attributes == (("NX_class", "NXentry"),)


def test_searching_finds_names_and_ends_in_circles(master: str) -> None:
    found, complete = search(master, "DATA_")
    assert complete and {"/entry/data_1", "/entry/data_2"} <= {node.path for node in found}
    few, complete = search(master, "entry", most=3)
    assert len(few) == 3 and not complete


def test_faults_are_sentences(master: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDatasetError, match="holds no /gone"):
        children(master, "/gone")
    other = tmp_path / "notes.txt"
    other.write_text("x")
    with pytest.raises(UnreadableFileError, match="not an HDF5 file"):
        children(str(other))
