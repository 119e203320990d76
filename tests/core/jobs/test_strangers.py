"""A folder that somebody else wrote does nothing: it runs nothing, overwrites nothing, ends nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from xgeom_core import cli
from xgeom_core.errors import TrainingError
from xgeom_core.jobs import launch, records, trust
from xgeom_core.jobs.job import Job, Place, SlurmSettings
from xgeom_core.jobs.trust import ConsentNeededError, code_of, needs_consent
from xgeom_core.system.processes import Identity
from xgeom_core.training.events import EventLog, Heartbeat

SH = ("/bin/sh", "-c")


def strange(store, name: str = "gift", **entries) -> Path:
    """A job folder as a stranger would make it, which says that the job was stopped."""
    folder = store.root / name
    folder.mkdir(parents=True)
    record = {
        "id": "0123456789ab",
        "kind": "simulate",
        "title": "nice model",
        "arguments": [],
        "place": {"devices": ["cpu"], "processes": 1, "slurm": None},
        "created": 1e9,
        "program": [],
    } | entries
    (folder / "job.json").write_text(json.dumps(record))
    (folder / "exit.json").write_text('{"state": "stopped", "time": 1e9}')
    return folder


def only(store) -> Job:
    (job,) = store.jobs()
    return job


# ------------------------------------------------------------------------------------ what would run


@pytest.mark.parametrize(
    "entries",
    [
        {"program": ["/bin/sh"], "arguments": ["-c", "touch PWNED"]},
        # Without a program it is xgeom itself that would do the damage.
        {"kind": "export", "arguments": ["export", "default", "--out", "/home/me/.profile", "--overwrite"]},
        {"kind": "train", "arguments": ["train", "/elsewhere/config.toml", "--run-dir", "/elsewhere"]},
        {
            "kind": "train",
            "arguments": ["train", "{folder}/config.toml", "--run-dir", "{folder}"],
            "place": {"devices": ["cpu"], "processes": 1, "slurm": {"setup": ["touch PWNED"]}},
        },
        {"program": ["/bin/sh"], "arguments": ["-c", "touch PWNED"], "signature": "0" * 64},
    ],
)
def test_what_a_stranger_wrote_is_shown_and_not_run(store, entries) -> None:
    folder = strange(store, **entries)
    job = only(store)
    assert needs_consent(job)
    for agreed in ("", "00000000", "ü"):
        with pytest.raises(ConsentNeededError, match=f"--run-this {code_of(job)}") as caught:
            store.resume(job, agreed)
        assert " ".join(entries["arguments"][:2]).replace("{folder}", str(folder)) in str(
            caught.value
        ).replace("'", "")
    assert sorted(path.name for path in folder.iterdir()) == ["exit.json", "job.json", "resume.lock"]
    assert store.status(job).state == "stopped"


def test_it_runs_after_its_command_was_seen_and_only_that_command(
    store, monkeypatch, capsys, reached
) -> None:
    folder = strange(store, program=list(SH), arguments=["touch PWNED"])

    def resume(*more: str) -> tuple[int, str]:
        monkeypatch.setattr(
            sys, "argv", ["xgeom", "jobs", "resume", "nice", *more, "--root", str(store.root)]
        )
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0), capsys.readouterr().err

    code, err = resume()
    assert code == 2
    assert err.count("\n") == 1
    assert "/bin/sh -c 'touch PWNED'" in err
    agreed = err.split("--run-this ")[1].strip()
    assert not (folder / "PWNED").exists()
    record = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**record, "arguments": ["touch OTHER"]}))
    assert resume("--run-this", agreed)[0] == 2, "another command than the one that was shown"
    (folder / "job.json").write_text(json.dumps(record))
    assert resume("--run-this", agreed)[0] == 0
    reached(only(store), "done")
    assert (folder / "PWNED").exists()
    assert not (folder / "OTHER").exists()
    assert not needs_consent(only(store)), "it is known from now on"


def test_a_strangers_number_is_not_taken_for_that_of_our_own_job(store, stand_in, reached) -> None:
    mine = stand_in("pass")
    reached(mine, "done")
    strange(store, "gift", id=mine.id)
    assert {job.id for job in store.jobs()} == {mine.id, "gift"}
    assert store.find(mine.id).folder == mine.folder


def test_a_record_that_is_replaced_after_it_was_checked_is_not_run(
    store, stand_in, reached, monkeypatch
) -> None:
    real = launch.subprocess.run

    def swap_then_run(command, **settings):
        path = Path(command[3]) / "job.json"
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "program": list(SH), "arguments": ["touch PWNED"]}))
        return real(command, **settings)

    monkeypatch.setattr(launch.subprocess, "run", swap_then_run)
    with pytest.raises(TrainingError, match=r"job\.json was replaced .* nothing was run"):
        stand_in("print('mine')")
    assert not (only(store).folder / "PWNED").exists()


def test_our_own_records_are_known_until_their_command_is_changed(store) -> None:
    folder = store.root / "mine"
    folder.mkdir(parents=True)
    job = Job("i", "sweep", "t", folder, ("sweep", str(folder)), Place(slurm=SlurmSettings()), 1.0, ("x",))
    records.write_job(job)
    assert only(store).ours
    store.rename(only(store), "other title")
    moved = folder.rename(store.root / "moved")
    assert only(store).ours, "neither title nor place on the disk is part of the command"
    content = json.loads((moved / "job.json").read_text())
    for key, value in (
        *(("id", "j"), ("kind", "train"), ("arguments", ["sweep", "/"]), ("program", ["y"])),
        ("place", {**content["place"], "slurm": {"setup": ["rm -rf /"]}}),
        *(("signature", ""), ("signature", "é")),
    ):
        (moved / "job.json").write_text(json.dumps({**content, key: value}))
        assert not only(store).ours, key
    renamed = store.rename(only(store), "a stranger's, renamed")
    assert not renamed.ours
    assert not only(store).ours, "a new title does not make it ours"


def test_a_record_of_another_user_is_not_ours_and_an_open_key_proves_nothing(
    store, monkeypatch, tmp_path
) -> None:
    folder = store.root / "mine"
    folder.mkdir(parents=True)
    job = Job("i", "sweep", "t", folder, ("sweep",), Place(), 1.0)
    records.write_job(job)
    assert only(store).ours
    with monkeypatch.context() as patch:
        patch.setattr(trust.os, "geteuid", lambda: os.getuid() + 1)
        assert not only(store).ours
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not only(store).ours, "another key"
    records.write_job(job)
    key = tmp_path / "state" / "xgeom" / "job-key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert only(store).ours
    key.chmod(0o644)
    trust._key.cache_clear()
    assert not only(store).ours
    with pytest.raises(TrainingError, match="Others may read or replace"):
        records.write_job(job)


def test_a_command_too_long_to_be_read_is_not_run_at_all(store) -> None:
    strange(store, program=list(SH), arguments=["true " * 1000 + "; touch PWNED"])
    job = only(store)
    assert "a stranger's command of 50" in job.trouble
    with pytest.raises(TrainingError, match="new job to go on"):
        store.resume(job, code_of(job))


def test_a_plain_training_that_was_copied_here_goes_on_without_a_question(store) -> None:
    strange(store, kind="train", arguments=["train", "{folder}/config.toml", "--run-dir", "{folder}"])
    assert not needs_consent(only(store))


# --------------------------------------------------------------------------------- what would be overwritten


def test_links_in_a_job_folder_are_not_followed(store, tmp_path, reached) -> None:
    victims = tmp_path / "home"
    victims.mkdir()
    folder = strange(store, program=list(SH), arguments=["echo said; exit 3"])
    (folder / "exit.json").unlink()
    names = (
        *(
            "exit.reserve",
            "exit.json",
            "process.json",
            "ticket.json",
            "log.txt",
            "supervisor.txt",
            "resume.lock",
        ),
        *("STOP", "KILL", "PAUSED", "exit.previous.json", "slurm.json"),
    )

    def attack(*linked: str) -> Job:
        for name in linked:
            (victims / name).write_text("precious")
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(victims / name)
        return only(store)

    job = attack("exit.reserve", "exit.json", "process.json", "ticket.json", "exit.previous.json")
    store.resume(job, code_of(job))
    assert reached(only(store), "failed").exit_code == 3
    for name in ("log.txt", "supervisor.txt", "resume.lock", "STOP", "KILL"):
        job = attack(name)
        for act in (store.stop, store.kill, store.resume):
            try:
                act(job)
            except TrainingError as error:
                assert "link to another place" in str(error) or "can go on only" in str(error)
        (folder / name).unlink(missing_ok=True)
    assert {path.name: path.read_text() for path in victims.iterdir()} == {
        name: "precious" for name in names if (victims / name).exists()
    }
    assert len(list(victims.iterdir())) == 10


# ------------------------------------------------------------------------------------ who would be ended


@pytest.fixture
def bystander():
    """A process of the same user that has nothing to do with any job."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def test_a_process_that_a_folder_only_names_is_left_alone(store, bystander) -> None:
    named = str(Identity.of(bystander.pid))
    by_record, by_events = strange(store, "a", id="a1"), strange(store, "b", id="b1")
    for folder in (by_record, by_events):
        (folder / "exit.json").unlink()
    (by_record / "process.json").write_text(
        json.dumps({"child": named, "supervisor": named, "pid": bystander.pid})
    )
    log = EventLog(by_events / "events.jsonl")
    log.write(Heartbeat(process=named, clock=0.0))
    log.close()
    for job in store.jobs():
        for act in (store.pause, store.unpause, store.kill):
            with pytest.raises(
                TrainingError, match=f"process {bystander.pid} is its run, but that one was not"
            ):
                act(job)
        assert not (job.folder / records.EXIT).exists()
    assert bystander.is_running()
    assert bystander.status() not in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}


