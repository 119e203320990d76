"""Comparing runs and using what came of them: model, default, export, evaluation, ranking."""

from __future__ import annotations

import json

import pytest
from PySide6.QtWidgets import QMessageBox

import fake_desk as fakes
import fake_window as windows


def write_run(job, *, rate, center, kind="adamw"):
    """A run folder as a training leaves it."""
    from xgeom_core.training.config import Config
    from xgeom_core.training.events import to_line

    config = Config(name=job.id, training={"learning_rate": rate, "optimizer": kind})
    (job.folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    events = [fakes.started(), fakes.step(1000), fakes.score(1000, center=center)]
    lines = "".join(to_line(event) + "\n" for event in events)
    (job.folder / "events.jsonl").write_text(lines, encoding="utf-8")
    return events


def with_model(tab, name="a", state="done", best=False, **more):
    job = tab.desk.put(name, state, **more)
    for file in ("model.safetensors", *(("best.safetensors",) if best else ())):
        (job.folder / file).write_bytes(b"weights")
    tab.desk.select(name)
    tab.desk.tell(name, fakes.started(), fakes.checkpoint(10, job.folder))
    tab.panel.refresh()
    return job


def test_settings_that_differ_stand_beside_the_results(tab, qtbot):
    first, second = (tab.desk.put(name, "done", title=f"run {name}") for name in "ab")
    for job, rate, center in ((first, 0.05, 3.0), (second, 0.01, 2.0)):
        tab.desk.tell(job.id, *write_run(job, rate=rate, center=center))
    tab.panel.list.choose("a", "b")
    assert tab.page.tabs.tabText(3) == "Compare 2"
    tab.page.tabs.setCurrentIndex(3)
    qtbot.waitUntil(lambda: bool(tab.page.compare.rows), timeout=20_000)
    rows = {row.label: row for row in tab.page.compare.rows}
    assert rows["training.learning_rate"].cells == ("0.05", "0.01")
    assert "training.optimizer" not in rows, "what is the same is not listed"
    assert rows["center"].cells == ("3.00 px", "2.00 px") and rows["center"].best == (1,)
    assert rows["center, always guessing the middle"].best == ()
    assert tab.page.compare.table.horizontalHeaderItem(1).text() == "● run a"


def test_one_run_alone_says_how_to_choose_more(tab, qtbot):
    job = tab.desk.put("a", "done")
    tab.desk.tell("a", *write_run(job, rate=0.05, center=3.0))
    tab.panel.list.choose("a")
    tab.page.tabs.setCurrentIndex(3)
    assert "Choose two or more" in tab.page.compare.hint.text()
    assert not tab.page.compare.table.isVisibleTo(tab.panel)


def test_chosen_runs_share_the_curves_each_in_its_color(tab, qtbot):
    for name in "ab":
        job = tab.desk.put(name, "done", title=f"run {name}")
        tab.desk.tell(job.id, *write_run(job, rate=0.05, center=3.0))
    tab.panel.list.choose("a", "b")
    curves = tab.page.curves
    qtbot.waitUntil(lambda: len(curves.loss._curves) == 4 and curves.settled, timeout=10_000)
    colors = {key: item.opts["pen"].color().name() for key, item in curves.loss._curves.items()}
    assert colors["a", "flat"] != colors["b", "flat"]
    assert colors["a", "flat"] == colors["a", ""]
    assert "run&nbsp;a" in curves.legend.text() and "run&nbsp;b" in curves.legend.text()
    tab.panel.list.choose("b")
    qtbot.waitUntil(lambda: {key[0] for key in curves.loss._curves} == {"b"}, timeout=10_000)


def test_the_best_model_answers_in_one_click(tab, qtbot):
    job = with_model(tab, best=True)
    assert tab.page.reuse.use_button.isVisibleTo(tab.page)
    tab.page.reuse.use_button.click()
    qtbot.waitUntil(lambda: tab.session.model.name == str(job.folder / "best.safetensors"))
    assert tab.settings.default_model == "", "used once is not the default"
    tab.page.reuse.bundled_action.trigger()
    assert tab.session.model.name == "default"


@pytest.mark.parametrize("sure", [False, True])
def test_the_model_of_a_run_that_was_cut_short_is_used_only_when_confirmed(tab, qtbot, sure):
    job = with_model(tab, state="stopped")
    tab.desk.tell(job.id, fakes.step(27))
    tab.panel.refresh()
    tab.page.reuse.use_button.click()
    question = next(one for one in tab.page.findChildren(QMessageBox) if one.isVisible())
    assert "27 of 2000 steps" in question.text()
    wanted = "Use it" if sure else "Cancel"
    next(one for one in question.buttons() if one.text().replace("&", "") == wanted).click()
    if sure:
        qtbot.waitUntil(lambda: tab.session.model.name == str(job.folder / "model.safetensors"))
    else:
        qtbot.wait(100)
        assert tab.session.model.name == "default"


def test_without_a_model_nothing_can_be_reused(tab):
    tab.desk.put("a", "running")
    tab.desk.select("a")
    assert not tab.page.reuse.use_button.isVisibleTo(tab.page)
    assert not tab.page.reuse.export_action.isVisible()


def test_a_model_that_is_gone_is_told_in_a_sentence(tab, qtbot):
    job = with_model(tab)
    (job.folder / "model.safetensors").unlink()
    tab.page.reuse.use_button.click()
    qtbot.waitUntil(lambda: any("holds no model" in text for text in tab.notices))
    assert tab.session.model.name == "default"


def test_the_default_model_is_remembered_until_the_bundled_one_is_wanted(tab, qtbot, tmp_path, predictor):
    job = with_model(tab)
    tab.page.reuse.default_action.trigger()
    model = str(job.folder / "model.safetensors")
    qtbot.waitUntil(lambda: tab.settings.default_model == model)
    later = windows.make_tab(qtbot, tmp_path, predictor.load, tab.settings)
    assert later.session.model.name == model
    later.close()
    (job.folder / "model.safetensors").unlink()
    later = windows.make_tab(qtbot, tmp_path, predictor.load, tab.settings)
    assert later.session.model.name == "default" and tab.settings.default_model == ""
    later.close()


def test_an_export_is_a_job_that_does_not_wait_for_the_training(tab, qtbot, tmp_path):
    job = with_model(tab, title="mine")
    tab.page.reuse.export(tmp_path / "mine.onnx")
    qtbot.waitUntil(lambda: bool(tab.desk.done))
    what, kind, words, place, title, _ = tab.desk.done[-1]
    assert (what, kind, title) == ("submit", "export", "Export of mine")
    assert words[:4] == (
        "export",
        str(job.folder / "model.safetensors"),
        "--out",
        str(tmp_path / "mine.onnx"),
    )
    assert place.devices == ()


def test_a_report_that_a_stranger_names_is_not_offered(tab):
    from dataclasses import replace

    from xgeom_gui.training.reuse import report_of

    job = tab.desk.put("a", "done", "evaluate", arguments=("evaluate", "--report", "/tmp/evil.desktop"))
    assert report_of(replace(job, ours=False)) is None
    assert report_of(job) is not None


def test_an_evaluation_is_a_job_and_its_report_opens(tab, qtbot, tmp_path, monkeypatch):
    job = with_model(tab, title="mine")
    tab.page.reuse.evaluate([str(tmp_path / "frames.h5")])
    qtbot.waitUntil(lambda: bool(tab.desk.done))
    _, kind, words, _, _, folder = tab.desk.done[-1]
    assert kind == "evaluate" and folder.parent == tab.desk.root
    assert ("--data", str(tmp_path / "frames.h5")) == words[words.index("--data") : words.index("--data") + 2]
    assert words[words.index("--run") + 1] == str(job.folder)
    opened = []
    monkeypatch.setattr(tab.page.reuse, "_open_url", lambda url: opened.append(url.toLocalFile()) or True)
    tab.desk.put("e", "running", kind="evaluate", arguments=tuple(words))
    tab.desk.select("e")
    assert not tab.page.reuse.report_button.isVisibleTo(tab.page)
    tab.desk.set_status("e", "done")
    qtbot.waitUntil(lambda: tab.page.reuse.report_button.isVisibleTo(tab.page))
    tab.page.reuse.report_button.click()
    assert opened == [str(folder / "report.html")]


RECORD = {
    "data": "/d/frames.h5",
    "frames": 160,
    "network": {"center_median": 2.5, "center_constant": 25.0, "tilt_median": 0.11, "tilt_constant": 1.1},
    "times_better_than_constant": 10.0,
}


@pytest.mark.parametrize("tilt", [0.11, None])
def test_the_result_of_an_evaluation_is_a_table(tab, qtbot, tilt):
    record = {**RECORD, "network": {**RECORD["network"], "tilt_median": tilt}}
    job = tab.desk.put("e", "running", kind="evaluate")
    tab.desk.select("e")
    result = tab.page.result
    qtbot.waitUntil(lambda: result.isVisible() and "Scoring" in result.words.text())
    tab.desk.store.logs[job.id] = f"evaluating\n{{damaged\n{json.dumps(record)}\nReport written to r.\n"
    tab.desk.set_status("e", "done")
    qtbot.waitUntil(lambda: "10.0 times better" in result.words.text(), timeout=10_000)
    table = result.table
    cells = {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount())}
    assert table.horizontalHeaderItem(1).text() == "frames.h5" and cells["frames"] == "160"
    assert cells["center, median"] == "2.50 px" and cells["center, worst"] == "–"
    assert (cells.get("tilt, median") == "0.110°") == ("tilt, median" in cells) == (tilt is not None)
    qtbot.waitUntil(lambda: "Scored" in tab.page.header.sentence.text(), timeout=10_000)


