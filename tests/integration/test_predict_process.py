"""The process that predicts for the window: the same answers, sentences for troubles, nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.service.client import PredictProcess
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame
from xgeom_gui.services.predictor import (
    Experiment,
    ModelChoice,
    PredictionKey,
    PredictorThread,
    PredictRequest,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def frame() -> Frame:
    made = simulate_frame(load_recipe("standard"), (410, 410), 5, 0)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    return Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta, "f.h5")


@pytest.fixture
def process():
    process = PredictProcess()
    yield process
    process.close()


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_answers_are_those_of_this_process_and_troubles_come_as_sentences(process, frame, tmp_path) -> None:
    from xgeom_core.predict import Predictor
    from xgeom_core.predict.network_input import network_sight

    predictor, here = process("default"), Predictor.load("default")
    near, far = here.predict(frame, explain=True), predictor.predict(frame, explain=True)
    assert far.status == near.status
    assert far.best.center_px == pytest.approx(near.best.center_px, abs=1e-6)
    assert far.best.covariance == pytest.approx(near.best.covariance)
    assert far.explanation.lines == near.explanation.lines
    alone = predictor.predict(frame, fit=False)
    assert alone.best.center_px == pytest.approx(here.predict(frame, fit=False).best.center_px, abs=1e-3)
    sight = predictor.sight(frame)
    assert np.array_equal(sight.image, network_sight(here.model, frame).image)
    (tmp_path / "no.safetensors").write_bytes(b"rubbish")
    with pytest.raises(XgeomError, match=r"no\.safetensors"):
        process(str(tmp_path / "no.safetensors"))
    with pytest.raises(RuntimeError, match="wish"):
        predictor.predict(frame, wish=1)
    assert predictor.predict(frame).status == near.status, "a fault ends nothing"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_process_that_dies_is_told_of_and_replaced(process, frame) -> None:
    predictor = process("default")
    first = process.pid
    os.kill(first, signal.SIGKILL)
    with pytest.raises(XgeomError, match=r"ended unexpectedly \(signal 9\); the next prediction starts it"):
        predictor.predict(frame)
    assert predictor.predict(frame, fit=False).network is not None
    assert process.pid != first
    process.close()
    assert gone(first)


def test_closing_the_thread_breaks_a_prediction_off_and_leaves_no_process(frame, qapp) -> None:
    thread = PredictorThread()
    told = []
    thread.failed.connect(lambda _, text: told.append(text))
    key = PredictionKey("f.h5", 0, 0, ModelChoice(), Experiment())
    thread.submit(PredictRequest(key, frame))
    deadline = time.monotonic() + 60
    while thread._process.pid is None and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = thread._process.pid
    assert thread.shutdown(20_000)
    assert gone(pid)
    qapp.processEvents()
    assert told == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_process_ends_when_its_window_is_killed() -> None:
    code = (
        "import time\nfrom xgeom_core.predict.service.client import PredictProcess\n"
        "process = PredictProcess()\nprocess('default')\nprint(process.pid, flush=True)\ntime.sleep(600)"
    )
    import subprocess

    window = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(window.stdout.readline())
    assert psutil.pid_exists(pid)
    window.kill()
    window.communicate()
    assert gone(pid)