def test_a_copied_folder_has_no_power_over_the_first_ones_processes(store, stand_in, reached) -> None:
    job = stand_in("import time; time.sleep(600)")
    reached(job, "running")
    pid = store.status(job).pid
    shutil.copytree(job.folder, store.root / "copy")
    copy = records.read_job(store.root / "copy")
    with pytest.raises(TrainingError, match="was not started for this folder"):
        store.kill(copy)
    assert psutil.pid_exists(pid)
    store.kill(job)
    assert not psutil.pid_exists(pid)


def test_a_run_begun_in_a_terminal_is_known_by_its_command(store, tmp_path) -> None:
    """It has no mark in its environment, but says itself where it trains."""
    folder = store.root / "run"
    folder.mkdir(parents=True)
    code = "import time; print('there', flush=True); time.sleep(600)"
    words = [sys.executable, "-c", code, "train", "c.toml", "--run-dir", "run"]
    with subprocess.Popen(words, cwd=store.root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        log = EventLog(folder / "events.jsonl")
        log.write(Heartbeat(process=str(Identity.of(process.pid)), clock=0.0))
        log.close()
        store.kill(only(store))
        assert not Identity.of(process.pid)
    assert store.status(only(store)).state == "killed"


def test_slurm_is_told_nothing_that_a_stranger_wrote(store, tmp_path, monkeypatch) -> None:
    calls = tmp_path / "calls"
    for name in ("scancel", "squeue", "scontrol"):
        (tmp_path / name).write_text(
            f'#!/bin/sh\necho "{name} $*" >>{calls}\necho "7|PENDING|None|n|N/A|gift"\n'
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    place = {"devices": ["cpu"], "processes": 1, "slurm": {}}
    for name, number in (("a", "7"), ("b", "--user=me"), ("c", "7 8")):
        folder = strange(store, name, id=f"gift{name}", kind="train", place=place)
        (folder / "exit.json").unlink()
        (folder / "STOP").touch()
        (folder / "slurm.json").write_text(json.dumps({"number": number, "folder": "../.."}))
    for job in store.jobs():
        store.status(job)
        with pytest.raises(TrainingError, match="was not submitted by your xgeom"):
            store.kill(job)
    assert "scancel" not in calls.read_text() if calls.exists() else True


# ---------------------------------------------------------------------------------------- what is shown


def test_a_terminal_is_told_no_control_characters(store, monkeypatch, capsys) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\nfake line"
    folder = strange(store, "x\x1b[31m", title=evil, arguments=[evil])
    (folder / "exit.json").write_text(json.dumps({"state": "failed", "sentence": evil}))
    for words in (
        ["list"],
        ["show", "x"],
        ["compare", "x", "x"],
    ):
        monkeypatch.setattr(sys, "argv", ["xgeom", "jobs", *words, "--root", str(store.root)])
        with pytest.raises(SystemExit):
            cli.main()
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        assert "\x07" not in out + err
        if words[0] == "list":
            assert out.count("\n") == 1
    with pytest.raises(TrainingError, match="will not do as a job's title: it holds a line end"):
        store.rename(only(store), "a\nb")
    with pytest.raises(TrainingError, match="10000 letters"):
        store.submit("simulate", (), Place(), title="x" * 10_000)
