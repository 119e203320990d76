"""Jobs started from the panel, with real processes: they outlive the window, queue, share, stop."""

from __future__ import annotations

import psutil
import pytest
from PySide6.QtCore import QSettings

from xgeom_core.jobs import devices as core_devices
from xgeom_core.jobs.devices import Device, Probe
from xgeom_core.jobs.store import JobStore
from xgeom_core.training.events import read_events
from xgeom_gui.app.launch import make_window
from xgeom_gui.services import preview_maker
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.presets import Preset

PATIENCE_MS = 240_000
TINY = {
    "training.batch": 4,
    "training.threads": 1,
    "training.warmup_steps": 2,
    "model.width": 4,
    "model.input_px": 64,
    "model.supersampling": 1,
    "model.activations": 8,
    "data.workers": 0,
    "validation.frames": 4,
    "validation.every_steps": 20_000,
}


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    """No pictures, and no search for GPUs: neither is what these tests are about."""
    found = Probe((Device("cpu", "Some processor"),), "No GPU: none was looked for.")
    monkeypatch.setattr(core_devices, "probe_devices", lambda *_: found)
    monkeypatch.setattr(preview_maker.PreviewMaker, "want", lambda *_: None)


@pytest.fixture
def desk(opened):
    """The desk; whatever still runs at the end is ended, whoever started it."""
    desk = opened.window.training.desk
    yield desk
    store = JobStore(desk.root)
    for job in store.jobs():
        if not store.status(job).over:
            store.kill(job)
    opened.qtbot.waitUntil(lambda: all(store.status(job).over for job in store.jobs()), timeout=60_000)


def launch(opened, title: str, steps: int, processes: int = 1, sweep: Preset | None = None):
    """Start a tiny job from the composer, as somebody would; returns it once it is listed."""
    tools = opened.window.training
    tools.desk.compose()
    composer = tools.composer
    pages = composer.window_.pages
    if sweep is not None:
        pages.sweep.set_space(sweep.space, sweep.trials)
    for path, value in {**TINY, "training.steps": steps}.items():
        for page in (pages.data, pages.network, pages.training, pages.validation):
            for rows in (page.rows, *(more.rows for more in _more(page))):
                if path in rows.editors:
                    rows.editors[path].set_value(value)
    pages.place.processes.setValue(processes)
    composer.window_.header.title.setText(title)
    composer.check()
    opened.qtbot.waitUntil(composer.window_.footer.start_button.isEnabled, timeout=20_000)
    with opened.qtbot.waitSignal(tools.desk.submitted, timeout=60_000):
        composer.window_.footer.start_button.click()
    opened.qtbot.waitUntil(
        lambda: tools.desk.selected is not None and tools.desk.selected.title == title, timeout=20_000
    )
    assert not composer.isVisible(), "it has done its work"
    return tools.desk.selected


def _more(page):
    more = page.more
    return more if isinstance(more, tuple) else (more,)


def state(desk, job) -> str:
    status = desk.status(job.id)
    return status.state if status is not None else ""


@pytest.mark.integration
def test_a_run_outlives_its_window_and_is_there_again_in_the_next(opened, desk, qtbot):
    job = launch(opened, "long run", steps=1_000_000)
    qtbot.waitUntil(lambda: len(desk.history(job.id).steps) >= 2, timeout=PATIENCE_MS)
    assert state(desk, job) == "running"
    pid = desk.status(job.id).pid
    with qtbot.waitSignal(opened.window.closed, timeout=30_000):
        opened.window.close()
    assert psutil.pid_exists(pid), "the window goes, the run stays"

    store = QSettings(str(desk.root.parent / "settings.ini"), QSettings.Format.IniFormat)
    window, _, _ = make_window(Settings(store), load=opened.predictor.load)
    try:
        again = window.training.desk
        qtbot.waitUntil(lambda: [one.id for one in again.jobs] == [job.id], timeout=30_000)
        qtbot.waitUntil(lambda: state(again, job) == "running", timeout=30_000)
        assert again.status(job.id).pid == pid
        seen = len(read_events(job.folder / "events.jsonl"))
        said = []
        again.events_arrived.connect(lambda job_id, events: said.extend(events))
        qtbot.waitUntil(lambda: len(said) > seen, timeout=PATIENCE_MS)
        again.stop(job.id)
        qtbot.waitUntil(lambda: state(again, job) == "stopped", timeout=PATIENCE_MS)
        assert (job.folder / "model.safetensors").is_file()
        qtbot.waitUntil(lambda: not psutil.pid_exists(pid), timeout=30_000)
    finally:
        with qtbot.waitSignal(window.closed, timeout=30_000):
            window.close()
        window.deleteLater()


