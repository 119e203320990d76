"""Jobs on a real Slurm of one node: submitted, watched, stopped, crashed, cancelled, re-attached, resumed.

Skipped where Debian's packages slurm-wlm and munge are not installed.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import process_tree, slurm
from xgeom_core.jobs.job import Job, JobState, Place, SlurmSettings, Status
from xgeom_core.jobs.store import JobStore
from xgeom_core.jobs.tail import EventTail
from xgeom_core.training.config import Config
from xgeom_core.training.events import Checkpoint, Event, Finished, RunStarted, Step, read_events

pytestmark = pytest.mark.integration
pytest.importorskip("submitit", reason="submitit is not installed: pip install 'xgeom[slurm]'")

# Generous: the machine may be busy with other things.
PATIENCE_S = 240.0
ENDS = ("done", "stopped", "failed", "killed", "lost")


@pytest.fixture(scope="module")
def cluster(repo: Path) -> Iterator[None]:
    """A Slurm of one node with two cores; ended with everything in it."""
    # Short: a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="xgeom-slurm-"))
    scripts = repo / "tests" / "slurm"
    up = subprocess.run(
        ["bash", scripts / "up.sh", folder, str(free_port())], capture_output=True, text=True, timeout=180
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("OMP_NUM_THREADS", "1")
        try:
            if up.returncode == 3:
                pytest.skip(up.stderr.strip())
            assert up.returncode == 0, up.stderr
            yield
        finally:
            subprocess.run(["bash", scripts / "down.sh", folder], timeout=180, check=True)
    shutil.rmtree(folder)


@pytest.fixture
def store(cluster: None, tmp_path: Path) -> Iterator[JobStore]:
    """A place for jobs; whatever is left in it afterwards is cancelled."""
    made = JobStore(tmp_path / "runs")
    yield made
    for job in made.jobs():
        if not made.status(job).over:
            made.kill(job)
            wait(made, job, ENDS)


def free_port() -> int:
    """A port that is free, as is the next."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("localhost", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("localhost", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise RuntimeError("no two free ports")


def place(cpus: int = 1, hours: float = 0.5, **more: object) -> Place:
    return Place(slurm=SlurmSettings("main", cpus=cpus, memory_gb=1.5, hours=hours, **more))  # type: ignore[arg-type]


def config(**training: object) -> Config:
    return Config.model_validate(
        {
            "name": "small",
            "model": {"width": 4, "input_px": 64, "supersampling": 1, "activations": 8},
            "data": {"workers": 1, "kinds": {"binary": 1.0}},
            "validation": {"kinds": ["binary"], "frames": 4, "every_steps": 1000000},
            "training": {"steps": 1000000, "batch": 4, "device": "cpu", "threads": 1} | training,
        }
    )


def python(store: JobStore, code: str, where: Place, **more: object) -> Job:
    """A job whose command is a few lines of Python."""
    return store.submit("evaluate", ("-c", code), where, program=(sys.executable,), **more)  # type: ignore[arg-type]


def wait(store: JobStore, job: Job, states: tuple[JobState, ...] | tuple[str, ...]) -> Status:
    """Wait until a job is in one of the states."""
    deadline = time.monotonic() + PATIENCE_S
    while (status := store.status(job)).state not in states:
        assert not (status.over and "lost" not in states), f"{status}\n{store.log(job)}"
        assert time.monotonic() < deadline, f"{status}\n{store.log(job)}"
        time.sleep(0.2)
    return status


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def steps(tail: EventTail, seen: list[Event], kind: type[Event] = Step) -> bool:
    seen += tail.read()
    return any(isinstance(event, kind) for event in seen)


def halt_until_told(process: psutil.Process) -> None:
    """Halt a process until SIGTERM waits for it; Slurm may let it go on by itself."""

    def told() -> bool:
        if process.status() != psutil.STATUS_STOPPED:
            return True
        facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        waiting = int(facts["ShdPnd"], 16) | int(facts["SigPnd"], 16)
        return bool(waiting >> (signal.SIGTERM - 1) & 1)

    status = Path(f"/proc/{process.pid}/status")
    process.suspend()
    with suppress(psutil.NoSuchProcess, FileNotFoundError):
        until(lambda: process.status() == psutil.STATUS_STOPPED)
        until(told)
        process.resume()


def number(job: Job) -> str:
    return str(json.loads((job.folder / "slurm.json").read_text())["number"])