def test_an_evaluation_without_scores_points_to_the_log(tab, qtbot):
    tab.desk.put("e", "failed", kind="evaluate", reason="no truth")
    tab.desk.select("e")
    qtbot.waitUntil(lambda: "the log says why" in tab.page.result.words.text(), timeout=10_000)


def test_the_open_run_with_its_known_centers_is_offered_first(tab, qtbot, monkeypatch):
    from types import SimpleNamespace

    from xgeom_core.estimate import Estimate
    from xgeom_gui.state.session_state import SessionState

    with_model(tab)
    reuse, menu = tab.page.reuse, tab.page.control.menu
    actions = menu.actions()
    assert actions.index(reuse.evaluate_open_action) < actions.index(reuse.evaluate_action)
    menu.aboutToShow.emit()
    assert (
        not reuse.evaluate_open_action.isEnabled() and "true centers" in reuse.evaluate_open_action.toolTip()
    )
    source = SimpleNamespace(path="/d/check.h5", spec="/d/check.h5", frames=4)
    monkeypatch.setattr(SessionState, "source", property(lambda _self: source))
    monkeypatch.setattr(SessionState, "truth", property(lambda _self: Estimate("truth", (1.0, 2.0))))
    menu.aboutToShow.emit()
    assert reuse.evaluate_open_action.text() == "Evaluate on check.h5"
    reuse.evaluate_open_action.trigger()
    qtbot.waitUntil(lambda: bool(tab.desk.done))
    words = tab.desk.done[-1][2]
    assert words[words.index("--data") + 1] == "/d/check.h5" and "--json" in words


