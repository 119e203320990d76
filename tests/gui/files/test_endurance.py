"""Flipping through many frames: nothing piles up."""

from __future__ import annotations

import gc
import time

import psutil
import pytest
from PySide6.QtCore import QThread

FLIPS, WARM_UP = 900, 200
# A hundredth of what the flips showed.
MOST_GROWTH_MB = 3.5


@pytest.mark.integration
def test_many_flips_do_not_fill_the_memory(opened, tmp_path, write_hdf5):
    opened.session.set_automatic(False)
    opened.open(write_hdf5(tmp_path / "many.h5", 40))
    session, process = opened.session, psutil.Process()
    begun = 0
    for flip in range(FLIPS):
        wanted = flip % 40
        session.show_index(wanted)
        limit = time.monotonic() + 10
        while session.index != wanted and time.monotonic() < limit:
            opened.qtbot.wait(1)
        assert session.index == wanted
        if flip == WARM_UP:
            gc.collect()
            begun = process.memory_info().rss
    gc.collect()
    growth = (process.memory_info().rss - begun) / 1e6
    assert growth < MOST_GROWTH_MB, f"{FLIPS - WARM_UP} flips took {growth:.0f} MB"


def test_every_thread_ends_with_the_window(opened, cbf_series):
    opened.open(cbf_series[0])
    opened.window.actions_by_name["tree"].trigger()
    opened.window.actions_by_name["follow"].trigger()
    opened.qtbot.wait(200)
    threads = [child for child in opened.window.findChildren(QThread) if child.isRunning()]
    assert threads, "the reader at least"
    with opened.qtbot.waitSignal(opened.window.closed, timeout=30_000):
        opened.window.close()
    assert not any(thread.isRunning() for thread in threads)
