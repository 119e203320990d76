"""Pictures of training: the composer, nothing yet, a run with its curves, runs compared, a run that failed.

The runs are made up: their events are written into run folders as a training writes them.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
from studio import Studio

from xgeom_core.jobs.devices import Device, Probe
from xgeom_core.jobs.job import Job, Place
from xgeom_core.jobs.records import Exit, write_job, write_record
from xgeom_core.simulate.recipe import KINDS
from xgeom_core.training.config import Config
from xgeom_core.training.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    Heartbeat,
    RunStarted,
    Step,
    Validation,
    to_line,
)
from xgeom_gui.training.compose import Composer

STEPS = 4000
_CPU = Device("cpu", "AMD EPYC 9354, 16 cores", 128.0)
GPU = Probe((_CPU, Device("cuda:0", "NVIDIA H100 80GB HBM3", 85.0, "driver 570.86, CUDA 12.8")), "")
NO_GPU = Probe(
    (_CPU,),
    "No GPU: torch 2.13.0+cpu was built without CUDA; install a build with CUDA to use an NVIDIA GPU.",
)
_TROUBLE = (
    "The loss became nan at step 130; lower training.learning_rate (now 0.5) and start again. "
    "Its last checkpoint is whole: started again, it goes on from there."
)


def _events(upto: int, pace: float, floor: float, parts: bool, folder: Path) -> list[Event]:
    """A run that learns with this pace; where it parts, validation turns up again after half of it."""
    rng = np.random.default_rng(int(pace))
    events: list[Event] = [RunStarted(pid=1, command="xgeom train", xgeom_version="0", steps=STEPS)]
    for at in range(20, upto + 1, 20):
        fall = math.exp(-at / pace)
        loss = 3.4 * fall - 1.2 + rng.normal(0, 0.1) - at / 9000
        events.append(
            Step(
                step=at,
                steps=STEPS,
                frames=64 * at,
                loss=loss,
                center_px=floor + 24 * fall + rng.normal(0, 0.25),
                learning_rate=1e-3,
                frames_per_s=512.0,
                seconds_left=(STEPS - at) / 8.0,
            )
        )
        if at % 200 == 0:
            turn = max(0.0, at - upto / 2) / 2600 if parts else 0.0
            for i, name in enumerate(("standard", "flat", "polymer")):
                score = {"center_constant_px": 31.0 - 4 * i, "tilt_constant_deg": 1.1}
                error = floor + 0.7 + 0.8 * i + 22 * fall + rng.normal(0, 0.08)
                tilt = 0.11 + 0.03 * i + 0.8 * fall
                loss = 3.4 * fall - 1.0 + 0.15 * i + turn + rng.normal(0, 0.015)
                events.append(
                    Validation(step=at, data=name, loss=loss, center_px=error, tilt_deg=tilt, **score)
                )
            events.append(Checkpoint(step=at, model=str(folder / "model.safetensors")))
    events.append(
        Heartbeat(
            process="",
            clock=time.monotonic(),
            memory_gb=3.1,
            gpu_percent=84.0,
            gpu_memory_gb=11.4,
            gpu_total_gb=79.2,
        )
    )
    return events


def _run(root: Path, name: str, title: str, config: Config, events: list[Event], created: float) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    words = ("train", str(folder / "config.toml"), "--run-dir", str(folder))
    write_job(Job(name, "train", title, folder, words, Place(("cuda:0",)), created))
    (folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    (folder / "events.jsonl").write_text("".join(to_line(one) + "\n" for one in events), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def _predictions(folder: Path) -> None:
    rng = np.random.default_rng(3)
    actual = rng.uniform((380, 380, -2.5, -2.5), (440, 440, 2.5, 2.5), (160, 4))
    predicted = actual + rng.normal(0, 1, actual.shape) * (2.4, 2.4, 0.12, 0.12)
    names = ("cx", "cy", "pitch", "yaw")
    one = {
        key: {name: table[:, i].round(3).tolist() for i, name in enumerate(names)}
        for key, table in (("actual", actual), ("predicted", predicted))
    }
    text = json.dumps({"step": STEPS, "sets": {"standard": one}})
    (folder / "predictions.json").write_text(text, encoding="utf-8")


def _fill(root: Path) -> None:
    """Three runs: two that ended well, one that did not."""
    now = time.time()
    poster = Config.model_validate(
        {"name": "poster", "training": {"optimizer": "sgd", "learning_rate": 0.05, "steps": STEPS}}
    )
    small = Config.model_validate(
        {"name": "small", "training": {"optimizer": "sgd", "learning_rate": 0.01, "steps": STEPS}}
    )
    bad = Config.model_validate(
        {"name": "bold", "training": {"optimizer": "sgd", "learning_rate": 0.5, "steps": STEPS}}
    )
    rows = (
        ("poster", "Poster: ResNet-18, lr 0.05", poster, STEPS, 520.0, 2.1, True, now - 9000),
        ("small", "The same, lr 0.01", small, STEPS, 900.0, 2.9, False, now - 5000),
        ("bold", "The same, lr 0.5", bad, 120, 700.0, 2.9, False, now - 900),
    )
    for name, title, config, upto, pace, floor, parts, created in rows:
        events = _events(upto, pace, floor, parts, root / name)
        failed = name == "bold"
        end: Event = (
            Failed(message=_TROUBLE)
            if failed
            else Finished(step=upto, reason="done", model=str(root / name / "model.safetensors"))
        )
        folder = _run(root, name, title, config, [*events, end], created)
        state, code, why = ("failed", 1, _TROUBLE) if failed else ("done", 0, "")
        write_record(folder / "exit.json", Exit(state, code, "", why, created, created + upto / 8))
        (folder / "log.txt").write_text(_log(title, upto, failed), encoding="utf-8")
        _predictions(folder)


def _log(title: str, upto: int, failed: bool) -> str:
    lines = [f"xgeom train: {title}", "preparing validation frames", "waiting for the first batch"]
    lines += [f"step {at} of {STEPS}" for at in range(20, min(upto, 400) + 1, 20)]
    return "\n".join([*lines, f"xgeom: {_TROUBLE}" if failed else "done"]) + "\n"


def _tab(studio: Studio):
    """The Training tab, over a folder of jobs of its own."""
    tools = studio.window.training
    root = studio.scratch / "jobs"
    if tools.desk.root != root:
        root.mkdir(parents=True, exist_ok=True)
        tools.desk.set_root(root)
        studio.window.open_example()
        studio.wait(lambda: studio.answered)
    tabs = studio.window.tabs
    names = [tabs.tabText(i) for i in range(tabs.count())]
    tabs.setCurrentIndex(names.index("Training"))
    return tools


def _with_runs(studio: Studio):
    tools = _tab(studio)
    root = studio.scratch / "jobs"
    if not any(root.iterdir()):
        _fill(root)
    studio.wait(
        lambda: len(tools.desk.jobs) == 3 and all(tools.desk.status(job.id) for job in tools.desk.jobs)
    )
    return tools


def nothing(studio: Studio) -> None:
    tools = _tab(studio)
    studio.wait(lambda: not tools.desk.jobs)
    studio.shoot("training-empty")


def curves(studio: Studio) -> None:
    tools = _with_runs(studio)
    page = tools.panel.page
    tools.panel.list.choose("poster")
    page.tabs.setCurrentIndex(0)
    studio.wait(lambda: tools.desk.history("poster").finished is not None and page.curves.settled)
    studio.shoot("training-curves")
    with studio.theme("dark"):
        studio.shoot("training-curves-dark")


def predicted(studio: Studio) -> None:
    tools = _with_runs(studio)
    page = tools.panel.page
    tools.panel.list.choose("poster")
    page.tabs.setCurrentIndex(1)
    studio.wait(lambda: "160 frames" in page.scatter.words.text() and page.scatter.settled)
    studio.shoot("training-predicted")


def compared(studio: Studio) -> None:
    tools = _with_runs(studio)
    page = tools.panel.page
    tools.panel.list.choose("poster", "small")
    studio.wait(lambda: tools.desk.history("small").finished is not None)
    page.tabs.setCurrentIndex(0)
    studio.wait(lambda: page.curves.settled)
    studio.shoot("training-overlaid")
    page.tabs.setCurrentIndex(3)
    studio.wait(lambda: bool(page.compare.rows))
    studio.shoot("training-compare")


def failed(studio: Studio) -> None:
    tools = _with_runs(studio)
    page = tools.panel.page
    tools.panel.list.choose("bold")
    page.log_button.click()
    studio.wait(lambda: "lower training.learning_rate" in page.log.text.toPlainText())
    studio.shoot("training-failed")


def _composer(studio: Studio, probe: Probe, section: str) -> Composer:
    """The composer at a section, over devices that are made up."""
    # Then the command is "xgeom" and no path.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    tools = _tab(studio)
    # Nobody looks for devices: the picture is the same wherever it is made.
    tools.prober.found = probe
    tools.open_composer()
    composer = tools.composer
    devices = composer.window_.pages.place.devices
    devices.show_probe(probe)
    devices.choose((probe.devices[-1].name,))
    composer.window_.header.title.setText("first")
    composer.window_.show_section(section)
    studio.wait(composer.window_.footer.start_button.isEnabled)
    return composer


def _shoot(studio: Studio, name: str, composer: Composer) -> None:
    """Without the names of the folders in which the picture happens to be made."""
    studio.pause(1000)
    window, root = composer.window_, str(studio.scratch)
    command = window.footer.command
    command.set_text(command.line.text().replace(root, "/data"))
    window.pages.place.folder.setText("/data/jobs")
    studio.shoot(name, composer)


def compose(studio: Studio) -> None:
    drawn: list[object] = []
    studio.window.training.maker.made.connect(drawn.append)
    composer = _composer(studio, GPU, "Data")
    studio.wait(lambda: len(drawn) >= len(KINDS))
    _shoot(studio, "training-compose", composer)
    with studio.theme("dark"):
        _shoot(studio, "training-compose-dark", composer)
    composer.window_.show_section("Training")
    _shoot(studio, "training-compose-settings", composer)
    composer.window_.show_section("Where")
    _shoot(studio, "training-compose-where", composer)
    composer.window_.show_section("Sweep")
    composer.window_.pages.sweep.texts[0].setText("0.001 to 0.1 log")
    composer.window_.pages.sweep.box.setChecked(True)
    studio.wait(lambda: "sweep" in composer.window_.footer.command.line.text())
    _shoot(studio, "training-compose-sweep", composer)
    composer.window_.pages.sweep.box.setChecked(False)
    composer.hide()


def no_gpu(studio: Studio) -> None:
    composer = _composer(studio, NO_GPU, "Where")
    _shoot(studio, "training-no-gpu", composer)
    composer.hide()


SCENES = {
    "training-compose": compose,
    "training-no-gpu": no_gpu,
    "training-empty": nothing,
    "training-curves": curves,
    "training-predicted": predicted,
    "training-compare": compared,
    "training-failed": failed,
}
