"""Files made to bring a program down: the window says so in a sentence and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile_files import CRASHING_FRAME, HOSTILE, hdf5_crash
from xgeom_gui.services.mask_files import MaskFiles, MaskRequest
from xgeom_gui.services.tree_reader import TreeReader, TreeRequest


@pytest.fixture
def notices(opened) -> list[str]:
    """The sentences that are shown."""
    opened.session.set_automatic(False)
    texts: list[str] = []
    opened.session.noticed.connect(lambda notice: texts.append(notice.text))
    return texts


def test_each_file_gets_its_sentence_and_the_frames_shown_stay(
    opened, notices, drop, tmp_path, nxmx_file
) -> None:
    opened.open(nxmx_file)
    frame = opened.session.frame
    for make, word in HOSTILE.items():
        folder = tmp_path / make.__name__
        folder.mkdir()
        path = make(folder)
        notices.clear()
        drop(path)
        opened.settle()
        assert any(path.name in text and re.search(word, text) for text in notices), (path, notices)
    opened.session.show_index(3)
    opened.settle()
    assert opened.session.frame.index == 3 and opened.session.frame.path == frame.path


def test_a_frame_that_crashes_the_library_is_stepped_over(opened, notices, tmp_path) -> None:
    opened.open(hdf5_crash(tmp_path))
    assert opened.session.source.frames == CRASHING_FRAME + 1
    opened.session.show_index(CRASHING_FRAME - 1)
    opened.settle()
    assert opened.session.frame.index == CRASHING_FRAME - 1
    opened.step(1)
    assert any("signal 11" in text for text in notices), notices
    opened.session.show_index(4)
    opened.settle()
    assert opened.session.frame.data.max() == 4


def test_the_tree_and_masks_of_such_files_are_no_danger_either(qtbot, tmp_path) -> None:
    path = str(hdf5_crash(tmp_path))
    tree, masks = TreeReader(), MaskFiles()
    try:
        with qtbot.waitSignal(tree.children_found, timeout=20_000) as listed:
            tree.submit(TreeRequest(path, "children"))
        assert [node.name for node in listed.args[1]] == ["data", "parts"]
        with qtbot.waitSignal(masks.failed, timeout=20_000) as failed:
            masks.submit(MaskRequest(path))
        assert "crash.h5" in failed.args[0]
    finally:
        assert tree.shutdown() and masks.shutdown()


@pytest.fixture
def hostile_dir(repo: Path) -> Iterator[Path]:
    folder = repo.parent / "shared" / "hostile"
    if not folder.is_dir():
        pytest.skip(f"no hostile files at {folder}")
    yield folder


def test_files_that_fuzzing_has_found(opened, notices, hostile_dir) -> None:
    paths = sorted(hostile_dir.iterdir())
    assert len(paths) >= 12
    for path in paths:
        notices.clear()
        opened.open(path)
        # One of them opens, and has a frame that is damaged.
        for index in range(opened.session.source.frames if opened.session.source else 0):
            opened.session.show_index(index)
            opened.settle()
        assert any(path.name in text for text in notices), path
