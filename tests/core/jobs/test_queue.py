"""One job after another on each device."""

from __future__ import annotations

import json

import pytest

from xgeom_core.jobs.job import Place
from xgeom_core.jobs.queue import draw_ticket, jobs_ahead
from xgeom_core.jobs.records import EXIT, PROCESS, TICKET, read_ticket
from xgeom_core.system.processes import Identity

WAIT_FOR_GO = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"


def test_jobs_of_one_device_run_in_order_and_those_of_another_do_not_wait(store, stand_in, reached) -> None:
    first = stand_in(WAIT_FOR_GO, ("cuda:0",), title="first")
    second = stand_in(WAIT_FOR_GO, ("cuda:0", "cuda:1"), title="second")
    third = stand_in(WAIT_FOR_GO, ("cuda:1",), title="third")
    other = stand_in("print('done')", title="other")
    reached(first, "running")
    reached(other, "done")
    assert [job.title for job in store.jobs()] == ["first", "second", "third", "other"]
    waiting = reached(second, "queued")
    assert (waiting.ahead, waiting.reason) == (1, "It waits for another job on the same device.")
    assert reached(third, "queued").ahead == 1
    (first.folder / "go").touch()
    reached(second, "running")
    assert store.status(first).state == "done"
    assert store.status(third).state == "queued"
    (second.folder / "go").touch()
    (third.folder / "go").touch()
    reached(third, "done")
    begun = [store.status(job).started for job in (first, second, third)]
    assert begun == sorted(begun)


def test_a_queued_job_can_be_taken_out_and_put_back_at_the_end(store, stand_in, reached, until) -> None:
    first, second, third = (stand_in(WAIT_FOR_GO) for _ in range(3))
    reached(second, "queued")
    store.stop(second)
    assert "taken out of the queue" in reached(second, "stopped").reason
    until(lambda: store.status(third).ahead == 1)
    store.kill(third)
    assert store.status(third).state == "killed"
    store.resume(second)
    assert reached(second, "queued").ahead == 1
    (first.folder / "go").touch()
    (second.folder / "go").touch()
    reached(second, "done")


@pytest.fixture
def folder_with_ticket(tmp_path):
    def make(name: str, *devices: str):
        folder = tmp_path / name
        folder.mkdir()
        draw_ticket(tmp_path, folder, Place(devices))
        return folder

    return make


def test_the_dead_do_not_hold_up_the_queue(tmp_path, folder_with_ticket) -> None:
    ended, lost, begun, living = (folder_with_ticket(name, "cpu") for name in "abcd")
    mine = folder_with_ticket("mine", "cpu")
    assert jobs_ahead(tmp_path, mine) == 4
    (ended / EXIT).write_text("{}")
    dead = Identity(1, "0", "another start of the machine")
    (lost / PROCESS).write_text(json.dumps({"supervisor": str(dead), "child": str(dead)}))
    ticket = json.loads((begun / TICKET).read_text())
    (begun / TICKET).write_text(json.dumps({**ticket, "by": str(dead)}))
    assert jobs_ahead(tmp_path, mine) == 1
    (living / PROCESS).write_text(json.dumps({"supervisor": str(dead), "child": str(Identity.of())}))
    assert jobs_ahead(tmp_path, mine) == 1, "a job whose supervisor was killed still holds its device"


def test_numbers_decide_and_not_the_clock(tmp_path, folder_with_ticket, monkeypatch) -> None:
    first = folder_with_ticket("z", "cpu")
    monkeypatch.setattr("time.time", lambda: 0.0)
    second = folder_with_ticket("a", "cpu")
    assert (jobs_ahead(tmp_path, first), jobs_ahead(tmp_path, second)) == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "[]",
        '{"number": Infinity, "devices": [], "by": ""}',
        '{"number": "x"}',
        '{"number": 3}',
    ],
)
def test_a_damaged_ticket_is_no_ticket(tmp_path, text) -> None:
    (tmp_path / TICKET).write_text(text)
    assert read_ticket(tmp_path) is None
