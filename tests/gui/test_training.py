"""Training from the window: the form, the child process, the curves, the model in use."""

from __future__ import annotations

import math
import os
import shlex
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.training.config import load_config
from xgeom_core.training.events import Checkpoint, Failed, Finished, RunStarted, Stage, Step, Validation
from xgeom_gui.panels.training_form import TrainingForm
from xgeom_gui.services import training_process
from xgeom_gui.services.training_history import TrainingHistory
from xgeom_gui.services.training_process import new_run_folder, training_command

STEP = {"frames": 64, "center_px": 3.0, "learning_rate": 1e-3, "frames_per_s": 50.0}
SCORE = {"center_constant_px": 9.0, "tilt_deg": 1.0, "tilt_constant_deg": 1.5}


@pytest.fixture
def form(qtbot):
    form = TrainingForm()
    qtbot.addWidget(form)
    return form


def test_the_form_makes_a_configuration_that_the_trainer_reads_back(form, tmp_path):
    form.set_values(training__steps=7, training__learning_rate=5e-4, model__width=8)
    form.kinds["flat"].setChecked(True)
    config = form.config("mine")
    assert (config.training.steps, config.training.learning_rate, config.model.width) == (7, 5e-4, 8)
    assert set(config.data.kinds) == {"standard", "flat"} == set(config.validation.kinds)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert load_config(path) == config


def test_the_form_keeps_the_schema_limits_and_defaults(form):
    width = form.editors["model", "width"].widget
    assert (width.minimum(), width.maximum(), width.singleStep()) == (4, 128, 4)
    assert form.editors["training", "learning_rate"].value() == "0.002"


def test_a_number_that_will_not_do_is_named(form):
    form.editors["training", "learning_rate"].widget.setText("fast")
    with pytest.raises(ConfigError, match="Learning rate = 'fast'"):
        form.config("x")
    form.editors["training", "learning_rate"].widget.setText("-1")
    with pytest.raises(ConfigError, match="greater than 0"):
        form.config("x")


def test_without_a_kind_there_is_nothing_to_learn(form):
    form.kinds["standard"].setChecked(False)
    with pytest.raises(ConfigError, match="at least one kind"):
        form.config("x")


def test_options_that_do_not_go_together_are_refused_in_words(form):
    form.set_values(training__batch=3, data__reuse=2)
    with pytest.raises(ConfigError, match="multiple of data"):
        form.config("x")


def test_run_folders_never_exist_yet(tmp_path):
    now = datetime(2026, 1, 2, 3, 4, 5)
    first = new_run_folder(tmp_path, now)
    first.mkdir()
    assert first.name == "run-20260102-030405"
    assert not new_run_folder(tmp_path, now).exists()


def test_the_history_tells_where_the_run_stands():
    history = TrainingHistory()
    assert history.status_text() == "Starting…"
    history.add(RunStarted(pid=1, command="", xgeom_version="", steps=100))
    history.add(Stage(text="importing torch"))
    assert history.status_text() == "Importing torch…" and history.progress == 0
    history.add(Step(step=25, steps=100, loss=1.0, **STEP))
    history.add(Validation(step=25, data="flat", loss=1.0, center_px=2.0, **SCORE))
    assert history.progress == 0.25
    assert "always guessing the middle: 9.00 px" in history.status_text()
    history.add(Checkpoint(step=25, model="m"))
    assert history.model == "m"
    history.add(Finished(step=30, reason="stopped", model="n"))
    assert history.model == "n" and history.status_text().startswith("Stopped after 30 steps")
    history.add(Failed(message="No room."))
    assert history.status_text() == "Failed: No room."


CHILD = """
import sys, time, json, pathlib, subprocess
run = pathlib.Path(sys.argv[1])
def say(event, **rest): print(json.dumps({"v": 1, "event": event, **rest}), flush=True)
say("run_started", pid=1, command="", xgeom_version="0", steps=1000)
say("stage", text="waiting")
print("not an event")
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(run / "helper").write_text(str(helper.pid))
for step in range(1, 2000):
    say("step", step=step, steps=1000, frames=step, loss=1/step, center_px=1.0, learning_rate=0.1,
        frames_per_s=9.0)
    if step == 3:
        say("checkpoint", step=3, model=str(run / "model.safetensors"))
    if (run / "STOP").exists() and MODE != "deaf":
        helper.kill()
        say("finished", step=step, reason="stopped", model=str(run / "model.safetensors"))
        sys.exit(0)
    if MODE == "crash":
        helper.kill()
        sys.stderr.write("Traceback\\nMemoryError: no more\\n")
        sys.exit(3)
    time.sleep(0.02)
"""


@pytest.fixture
def child(monkeypatch):
    """Replaces the trainer by a small script; returns a function that chooses its manners."""

    def behave(mode: str) -> None:
        script = f"MODE = {mode!r}\n{CHILD}"
        monkeypatch.setattr(
            training_process, "training_command", lambda run_dir: [sys.executable, "-c", script, str(run_dir)]
        )

    return behave


def start(opened, run_dir: Path):
    panel = opened.window.training_panel
    panel.folder.setText(str(run_dir))
    panel.start_button.click()
    return panel, panel._process