def test_a_training_is_watched_stopped_from_another_process_resumed_and_killed(store: JobStore) -> None:
    job = store.train(config(), place(cpus=2), "first")
    waiting = python(store, "print('my turn')", place(cpus=2))
    wait(store, job, ("running",))
    tail, seen = EventTail(job.folder / "events.jsonl"), []
    until(lambda: steps(tail, seen))
    status = store.status(waiting)
    assert status.state == "queued"
    assert "waits for free nodes" in status.reason

    # Another process, which knows the folder only.
    other = (
        "import sys; from pathlib import Path; from xgeom_core.jobs.store import JobStore; "
        "s = JobStore(Path(sys.argv[1])); job = next(j for j in s.jobs() if j.title == 'first'); "
        "print(s.status(job).state); s.stop(job)"
    )
    said = subprocess.run(
        [sys.executable, "-c", other, str(store.root)], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (said.stdout, said.stderr) == ("running\n", "")
    assert wait(store, job, ("stopped",)).exit_code == 0
    assert (job.folder / "checkpoint.pt").exists()
    assert (job.folder / "model.safetensors").exists()
    before = read_events(job.folder / "events.jsonl")
    assert isinstance(before[-1], Finished)

    assert wait(store, waiting, ("done",)).exit_code == 0
    assert "my turn" in store.log(waiting)

    first = number(job)
    store.resume(job)
    assert int(number(job)) > int(first)
    until(
        lambda: sum(isinstance(event, RunStarted) for event in read_events(job.folder / "events.jsonl")) == 2
    )
    again = [event for event in read_events(job.folder / "events.jsonl") if isinstance(event, RunStarted)]
    assert again[1].first_step == before[-1].step > 0
    wait(store, job, ("running",))
    assert process_tree.members(job, None)
    store.kill(job)
    assert wait(store, job, ("killed",)).over
    until(lambda: not process_tree.members(job, None))


def test_a_run_is_told_to_save_before_its_time_limit_and_can_go_on(store: JobStore) -> None:
    job = store.train(config(), place(hours=2 / 60), "short")
    tail, seen = EventTail(job.folder / "events.jsonl"), []
    until(lambda: steps(tail, seen))
    # A minute of training would show no more.
    halt_until_told(psutil.Process(next(event.pid for event in seen if isinstance(event, RunStarted))))
    status = wait(store, job, ("stopped",))
    assert "time limit of 0.0333333 h on Slurm was near, so it saved" in status.reason
    events = read_events(job.folder / "events.jsonl")
    assert any(isinstance(event, Checkpoint) for event in events)
    assert isinstance(events[-1], Finished) and events[-1].reason == "stopped"
    store.resume(job)
    wait(store, job, ("running",))
    store.stop(job)
    wait(store, job, ("stopped",))


def test_a_run_cancelled_in_a_terminal_saves_and_says_so(store: JobStore) -> None:
    job = store.train(config(), place())
    tail, seen = EventTail(job.folder / "events.jsonl"), []
    until(lambda: steps(tail, seen))
    subprocess.run(["scancel", number(job)], check=True, timeout=60)
    status = wait(store, job, ("stopped",))
    assert "Slurm told it to end" in status.reason
    assert (job.folder / "checkpoint.pt").exists()


def test_a_run_that_crashes_says_why(store: JobStore, tmp_path: Path) -> None:
    missing = tmp_path / "gone.h5"
    bad = config().model_copy(update={"data": config().data.model_copy(update={"files": [missing]})})
    job = store.train(bad, place())
    killed = python(store, "import os; print('so far'); os.kill(os.getpid(), 9)", place())
    status = wait(store, job, ("failed",))
    assert str(missing) in status.reason
    assert "Traceback" not in status.reason
    assert str(missing) in store.log(job)
    assert "memory ran out" in wait(store, killed, ("failed",)).reason


def test_set_up_lines_run_first_and_their_failure_is_told(store: JobStore) -> None:
    lines = ("export XGEOM_WORD=set-up",)
    good = python(store, "import os; print(os.environ['XGEOM_WORD'])", place(setup=lines))
    bad = python(store, "print('never')", place(setup=("no_such_program activate || exit 3",)))
    wait(store, good, ("done",))
    assert "set-up" in store.log(good)
    status = wait(store, bad, ("failed",))
    assert "no_such_program: command not found" in status.reason
    assert "no_such_program: command not found" in store.log(bad)
    assert "never" not in store.log(bad).replace("'never'", "")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (SlurmSettings("nowhere"), "invalid partition specified: nowhere"),
        (SlurmSettings("main", cpus=500), "[Mm]ore processors|configuration is not available"),
        (SlurmSettings("main", gpus=2), "[Ii]nvalid generic resource|configuration is not available"),
    ],
)
def test_what_slurm_refuses_is_a_sentence(store: JobStore, asked: SlurmSettings, words: str) -> None:
    with pytest.raises(TrainingError, match=f"^Slurm refused .*({words})"):
        python(store, "pass", Place(slurm=asked))
    (job,) = store.jobs()
    assert store.status(job).state == "failed"


def test_stopped_or_killed_in_the_queue_a_job_never_begins(store: JobStore) -> None:
    holder = python(store, "import time; time.sleep(600)", place(cpus=2))
    wait(store, holder, ("running",))
    stopped, killed = (python(store, "print('began')", place(cpus=2)) for _ in range(2))
    wait(store, stopped, ("queued",))
    store.stop(stopped)
    store.kill(killed)
    assert "before it began" in wait(store, stopped, ("stopped",)).reason
    wait(store, killed, ("killed",))
    store.kill(holder)
    wait(store, holder, ("killed",))
    for job in (stopped, killed):
        assert store.log(job) == ""
    until(lambda: not process_tree.members(holder, None))


def test_many_jobs_cost_one_squeue_every_two_seconds(store: JobStore) -> None:
    holder = python(store, "import time; time.sleep(600)", place(cpus=2))
    jobs = [python(store, "pass", place(cpus=2)) for _ in range(4)]
    wait(store, holder, ("running",))
    before, began, looks = slurm._queue.calls, time.monotonic(), 0
    while time.monotonic() - began < 5:
        assert [store.status(job).state for job in jobs] == ["queued"] * 4
        looks += 1
        time.sleep(0.05)
    assert looks > 5
    assert slurm._queue.calls - before <= 1 + (time.monotonic() - began) / 2
