"""The same seed gives the same bytes: with any number of workers, after any end, in any parts."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from xgeom_core.simulate.shards import Shard, plan_shards, write_shards
from xgeom_core.simulate.shards.journal import Journal

COUNT = 150


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory) -> bytes:
    """The file, written at one go in this process."""
    path = tmp_path_factory.mktemp("whole") / "set.h5"
    write_shards(small, [Shard(path, 0, COUNT)])
    return path.read_bytes()


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_writes_the_same_bytes(small, tmp_path, whole, workers: int, request) -> None:
    if workers > 2:
        request.getfixturevalue("warm_workers")
    told: list[int] = []
    write_shards(small, [Shard(tmp_path / "a.h5", 0, COUNT)], workers=workers, tell=told.append)
    assert (tmp_path / "a.h5").read_bytes() == whole
    assert told == list(range(COUNT + 1))
    assert names(tmp_path) == ["a.h5"]


def test_killed_ten_times_the_file_is_the_same(tmp_path, writing, whole) -> None:
    """Process groups killed with signal 9 at random moments, with and without workers."""
    chance, path, kept = random.Random(3), tmp_path / "a.h5", []
    for attempt in range(10):
        process = writing(path, COUNT, workers=2 if attempt % 5 == 2 else 1)
        assert process.stdout.readline().strip() == "ready"
        kept.append(int(process.stdout.readline() or 0))
        assert kept == sorted(kept), "nothing that was kept is lost"
        for _ in range(chance.randint(0, 25)):
            process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.01))
        os.killpg(process.pid, signal.SIGKILL)
        process.ended()
        assert not path.exists() or path.read_bytes() == whole
    assert len(set(kept)) > 5, "most of the kills came in the middle of the work"
    assert writing(path, COUNT).ended()[::2] == (0, "")
    assert path.read_bytes() == whole
    assert names(tmp_path) == ["a.h5"]


def test_wherever_the_journal_is_torn_the_file_is_the_same(small, tmp_path) -> None:
    shard, uncut = Shard(tmp_path / "a.h5", 0, 6), Shard(tmp_path / "b.h5", 0, 6)
    write_shards(small, [uncut])
    full = _interrupted(small, shard, 6)
    length = len(full)
    for cut in [0, 1, 15, 16, 17, *sorted(random.Random(0).sample(range(length), 12)), length - 1, length]:
        shard.journal.write_bytes(full[:cut])
        write_shards(small, [shard])
        assert shard.path.read_bytes() == uncut.path.read_bytes(), cut
        assert not shard.journal.exists()
        shard.path.unlink()


def test_a_damaged_record_and_all_after_it_are_made_again(small, tmp_path) -> None:
    shard, uncut = Shard(tmp_path / "a.h5", 0, 6), Shard(tmp_path / "b.h5", 0, 6)
    write_shards(small, [uncut])
    damaged = bytearray(_interrupted(small, shard, 6))
    damaged[len(damaged) // 2] ^= 1
    shard.journal.write_bytes(damaged)
    told: list[int] = []
    write_shards(small, [shard], tell=told.append)
    assert told[0] in {2, 3}
    assert shard.path.read_bytes() == uncut.path.read_bytes()


def test_an_end_while_assembling_costs_no_frame(small, tmp_path) -> None:
    shard, uncut = Shard(tmp_path / "a.h5", 0, 6), Shard(tmp_path / "b.h5", 0, 6)
    write_shards(small, [uncut])
    shard.journal.write_bytes(_interrupted(small, shard, 6))
    (tmp_path / ".a.h5.0123456789ab.partial").write_bytes(b"half a file")
    told: list[int] = []
    write_shards(small, [shard], tell=told.append)
    assert told == [6]
    assert shard.path.read_bytes() == uncut.path.read_bytes()
    assert names(tmp_path) == ["a.h5", "b.h5"]


def test_the_parts_together_are_the_whole(small, tmp_path) -> None:
    write_shards(small, [Shard(tmp_path / "whole.h5", 0, 11)])
    write_shards(small, plan_shards(tmp_path / "all.h5", 11, 3))
    for k in (3, 1, 2):
        write_shards(small, plan_shards(tmp_path / "part.h5", 11, 3, (k, 3)))
        write_shards(small, plan_shards(tmp_path / "even.h5", 11, None, (k, 3)))
    for k in range(4):
        one, other = (tmp_path / f"{name}_0000{k}.h5" for name in ("all", "part"))
        assert one.read_bytes() == other.read_bytes()
    with h5py.File(tmp_path / "whole.h5") as file:
        for stem, files in (("part", 4), ("even", 3)):
            parts = [h5py.File(tmp_path / f"{stem}_0000{k}.h5") for k in range(files)]
            for name in ("images", "known", "labels", "geom", "truth", "index", "experiment"):
                assert np.array_equal(np.concatenate([part[name][:] for part in parts]), file[name][:])
            for part in parts:
                part.close()


@pytest.mark.parametrize("stop_at", [1, 3, 4, 7])
def test_several_files_go_on_where_they_stopped(small, tmp_path, stop_at: int) -> None:
    whole, parts = plan_shards(tmp_path / "a.h5", 8, 3), plan_shards(tmp_path / "b.h5", 8, 3)
    write_shards(small, whole)

    def stop(done: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(small, parts, tell=stop)
    told: list[int] = []
    write_shards(small, parts, tell=told.append)
    assert told == list(range(stop_at, 9))
    assert [part.path.read_bytes() for part in parts] == [shard.path.read_bytes() for shard in whole]
    assert names(tmp_path) == sorted(shard.path.name for shard in whole + parts)


def test_a_killed_parent_takes_its_workers_along(tmp_path, writing) -> None:
    process = writing(tmp_path / "a.h5", 100_000, workers=2)
    while process.stdout.readline().strip() != "3":
        assert process.poll() is None
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_polite_end_leaves_no_process_and_a_whole_journal(
    small, tmp_path, writing_python, number: int, code: int
) -> None:
    shard = Shard(tmp_path / "a.h5", 0, 100_000)
    process = writing_python(shard.path, shard.count, workers=2)
    while process.stdout.readline().strip() != "3":
        assert process.poll() is None
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    # The driver lets a KeyboardInterrupt through; no worker may complain beside it.
    assert err.count("Traceback") == (number == signal.SIGINT)
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    with Journal(shard, small) as journal:
        assert journal.count >= 3
        assert journal.size == shard.journal.stat().st_size


def _interrupted(small, shard: Shard, count: int) -> bytes:
    """The journal as it is after so many frames."""

    class Stop(Exception):  # noqa: N818
        pass

    def stop(done: int) -> None:
        if done == count:
            raise Stop

    with pytest.raises(Stop):
        write_shards(small, [shard], tell=stop)
    return shard.journal.read_bytes()
