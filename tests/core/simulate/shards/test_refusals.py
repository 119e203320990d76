"""What goes wrong ends in one sentence and loses nothing."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from xgeom_core.errors import FrameFileError, RecipeError, UsageError
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import FrameSet, Shard, plan_shards, write_shards
from xgeom_core.simulate.shards import crew as crew_module
from xgeom_core.simulate.shards.journal import Journal


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def begun(small, tmp_path) -> Shard:
    """A shard of which two frames are kept."""
    shard = Shard(tmp_path / "set.h5", 0, 4)
    with Journal(shard, small) as journal:
        for index in range(2):
            journal.append(crew_module._record(small, index))
    return shard


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 6}, "seed 5, not 6"),
        ({"shape": (48, 65)}, "size 64 x 48 px, not 65 x 48 px"),
        ({"recipe": "flat"}, "made by another recipe"),
        ({"first": 4}, "first frame 0, not 4"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_other_frames_are_not_mixed_in(small, begun, other, said: str, finished: bool) -> None:
    if finished:
        write_shards(small, [begun])
    before = {path: path.read_bytes() for path in begun.path.parent.iterdir()}
    recipe = load_recipe(other.get("recipe", "standard"))
    frames = FrameSet(recipe, other.get("shape", small.shape), other.get("seed", small.seed))
    shard = Shard(begun.path, other.get("first", 0), 4)
    with pytest.raises(FrameFileError, match=r"set\.h5.*--overwrite") as caught:
        write_shards(frames, [shard])
    assert said in str(caught.value)
    assert {path: path.read_bytes() for path in begun.path.parent.iterdir()} == before
    write_shards(frames, [shard], overwrite=True)
    assert names(begun.path.parent) == ["set.h5"]
    write_shards(frames, [shard])


def test_another_version_is_not_mixed_in(small, begun, monkeypatch) -> None:
    monkeypatch.setattr("xgeom_core.simulate.shards.plan.__version__", "99.0")
    with pytest.raises(FrameFileError, match=r"xgeom version .*, not 99\.0"):
        write_shards(small, [begun])


def test_a_whole_file_is_left_as_it_is(small, begun) -> None:
    write_shards(small, [begun])
    stamp, told = begun.path.stat().st_mtime_ns, []
    write_shards(small, [begun], tell=told.append)
    assert (begun.path.stat().st_mtime_ns, told) == (stamp, [4])
    with pytest.raises(FrameFileError, match="number of frames 4, not 5"):
        write_shards(small, [Shard(begun.path, 0, 5)])


def test_a_file_of_someone_else_is_kept_until_the_new_one_is_whole(small, tmp_path) -> None:
    path = tmp_path / "set.h5"
    path.write_bytes(b"old")
    with pytest.raises(FrameFileError, match="holds other frames"):
        write_shards(small, [Shard(path, 0, 2)])

    def stop(done: int) -> None:
        assert path.read_bytes() == b"old"
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(small, [Shard(path, 0, 2)], overwrite=True, tell=stop)
    assert path.read_bytes() == b"old"
    told: list[int] = []
    write_shards(small, [Shard(path, 0, 2)], overwrite=True, tell=told.append)
    assert told == [1, 2], "what was made before the end is kept"
    assert path.read_bytes()[:4] == b"\x89HDF"


def test_a_file_that_is_no_journal_is_not_touched(small, tmp_path) -> None:
    shard = Shard(tmp_path / "set.h5", 0, 1)
    shard.journal.write_text("my diary")
    with pytest.raises(FrameFileError, match=r"set\.h5\.journal is not a journal"):
        write_shards(small, [shard])
    assert shard.journal.read_text() == "my diary"


def test_two_writers_of_one_file_are_one_too_many(small, begun) -> None:
    with Journal(begun, small), pytest.raises(FrameFileError, match="Another process is writing"):
        write_shards(small, [begun])


def test_a_folder_that_is_not_there_is_named(small, tmp_path) -> None:
    with pytest.raises(FrameFileError, match="nowhere"):
        write_shards(small, [Shard(tmp_path / "nowhere" / "set.h5", 0, 1)])


def test_a_full_disk_keeps_the_frames(tmp_path, writing, small) -> None:
    path = tmp_path / "a.h5"
    write_shards(small, [Shard(tmp_path / "b.h5", 0, 40)])
    size = (tmp_path / "b.h5").stat().st_size
    for limit, kept in ((size // 2, "frames are kept in a.h5.journal"), (size - 1, "Its 40 frames are kept")):
        code, _, err = writing(path, 40, limit=limit).ended()
        assert code == 1
        assert err.startswith(f"{path} cannot be written: ")
        assert kept in err
        assert err.count("\n") == 1
        assert not path.exists()
        assert names(tmp_path) == ["a.h5.journal", "b.h5"]
    write_shards(small, [Shard(path, 0, 40)])
    assert path.read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_frame_that_cannot_be_rendered_is_named(tmp_path, workers: int) -> None:
    recipe = load_recipe("standard")
    # Not a recipe that any file can hold: a stand-in for a bug in the renderer.
    broken = recipe.model_copy(update={"beam": None})
    with pytest.raises(RecipeError, match=r"Frame \d of the recipe 'standard' cannot be simulated \(Attr"):
        write_shards(FrameSet(broken, (32, 32), 0), [Shard(tmp_path / "a.h5", 0, 3)], workers=workers)
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("warm_workers")
def test_a_killed_worker_is_noticed(small, tmp_path) -> None:
    def kill(done: int) -> None:
        if done == 3:
            multiprocessing.active_children()[0].kill()

    shard = Shard(tmp_path / "a.h5", 0, 5000)
    with pytest.raises(FrameFileError, match="worker process of the simulation ended by signal 9"):
        write_shards(small, [shard], workers=2, tell=kill)
    assert multiprocessing.active_children() == []
    with Journal(shard, small) as journal:
        assert journal.count >= 3


def test_parts_that_cannot_be() -> None:
    out = Path("a.h5")
    assert plan_shards(out, 10) == [Shard(out, 0, 10)]
    assert plan_shards(out, 10, 20) == [Shard(Path("a_00000.h5"), 0, 10)]
    assert [shard.count for shard in plan_shards(out, 10, 4)] == [4, 4, 2]
    for count, size, part in ((10, None, (0, 3)), (10, None, (4, 3)), (2, None, (1, 3)), (10, 5, (1, 3))):
        with pytest.raises(UsageError, match="--shard"):
            plan_shards(out, count, size, part)
    for n in (1, 2, 3, 7):
        parts = [shard for k in range(1, n + 1) for shard in plan_shards(out, 100, 9, (k, n))]
        assert parts == plan_shards(out, 100, 9)