def test_events_arrive_live_and_stop_is_polite(opened, child, tmp_path):
    child("polite")
    panel, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(lambda: bool(process.history.model), timeout=20_000)
    assert process.state == "running", "events arrive while the run goes on"
    opened.qtbot.waitUntil(panel.use_button.isEnabled)
    assert not panel.start_button.isEnabled() and not panel.form.isEnabled()
    if hasattr(os, "getsid"):
        assert os.getsid(process.pid) == process.pid, "the child leads its own session"
    panel.stop_button.click()
    opened.qtbot.waitUntil(lambda: process.state == "idle", timeout=20_000)
    assert process.history.finished.reason == "stopped"
    assert panel.start_button.isEnabled() and panel.status.text().startswith("Stopped after")
    assert Path(panel.folder.text()) != tmp_path / "run", "the next run gets a folder of its own"
    assert load_config(tmp_path / "run" / "config.toml") == panel.form.config("run")


def test_kill_ends_the_run_and_its_helpers(opened, child, tmp_path):
    child("deaf")
    panel, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(lambda: len(process.history.steps) > 1, timeout=20_000)
    panel.stop_button.click()
    opened.qtbot.wait(300)
    assert process.state == "stopping"
    panel.kill_button.click()
    opened.qtbot.waitUntil(lambda: process.state == "idle", timeout=20_000)
    helper = int((tmp_path / "run" / "helper").read_text())
    opened.qtbot.waitUntil(lambda: not _alive(helper), timeout=5000)


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_crash_is_told_in_a_sentence(opened, child, tmp_path):
    child("crash")
    _, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(lambda: process.history.failed is not None, timeout=20_000)
    assert (
        "exit code 3" in opened.window.messages.text and "MemoryError: no more" in opened.window.messages.text
    )


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(opened, tmp_path):
    (tmp_path / "file").write_text("in the way")
    _, process = start(opened, tmp_path / "file" / "run")
    assert process.state == "idle" and "cannot be written" in opened.window.messages.text


def test_closing_asks_once_and_then_stops_the_run(opened, child, tmp_path):
    child("polite")
    _, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(lambda: len(process.history.steps) > 1, timeout=20_000)
    opened.window.close()
    assert opened.window.isVisible() and "training run is going on" in opened.window.messages.text
    began = time.monotonic()
    with opened.qtbot.waitSignal(opened.window.closed, timeout=20_000):
        opened.window.messages.action_button.click()
        assert time.monotonic() - began < 1, "the window goes at once, the run in its own time"
    assert process.history.finished is not None and process.state == "idle"


def test_the_command_line_shown_is_the_one_that_runs(opened, tmp_path):
    panel = opened.window.training_panel
    panel.folder.setText(str(tmp_path / "a run"))
    assert shlex.split(panel.command.text()) == training_command(tmp_path / "a run")


def test_the_curves_show_the_constant_predictor(opened):
    history = TrainingHistory()
    for step in (10, 20):
        history.add(Step(step=step, steps=100, loss=1.0 / step, **STEP))
        history.add(Validation(step=step, data="flat", loss=1.0, center_px=2.0, **SCORE))
    curves = opened.window.training_panel.curves
    curves.show_history(history)
    lines = [item for item in curves.error.getPlotItem().items if hasattr(item, "value")]
    assert [line.value() for line in lines] == [pytest.approx(math.log10(9.0))]
    assert "always guessing the middle" in curves.legend.text()


def test_a_negative_loss_is_drawn(opened):
    """The loss is a negative log likelihood: a good model's is below zero."""
    history = TrainingHistory()
    for step, loss in ((10, 0.5), (20, -1.5)):
        history.add(Step(step=step, steps=100, loss=loss, **STEP))
    curves = opened.window.training_panel.curves
    curves.show_history(history)
    low, high = curves.loss.getPlotItem().getViewBox().childrenBounds()[1]
    assert (low, high) == pytest.approx((-1.5, 0.5), abs=0.05)


def test_the_model_of_a_run_answers_at_once_and_the_default_can_return(opened, nxmx_file, child, tmp_path):
    opened.open(nxmx_file)
    child("polite")
    panel, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(panel.use_button.isEnabled, timeout=20_000)
    panel.use_button.click()
    opened.settle()
    assert opened.predictor.loaded[-1] == str(tmp_path / "run" / "model.safetensors")
    assert opened.session.prediction is not None
    panel.default_button.click()
    opened.settle()
    assert opened.predictor.loaded[-1] == "default"
    process.stop()
    opened.qtbot.waitUntil(lambda: process.state == "idle", timeout=20_000)


@pytest.mark.integration
def test_a_real_training_run_from_the_panel(opened, nxmx_file, tmp_path):
    panel = opened.window.training_panel
    panel.form.set_values(
        training__steps=100_000,
        training__batch=4,
        training__threads=1,
        training__warmup_steps=2,
        model__width=4,
        model__input_px=64,
        model__activations=8,
        data__workers=0,
        validation__frames=4,
        validation__every_steps=20_000,
    )
    _, process = start(opened, tmp_path / "run")
    opened.qtbot.waitUntil(lambda: len(process.history.steps) >= 2, timeout=180_000)
    assert process.state == "running"
    panel.stop_button.click()
    opened.qtbot.waitUntil(lambda: process.state == "idle", timeout=120_000)
    assert process.history.failed is None, process.history.status_text()
    assert process.history.finished.reason == "stopped"
    model = Path(process.history.model)
    assert model.is_file() and model.parent == tmp_path / "run"

    from xgeom_core.predict import Predictor

    predictor = Predictor.load(str(model))
    opened.open(nxmx_file)
    prediction = predictor.predict(opened.session.frame)
    assert prediction.status in {"ok", "uncertain", "failed"}
