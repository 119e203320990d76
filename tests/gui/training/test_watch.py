"""Watching jobs: what the header, the curves, the log and the open frame say."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

import fake_desk as fakes


def settle(tab, qtbot):
    """Wait until everything that is known is drawn."""
    qtbot.waitUntil(lambda: not tab.panel._redraw.isActive() and tab.page.curves.settled, timeout=10_000)


def learning(steps=100, sets=("flat",), end=2000):
    """A run that learns: training loss falls for ever, validation with it."""
    events = [fakes.started(end)]
    for i in range(1, steps + 1):
        at = 10 * i
        events.append(fakes.step(at, end, loss=math.exp(-at / 300), center=2 + 20 * math.exp(-at / 300)))
        if i % 10 == 0:
            scores = [fakes.score(at, loss=math.exp(-at / 300) + 0.1, data=name) for name in sets]
            events += scores
    return events


def test_without_jobs_there_is_a_word_of_welcome(tab, qtbot):
    assert tab.panel.pages.currentIndex() == 0
    with qtbot.waitSignal(tab.desk.compose_asked):
        tab.panel.first_button.click()
    tab.desk.put("a", "running")
    assert tab.panel.pages.currentIndex() == 1


def test_jobs_at_work_come_first_then_those_that_wait_then_the_newest_that_ended(tab):
    for name, state in (("old", "done"), ("new", "failed"), ("q2", "queued"), ("run", "running")):
        tab.desk.put(name, state, ahead=1 if state == "queued" else 0)
    model = tab.panel.list.jobs
    assert [job.id for job in model.rows] == ["run", "q2", "new", "old"]
    assert model.index(1, 0).data() == "queued, 1 before it"
    tab.desk.set_status("run", "done")
    assert [job.id for job in model.rows] == ["q2", "run", "new", "old"]


def test_the_selection_survives_another_order(tab):
    for name in ("a", "b", "c"):
        tab.desk.put(name, "running")
    tab.panel.list.choose("a", "c")
    tab.desk.set_status("a", "done")
    assert {job.id for job in tab.panel.list.chosen} == {"a", "c"}
    assert tab.desk.selected.id == "a"


def test_the_newest_job_is_watched_when_the_tab_is_looked_at_again(tab):
    tab.panel.hide()
    for name in ("old", "new"):
        tab.desk.put(name, "done")
    assert tab.desk.selected is None, "nobody looks: a running model would mark the open frame"
    tab.panel.show()
    assert tab.desk.selected.id == "new" and tab.page.isVisible()


def test_the_stage_is_told_before_the_first_step(tab, qtbot):
    from xgeom_core.training.events import Stage

    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.tell("a", fakes.started(), Stage(text="preparing validation frames"))
    qtbot.waitUntil(lambda: tab.page.header.sentence.text() == "Preparing validation frames…")
    assert tab.page.header.progress.maximum() == 0, "busy: nobody knows how long"


def test_pace_time_left_memory_and_gpu_are_told_where_known(tab, qtbot):
    tab.desk.put("a", "running", heartbeat_age_s=2.0)
    tab.desk.select("a")
    tab.desk.tell("a", fakes.started(), fakes.step(500, seconds_left=240.0), fakes.beat())
    settle(tab, qtbot)
    assert tab.page.header.facts.text() == "83 frames/s  ·  4 min left  ·  1.4 GB memory  ·  heard 2 s ago"
    tab.desk.tell("a", fakes.beat(gpu_percent=71.0, gpu_memory_gb=5.2, gpu_total_gb=80.0))
    settle(tab, qtbot)
    assert "GPU 71%" in tab.page.header.facts.text()
    assert "5.2 of 80 GB GPU memory" in tab.page.header.facts.text()
    assert tab.page.header.progress.value() == 250


def test_without_a_word_from_the_run_the_time_left_follows_from_its_pace():
    from xgeom_gui.services.training_history import TrainingHistory

    history = TrainingHistory()
    history.extend([fakes.started(2000), fakes.step(500)])
    assert history.seconds_left == pytest.approx(1500 * 32 / 83.0)


def test_a_run_that_gives_no_sign_of_life_is_called_stalled(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.set_status("a", "running", stalled=True, heartbeat_age_s=95.0)
    qtbot.waitUntil(lambda: "No sign of life for 2 min" in tab.page.header.sentence.text())
    assert tab.panel.list.jobs.index(0, 0).data() == "stalled"


def test_errors_stand_beside_the_constant_predictor(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.tell("a", *learning(20, ("flat", "standard")))
    settle(tab, qtbot)
    words = tab.page.header.errors.text()
    for expected in ("flat", "standard", "6.00 px", "22.00 px", "0.400°", "0.900°", "3.7 times"):
        assert expected in words
    assert tab.page.curves.error.levels == [pytest.approx(22.0)] * 2
    assert tab.page.curves.tilt.levels == [pytest.approx(0.9)] * 2
    assert "constant&nbsp;predictor" in tab.page.curves.legend.text()


@pytest.mark.parametrize(("predicts", "seen"), [("center", (True, False)), ("tilt", (False, True))])
def test_what_a_network_does_not_answer_is_neither_drawn_nor_scored(tab, qtbot, predicts, seen):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    started = replace(fakes.started(), predicts=predicts)
    tab.desk.tell("a", started, *learning(20)[1:])
    settle(tab, qtbot)
    curves, words = tab.page.curves, tab.page.header.errors.text()
    assert (curves.error.isVisibleTo(tab.page), curves.tilt.isVisibleTo(tab.page)) == seen
    assert ("6.00 px" in words, "0.400°" in words) == seen


def test_before_the_first_step_words_stand_where_the_curves_will_be(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.tell("a", fakes.started())
    settle(tab, qtbot)
    curves = tab.page.curves
    assert not any(plot.isVisibleTo(tab.page) for plot in curves.plots)
    assert "first step" in curves.hint.text() and curves.hint.isVisibleTo(tab.page)
    tab.desk.tell("a", fakes.step(10))
    settle(tab, qtbot)
    assert curves.loss.isVisibleTo(tab.page) and not curves.hint.isVisibleTo(tab.page)
    assert not curves.tilt.isVisibleTo(tab.page), "no validation yet"


@pytest.mark.parametrize(
    ("low", "high"), [(2.2, 2.3), (2.2, 2.6), (0.81, 0.82), (1, 9), (3, 4000), (0.02, 7)]
)
def test_a_logarithmic_axis_has_labels_whatever_is_in_sight(qtbot, low, high):
    from xgeom_gui.training.curve_plot import CurvePlot

    plot = CurvePlot("center, px", "Center error")
    qtbot.addWidget(plot)
    plot.set_log(False, True)
    axis = plot.getAxis("left")
    ((spacing, places),) = axis.tickValues(math.log10(low), math.log10(high), 200.0)
    labels = axis.tickStrings(places, 1.0, spacing)
    assert len(labels) >= 2 and all(low <= float(label) <= high for label in labels), labels
    assert len(set(labels)) == len(labels) and max(map(len, labels)) <= 6, labels


def test_a_failure_is_a_sentence_with_the_log_one_click_away(tab, qtbot):
    job = tab.desk.put("a", "failed", reason="The disk is full; make room and resume.")
    tab.desk.store.logs[job.id] = "one\ntwo\nNo space left on device\n"
    tab.desk.select("a")
    assert "The disk is full" in tab.page.header.sentence.text()
    assert tab.page.log_button.isVisibleTo(tab.page)
    tab.page.log_button.click()
    qtbot.waitUntil(lambda: "No space left" in tab.page.log.text.toPlainText(), timeout=10_000)
    assert not tab.page.log_button.isVisibleTo(tab.page)


def test_the_log_is_searched_and_grows_at_its_end(tab, qtbot):
    job = tab.desk.put("a", "running")
    store, log = tab.desk.store, tab.page.log
    store.logs[job.id] = "".join(f"line {i} of many\n" for i in range(2000))
    tab.desk.select("a")
    tab.page.tabs.setCurrentIndex(2)
    qtbot.waitUntil(lambda: "line 1999" in log.text.toPlainText(), timeout=10_000)
    log.search.setText("LINE 19")
    assert log.found.text() == "111 places"
    assert log.find_previous() and log.text.textCursor().selectedText() == "line 19"
    assert log.find_next(), "from the last place it begins again at the top"
    before = log.text.document().revision()
    store.logs[job.id] += "the end\n"
    log.refresh()
    qtbot.waitUntil(lambda: log.text.toPlainText().endswith("the end\n"), timeout=10_000)
    assert log.text.toPlainText().count("line 1999") == 1, "only what is new is added"
    assert log.text.document().revision() > before
    log.search.setText("nothing like that")
    assert log.found.text() == "nowhere" and not log.find_next()


def test_predicted_against_actual_comes_from_the_run_folder(tab, qtbot):
    job = tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.page.tabs.setCurrentIndex(1)
    assert "after the first validation" in tab.page.scatter.words.text()
    columns = {"cx": [1.0, 2.0], "cy": [3.0, 4.0], "pitch": [0.1, None], "yaw": [0.0, 0.2]}
    sets = {"flat": {"actual": columns, "predicted": columns}}
    (job.folder / "predictions.json").write_text(json.dumps({"step": 10, "sets": sets}), encoding="utf-8")
    tab.desk.tell("a", fakes.started(), fakes.step(10), fakes.score(10))
    scatter = tab.page.scatter
    qtbot.waitUntil(lambda: "2 frames of flat" in scatter.words.text() and scatter.settled, timeout=10_000)
    assert list(scatter._points[1].getData()[0]) == [3.0, 4.0]
    assert len(scatter._points[2].getData()[0]) == 1, "what is not known is left out"


def test_where_the_curves_part_is_marked(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.tell("a", *learning(150))
    settle(tab, qtbot)
    assert not tab.page.header.warning.isVisibleTo(tab.page), "a run that learns is not warned of"
    tab.desk.put("b", "running")
    events = []
    for i in range(1, 151):
        events.append(fakes.step(10 * i, loss=math.exp(-i / 30)))
        if i % 10 == 0:
            events.append(fakes.score(10 * i, loss=math.exp(-i / 30) + max(0, i - 80) / 100))
    tab.desk.tell("b", fakes.started(), *events)
    tab.desk.select("b")
    tab.panel.list.choose("b")
    settle(tab, qtbot)
    assert "since step 800" in tab.page.header.warning.text()
    marks = [plot._parting for plot in tab.page.curves.plots]
    assert all(mark.isVisible() and mark.value() == pytest.approx(800) for mark in marks)


def test_a_negative_loss_is_drawn_on_a_plain_axis_and_errors_on_a_logarithmic_one(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.desk.tell("a", fakes.started(), fakes.step(10, loss=0.5), fakes.step(20, loss=-1.5))
    settle(tab, qtbot)
    low, high = tab.page.curves.loss.getPlotItem().getViewBox().childrenBounds()[1]
    assert (low, high) == pytest.approx((-1.5, 0.5), abs=0.1)
    assert tab.page.curves.error.getAxis("left").logMode


def test_a_run_that_goes_on_forgets_what_it_does_again():
    from xgeom_gui.services.training_history import TrainingHistory

    history = TrainingHistory()
    history.extend([fakes.started(), *(fakes.step(i) for i in range(10, 110, 10)), fakes.score(100)])
    history.extend([fakes.started(first=50), fakes.step(60, loss=9.0)])
    assert list(history.loss.points()[0]) == [10, 20, 30, 40, 50, 60]
    assert history.loss.last == 9.0 and len(history.sets["flat"].loss) == 0
    assert history.last.step == 60 and history.failed is None


def test_a_hundred_thousand_events_take_bounded_memory_and_keep_their_shape():
    from xgeom_gui.services.series import CAPACITY, Series

    series = Series()
    for i in range(100_000):
        series.add(i, math.exp(-i / 30_000))
    x, y = series.points()
    assert CAPACITY // 2 <= len(x) <= CAPACITY
    assert y == pytest.approx([math.exp(-one / 30_000) for one in x], rel=1e-3)
    assert x[-1] > 99_900 and series.last == pytest.approx(math.exp(-99_999 / 30_000))


def test_smoothing_keeps_ends_and_means():
    import numpy as np

    from xgeom_gui.services.series import smoothed

    noise = np.stack([np.arange(500.0), np.random.default_rng(0).normal(5.0, 1.0, 500)])
    smooth = smoothed(noise, 1.0)
    assert np.std(smooth[1][50:-50]) < 0.2 * np.std(noise[1])
    assert np.mean(smooth[1]) == pytest.approx(5.0, abs=0.1)
    line = np.stack([np.arange(100.0), np.arange(100.0)])
    assert smoothed(line, 1.0)[1] == pytest.approx(line[1]), "a straight line stays as it is"
    assert smoothed(line, 0.0) is line


class Watchdog:
    """Processor time of the window's thread between two ticks: what others do does not count."""

    def __init__(self, parent):
        import time

        from PySide6.QtCore import QTimer

        self.longest, self._clock = 0.0, time.thread_time
        self._last = self._clock()
        timer = QTimer(parent, interval=5)
        timer.timeout.connect(self._tick)
        timer.start()

    def _tick(self):
        now = self._clock()
        self.longest, self._last = max(self.longest, now - self._last), now


def test_events_every_50_ms_on_top_of_100_000_do_not_hold_the_window_up(tab, qtbot):
    from PySide6.QtCore import QTimer

    tab.desk.put("a", "running")
    tab.desk.select("a")
    for begin in range(0, 100_000, 5000):
        tab.desk.tell("a", *(fakes.step(i, 200_000) for i in range(begin + 1, begin + 5001)))
    tab.desk.tell("a", *(fakes.score(i) for i in range(1000, 100_000, 1000)))
    settle(tab, qtbot)
    qtbot.wait(200)
    at = [100_001]

    def say():
        tab.desk.tell("a", fakes.step(at[0], 200_000))
        at[0] += 1

    talk = QTimer(tab.panel, interval=50)
    talk.timeout.connect(say)
    talk.start()
    dog = Watchdog(tab.panel)
    qtbot.wait(4000)
    talk.stop()
    assert at[0] - 100_001 > 20
    # 50 ms is what a user may notice; twice that leaves room for a slow machine.
    assert dog.longest < 0.1, f"{1000 * dog.longest:.0f} ms"
