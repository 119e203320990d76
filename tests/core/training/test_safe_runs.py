"""Runs seen from the outside: two never share a folder, nothing is lost, links are not followed."""

from __future__ import annotations

import os
import pty
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from xgeom_core.cli.train import train
from xgeom_core.errors import ConfigError, TrainingError, UnreadableFileError
from xgeom_core.frames.mask_file import read_mask, write_mask
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.events import Checkpoint, EventLog, Finished, Stage, read_events
from xgeom_core.training.run_lock import RUN_LOCK

PATIENCE_S = 200.0
# Trainings of which only the loop is another: it finds out whether somebody else is at work in the folder.
RACE = """
import os, sys, time, types
from pathlib import Path
loop = types.ModuleType("xgeom_core.training.loop")
def stand_in(config, run_dir, log, command):
    inside = os.open(run_dir / "inside", os.O_CREAT | os.O_EXCL)
    time.sleep(0.02)
    os.unlink(run_dir / "inside")
loop.train = stand_in
sys.modules["xgeom_core.training.loop"] = loop
import contextlib
import xgeom_core.training.config
from xgeom_core.cli.train import train
from xgeom_core.errors import TrainingError
sys.modules["xgeom_core.cli.train"].beating = lambda *_: contextlib.nullcontext()
root, rounds, config = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
refused = wrote = odd = 0
for turn in range(rounds):
    go_read, go_write = os.pipe()
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            os.close(go_write)
            os.read(go_read, 1)
            code = 3
            try:
                train(config, root / str(turn))
                code = 0
            except TrainingError as error:
                code = 2 if "Another training writes into" in str(error) else 3
            finally:
                os._exit(code)
        children.append(child)
    os.close(go_read), os.close(go_write)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    wrote, refused = wrote + codes.count(0), refused + codes.count(2)
    odd += len([code for code in codes if code not in {0, 2}]) + (codes[0] != 0)
sys.stderr.write(f"{wrote} {refused} {odd}")
"""


def write_config(path: Path, **training) -> Path:
    config = {
        "name": "t",
        "model": {"width": 4, "input_px": 64, "supersampling": 1, "activations": 8},
        "data": {"workers": 0, "kinds": {"binary": 1.0}},
        "validation": {"kinds": ["binary"], "frames": 4, "every_steps": 100_000},
        "training": {"steps": 2, "batch": 4, "warmup_steps": 2, "device": "cpu", "threads": 1} | training,
    }
    path.write_text(Config.model_validate(config).to_toml())
    return path


