"""The running model on the open frame, and the command for TensorBoard."""

from __future__ import annotations

import pytest

import fake_desk as fakes


def test_the_running_model_marks_the_open_frame_after_each_checkpoint(opened, qtbot, nxmx_file, tmp_path):
    from xgeom_gui.training.live_mark import LiveMark

    desk = fakes.FakeDesk(tmp_path / "jobs")
    mark = LiveMark(opened.session, desk, opened.controller.predictor, opened.window)
    opened.open(nxmx_file)
    job = desk.put("a", "running", title="mine")
    desk.select("a")
    sources = lambda: [one.estimate.source for one in opened.session.centers]  # noqa: E731
    assert "Training: mine" not in sources(), "it has written no model yet"
    desk.tell("a", fakes.started(), fakes.checkpoint(10, job.folder))
    qtbot.waitUntil(lambda: "Training: mine" in sources(), timeout=20_000)
    model = str(job.folder / "model.safetensors")
    assert opened.predictor.loaded.count(model) == 1
    desk.tell("a", fakes.checkpoint(20, job.folder))
    qtbot.waitUntil(lambda: opened.predictor.loaded.count(model) == 2, timeout=20_000)
    assert "Training: mine" in sources(), "the mark stays while the newer one is asked"
    opened.step(1)
    live = lambda: next((one for one in opened.session.estimates if "Training" in one.source), None)  # noqa: E731
    qtbot.waitUntil(
        lambda: live() is not None and live().center_px[0] == pytest.approx(214.25), timeout=20_000
    )
    mark.set_shown(False)
    assert "Training: mine" not in sources()
    mark.set_shown(True)
    qtbot.waitUntil(lambda: "Training: mine" in sources(), timeout=20_000)
    desk.set_status("a", "done")
    qtbot.waitUntil(lambda: "Training: mine" not in sources(), timeout=10_000)


def test_the_command_for_tensorboard_is_copied(tab, qapp):
    job = tab.desk.put("a", "running")
    tab.desk.select("a")
    tab.page.control._actions["tensorboard"].trigger()
    assert qapp.clipboard().text() == f"tensorboard --logdir {job.folder} --host 127.0.0.1"
