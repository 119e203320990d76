"""Several frames as one, and playing."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from xgeom_core.frame import Frame
from xgeom_gui.services.frame_math import Stack, Superseded, stacked


def frame_of(number):
    data = np.full((4, 5), float(number + 1), dtype=np.float32)
    valid = np.ones(data.shape, dtype=bool)
    valid[number % 4, 0] = False
    data[~valid] = 0
    saturated = np.zeros(data.shape, dtype=bool)
    return Frame(data, valid, saturated, index=number)


@pytest.mark.parametrize(("mode", "counts"), [("sum", 2 + 3 + 4), ("max", 4), ("mean", 3)])
def test_frames_are_combined_where_all_are_valid(mode, counts):
    frame = stacked(frame_of, 1, 10, Stack(3, mode))
    assert frame.index == 1
    assert (frame.data[:, 1:] == counts).all()
    assert frame.valid[0, 0] and not frame.valid[1:, 0].any()
    assert (frame.data[~frame.valid] == 0).all()


def test_at_the_end_of_the_file_fewer_are_combined():
    assert stacked(frame_of, 8, 10, Stack(5, "sum")).data[0, 1] == 9 + 10
    single = stacked(frame_of, 9, 10, Stack(5, "sum"))
    assert single.data[0, 1] == 10


def test_combining_gives_up_when_it_is_no_longer_wanted():
    read = []
    with pytest.raises(Superseded):
        stacked(lambda i: read.append(i) or frame_of(i), 0, 100, Stack(50), lambda: len(read) >= 3)
    assert len(read) == 3


@pytest.fixture
def strip(opened, nxmx_file):
    opened.open(nxmx_file)
    return opened.window.image_tools.play_strip


def test_the_sum_of_frames_is_shown_and_predicted(opened, strip):
    single = opened.session.frame.data.copy()
    strip.mode.setCurrentIndex(1)
    strip.mode.activated.emit(1)
    strip.frames.setValue(3)
    opened.settle()
    assert opened.session.stack == Stack(3, "sum") and strip.frames.isVisible()
    background = opened.session.frame.data[120:180]
    assert background.mean() == pytest.approx(3 * single[120:180].mean(), rel=0.02)
    assert opened.predictor.seen[-1] is opened.session.frame
    opened.step(1)
    assert opened.session.index == 1 and opened.session.stack.frames == 3
    strip.mode.setCurrentIndex(0)
    strip.mode.activated.emit(0)
    opened.settle()
    assert opened.session.frame.data[120:180].mean() == pytest.approx(single[120:180].mean(), rel=0.02)


def test_playing_shows_every_frame_in_turn_and_goes_round(opened, strip):
    shown = []
    opened.session.frame_changed.connect(lambda: shown.append(opened.session.index))
    strip.speed.setValue(30)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_S)
    assert strip.playing and strip.button.text() == "Stop"
    opened.qtbot.waitUntil(lambda: len(shown) >= 7, timeout=20_000)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_S)
    assert not strip.playing and not opened.window.actions_by_name["play"].isChecked()
    assert shown[:7] == [1, 2, 3, 4, 0, 1, 2]
    # One that was asked for before the key still comes, and no other is asked for, however long that takes.
    last = opened.session.wanted.index
    opened.settle()
    opened.qtbot.wait(150)
    assert opened.session.wanted.index == opened.session.index == last == shown[-1]


def test_another_file_stops_playing_and_shows_single_frames(opened, strip, bare_file):
    opened.session.set_stack(Stack(2, "max"))
    opened.settle()
    strip.button.click()
    assert strip.playing
    opened.open(bare_file)
    assert not strip.playing and opened.session.stack == Stack()