def test_of_two_trainings_started_together_one_is_refused_a_hundred_times(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml")
    words = [sys.executable, "-c", RACE, str(tmp_path / "runs"), "100", str(config)]
    raced = subprocess.run(words, capture_output=True, text=True)
    wrote, refused, odd = map(int, raced.stderr.split()[-3:])
    assert odd == 0, raced.stderr
    # The second may come when the first has ended: then both are well, one after the other.
    assert wrote + refused == 200
    assert refused > 50, "they met"


@pytest.mark.integration
def test_the_second_is_refused_and_the_first_saves_when_its_terminal_is_closed(tmp_path) -> None:
    config = write_config(tmp_path / "c.toml", steps=1_000_000)
    words = ["-m", "xgeom_core", "train", str(config), "--run-dir", str(tmp_path / "run")]
    first, terminal = pty.fork()
    if not first:
        # Tests that run under nohup would hand down that a closed terminal means nothing.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, *words])
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while b"step " not in said:
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 1.0)[0]:
            said += os.read(terminal, 4096)
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    second = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert second.returncode == 2
    assert f"already (process {first} on " in second.stderr
    assert second.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before
    assert "checkpoint.pt" in before, "after the first step, not after five minutes"
    os.close(terminal)
    _, status = os.waitpid(first, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "stopped"
    last = (tmp_path / "run" / "losses.csv").read_text().splitlines()[-1]
    assert int(last.split(",")[0]) == events[-1].step
    assert (tmp_path / "run" / RUN_LOCK).read_text() == ""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A run of two steps."""
    folder = tmp_path_factory.mktemp("trained")
    train(write_config(folder / "c.toml"), folder / "run")
    return folder


def test_the_first_checkpoint_comes_after_the_first_step(trained) -> None:
    steps = [
        event.step for event in read_events(trained / "run" / "events.jsonl") if isinstance(event, Checkpoint)
    ]
    assert steps[0] == 1


def test_a_disk_that_is_full_before_the_first_checkpoint_is_told_truly(tmp_path) -> None:
    """Files cannot grow to the size of a checkpoint: the nearest thing to a full disk without one."""
    config = write_config(tmp_path / "c.toml", steps=50)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(TrainingError, match=r"had written no checkpoint yet: started again, it begins"):
            train(config, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in (tmp_path / "run").iterdir() if "checkpoint" in path.name]


def test_a_disk_that_fills_later_leaves_the_checkpoint_and_says_so(trained, tmp_path) -> None:
    shutil.copytree(trained / "run", tmp_path / "run")
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            TrainingError, match="last checkpoint is whole: started again, it goes on from there"
        ):
            train(trained / "c.toml", tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before


def test_links_in_a_run_folder_are_replaced_or_refused_and_never_followed(trained, tmp_path) -> None:
    victims = tmp_path / "home"
    (victims / "folder").mkdir(parents=True)
    run = tmp_path / "run"
    shutil.copytree(trained / "run", run)
    names = [
        *("environment.json", "losses.csv", "predictions.json", "model.safetensors", "config.toml"),
        *("checkpoint.pt", "checkpoint.pt.partial", "model.safetensors.partial", ".predictions.json.partial"),
    ]
    for name in names:
        content = (run / name).read_bytes() if (run / name).exists() else b"precious"
        (victims / name).write_bytes(content)
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(victims / name)
    before = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in victims.iterdir()
        if path.is_file()
    }
    train(trained / "c.toml", run)
    assert not (run / "checkpoint.pt").is_symlink()
    for name, why in (("events.jsonl", "link"), (RUN_LOCK, "link"), ("tensorboard", "link")):
        aside = run / f"{name}.aside"
        (run / name).rename(aside)
        (run / name).symlink_to(victims / ("folder" if name == "tensorboard" else "new"))
        with pytest.raises(TrainingError, match=why):
            train(trained / "c.toml", run)
        (run / name).unlink()
        aside.rename(run / name)
    after = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in victims.iterdir()
        if path.is_file()
    }
    assert after == before
    assert not list((victims / "folder").iterdir())


def test_a_reader_that_goes_away_ends_no_run(tmp_path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    log = EventLog(tmp_path / "events.jsonl", stream)
    log.write(Stage(text="x"))
    log.write(Stage(text="y"))
    assert [event.text for event in read_events(tmp_path / "events.jsonl")] == ["x", "y"]
    log.close()
    with suppress(BrokenPipeError):
        stream.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[training]\nsteps = " + "9" * 5000, "more than 4300 digits"),
        ("a = " + "[" * 3000, "nested too deeply"),
        ('name = "a\\nb"', "line end"),
        ('name = "' + "x" * 10_000 + '"', "10000 letters"),
        ('name = "a/b"', "slash"),
        ('[training]\ndevice = "' + "x" * 10_000 + '"', "device"),
    ],
)
def test_a_configuration_that_will_not_do_is_a_short_sentence(tmp_path, text, why) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        load_config(tmp_path / "c.toml")
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


def test_any_text_survives_toml(tmp_path) -> None:
    odd = 'a "quoted" \\ tab\t del\x7f nul\x00 end\n ü 光 𝄞'
    config = Config.model_validate({"data": {"kinds": {odd: 1.0}}, "training": {"start_from": odd}})
    (tmp_path / "c.toml").write_text(config.to_toml(), encoding="utf-8")
    assert load_config(tmp_path / "c.toml") == config


def test_a_damaged_checkpoint_is_a_sentence(trained, tmp_path) -> None:
    from xgeom_core.training.checkpoint import load_checkpoint

    whole, draw, read = (trained / "run" / "checkpoint.pt").read_bytes(), random.Random(5), 0
    for _ in range(60):
        (tmp_path / "checkpoint.pt").write_bytes(mutated(whole, draw))
        try:
            load_checkpoint(tmp_path)
            read += 1
        except TrainingError as error:
            assert "delete it" in str(error) or "is not a checkpoint" in str(error)
    assert read < 60, "some were found out"


def test_a_damaged_mask_is_a_sentence(tmp_path) -> None:
    write_mask(tmp_path / "whole.npy", np.eye(40, dtype=bool))
    whole, draw, refused = (tmp_path / "whole.npy").read_bytes(), random.Random(5), 0
    for _ in range(300):
        (tmp_path / "mask.npy").write_bytes(mutated(whole, draw, 140))
        try:
            read_mask(tmp_path / "mask.npy")
        except UnreadableFileError as error:
            refused += 1
            assert len(str(error)) < 600
    assert refused > 100


def mutated(data: bytes, draw: random.Random, reach: int | None = None) -> bytes:
    """With some bytes changed among the first `reach`, or cut off."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 20))):
        changed[draw.randrange(reach or len(changed))] = draw.randrange(256)
    return bytes(changed[: draw.randrange(len(changed))] if draw.random() < 0.2 else changed)


def test_steps_that_were_done_are_in_the_table_and_a_cut_off_row_is_not(tmp_path) -> None:
    from xgeom_core.training.folder import LossTable

    path = tmp_path / "losses.csv"
    table = LossTable(path, 0)
    for step in (1, 2, 3):
        table.add(step, 0.5, 1.0, 0.1)
    table.close()
    with path.open("a") as stream:
        stream.write("2,0.1,0.1,0.1\nx,0.1,0.1,0.1\n3,0.5,1")
    table = LossTable(path, 2)
    table.close()
    assert [row.split(",")[0] for row in path.read_text().splitlines()] == ["step", "1", "2", "2"]
