"""A whole run: predicted, cancelled, listed in order of doubt, plotted, and never in the way."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt, QTimer

from xgeom_core.errors import FrameFileError
from xgeom_core.estimate import Estimate
from xgeom_gui.runs.run_table_model import COLUMNS
from xgeom_gui.state.batch import Batch, BatchRow, RunPlan

TITLES = [column.title for column in COLUMNS]


@pytest.fixture
def run(opened, nxmx_file):
    """The panel of the run, with a file of five frames open."""
    opened.open(nxmx_file)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    panel = opened.window.run_tools.panel
    assert panel.isVisible()
    return panel


def finish(opened, panel):
    opened.qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(lambda: not opened.session.batch.running, timeout=30_000)
    opened.qtbot.waitUntil(lambda: panel.plots.settled and panel.plots._rows == opened.session.batch.rows)


def cell(panel, row, title):
    return panel.model.data(panel.model.index(row, TITLES.index(title)))


def test_every_frame_is_predicted_once_and_remembered(opened, run):
    finish(opened, run)
    assert [row.index for row in opened.session.batch.rows] == [0, 1, 2, 3, 4]
    assert sorted(frame.index for frame in opened.predictor.seen) == [0, 1, 2, 3, 4]
    opened.step(3)
    assert opened.session.prediction is not None and len(opened.predictor.seen) == 5
    assert "5 of 5 frames predicted, 0 to doubt" in run.summary.text()


def test_a_part_of_the_run_can_be_chosen(opened, run):
    run.first.setValue(1)
    run.last.setValue(4)
    run.every.setValue(2)
    finish(opened, run)
    assert [row.index for row in opened.session.batch.rows] == [1, 3]


def test_the_most_doubtful_frame_comes_first(opened, run, monkeypatch):
    answer = opened.predictor.predict

    def odd(frame, **wishes):
        found = answer(frame, **wishes)
        if frame.index == 3:
            return replace(found, status="uncertain", reason="Too few rings.")
        if frame.index == 1:
            away = Estimate("lattice", (found.best.center_px[0] + 40.0, found.best.center_px[1]))
            return replace(found, lattice=away)
        return found

    monkeypatch.setattr(opened.predictor, "predict", odd)
    finish(opened, run)
    assert [cell(run, row, "Frame") for row in (0, 1)] == ["3", "1"]
    assert cell(run, 0, "Status") == "uncertain" and cell(run, 0, "Why") == "Too few rings."
    assert cell(run, 1, "apart px") == "40.00"
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_N)
    opened.settle()
    assert opened.session.index == 3
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_N)
    opened.settle()
    assert opened.session.index == 1


def test_a_run_can_be_cancelled_and_keeps_what_it_found(opened, run):
    opened.predictor.delay_s = 0.3
    opened.qtbot.mouseClick(run.start_button, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(lambda: opened.session.batch.done >= 2, timeout=20_000)
    opened.qtbot.mouseClick(run.cancel_button, Qt.MouseButton.LeftButton)
    assert not opened.session.batch.running and not run.cancel_button.isEnabled()
    done = opened.session.batch.done
    opened.qtbot.wait(900)
    assert opened.session.batch.done == done < 5
    assert len(opened.predictor.seen) <= done + 1, "no further frame was begun"
    finish(opened, run)
    assert opened.session.batch.done == 5


def test_the_frame_shown_is_answered_in_the_middle_of_a_run(opened, run):
    opened.predictor.delay_s = 0.3
    opened.qtbot.mouseClick(run.start_button, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(lambda: opened.session.batch.done >= 1, timeout=20_000)
    opened.session.show_index(4)
    opened.qtbot.waitUntil(lambda: opened.session.index == 4, timeout=20_000)
    opened.settle()
    assert opened.session.prediction is not None
    opened.qtbot.waitUntil(lambda: not opened.session.batch.running, timeout=20_000)
    assert opened.session.batch.done == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FrameFileError("Frame 2 cannot be decompressed."), "Frame 2 cannot be decompressed."),
        (IndexError("index 7"), "by a fault of xgeom (IndexError('index 7'))"),
        (MemoryError("Unable to allocate"), "MemoryError"),
    ],
)
def test_a_corrupted_frame_is_named_and_the_run_goes_on(opened, run, error, words):
    reader = opened.window.run_tools.runner._reader
    open_source = reader._open_source

    class Broken:
        def __init__(self, spec):
            self._source = open_source(spec)

        def __len__(self):
            return len(self._source)

        def frame(self, index):
            if index == 2:
                raise error
            return self._source.frame(index)

        def close(self):
            self._source.close()

    reader._open_source = Broken
    finish(opened, run)
    assert opened.session.batch.done == 5
    assert cell(run, 0, "Frame") == "2" and words in cell(run, 0, "Why")
    assert cell(run, 0, "Status") == "failed"


def test_a_file_deleted_in_the_middle_ends_in_sentences(opened, run, nxmx_file):
    nxmx_file.unlink()
    finish(opened, run)
    assert opened.session.batch.done == 5
    assert all(row.error for row in opened.session.batch.rows if row.index), "frame 0 was known before"


def test_a_click_on_a_point_or_a_row_goes_to_its_frame(opened, run):
    finish(opened, run)
    points = run.plots._points[0]
    x, y = points.getData()
    assert x.tolist() == [0, 1, 2, 3, 4] and np.allclose(y, 210.25 + x)
    points.sigClicked.emit(points, points.points()[2:3], None)
    opened.settle()
    assert opened.session.index == 2
    row = [one.index for one in run.model.rows].index(4)
    run.table.activated.emit(run.model.index(row, 0))
    opened.settle()
    assert opened.session.index == 4
    assert run.table.currentIndex().row() == row, "the list follows the frame shown"


def test_error_bars_are_one_sigma_to_each_side(opened, run):
    finish(opened, run)
    assert np.allclose(run.plots._bars[0].opts["height"], 2 * 0.04)
    assert np.allclose(run.plots._bars[1].opts["height"], 2 * 0.02)


def test_a_run_leaves_the_window_free(opened, run):
    """The window's own thread is never busy for long: its time between two beats, not the machine's."""
    opened.predictor.delay_s = 0.2
    beats = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: beats.append(time.thread_time()))
    timer.start()
    finish(opened, run)
    timer.stop()
    busy = max(later - earlier for earlier, later in pairwise(beats))
    assert len(beats) > 20 and busy < 0.1, f"the window was busy for {1000 * busy:.0f} ms"


def test_closing_in_the_middle_of_a_run_leaves_no_thread(opened, run):
    opened.predictor.delay_s = 0.3
    opened.qtbot.mouseClick(run.start_button, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(lambda: opened.session.batch.done >= 1, timeout=20_000)
    with opened.qtbot.waitSignal(opened.window.closed, timeout=20_000):
        opened.window.close()
    assert not opened.window.run_tools.runner._reader.isRunning()
    assert not opened.controller.predictor.isRunning()


def test_records_are_flat_and_say_what_is_missing():
    batch = Batch()
    batch.begin(RunPlan("a.h5", "a.h5", "/data", range(2)))
    batch.add(BatchRow("a.h5", "/data", 1, None, "It is broken."))
    (record,) = batch.records()
    assert record["frame"] == 1 and record["status"] == "failed" and record["reason"] == "It is broken."
    assert record["x_px"] is None and math.isnan(batch.rows[0].sigma_px)


def test_the_table_has_no_children(opened, run):
    finish(opened, run)
    first = run.model.index(0, 0)
    assert run.model.rowCount(first) == 0 and run.model.rowCount(QModelIndex()) == 5


def test_the_reason_of_the_selected_frame_stands_under_the_table_in_full(opened, run):
    reason = "The background alone tells the center to no better than forty pixels along the fast axis."
    opened.session.batch.begin(RunPlan("a", "a", "", range(2)))
    opened.session.batch.add(BatchRow("a", "", 0, None, reason))
    opened.session.batch.add(BatchRow("a", "", 1, None, "Unreadable."))
    opened.session.batch.end()
    run.table.selectRow([row.index for row in run.model.rows].index(0))
    assert run.detail.text() == f"Frame 0: {reason}"
    assert run.detail.wordWrap()


def test_known_centers_have_a_column_once_there_are_any(opened, run):
    finish(opened, run)
    column = TITLES.index("known px")
    assert run.table.isColumnHidden(column)
    x, y = opened.session.batch.rows[0].best.center_px
    opened.session.batch.set_known(0, (x + 3.0, y - 4.0))
    opened.qtbot.waitUntil(lambda: not run.table.isColumnHidden(column))
    place = [row.index for row in run.model.rows].index(0)
    assert cell(run, place, "known px") == "5.00"
