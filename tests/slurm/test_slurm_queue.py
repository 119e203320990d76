"""Slurm's answers, from stand-ins for its programs: no cluster is needed."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import slurm, slurm_queue
from xgeom_core.jobs.job import Job, Place, SlurmSettings
from xgeom_core.jobs.records import (
    EXIT,
    KILL,
    PROCESS,
    SLURM,
    STOP,
    Process,
    SlurmTicket,
    read_exit,
    read_ticket,
    write_job,
    write_record,
)
from xgeom_core.jobs.slurm_queue import Queue, SlurmSilentError, plain_words
from xgeom_core.jobs.slurm_run import warning_s
from xgeom_core.jobs.slurm_submit import parameters
from xgeom_core.jobs.slurm_words import end_of, why_it_waits
from xgeom_core.jobs.store import JobStore

CLUSTER = Place(slurm=SlurmSettings(partition="main", hours=0.5, memory_gb=4))


class Stand:
    """A folder of programs that answer with the text of a file and count how often they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, program: str, text: str, code: int = 0, error: str = "", sleeps: float = 0) -> None:
        (self.folder / f"{program}.out").write_text(text)
        (self.folder / f"{program}.err").write_text(error)
        script = self.folder / program
        script.write_text(
            f'#!/bin/sh\necho "$*" >>{self.folder}/{program}.calls\nsleep {sleeps}\n'
            f"cat {self.folder}/{program}.out\ncat {self.folder}/{program}.err >&2\nexit {code}\n"
        )
        script.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        path = self.folder / f"{program}.calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def stand(tmp_path, monkeypatch) -> Stand:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(slurm, "_queue", Queue())
    made = Stand(folder)
    made.answers("scancel", "")
    made.answers("scontrol", "", 1, "slurm_load_jobs error: Invalid job id specified\n")
    return made


@pytest.fixture
def job(tmp_path) -> Job:
    """A job that was handed in as Slurm's number 7."""
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    made = Job("abc123", "train", "rings", folder, ("train",), CLUSTER, 1.0)
    write_job(made)
    write_record(folder / SLURM, SlurmTicket("7", "1"))
    return made


def line(state: str, reason: str = "None", comment: str = "abc123", number: str = "7") -> str:
    return f"{number}|{state}|{reason}|node1|N/A|{comment}\n"


def test_one_squeue_serves_all_jobs_for_two_seconds(stand, monkeypatch) -> None:
    stand.answers("squeue", line("RUNNING") + line("PENDING", "Resources", number="8") + "rubbish\n")
    queue = Queue()
    for _ in range(50):
        assert queue.job("7").state == "RUNNING"
        assert queue.job("8").reason == "Resources"
        assert queue.job("9") is None
    assert len(stand.calls("squeue")) == 1
    now = time.monotonic()
    monkeypatch.setattr(slurm_queue.time, "monotonic", lambda: now + 2.5)
    queue.job("7")
    assert len(stand.calls("squeue")) == 2


def test_a_slurm_that_does_not_answer_costs_its_timeout_once(stand, monkeypatch) -> None:
    stand.answers("squeue", "", sleeps=5)
    monkeypatch.setattr(
        slurm_queue,
        "run_program",
        lambda words, timeout_s=0.2, run=slurm_queue.run_program: run(words, timeout_s),
    )
    queue = Queue()
    for _ in range(20):
        with pytest.raises(SlurmSilentError, match=r"does not answer: squeue was given up after 0.2 s"):
            queue.job("7")
    assert len(stand.calls("squeue")) == 1


def test_a_silent_slurm_is_no_end_of_a_job(stand, job) -> None:
    stand.answers(
        "squeue", "", 1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"
    )
    assert slurm.slurm_state(job).state == "queued"
    write_record(job.folder / PROCESS, Process(started=5.0))
    status = slurm.slurm_state(job)
    assert (status.state, status.started) == ("running", 5.0)
    assert "does not answer" in status.reason
    assert not (job.folder / EXIT).exists()


@pytest.mark.parametrize(
    ("state", "process", "mark", "expected"),
    [
        ("PENDING", False, "", "queued"),
        ("CONFIGURING", False, "", "starting"),
        ("RUNNING", False, "", "starting"),
        ("RUNNING", True, "", "running"),
        ("RUNNING", True, STOP, "stopping"),
        ("RUNNING", True, KILL, "stopping"),
        ("PENDING", False, STOP, "stopping"),
        ("SUSPENDED", True, "", "paused"),
        ("COMPLETING", True, "", "stopping"),
    ],
)
def test_states_of_slurm_become_states_of_jobs(stand, job, state, process, mark, expected) -> None:
    stand.answers("squeue", line(state, "Resources"))
    if process:
        write_record(job.folder / PROCESS, Process(started=5.0))
    if mark:
        (job.folder / mark).touch()
    assert slurm.slurm_state(job).state == expected
    # Only what still waits may be taken out: a run that has begun obeys the file and saves.
    taken_out = ["--state=PENDING 7"] if (state, mark) == ("PENDING", STOP) else []
    assert stand.calls("scancel") == taken_out


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    [
        ("TIMEOUT", "failed", "time limit of 0.5 h"),
        ("OUT_OF_MEMORY", "failed", "more than the 4 GB"),
        ("NODE_FAIL", "failed", "node it ran on failed"),
        ("PREEMPTED", "failed", "more urgent job"),
        ("CANCELLED", "killed", "cancelled in Slurm, not from here"),
    ],
)
def test_an_end_that_only_slurm_knows_is_recorded(stand, job, monkeypatch, state, expected, words) -> None:
    stand.answers("squeue", line(state))
    write_record(job.folder / PROCESS, Process(started=5.0))
    # The node may still say why.
    assert slurm.slurm_state(job).state == "stopping"
    monkeypatch.setattr(slurm, "_GRACE_S", 0.0)
    status = slurm.slurm_state(job)
    assert status.state == expected
    assert words in status.reason
    assert read_exit(job.folder).sentence == status.reason


