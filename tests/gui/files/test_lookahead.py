"""The next frame is read before it is asked for, and never shown in place of another."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from xgeom_core.errors import FrameFileError
from xgeom_gui.services.lookahead import Lookahead


def test_the_next_frame_lies_in_the_direction_of_travel():
    ahead = Lookahead()
    assert ahead.next_after(5, 10) == 6
    assert ahead.next_after(6, 10) == 7
    assert ahead.next_after(5, 10) == 4
    assert ahead.next_after(5, 10) == 4, "the same frame again changes nothing"
    assert ahead.next_after(0, 10) is None
    assert ahead.next_after(9, 10) is None
    ahead.clear()
    assert ahead.next_after(3, 10) == 4


def test_only_a_few_are_kept():
    ahead = Lookahead()
    for i in range(100):
        ahead.keep(i, str(i))
    kept = [i for i in range(100) if ahead.get(i) is not None]
    assert kept == [97, 98, 99]
    ahead.keep(97, "again")
    ahead.keep(100, "new")
    assert ahead.get(98) is None and ahead.get(97) == "again"
    ahead.clear()
    assert ahead.get(100) is None


def counted(opened):
    """Frames that are read from the file from now on, by number."""
    reader = opened.controller.reader
    read, open_source = [], reader._open_source

    class Counting:
        def __init__(self, spec):
            self._source = open_source(spec)

        def __getattr__(self, name):
            return getattr(self._source, name)

        def __len__(self):
            return len(self._source)

        def frame(self, index):
            read.append(index)
            return self._source.frame(index)

    reader._open_source = Counting
    return read


def test_a_flip_finds_its_frame_ready(opened, nxmx_file):
    read = counted(opened)
    opened.open(nxmx_file)
    opened.qtbot.waitUntil(lambda: read == [0, 1], timeout=10_000)
    opened.step(1)
    opened.qtbot.waitUntil(lambda: read == [0, 1, 2], timeout=10_000)
    opened.step(-1)
    opened.qtbot.wait(200)
    assert read == [0, 1, 2], "the frame before is still there"
    assert opened.session.index == 0
    opened.step(2)
    with h5py.File(nxmx_file) as file:
        stored = file["entry/data/data"][2]
    valid = opened.session.frame.valid
    assert np.array_equal(opened.session.frame.data[valid], stored[valid]), "it is the frame asked for"


def test_a_file_written_anew_is_not_shown_from_before(opened, write_hdf5, tmp_path):
    path = write_hdf5(tmp_path / "run.h5", 4)
    opened.session.set_automatic(False)
    opened.open(path)
    opened.qtbot.wait(300)
    other = write_hdf5(tmp_path / "other.h5", 4)
    with h5py.File(other, "r+") as file:
        file["images/data"][1] = 777
    Path(other).replace(path)
    opened.session.reload()
    opened.settle()
    opened.step(1)
    assert opened.session.index == 1 and (opened.session.frame.data == 777).all()


def test_what_lies_ahead_and_is_broken_is_no_news_until_it_is_wanted(opened, nxmx_file):
    reader = opened.controller.reader
    open_source = reader._open_source

    class Broken:
        def __init__(self, spec):
            self._source = open_source(spec)

        def __getattr__(self, name):
            return getattr(self._source, name)

        def __len__(self):
            return len(self._source)

        def frame(self, index):
            if index == 1:
                raise FrameFileError("Frame 1 cannot be decompressed.")
            return self._source.frame(index)

    reader._open_source = Broken
    opened.session.set_automatic(False)
    opened.open(nxmx_file)
    opened.qtbot.wait(300)
    assert "decompressed" not in opened.window.messages.text
    opened.session.step(1)
    opened.qtbot.waitUntil(lambda: "Frame 1 cannot be decompressed" in opened.window.messages.text)
    assert opened.session.index == 0