def test_the_words_of_export_and_evaluate_are_those_of_the_command_line(tab, qtbot, tmp_path):
    """The jobs' arguments are options that `xgeom` knows."""
    from typer.main import get_command

    from xgeom_core.cli import command_line

    with_model(tab)
    tab.page.reuse.export(tmp_path / "x.onnx")
    tab.page.reuse.evaluate([str(tmp_path / "f.h5")])
    qtbot.waitUntil(lambda: len(tab.desk.done) == 2)
    commands = get_command(command_line()).commands
    for _, kind, words, *_ in tab.desk.done:
        known = {option for param in commands[kind].params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known


def sweep_folder(job):
    for number, (center, rate) in enumerate(((11.0, 1e-2), (5.5, 1e-3), (0.0, 1e-4))):
        from xgeom_core.training.events import Failed, Finished, to_line

        run_dir = job.folder / f"trial-{number:04d}"
        run_dir.mkdir()
        (run_dir / "values.json").write_text(json.dumps({"training.learning_rate": rate}), encoding="utf-8")
        events = [fakes.started()]
        if center:
            events += [fakes.score(100, center=center), Finished(step=100, reason="done", model="m")]
            (run_dir / "model.safetensors").write_bytes(b"weights")
        else:
            events.append(Failed(message="The loss became nan."))
        lines = "".join(to_line(event) + "\n" for event in events)
        (run_dir / "events.jsonl").write_text(lines, encoding="utf-8")


def test_a_sweep_shows_its_variants_ranked_while_it_runs(tab, qtbot):
    job = tab.desk.put("s", "running", kind="sweep", arguments=("sweep", "config.toml"))
    sweep_folder(job)
    tab.desk.select("s")
    tab.panel.refresh()
    assert not tab.page.tabs.isTabVisible(0) and tab.page.tabs.isTabVisible(4)
    tab.page.tabs.setCurrentIndex(4)
    ranking = tab.page.ranking
    qtbot.waitUntil(lambda: len(ranking.trials) == 3, timeout=30_000)
    assert [trial.number for trial in ranking.trials] == [1, 0, 2]
    table = ranking.table
    assert [table.item(i, 2).text() for i in range(3)] == ["0.3472", "0.4722", "failed"]
    assert table.item(2, 2).toolTip() == "The loss became nan."
    assert table.horizontalHeaderItem(3).text() == "learning_rate"
    assert not ranking.use_button.isEnabled()
    table.selectRow(0)
    ranking.use_button.click()
    assert tab.session.model.name == str(job.folder / "trial-0001" / "model.safetensors")


def test_a_ranking_of_the_sweep_itself_is_taken_over(tmp_path):
    from xgeom_gui.services.run_reader import read_ranking

    (tmp_path / "trial-0000").mkdir()
    (tmp_path / "trial-0000" / "events.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "ranking.csv").write_text("rank,trial,score,x\n1,0,0.25,1\n", encoding="utf-8")
    (trial,) = read_ranking(tmp_path, "both")
    assert trial.score == 0.25 and trial.model is None
