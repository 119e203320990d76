"""The tree of an HDF5 file, driven as a user does."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from PySide6.QtCore import Qt


@pytest.fixture(autouse=True)
def _quiet(opened):
    opened.session.set_automatic(False)


@pytest.fixture
def rich_file(tmp_path):
    path = tmp_path / "rich.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for name in ("first", "second"):
            entry[f"data/{name}"] = np.random.default_rng(1).poisson(5, (3, 120, 160)).astype(np.int32)
        entry["wavelength"] = 1.033
        entry["wavelength"].attrs["units"] = "angstrom"
        entry["data_000002"] = h5py.ExternalLink("gone_000002.h5", "/data")
    return path


@pytest.fixture
def tree(opened, rich_file):
    opened.open(rich_file)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_H)
    panel = opened.window.file_tools.tree
    opened.qtbot.waitUntil(lambda: item(panel, "wavelength") is not None)
    return panel


def item(panel, name):
    found = panel.tree.findItems(name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive, 0)
    return found[0] if found else None


def test_the_only_entry_is_open_and_tells_shapes_and_types(tree):
    assert item(tree, "wavelength").text(1) == ""
    assert item(tree, "wavelength").text(2) == "float64"
    assert item(tree, "first") is None, "what is closed is not read"


def test_groups_are_read_when_they_are_opened_and_images_open_on_double_click(opened, tree):
    item(tree, "data").setExpanded(True)
    opened.qtbot.waitUntil(lambda: item(tree, "second") is not None)
    assert item(tree, "second").text(1) == "3 × 120 × 160"
    tree.tree.itemActivated.emit(item(tree, "second"), 0)
    opened.settle()
    assert opened.session.source.dataset == "/entry/data/second"
    opened.qtbot.waitUntil(lambda: item(tree, "data") is not None)
    tree.filter.setText("second")
    opened.qtbot.waitUntil(lambda: item(tree, "/entry/data/second") is not None)
    assert item(tree, "/entry/data/second").font(0).bold(), "what is shown stands in bold"


def test_links_to_files_that_are_gone_are_marked(opened, tree):
    missing = item(tree, "data_000002")
    assert missing.text(1) == "missing"
    tree.tree.setCurrentItem(missing)
    assert "gone_000002.h5" in tree.details.text()
    tree.tree.itemActivated.emit(missing, 0)
    assert "gone_000002.h5" in opened.window.messages.text


def test_details_show_value_and_attributes(opened, tree):
    tree.tree.setCurrentItem(item(tree, "wavelength"))
    opened.qtbot.waitUntil(lambda: "angstrom" in tree.details.text())
    assert "1.033" in tree.details.text()


def test_the_filter_finds_what_is_not_open_yet(opened, tree):
    opened.qtbot.keyClicks(tree.filter, "FIRST")
    opened.qtbot.waitUntil(lambda: item(tree, "/entry/data/first") is not None)
    assert tree.tree.topLevelItemCount() == 1
    tree.filter.setText("no such thing")
    opened.qtbot.waitUntil(lambda: "Nothing" in tree.hint.text())
    tree.filter.clear()
    opened.qtbot.waitUntil(lambda: item(tree, "wavelength") is not None)


def test_a_file_that_cannot_be_opened_can_be_looked_into(opened, tmp_path):
    path = tmp_path / "master.h5"
    with h5py.File(path, "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("gone_000001.h5", "/data")
    opened.open(path)
    assert "gone_000001.h5" in opened.window.messages.text
    opened.window.actions_by_name["tree"].trigger()
    panel = opened.window.file_tools.tree
    opened.qtbot.waitUntil(lambda: item(panel, "data") is not None)


def test_a_file_of_another_kind_has_no_tree(opened, tree, cbf_series):
    opened.open(cbf_series[0])
    opened.qtbot.waitUntil(lambda: "not an HDF5 file" in tree.hint.text())
    assert tree.tree.topLevelItemCount() == 0
