"""The running model on the open frame, and TensorBoard beside the run."""

from __future__ import annotations

import sys

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


def board_command(script):
    return lambda folder: [sys.executable, "-c", script, str(folder)]


def test_tensorboard_is_opened_where_it_listens_and_ends_with_the_window(qtbot, qapp, tmp_path):
    import psutil

    from xgeom_gui.services.tensorboard import TensorBoard

    script = "import time; print('TensorBoard 2 at http://127.0.0.1:4711/ (Press CTRL+C)'); time.sleep(60)"
    opened = []
    board = TensorBoard(board_command(script), lambda url: opened.append(url.toString()) or True, qapp)
    board.show(tmp_path)
    board.show(tmp_path)
    qtbot.waitUntil(lambda: opened == ["http://127.0.0.1:4711/"], timeout=20_000)
    board.show(tmp_path)
    assert len(opened) == 2, "a second click opens the same one again"
    pid = board.running[tmp_path].process.processId()
    assert board.shutdown()
    qtbot.waitUntil(lambda: not psutil.pid_exists(pid), timeout=10_000)


def test_a_tensorboard_that_is_missing_or_fails_is_told_in_a_sentence(qtbot, qapp, tmp_path):
    from xgeom_gui.services.tensorboard import TensorBoard

    for script, expected in (
        ("raise ModuleNotFoundError(\"No module named 'tensorboard'\")", "pip install tensorboard"),
        ("raise SystemExit('no port is free')", "no port is free"),
    ):
        board = TensorBoard(board_command(script), lambda url: True, qapp)
        with qtbot.waitSignal(board.failed, timeout=20_000) as failed:
            board.show(tmp_path)
        assert expected in failed.args[0]
        assert board.shutdown()
