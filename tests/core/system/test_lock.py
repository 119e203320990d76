"""One writer at a time, whatever ends it, on this machine and on another."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time

import pytest

from xgeom_core.system import lock
from xgeom_core.system.lock import HeldError, Holder, holder_of, is_held, locked

ROUNDS = 100


def forked(body) -> int:
    """Run a function in a child; its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        body()
    finally:
        os._exit(0)


def test_of_two_that_start_together_one_writes_a_hundred_times(tmp_path) -> None:
    """Each process waits for the other in each round, then both try at once; who got in holds on for both."""
    writing, trying = tmp_path / "who.txt", tmp_path / "lock"
    pipes = [os.pipe() for _ in range(4)]

    def race(number: int) -> None:
        mine, theirs = pipes[number][1], pipes[1 - number][0]
        done, other_done = pipes[2 + number][1], pipes[3 - number][0]
        for turn in range(ROUNDS):
            os.write(mine, b"x")
            os.read(theirs, 1)
            try:
                with locked(trying), writing.open("a") as stream:
                    stream.write(f"{turn} begin\n")
                    stream.flush()
                    os.write(done, b"x")
                    os.read(other_done, 1)
                    stream.write(f"{turn} end\n")
            except HeldError:
                os.write(done, b"x")
                os.read(other_done, 1)

    children = [forked(lambda number=number: race(number)) for number in (0, 1)]
    for child in children:
        os.waitpid(child, 0)
    lines = writing.read_text().splitlines()
    # Neither ever found the other inside: begin and end of one round stand together, and none is missing.
    assert lines == [f"{turn} {word}" for turn in range(ROUNDS) for word in ("begin", "end")]


def test_the_second_is_told_who_the_first_is(tmp_path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        holder = holder_of(path)
        assert (holder.host, holder.since) == (socket.gethostname(), pytest.approx(time.time(), abs=60))
        with pytest.raises(HeldError, match=f"process {os.getpid()} on {holder.host}, since "), locked(path):
            pass
        assert is_held(path)
    assert not is_held(path)
    assert path.read_text() == "", "nobody is named who is gone"
    with locked(path):
        pass


def test_the_lock_of_a_killed_process_is_free_although_its_worker_lives(tmp_path) -> None:
    path, (reading, writing) = tmp_path / "lock", os.pipe()

    def hold() -> None:
        with locked(path):
            worker = forked(lambda: time.sleep(600))
            os.write(writing, f"{worker}\n".encode())
            time.sleep(600)

    child = forked(hold)
    worker = int(os.read(reading, 20))
    try:
        assert is_held(path)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert holder_of(path) is not None, "its name is still there"
        with locked(path):
            assert holder_of(path).process.startswith(f"{os.getpid()}@")
    finally:
        os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize("lives", [True, False])
def test_a_writer_on_another_machine_is_known_by_its_signs_of_life(tmp_path, monkeypatch, lives) -> None:
    """As where locks are kept to each machine: ours is granted although theirs is held."""
    monkeypatch.setattr(lock, "_WATCH_S", 0.6)
    monkeypatch.setattr(lock, "_LOOK_S", 0.02)
    path, signs = tmp_path / "lock", tmp_path / "events.jsonl"
    there = Holder("7@1@another boot", "node7", time.time())
    path.write_text(json.dumps(vars(there)))
    signs.write_text("sign\n")
    over = threading.Event()

    def beat() -> None:
        while lives and not over.wait(0.05):
            with signs.open("a") as stream:
                stream.write("sign\n")

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        if lives:
            with pytest.raises(HeldError, match="process 7 on node7"), locked(path, signs):
                pass
        else:
            with locked(path, signs):
                pass
    finally:
        over.set()
        thread.join()
    assert not list(tmp_path.glob(".now*"))


def test_an_old_name_of_another_machine_costs_no_waiting(tmp_path) -> None:
    path, signs = tmp_path / "lock", tmp_path / "events.jsonl"
    path.write_text(json.dumps(vars(Holder("7@1@another boot", "node7", 0.0))))
    signs.touch()
    os.utime(signs, (1e9, 1e9))
    begin = time.monotonic()
    with locked(path, signs):
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("holder", ["1@1@gone", ""])
def test_where_there_are_no_locks_the_living_holder_counts(tmp_path, monkeypatch, holder) -> None:
    monkeypatch.setattr(lock, "try_lock", lambda handle: None)
    path = tmp_path / "lock"
    me = holder or str(lock.Identity.of())
    path.write_text(json.dumps(vars(Holder(me, socket.gethostname(), 0.0))))
    if holder:
        with locked(path):
            pass
    else:
        with pytest.raises(HeldError), locked(path):
            pass


@pytest.mark.parametrize("text", ["", "rubbish", "[1]", '{"process": 3}', '{"process": "x", "host": "h"}'])
def test_a_damaged_lock_file_is_a_free_one(tmp_path, text) -> None:
    path = tmp_path / "lock"
    path.write_text(text)
    with locked(path):
        assert holder_of(path).process.startswith(f"{os.getpid()}@")
