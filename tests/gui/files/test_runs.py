"""Several files as one run, recent files, remembered experiments, follow mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt

from xgeom_gui.app.command_line import parse
from xgeom_gui.files.recent_menu import RecentMenu
from xgeom_gui.image.frame_bar import FrameStrip
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.settings import Settings


def value(opened) -> int:
    """The number written into the first pixel."""
    return int(opened.session.frame.data[0, 0])


@pytest.fixture(autouse=True)
def _quiet(opened):
    """Predictions are other tests' business."""
    opened.session.set_automatic(False)


def test_one_image_of_a_series_opens_the_series_at_its_place(opened, cbf_series):
    opened.open(cbf_series[2])
    assert opened.session.source.frames == 6
    assert opened.session.index == 2 and value(opened) == 3
    assert opened.session.wanted.index == 2
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_Right)
    opened.settle()
    assert value(opened) == 4
    assert "img_0004.cbf" in opened.window.windowTitle(), "the file of the frame shown"


def test_files_dropped_together_become_one_run(opened, drop, tmp_path, write_hdf5):
    paths = [write_hdf5(tmp_path / f"part{i}.h5", frames) for i, frames in enumerate((2, 3, 1))]
    drop(*reversed(paths))
    assert opened.session.source.frames == 6
    opened.session.show_index(5)
    opened.settle()
    assert opened.session.frame.path == paths[2]


def test_a_folder_dropped_is_a_run(opened, drop, cbf_series):
    drop(Path(cbf_series[0]).parent)
    assert opened.session.source.frames == 6 and opened.session.index == 0


def test_several_files_on_the_command_line():
    assert parse(["a.h5", "b.h5"]).file == "a.h5\nb.h5"
    assert parse(["a.h5"]).file == "a.h5"
    assert parse([]).file == ""


@pytest.mark.parametrize("damage", ["truncated", "deleted"])
def test_a_fault_in_the_middle_of_a_run_is_a_sentence_and_can_be_stepped_over(opened, cbf_series, damage):
    opened.open(cbf_series[0])
    bad = Path(cbf_series[3])
    if damage == "deleted":
        bad.unlink()
    else:
        bad.write_bytes(bad.read_bytes()[:3000])
    opened.step(1)
    opened.step(1)
    opened.step(1)
    assert bad.name in opened.window.messages.text
    assert opened.session.index == 2 and value(opened) == 3, "what was shown stays"
    opened.step(1)
    assert opened.session.index == 4 and value(opened) == 5, "the next step goes on behind it"
    opened.step(-1)
    assert opened.session.index == 4 and bad.name in opened.window.messages.text
    opened.step(-1)
    assert opened.session.index == 2
    opened.session.show_index(3)
    opened.settle()
    assert opened.session.index == 2


def test_a_file_deleted_while_open_loses_nothing(opened, nxmx_file):
    opened.open(nxmx_file)
    nxmx_file.unlink()
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_F5)
    opened.settle()
    assert "does not exist" in opened.window.messages.text
    assert opened.session.frame is not None
    opened.step(1)
    assert opened.session.index == 1, "its handle still reads"


def test_what_was_opened_is_remembered_and_what_is_gone_is_greyed(opened, cbf_series, nxmx_file):
    opened.open(nxmx_file)
    opened.open(cbf_series[1])
    recent = opened.window.file_tools.recent
    assert recent.specs == (str(Path(cbf_series[0]).parent / "img_####.cbf"), str(nxmx_file))
    opened.open(nxmx_file)
    assert recent.specs[0] == str(nxmx_file) and len(recent.specs) == 2
    nxmx_file.unlink()
    menu = RecentMenu(recent, opened.window.open, opened.window)
    with opened.qtbot.waitSignal(recent.changed):
        menu.aboutToShow.emit()
    first, second = menu.actions()[:2]
    assert not first.isEnabled() and "gone" in first.text()
    assert second.isEnabled()
    second.trigger()
    opened.settle()
    assert opened.session.source.frames == 6
    recent.forget()
    assert menu.actions() == [] and not menu.menuAction().isEnabled()


def test_the_empty_window_lists_recent_files(opened, nxmx_file):
    opened.window.file_tools.recent.add(str(nxmx_file))
    opened.window.file_tools.recent.add("/nowhere/gone.h5")
    from xgeom_gui.files.recent_menu import RecentList

    found = opened.window.findChild(RecentList)
    found._recent.look()
    opened.qtbot.waitUntil(lambda: not found.rows[0].isEnabled())
    assert found.isVisible() and found.rows[1].isEnabled()
    found.rows[1].click()
    opened.settle()
    assert opened.session.source.path == str(nxmx_file)


