"""What can be done to a job, and when: buttons, menu, list."""

from __future__ import annotations

import pytest

BUTTONS = ("stop", "pause", "unpause", "resume", "kill")


def offered(tab):
    return {name for name in BUTTONS if tab.button(name).isVisibleTo(tab.page)}


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("queued", {"stop"}),
        ("starting", {"stop", "kill"}),
        ("running", {"stop", "pause", "kill"}),
        ("paused", {"stop", "unpause", "kill"}),
        ("stopping", {"kill"}),
        ("done", set()),
        ("stopped", {"resume"}),
        ("failed", {"resume"}),
        ("killed", {"resume"}),
        ("lost", {"resume"}),
    ],
)
def test_each_state_offers_what_makes_sense(tab, state, buttons):
    tab.desk.put("a", state)
    tab.desk.select("a")
    assert offered(tab) == buttons


def test_stop_pause_and_go_on_reach_the_job(tab, qtbot):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.button("pause").click()
    qtbot.waitUntil(lambda: offered(tab) == {"stop", "unpause", "kill"})
    tab.button("unpause").click()
    qtbot.waitUntil(lambda: "pause" in offered(tab))
    tab.button("stop").click()
    qtbot.waitUntil(lambda: offered(tab) == {"kill"})
    tab.desk.set_status("a", "stopped")
    qtbot.waitUntil(lambda: offered(tab) == {"resume"})
    tab.button("resume").click()
    assert [what for what, *_ in tab.desk.done] == ["pause", "unpause", "stop", "resume"]


def test_kill_asks_once_and_can_be_taken_back(tab, qtbot):
    control = tab.page.control
    tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.button("kill").click()
    assert control.question.isVisibleTo(tab.panel) and not tab.desk.done
    control.leave_button.click()
    assert not control.question.isVisibleTo(tab.panel) and not tab.desk.done
    tab.button("kill").click()
    control.sure_button.click()
    assert tab.desk.done == [("kill", "a")]
    qtbot.waitUntil(lambda: "killed" in tab.page.header.sentence.text())


def test_buttons_stay_where_they_are_whatever_a_job_has_to_say(tab, qtbot):
    import fake_desk as fakes

    tab.desk.put("a", "running")
    tab.desk.put("b", "failed", reason="The disk is full; make room and resume. " * 8)
    tab.desk.tell("a", fakes.started(), fakes.step(500), fakes.score(500), fakes.beat())
    places = []
    for name in ("a", "b", "a"):
        tab.desk.select(name)
        tab.panel.refresh()
        qtbot.wait(30)
        bar = tab.page.control
        buttons = (bar.stop_button, bar.resume_button, bar.kill_button, bar.more_button)
        places.append([button.mapTo(tab.panel, button.rect().topLeft()) for button in buttons])
    assert places[0] == places[1] == places[2]
    assert places[0][0] == places[0][1], "one ends what the other begins"


def test_the_question_of_one_job_is_not_asked_of_another(tab):
    tab.desk.put("a", "running")
    tab.desk.put("b", "running")
    tab.desk.select("a")
    tab.button("kill").click()
    tab.desk.select("b")
    assert not tab.page.control.question.isVisibleTo(tab.panel)


def test_a_title_is_edited_in_the_list(tab):
    tab.desk.put("a", "running", title="first")
    tab.desk.select("a")
    model = tab.panel.list.jobs
    assert model.setData(model.index(0, 1), "  second ")
    assert tab.desk.done == [("rename", "a", "second")]
    assert model.index(0, 1).data() == "second"
    assert not model.setData(model.index(0, 1), "   "), "an empty title keeps the old one"


def test_the_menu_opens_the_editor_of_the_title(tab, qtbot):
    tab.desk.put("a", "running", title="first")
    tab.desk.select("a")
    tab.page.control._actions["rename"].trigger()
    editing = tab.panel.list.State.EditingState
    qtbot.waitUntil(lambda: tab.panel.list.state() == editing)


def test_archived_jobs_are_hidden_and_come_back(tab):
    tab.desk.put("a", "done")
    tab.desk.put("b", "done")
    tab.desk.select("a")
    actions, model = tab.page.control._actions, tab.panel.list.jobs
    actions["archive"].trigger()
    assert [job.id for job in model.rows] == ["b"]
    tab.panel.archived_box.setChecked(True)
    assert {job.id for job in model.rows} == {"a", "b"}
    tab.panel.list.choose("a")
    assert not actions["archive"].isVisible() and actions["unarchive"].isVisible()
    assert "resume" not in offered(tab)
    actions["unarchive"].trigger()
    assert {job.id for job in tab.desk.jobs} == {"a", "b"}
    assert not any(what in {"delete", "remove"} for what, *_ in tab.desk.done)


def test_a_job_that_is_not_over_cannot_be_archived(tab):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    assert not tab.page.control._actions["archive"].isVisible()


def test_a_command_that_somebody_else_may_have_written_is_shown_before_it_runs(tab):
    from dataclasses import replace

    from xgeom_core.jobs.trust import code_of

    job = replace(tab.desk.put("a", "stopped", "sweep"), ours=False, program=("/bin/sh", "-c", "<b>id</b>"))
    tab.desk.jobs = (job,)
    tab.desk.jobs_changed.emit()
    tab.desk.select("a")
    control = tab.page.control
    tab.button("resume").click()
    assert control.question.isVisibleTo(tab.page) and tab.desk.done == []
    assert "/bin/sh -c '<b>id</b>'" in control.question_words.text()
    assert "somebody else" in control.question_words.text()
    control.leave_button.click()
    assert not control.question.isVisibleTo(tab.page) and tab.desk.done == []
    tab.button("resume").click()
    assert control.sure_button.text() == "Run it"
    control.sure_button.click()
    assert tab.desk.done == [("resume", "a", code_of(job))]


def test_duplicating_opens_the_composer_with_the_settings_of_the_run(tab, qtbot):
    from xgeom_core.training.config import Config

    job = tab.desk.put("a", "done", title="base")
    config = Config(name="base", training={"steps": 77})
    (job.folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    tab.desk.select("a")
    with qtbot.waitSignal(tab.desk.compose_asked, timeout=10_000) as asked:
        tab.page.control._actions["duplicate"].trigger()
    assert asked.args == [config, "base (2)"]


def test_duplicating_a_run_without_configuration_says_so(tab, qtbot):
    tab.desk.put("a", "done")
    tab.desk.select("a")
    tab.page.control._actions["duplicate"].trigger()
    qtbot.waitUntil(lambda: any("config.toml" in text for text in tab.notices))


def test_everything_has_a_name_and_a_tooltip(tab):
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QAbstractButton, QLineEdit, QSlider, QTableView

    tab.desk.put("a", "running")
    tab.desk.select("a")
    kinds = (QAbstractButton, QLineEdit, QSlider, QTableView)
    own = [
        widget
        for kind in kinds
        for widget in tab.panel.findChildren(kind)
        # Corners, clear buttons and editors belong to other widgets.
        if not widget.objectName().startswith("qt_") and type(widget.parent()).__name__ not in _WHOLE
    ]
    assert len(own) > 15
    for widget in own:
        name = widget.accessibleName() or (widget.text() if hasattr(widget, "text") else "")
        assert name and widget.toolTip(), (type(widget).__name__, name)
        if isinstance(widget, QAbstractButton):
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, name


_WHOLE = {"QLineEdit", "QTableWidget", "QTableView", "JobList", "QTabBar", "CurvePlot", "PlotWidget"}