def test_a_job_that_slurm_forgot_is_lost(stand, job, monkeypatch) -> None:
    monkeypatch.setattr(slurm, "_GRACE_S", 0.0)
    stand.answers("squeue", "")
    assert slurm.slurm_state(job).state == "lost"
    assert stand.calls("scontrol") == ["show job 7 -o"]


def test_another_job_of_the_same_number_is_not_ours(stand, job, monkeypatch) -> None:
    monkeypatch.setattr(slurm, "_GRACE_S", 0.0)
    stand.answers("squeue", line("RUNNING", comment="fedcba"))
    assert slurm.slurm_state(job).state == "lost"


def test_a_job_that_could_not_begin_shows_the_words_of_its_set_up(stand, job, monkeypatch) -> None:
    monkeypatch.setattr(slurm, "_GRACE_S", 0.0)
    stand.answers("squeue", line("FAILED", "NonZeroExitCode"))
    folder = job.folder / "slurm" / "1"
    folder.mkdir(parents=True)
    (folder / "7_0_log.out").write_text(
        "line 3: conda: command not found\nsrun: error: node1: task 0: Exited\n"
    )
    status = slurm.slurm_state(job)
    assert status.state == "failed"
    assert "conda: command not found" in status.reason
    assert "conda: command not found" in (job.folder / "log.txt").read_text()


def test_without_slurm_the_reason_is_a_sentence_and_the_job_has_failed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    store = JobStore(tmp_path / "runs")
    with pytest.raises(
        TrainingError, match="sbatch was not found, so this computer belongs to no Slurm cluster"
    ):
        store.submit("evaluate", ("-c", "pass"), CLUSTER, program=(sys.executable,))
    (job,) = store.jobs()
    assert store.status(job).state == "failed"
    assert "sbatch was not found" in store.status(job).reason


def test_a_job_of_the_cluster_keeps_no_device_of_this_machine(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    store = JobStore(tmp_path / "runs")
    with pytest.raises(TrainingError):
        store.submit("evaluate", (), replace(CLUSTER, devices=("cpu",)))
    assert read_ticket(store.jobs()[0].folder).devices == ()


def test_kill_marks_cancels_and_settles_what_never_began(stand, job) -> None:
    slurm.cancel_slurm(job)
    assert stand.calls("scancel") == ["7"]
    assert (job.folder / KILL).exists()
    assert read_exit(job.folder).state == "killed"
    stand.answers("scancel", "", 1, "scancel: error: Kill job error on job id 7: Access/permission denied\n")
    with pytest.raises(TrainingError, match="does not cancel rings"):
        slurm.cancel_slurm(job)


def test_what_is_asked_of_slurm(job) -> None:
    wanted = SlurmSettings("gpu", 2, 8, 12.5, 1.51, "beam42", ("conda activate xgeom",))
    asked = parameters(replace(job, title="Überlauf 7; rm"), wanted)
    expected = {"partition": "gpu", "account": "beam42", "gpus_per_node": 2, "cpus_per_task": 8, "time": 91}
    assert {name: asked[name] for name in expected} == expected
    assert asked["mem"] == "12800M"
    assert asked["setup"][0] == "conda activate xgeom"
    assert asked["comment"] == "abc123"
    assert ";" not in asked["job_name"]
    plain = parameters(job, SlurmSettings())
    assert {"partition", "account", "gpus_per_node"}.isdisjoint(plain)


@pytest.mark.parametrize("hours", [1 / 30, 0.1, 4, 72])
def test_a_run_is_told_to_save_well_before_its_limit(hours: float) -> None:
    told = parameters(Job("a", "train", "t", Path("a"), (), CLUSTER, 0), SlurmSettings(hours=hours))
    assert told["additional_parameters"]["signal"] == f"TERM@{warning_s(hours)}"
    # Slurm itself may be another minute early.
    assert 30 <= warning_s(hours) <= hours * 3600 - 60


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Resources", "free nodes"),
        ("(Priority)", "higher priority"),
        ("QOSMaxGRESPerUser", r"quality of service \(QOSMaxGRESPerUser\)"),
        ("JobHeldUser", "scontrol release 7"),
        ("SomethingNew", r"queue of Slurm \(SomethingNew\)"),
    ],
)
def test_reasons_in_words(reason: str, words: str) -> None:
    import re

    assert re.search(words, why_it_waits(reason, "7"))
    assert why_it_waits(reason, "7", "2030-01-02T03:04:05").endswith("begin at 2030-01-02 03:04:05.")


def test_killed_from_here_needs_no_reason() -> None:
    assert end_of("CANCELLED", SlurmSettings(), killed=True) == ("killed", "")


def test_words_of_slurms_programs_lose_their_marks() -> None:
    said = (
        "sbatch: error: invalid partition specified: foo\nsbatch: error: Batch job submission failed: Bad.\n"
    )
    assert plain_words(said) == "invalid partition specified: foo; Batch job submission failed: Bad"
    assert os.linesep not in plain_words(said)