def test_a_stated_experiment_is_remembered_for_the_next_file_of_the_detector(opened, tmp_path, write_hdf5):
    first, second = (write_hdf5(tmp_path / f"{name}.h5", 1) for name in "ab")
    opened.open(first)
    opened.session.set_experiment(Experiment(250.0, (0.1, 0.1), None))
    opened.open(second)
    panel = opened.window.experiment
    assert opened.session.metadata.distance_mm == 250.0
    assert opened.session.metadata.missing == ("wavelength",)
    assert panel.remembered.text() == "Distance and pixel size remembered for detector of 160 × 120 px."
    assert panel.forget.isVisible() or not panel.forget.isHidden()
    opened.open(first)
    assert panel.forget.isHidden(), "here it is the user's own word"
    opened.open(second)
    panel.forget.click()
    assert opened.session.experiment == Experiment() and panel.forget.isHidden()
    third = write_hdf5(tmp_path / "c.h5", 1)
    opened.open(third)
    assert opened.session.experiment == Experiment()


def test_another_detector_is_not_filled_in(opened, tmp_path, write_hdf5):
    opened.open(write_hdf5(tmp_path / "a.h5", 1))
    opened.session.set_experiment(Experiment(250.0, None, None))
    opened.open(write_hdf5(tmp_path / "b.h5", 1, (90, 100)))
    assert opened.session.experiment == Experiment()


def test_what_the_file_says_is_not_overridden_by_memory(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.session.set_experiment(Experiment(999.0, None, None))
    copy = tmp_path / "copy.h5"
    copy.write_bytes(nxmx_file.read_bytes())
    opened.open(copy)
    assert opened.session.metadata.distance_mm == 200.0


def test_memory_that_makes_no_sense_is_ignored(tmp_path):
    store = QSettings(str(tmp_path / "bad.ini"), QSettings.Format.IniFormat)
    store.setValue("files/experiments", "{not json")
    store.setValue("files/recent", '{"a": 1}')
    settings = Settings(store)
    assert settings.experiments == {} and settings.recent == []


_WRITER = """
import sys, h5py
with h5py.File(sys.argv[1], "r+", locking=False) as file:
    file["images/data"].resize(int(sys.argv[2]), axis=0)
    file["images/data"][-1] = int(sys.argv[2])
"""


def grow(path, frames):
    """As a data acquisition does it: from another process; HDF5 shares what one process has open."""
    subprocess.run([sys.executable, "-c", _WRITER, str(path), str(frames)], check=True, timeout=60)


def test_reload_shows_what_another_program_has_written(opened, tmp_path, write_hdf5):
    path = write_hdf5(tmp_path / "grows.h5", 2)
    opened.open(path)
    grow(path, 3)
    opened.session.reload()
    opened.settle()
    assert opened.session.source.frames == 3


def follow(opened):
    opened.window.file_tools.follower.timer.setInterval(50)
    opened.window.actions_by_name["follow"].trigger()


def test_following_a_folder_jumps_to_new_frames(opened, cbf_series, write_cbf):
    opened.open(cbf_series[0])
    follow(opened)
    opened.qtbot.waitUntil(lambda: opened.session.index == 5, timeout=10_000)
    folder = Path(cbf_series[0]).parent
    write_cbf(folder / "img_0007.cbf", 7)
    opened.qtbot.waitUntil(lambda: opened.session.index == 6, timeout=10_000)
    assert value(opened) == 7
    (folder / "img_0008.cbf").write_bytes(b"###CBF: half written")
    opened.qtbot.wait(300)
    assert opened.session.index == 6 and opened.window.messages.text == ""
    write_cbf(folder / "img_0008.cbf", 8)
    opened.qtbot.waitUntil(lambda: opened.session.index == 7, timeout=10_000)
    opened.window.actions_by_name["follow"].trigger()
    write_cbf(folder / "img_0009.cbf", 9)
    opened.qtbot.wait(300)
    assert opened.session.index == 7


def test_following_a_growing_file(opened, tmp_path, write_hdf5):
    path = write_hdf5(tmp_path / "grows.h5", 2)
    opened.open(path)
    opened.window.image.zoom_to((60, 50), 20)
    before = opened.window.image.box.viewRange()[1]
    follow(opened)
    for frames in (3, 5):
        grow(path, frames)
        opened.qtbot.waitUntil(lambda n=frames: opened.session.index == n - 1, timeout=10_000)
        assert value(opened) == frames
    assert opened.window.image.box.viewRange()[1] == before, "the zoom is kept"


def test_a_stack_of_more_axes_says_where_the_frame_lies(opened, tmp_path):
    with h5py.File(tmp_path / "grid.h5", "w") as file:
        file["data"] = np.arange(6, dtype=np.uint16).reshape(2, 3, 1, 1) + np.zeros((40, 48), np.uint16)
    opened.open(tmp_path / "grid.h5")
    strip = opened.window.findChild(FrameStrip)
    assert strip.count.text() == "[0, 0] of 6, counted from 0"
    opened.session.show_index(5)
    opened.settle()
    assert (value(opened), strip.count.text()) == (5, "[1, 2] of 6, counted from 0")
