"""Power over whole trees of processes: nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from xgeom_core.errors import TrainingError
from xgeom_core.jobs.records import supervisor_of

# A child, and a grandchild in a session of its own, as torchrun makes them.
FAMILY = """
import subprocess, sys, time
sleep = "import time; time.sleep(600)"
parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', %r])" % sleep
subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
subprocess.Popen([sys.executable, "-c", parent])
print("all there", flush=True)
time.sleep(600)
"""
# The first child of the job ends at once and leaves an orphan in another session.
ORPHAN = """
import subprocess, sys, time
code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
subprocess.run([sys.executable, "-c", code], start_new_session=True)
print("all there", flush=True)
"""
SLEEPS = "import time\nprint('all there', flush=True)\ntime.sleep(600)"


@pytest.fixture
def begun(store, stand_in, until):
    def begin(code: str, **more):
        job = stand_in(code, **more)
        until(lambda: "all there" in store.log(job).splitlines(), "the family")
        return job

    return begin


def test_kill_ends_the_whole_tree(store, begun, marked, until) -> None:
    job = begun(FAMILY)
    until(lambda: len(marked(job)) == 4)
    store.kill(job)
    assert marked(job) == []
    assert (store.status(job).state, store.status(job).exit_code) == ("killed", -9)
    until(lambda: not supervisor_of(job.folder)[0].alive)


def test_an_orphan_in_another_session_is_found(store, begun, marked, reached) -> None:
    """The command itself ends in order; whoever it left behind is ended before the job is called done."""
    job = begun(ORPHAN)
    reached(job, "done")
    assert marked(job) == []


def test_kill_reaches_a_job_whose_supervisor_was_killed(store, begun, marked) -> None:
    job = begun(FAMILY)
    supervisor, child = supervisor_of(job.folder)
    os.kill(supervisor.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(supervisor.pid)] if psutil.pid_exists(supervisor.pid) else [], 10)
    status = store.status(job)
    assert (status.state, status.pid) == ("running", child.pid)
    store.kill(job)
    assert marked(job) == []
    assert store.status(job).state == "killed"


def test_a_job_that_lost_all_its_processes_is_lost_and_can_go_on(
    store, begun, marked, until, reached
) -> None:
    job = begun("import pathlib, time\nprint('all there', flush=True)\n"
                "if not pathlib.Path('again').exists(): time.sleep(600)")  # fmt: skip
    supervisor, child = supervisor_of(job.folder)
    for who in (supervisor, child):
        os.kill(who.pid, signal.SIGKILL)
    until(lambda: not supervisor.alive and not child.alive)
    status = store.status(job)
    assert status.state == "lost"
    assert "machine was switched off" in status.reason
    (job.folder / "again").touch()
    store.resume(job)
    assert reached(job, "done").exit_code == 0
    assert store.log(job).count("$ ") == 2, "the log of both starts"


def test_pause_halts_everyone_and_kill_still_works(store, begun, marked, until) -> None:
    job = begun(FAMILY)
    until(lambda: len(marked(job)) == 4)
    store.pause(job)

    def halted() -> bool:
        return all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in marked(job))

    until(halted, "all halted")
    assert len(marked(job)) == 4
    assert store.status(job).state == "paused"
    store.unpause(job)
    until(lambda: not any(psutil.Process(p).status() == psutil.STATUS_STOPPED for p in marked(job)))
    assert store.status(job).state == "running"
    store.pause(job)
    store.kill(job)
    assert marked(job) == []
    assert store.status(job).state == "killed"
    with pytest.raises(TrainingError, match="only a running job can be paused"):
        store.pause(job)


def test_stop_is_ctrl_c_for_what_is_no_training_even_when_paused(store, begun, reached) -> None:
    job = begun("import time\nprint('all there', flush=True)\ntry:\n time.sleep(600)\n"
                "except KeyboardInterrupt:\n print('tidied up'); raise SystemExit(130)")  # fmt: skip
    store.pause(job)
    store.stop(job)
    status = reached(job, "stopped")
    assert (status.exit_code, status.reason) == (130, "")
    assert "tidied up" in store.log(job)


def test_a_polite_end_of_the_supervisor_reaches_the_command(store, begun, reached) -> None:
    job = begun(SLEEPS)
    os.kill(supervisor_of(job.folder)[0].pid, signal.SIGTERM)
    assert "ended from outside (SIGTERM)" in reached(job, "failed").reason


def test_the_system_taking_the_memory_is_told_in_a_sentence(store, begun, reached) -> None:
    job = begun(SLEEPS)
    os.kill(store.status(job).pid, signal.SIGKILL)
    status = reached(job, "failed")
    assert status.exit_code == -9
    assert "most likely because memory ran out" in status.reason
    assert "Traceback" not in status.reason


def test_a_job_outlives_whoever_started_it_and_another_process_takes_over(store, tmp_path, until) -> None:
    """Submitted by a process that ends; watched and stopped from a third one that knows only the root."""
    start = (
        "import sys; from pathlib import Path; from xgeom_core.jobs.store import JobStore\n"
        "from xgeom_core.jobs.job import Place\n"
        f"store = JobStore(Path({str(store.root)!r}))\n"
        "code = 'import time; print(1, flush=True); time.sleep(600)'\n"
        "job = store.submit('simulate', (code,), Place(), 'orphan', program=(sys.executable, '-c'))\n"
        "print(job.id)"
    )
    started = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    job = store.find("orphan")
    assert job.id == started.stdout.strip()
    until(lambda: store.status(job).state == "running")
    supervisor = supervisor_of(job.folder)[0]
    assert os.getsid(supervisor.pid) not in {os.getsid(0), os.getsid(store.status(job).pid)}
    stopped = subprocess.run(
        [sys.executable, "-m", "xgeom_core", "jobs", "stop", "orphan", "--root", str(store.root)],
        capture_output=True,
        text=True,
    )
    assert stopped.returncode == 0, stopped.stderr
    until(lambda: store.status(job).state == "stopped")
    until(lambda: not supervisor.alive)
