"""How jobs stand: from small files alone, whatever the clock says and whatever is damaged."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.jobs import records, running
from xgeom_core.jobs.job import Job, Place, SlurmSettings
from xgeom_core.jobs.queue import draw_ticket
from xgeom_core.jobs.state import STALLED_AFTER_S
from xgeom_core.jobs.store import JobStore
from xgeom_core.system import safe_files
from xgeom_core.system.processes import Identity, boot
from xgeom_core.training.events import EventLog, Failed, Finished, Heartbeat, RunStarted, Stage

DAY_S = 86_400.0


@pytest.fixture
def store(tmp_path) -> JobStore:
    return JobStore(tmp_path / "runs")


def made(store: JobStore, name: str = "a", **facts) -> Job:
    """A job whose command is this very process."""
    folder = store.root / name
    folder.mkdir(parents=True)
    job = Job(
        f"id-{name}", "train", name, folder, ("train", str(folder / "config.toml")), Place(), time.time()
    )
    records.write_job(job)
    draw_ticket(store.root, folder, job.place)
    me = str(Identity.of())
    process = {"supervisor": me, "child": me, "pid": os.getpid(), "phase": "running", "started": 1.0} | facts
    records.write_record(folder / records.PROCESS, records.Process(**process))
    return job


def say(job: Job, *events) -> None:
    log = EventLog(job.folder / records.EVENTS)
    for event in events:
        log.write(event)
    log.close()


def beat(ago_s: float = 0.0, process: str | None = None) -> Heartbeat:
    return Heartbeat(process=process or str(Identity.of()), clock=time.monotonic() - ago_s)


def test_a_job_is_read_back_as_it_was_written(store) -> None:
    folder = store.root / "x"
    folder.mkdir(parents=True)
    slurm = SlurmSettings("main", 1, 2, 3.5, 0.5, "me", ("conda activate x",))
    job = Job(
        "i",
        "sweep",
        "ü {folder}",
        folder,
        ("sweep", str(folder / "c.toml")),
        Place(("cuda:0",), 2, slurm),
        5.0,
    )
    records.write_job(job)
    assert records.read_job(folder) == job
    moved = folder.rename(store.root / "y")
    assert records.read_job(moved).arguments == ("sweep", str(moved / "c.toml"))


def test_the_heartbeat_is_judged_by_the_monotonic_clock(store, monkeypatch) -> None:
    job = made(store)
    say(job, Stage(text="x"), beat(ago_s=12.0))
    status = store.status(job)
    assert 12.0 <= status.heartbeat_age_s < 12.0 + 15.0
    assert (status.state, status.stalled) == ("running", False)
    monkeypatch.setattr("time.time", lambda real=time.time: real() + DAY_S)
    assert JobStore(store.root).status(job).heartbeat_age_s == pytest.approx(status.heartbeat_age_s, abs=15)


@pytest.mark.parametrize("jump", [-DAY_S, DAY_S])
def test_a_clock_that_jumps_stalls_nothing_and_loses_nothing(store, monkeypatch, jump) -> None:
    job = made(store)
    say(job, beat())
    assert store.status(job).state == "running"
    monkeypatch.setattr("time.time", lambda real=time.time: real() + jump)
    say(job, beat())
    os.utime(job.folder / records.EVENTS, (time.time(), time.time()))
    for watcher in (store, JobStore(store.root)):
        status = watcher.status(job)
        assert (status.state, status.stalled) == ("running", False)
        assert status.heartbeat_age_s < STALLED_AFTER_S


def test_silence_is_called_stalled_but_not_while_paused(store, monkeypatch) -> None:
    job = made(store)
    say(job, beat(ago_s=STALLED_AFTER_S + 1))
    assert store.status(job).stalled
    (job.folder / records.PAUSED).touch()
    status = store.status(job)
    assert (status.state, status.stalled) == ("paused", False)
    (job.folder / records.PAUSED).unlink()
    assert not store.status(job).stalled, "it has just been let go"
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + STALLED_AFTER_S + 5)
    assert store.status(job).stalled
    say(job, Stage(text="it goes on"))
    assert not store.status(job).stalled


def test_a_run_on_another_machine_is_judged_by_what_it_adds(store, monkeypatch) -> None:
    """Its clock says nothing here; only that its events grow."""
    job = made(store)
    say(job, beat(ago_s=-1e6, process="1@1@another boot"))
    assert store.status(job).heartbeat_age_s == pytest.approx(0, abs=15)
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + STALLED_AFTER_S + 20)
    assert store.status(job).stalled


def test_a_pid_given_to_another_process_is_not_the_job(store) -> None:
    me = Identity.of()
    other = replace(me, start=str(int(me.start) - 1) if me.start.isdecimal() else "0")
    before = replace(me, boot="the start of the machine before")
    for name, who in (("a", other), ("b", before)):
        job = made(store, name, supervisor=str(who), child=str(who))
        assert store.status(job).state == "lost"
    assert me.alive
    assert Identity.parse(str(me)) == me
    assert Identity.parse("rubbish") is None
    assert boot() == me.boot


def test_a_lost_job_tells_what_it_still_could_tell(store) -> None:
    gone = str(replace(Identity.of(), boot="before"))
    dead = {"supervisor": gone, "child": gone}
    failed, done, stopped = (made(store, name, **dead) for name in ("failed", "done", "stopped"))
    say(failed, Failed(message="The disk is full."))
    say(done, Finished(step=1, reason="done", model="m"))
    say(stopped, Finished(step=1, reason="stopped", model="m"), Stage(text="importing torch"), beat())
    assert (store.status(failed).state, store.status(failed).reason) == ("failed", "The disk is full.")
    assert store.status(done).state == "done"
    assert store.status(stopped).state == "stopped"


def test_a_run_that_has_said_its_last_word_is_stopping_and_a_new_start_forgets_it(store) -> None:
    job = made(store)
    say(job, Finished(step=1, reason="stopped", model="m"))
    assert store.status(job).state == "stopping"
    size = (job.folder / records.EVENTS).stat().st_size
    process = replace(records.read_process(job.folder), events_from=size)
    records.write_record(job.folder / records.PROCESS, process)
    status = store.status(job)
    assert (status.state, status.stalled) == ("running", False)


def test_a_run_begun_in_a_terminal_is_listed_and_judged(store) -> None:
    folder = store.root / "mine"
    folder.mkdir(parents=True)
    log = EventLog(folder / records.EVENTS)
    log.write(RunStarted(pid=1, command="xgeom train", xgeom_version="0", steps=5))
    log.write(beat())
    (job,) = store.jobs()
    assert (job.id, job.kind, job.managed) == ("mine", "train", False)
    assert (store.status(job).state, store.status(job).pid) == ("running", os.getpid())
    log.write(Finished(step=5, reason="done", model="m"))
    log.write(beat())
    assert store.status(job).state == "done", "no heartbeat after the last word"
    log.close()
    assert store.rename(job, "better").title == "better"
    assert store.status(store.jobs()[0]).state == "done"


@pytest.mark.parametrize("text", ["", "rubbish", "[1]", '{"id": "x"}', '{"kind": "fly"}', "\x00\xff"])
def test_a_damaged_record_is_told_and_hides_nothing(store, text) -> None:
    whole = made(store, "whole")
    job = made(store, "broken")
    (job.folder / records.JOB).write_text(text, encoding="latin-1")
    (job.folder / records.LOG).write_text("what it said\n")
    listed = {one.folder.name: one for one in store.jobs()}
    assert listed["whole"] == whole
    broken = listed["broken"]
    assert "job.json is damaged" in broken.trouble
    assert broken.trouble.count("\n") == 0
    status = store.status(broken)
    assert status.state in {"lost", "running"}
    assert "job.json is damaged" in status.reason
    assert store.log(broken) == "what it said\n"


@pytest.mark.parametrize("name", [records.EXIT, records.PROCESS])
@pytest.mark.parametrize("text", ["", "rubbish", "[1]"])
def test_other_damaged_files_are_survived(store, name, text) -> None:
    job = made(store)
    (job.folder / name).write_text(text)
    assert store.status(job).reason or store.status(job).state in {"starting", "lost"}


def test_a_status_is_cheap(store) -> None:
    """One status of a run with a long history, read by a fresh watcher and by one that knows it."""
    job = made(store)
    say(job, *(Stage(text="x" * 100) for _ in range(20_000)), beat())
    fresh = [JobStore(store.root) for _ in range(20)]
    begin = time.process_time()
    for watcher in fresh:
        watcher.status(job)
    first = (time.process_time() - begin) / 20
    begin = time.process_time()
    for _ in range(100):
        store.status(job)
    assert first < 0.02
    assert (time.process_time() - begin) / 100 < 0.005


def test_a_full_disk_does_not_keep_the_end_from_being_told(tmp_path, monkeypatch) -> None:
    """The room kept for it is given up, and it is written as soon as that works."""
    running.keep_room(tmp_path)
    assert (tmp_path / records.RESERVE).stat().st_size > 4096
    real, tries = records.write_text, []

    def full_at_first(path: Path, text: str) -> None:
        tries.append((tmp_path / records.RESERVE).exists())
        if len(tries) < 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, text)

    monkeypatch.setattr(records, "write_text", full_at_first)
    assert running.finish(tmp_path, "failed", 2, "The disk is full.", 1.0, 60) == "failed"
    assert tries == [False, False, False]
    assert json.loads((tmp_path / records.EXIT).read_text())["sentence"] == "The disk is full."


@pytest.mark.parametrize("root", ["/proc/xgeom-runs", "FILE/runs"])
def test_a_place_that_cannot_be_written_is_told(tmp_path, root) -> None:
    (tmp_path / "file").touch()
    store = JobStore(Path(root.replace("FILE", str(tmp_path / "file"))))
    with pytest.raises(TrainingError, match=r"cannot be made: .*\. Choose another\.") as caught:
        store.submit("simulate", ("x",), Place())
    assert "\n" not in str(caught.value)


def test_a_read_only_disk_is_told(store, monkeypatch) -> None:
    job = made(store)

    def read_only(path: Path, flags: int, real=safe_files._open) -> int:
        if flags & os.O_WRONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags)

    monkeypatch.setattr(safe_files, "_open", read_only)
    with pytest.raises(TrainingError, match="Read-only file system"):
        store.stop(job)
    with pytest.raises(TrainingError, match="Read-only file system"):
        store.rename(job, "new")
    monkeypatch.undo()
    assert store.status(job).state == "running"


def test_what_cannot_be_done_is_refused_in_a_sentence(store) -> None:
    running_job = made(store, "running")
    done = made(store, "done")
    running.finish(done.folder, "done", 0, "", 1.0)
    for refused in (
        lambda: store.resume(running_job),
        lambda: store.resume(done),
        lambda: store.archive(running_job),
        lambda: store.rename(done, "  "),
        lambda: store.find("nobody"),
        lambda: store.submit("train", (), Place(), folder=store.root / "done"),
        lambda: store.submit("train", (), Place(), folder=store.root.parent / "elsewhere"),
    ):
        with pytest.raises(XgeomError) as caught:
            refused()
        assert str(caught.value).endswith((".", "them."))
    store.stop(done)
    assert not (done.folder / records.STOP).exists(), "it would stop the next start"


def test_archive_moves_and_keeps_everything(store) -> None:
    job = made(store, "a")
    running.finish(job.folder, "done", 0, "", 1.0)
    before = sorted(path.name for path in job.folder.iterdir())
    shelved = store.archive(job)
    assert store.jobs() == []
    assert store.jobs(archived=True) == [shelved]
    assert shelved.id == job.id
    assert store.job(job.id) == shelved
    assert shelved.arguments[1] == str(shelved.folder / "config.toml")
    made(store, "a")
    back = store.unarchive(shelved)
    assert back.folder.name == "a-2", "nothing is overwritten"
    assert sorted(path.name for path in back.folder.iterdir()) == before
    assert store.find("a-2") == back