@pytest.mark.integration
def test_two_jobs_run_one_after_the_other(opened, desk, qtbot):
    first = launch(opened, "first", steps=1_000_000)
    qtbot.waitUntil(lambda: bool(desk.history(first.id).steps), timeout=PATIENCE_MS)
    second = launch(opened, "second", steps=2)
    qtbot.waitUntil(lambda: state(desk, second) == "queued", timeout=30_000)
    assert desk.status(second.id).ahead == 1
    assert [job.title for job in desk.jobs] == ["first", "second"]
    qtbot.wait(1500)
    assert (state(desk, first), state(desk, second)) == ("running", "queued")
    desk.stop(first.id)
    qtbot.waitUntil(lambda: state(desk, second) == "done", timeout=PATIENCE_MS)
    assert state(desk, first) == "stopped"
    assert desk.status(first.id).ended <= desk.status(second.id).ended
    assert desk.history(second.id).finished.step == 2


@pytest.mark.integration
def test_two_processes_share_a_run_through_torchrun(opened, desk, qtbot):
    job = launch(opened, "shared", steps=3, processes=2)
    qtbot.waitUntil(lambda: state(desk, job) in {"done", "failed", "lost"}, timeout=PATIENCE_MS)
    assert state(desk, job) == "done", desk.status(job.id).reason
    assert '"processes": 2' in (job.folder / "environment.json").read_text()
    assert (job.folder / "model.safetensors").is_file()


@pytest.mark.integration
def test_a_data_set_is_made_and_learned_from(opened, desk, qtbot, tmp_path):
    desk.compose()
    page = opened.window.training.composer.window_.pages.data
    page.from_files.setChecked(True)
    box = page.simulate
    box.count.setValue(3)
    box.side.setText("128")
    box.path.setText(str(tmp_path / "sets" / "three.h5"))
    with qtbot.waitSignal(desk.submitted, timeout=60_000):
        box.button.click()
    assert page.files.paths() == [str(tmp_path / "sets" / "three.h5")]
    qtbot.waitUntil(lambda: bool(desk.jobs), timeout=20_000)
    (job,) = desk.jobs
    assert job.kind == "simulate" and job.title == "3 standard frames"
    qtbot.waitUntil(lambda: state(desk, job) in {"done", "failed", "lost"}, timeout=PATIENCE_MS)
    assert state(desk, job) == "done", desk.status(job.id).reason
    assert (tmp_path / "sets" / "three.h5").is_file()


def test_a_folder_that_cannot_be_used_is_told_where_it_was_asked_for(opened, desk, qtbot, tmp_path):
    (tmp_path / "file").write_text("in the way")
    desk.set_root(tmp_path / "file" / "runs")
    tools = opened.window.training
    desk.compose()
    footer = tools.composer.window_.footer
    qtbot.waitUntil(footer.start_button.isEnabled, timeout=20_000)
    footer.start_button.click()
    qtbot.waitUntil(lambda: bool(footer.trouble.problem), timeout=20_000)
    assert str(tmp_path / "file") in footer.trouble.text() and "Traceback" not in footer.trouble.text()
    assert tools.composer.isVisible() and not desk.jobs
    desk.set_root(tmp_path / "runs")
    qtbot.waitUntil(lambda: footer.trouble.problem == "", timeout=20_000)


def test_what_stalls_in_the_store_does_not_stall_the_window(opened, desk, qtbot):
    """Asking takes no time, answers come in order, and a fault is a sentence."""
    told = []
    desk.failed.connect(told.append)
    answers = []
    desk.ask(lambda store: qtbot and 1, answers.append)
    desk.ask(lambda store: 1 / 0)
    desk.ask(lambda store: 2, answers.append)
    assert answers == []
    qtbot.waitUntil(lambda: answers == [1, 2], timeout=20_000)
    assert len(told) == 1 and "fault of xgeom" in told[0]
