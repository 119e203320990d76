"""Frames read in a process of their own: the same frames, and sentences for whatever ends that process."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import psutil
import pytest

from hostile_files import CRASHING_FRAME, hdf5_crash, tiff_bomb
from xgeom_core.errors import (
    MissingDatasetError,
    MissingSourceError,
    UnreadableFileError,
    UsageError,
    XgeomError,
)
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.registry import geometry_text
from xgeom_core.formats.registry import read_geometry as read_geometry_here
from xgeom_core.frames import asking, guarded, open_frames, tree, wire
from xgeom_core.frames.child import Server
from xgeom_core.frames.mask_file import read_mask as read_mask_here
from xgeom_core.frames.opening import open_in_process
from xgeom_core.geometry import Geometry
from xgeom_core.process.channel import Channel, connected
from xgeom_core.process.reading import reading_process


@pytest.fixture
def path(nxmx_file, images) -> Path:
    return nxmx_file(images(4))


def same(near, far) -> None:
    assert far.contents == near.contents and far.start == near.start
    for index in range(len(near)):
        one, other = near.frame(index), far.frame(index)
        for name in ("data", "valid", "saturated"):
            a, b = getattr(one, name), getattr(other, name)
            assert a.dtype == b.dtype and np.array_equal(a, b), name
        assert (one.metadata, one.path, one.dataset, one.index, one.warnings) == (
            (other.metadata, other.path, other.dataset, other.index, other.warnings)
        )
        truth, known = near.truth(index), far.truth(index)
        assert (truth is None) == (known is None)
        if truth is not None and known is not None:
            assert (truth.center_px, truth.tilt_deg, truth.convention) == (
                (known.center_px, known.tilt_deg, known.convention)
            )


def test_frames_are_those_that_this_process_would_read(path, training_file, images, tmp_path) -> None:
    fabio.cbfimage.CbfImage(data=images(1)[0].astype(np.int32)).write(str(tmp_path / "a.cbf"))
    # Names need not be in any alphabet.
    cbf = (tmp_path / "a.cbf").rename(tmp_path / "n\xe4me \udcff.cbf")
    label = {"beam_center_fast": 20.0, "beam_center_slow": 24.0, "detdist": 200.0, "xdim": 40, "ydim": 48}
    training = training_file(images(2, dtype="u2"), [label] * 2)
    for one in (path, cbf, training, Path("resources/example/frame.h5").absolute()):
        with open_in_process(one) as near, open_frames(one) as far:
            same(near, far)


def test_large_frames_take_no_copy_and_may_be_written_to(tmp_path) -> None:
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file["data"] = np.arange(400 * 300, dtype=np.uint32).reshape(1, 300, 400)
    with open_frames(tmp_path / "large.h5") as source:
        frame = source.frame(0)
        frame.data[0, 0] = 5
        assert frame.data[299, 399] == 119_999 and source.frame(0).data[0, 0] == 0
    assert frame.valid.all() and not frame.saturated.any(), "it outlives its source"


def test_errors_come_as_they_are_raised(path, tmp_path) -> None:
    for location, error in (
        (tmp_path / "none.h5", UnreadableFileError),
        (f"{path}::/nothing", MissingDatasetError),
    ):
        with pytest.raises(error) as near:
            open_in_process(location)
        with pytest.raises(error) as far:
            open_frames(location)
        assert str(far.value) == str(near.value)
    with pytest.raises(UsageError, match="Two datasets"):
        open_frames(f"{path}::/a", dataset="/b")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["data"] = h5py.ExternalLink("gone.h5", "/data")
    with pytest.raises(MissingSourceError, match=r"gone\.h5"):
        open_frames(tmp_path / "linked.h5")
    with open_frames(path) as source, pytest.raises(MissingDatasetError, match="no frame 4"):
        source.frame(4)


def test_names_are_meant_as_in_the_folder_where_the_program_works(path, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(path.parent)
    with open_frames(path.name) as source:
        assert source.path == path.name
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        with pytest.raises(UnreadableFileError, match="does not exist"):
            open_frames(path.name)


def test_other_doors_give_what_this_process_would_give(path, tmp_path) -> None:
    mask = np.zeros((48, 40), bool)
    mask[3, 4] = True
    np.save(tmp_path / "mask.npy", mask)
    assert np.array_equal(guarded.read_mask(tmp_path / "mask.npy"), read_mask_here(tmp_path / "mask.npy"))
    poni = tmp_path / "a.poni"
    poni.write_text(geometry_text("pyfai", Writing(Geometry((20.0, 24.0), 200.0, (0.1, 0.1), 1.0), (40, 48))))
    (near,), (far,) = read_geometry_here(poni, Hints()), guarded.read_geometry(poni)
    assert far.estimate.center_px == near.estimate.center_px and far.native == near.native
    assert (far.choices, far.geometry) == (near.choices, near.geometry)
    assert guarded.format_of(poni) == "pyfai"
    assert guarded.tree_children(str(path)) == tree.children(str(path))
    assert guarded.tree_details(str(path), "/entry") == tree.details(str(path), "/entry")
    assert guarded.tree_search(str(path), "dat") == tree.search(str(path), "dat")


def open_files(pid: int, name: str) -> int:
    return sum(name in file.path for file in psutil.Process(pid).open_files())


def test_closing_closes_the_file(path, images, nxmx_file) -> None:
    source = open_frames(path)
    worker = reading_process()
    assert open_files(worker.pid, path.name) == 1
    source.close()
    source.close()
    assert open_files(worker.pid, path.name) == 0
    with pytest.raises(ValueError, match="closed"):
        source.frame(0)
    for _ in range(3):
        open_frames(path)  # nobody keeps it
    gc.collect()
    with open_frames(path):
        assert open_files(worker.pid, path.name) == 1


def test_a_frame_that_crashes_its_reader_costs_itself_alone(tmp_path) -> None:
    crash = hdf5_crash(tmp_path)
    with open_frames(crash) as source, open_frames(crash) as other:
        assert source.frame(3).data.max() == 3
        with pytest.raises(
            UnreadableFileError,
            match=rf"^Frame {CRASHING_FRAME} of .*crash\.h5 made the library .* crash \(signal 11\)",
        ):
            source.frame(CRASHING_FRAME)
        assert source.frame(5).data.max() == 5
        assert other.frame(6).data.max() == 6


def test_what_takes_too_long_for_its_size_is_ended(tmp_path) -> None:
    bomb = tiff_bomb(tmp_path)
    before = os.times()
    with pytest.raises(
        UnreadableFileError, match=r"bomb\.tif\.bz2 takes far more time than anything of its size"
    ):
        open_frames(bomb)
    after = os.times()
    spent = sum(after[:4]) - sum(before[:4])
    assert spent < 5


class StoppedError(Exception):
    pass


@pytest.fixture
def stuck(path):
    """A source whose process does nothing any more."""
    with open_frames(path) as source:
        source.frame(0)
        os.kill(reading_process().pid, signal.SIGSTOP)
        yield source


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, r"crash \(signal 11\)"),
        (signal.SIGABRT, r"crash \(signal 6\)"),
        (signal.SIGKILL, r"when the system ended its reader \(signal 9\), most likely for want of memory"),
    ],
)
def test_whatever_ends_the_process_is_a_sentence(stuck, monkeypatch, number, words) -> None:
    waiting = asking._wait

    def wait(worker, *rest):
        os.kill(worker.pid, number)
        os.kill(worker.pid, signal.SIGCONT)
        return waiting(worker, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(asking, "_wait", wait)
        with pytest.raises(UnreadableFileError, match=words) as told:
            stuck.frame(1)
    assert str(told.value).startswith(f"Frame 1 of {stuck.path} ")
    assert stuck.frame(1).index == 1


def test_a_reader_that_does_not_go_on_is_not_waited_for(stuck, monkeypatch) -> None:
    monkeypatch.setattr(asking, "_SILENT_S", 0.3)
    with pytest.raises(UnreadableFileError, match="does not go on: nothing has come from it"):
        stuck.frame(1)
    monkeypatch.undo()
    assert stuck.frame(1).index == 1


def test_whoever_waits_can_be_stopped(stuck) -> None:
    waited = []

    def check(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise StoppedError

    pid = reading_process().pid
    with asking.interruptible(check), pytest.raises(StoppedError):
        stuck.frame(1)
    assert waited[1] > waited[0] >= 0 and not psutil.pid_exists(pid)
    assert stuck.frame(1).index == 1
    assert len(waited) == 2, "outside of it nobody is asked"


def test_whoever_waits_for_another_thread_can_be_stopped(path) -> None:
    def check(seconds: float) -> None:
        raise StoppedError

    with open_frames(path) as source, reading_process().lock:
        found = []

        def work() -> None:
            with asking.interruptible(check):
                try:
                    source.frame(0)
                except StoppedError:
                    found.append("stopped")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == ["stopped"]


def test_a_process_that_ended_while_idle_is_replaced_without_a_word(path) -> None:
    with open_frames(path) as source:
        pid = reading_process().pid
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
        assert source.frame(2).index == 2
        assert reading_process().pid != pid


def test_a_file_that_changed_meanwhile_is_told_of(path, nxmx_file, images) -> None:
    with open_frames(path) as source:
        reading_process().end()
        assert nxmx_file(images(2)) == path
        with pytest.raises(UnreadableFileError, match="is not the file any more that was opened"):
            source.frame(1)


def test_unforeseen_faults_and_want_of_memory_are_sentences(monkeypatch, path) -> None:
    server = Server(2**30)
    request = wire.Request("", (), "mask", (str(path),))
    for error, kind, words in (
        (IndexError("odd"), "fault", "IndexError: odd"),
        (MemoryError(), "memory", "1 GiB"),
    ):

        def raising(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(server._service, "mask", raising)
        answer = server.answer(request)
        assert (answer.outcome, json.loads(answer.text)) == (kind, words)
    assert "a.h5 cannot be read (IndexError: odd)" in asking._trouble_text("a.h5", "fault", "IndexError: odd")
    assert "needs more memory than reading may take (1 GiB)" in asking._trouble_text(
        "a.h5", "memory", "1 GiB"
    )


class _Astray:
    """A process that answers whatever it is told to."""

    running, pid, greeted = True, None, True

    def __init__(self, parts: list[bytes]) -> None:
        self.channel, other = connected()
        self._far = Channel(other)
        self._far.send(parts)
        self.ended = 0

    def start(self) -> Channel:
        return self.channel

    def close(self) -> None:
        self.end()

    def end(self) -> None:
        self.ended += 1
        self.channel.close()
        self._far.close()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"done"],
        [b"done", b"[3, [", b""],
        [b"done", b'"text"', b""],
        [b"done", b'[["|O", [2, 2], 0]]', bytes(64)],
        [b"\xff\xfe", b"1", b""],
        [b"UnreadableFileError", b"[1]", b""],
        [b"done", json.dumps([["<f4", [1], 0]] * 3 + [[None] * 17, "", "", 0, []]).encode(), bytes(8)],
    ],
)
def test_an_answer_that_makes_no_sense_becomes_a_sentence_and_the_end_of_that_process(parts) -> None:
    astray = _Astray(parts)
    with pytest.raises(UnreadableFileError, match=r"^a\.h5 made its reader answer what makes no sense"):
        asking._exchanged(astray, "frame", "a.h5", (1, 2))
    assert astray.ended == 1


def test_an_answer_that_stops_in_the_middle_is_not_waited_for() -> None:
    astray = _Astray([b"done"])
    astray.channel.receive()
    astray.channel.patience(0.05)
    astray._far._end.sendall(bytes([3, 0, 0, 0]))
    with pytest.raises(UnreadableFileError, match=r"^a\.h5 does not go on"):
        asking._exchanged(astray, "frame", "a.h5", (1, 2))
    assert astray.ended == 1


@pytest.mark.skipif(sys.platform != "linux", reason="shared memory is handed over on Linux only")
@pytest.mark.parametrize("count", [1, 2])
def test_files_that_are_no_shared_memory_are_not_taken(count, path) -> None:
    astray = _Astray([b"done"])
    astray.channel.receive()
    before = psutil.Process().num_fds()
    with path.open("rb") as file:
        astray._far.send([b"done", b"[]", b""], [file.fileno()] * count)
    with pytest.raises(UnreadableFileError, match="makes no sense"):
        asking._exchanged(astray, "frame", "a.h5", (1, 2))
    assert psutil.Process().num_fds() == before - 2


def test_an_error_of_no_known_name_is_a_sentence_too() -> None:
    astray = _Astray([b"SystemExit", b'"words"', b""])
    with pytest.raises(UnreadableFileError, match=r"^a\.h5 cannot be read \(words\)"):
        asking._exchanged(astray, "frame", "a.h5", (1, 2))
    astray.end()


def test_a_process_that_cannot_begin_is_told_of(monkeypatch) -> None:
    monkeypatch.setattr(reading_process(), "_module", "xgeom_core.errors")
    reading_process().end()
    with pytest.raises(
        XgeomError, match=r"ended before it could begin \(exit status 0\): is xgeom installed"
    ):
        open_frames("a.h5")


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("state", ["idle", "stuck"])
def test_the_process_ends_when_its_program_is_killed(path, state) -> None:
    if state == "stuck" and sys.platform != "linux":
        pytest.skip("only Linux ends a process in the middle of something with its parent")
    code = (
        "import sys, time\nfrom xgeom_core.frames import open_frames\n"
        "from xgeom_core.process.reading import reading_process\n"
        "source = open_frames(sys.argv[1])\nprint(reading_process().pid, flush=True)\ntime.sleep(600)"
    )
    program = run(code, str(path))
    pid = int(program.stdout.readline())
    if state == "stuck":
        os.kill(pid, signal.SIGSTOP)
    program.kill()
    program.communicate()
    assert gone(pid)


def test_a_thread_that_ends_takes_no_process_with_it_and_a_fork_has_its_own(path) -> None:
    code = (
        "import os, sys, threading\nfrom xgeom_core.frames import open_frames\n"
        "from xgeom_core.process.reading import reading_process\n"
        "first = threading.Thread(target=lambda: open_frames(sys.argv[1]).close())\n"
        "first.start()\nfirst.join()\npid = reading_process().pid\n"
        "source = open_frames(sys.argv[1])\nassert reading_process().pid == pid\n"
        "fork = os.fork()\n"
        "frame = source.frame(1 if fork else 2)\n"
        "assert frame.index == (1 if fork else 2)\n"
        "assert (reading_process().pid == pid) == bool(fork)\n"
        "if fork: assert os.waitpid(fork, 0)[1] == 0\n"
        "assert source.frame(3).index == 3\n"
    )
    program = run(code, str(path))
    assert program.communicate(timeout=120)[0] == "" and program.returncode == 0


def test_the_start_of_the_program_needs_no_reader() -> None:
    code = (
        "import sys\nimport xgeom_core.frames, xgeom_core.cli\n"
        "print(*[name for name in ('h5py', 'fabio', 'hdf5plugin', 'scipy', 'torch') if name in sys.modules])"
    )
    assert run(code).communicate(timeout=60)[0].split() == []


def test_a_run_of_files_is_read_through_the_same_door(tmp_path, images) -> None:
    from xgeom_core.frames import join_run, open_run

    names = []
    for number in range(3):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["data"] = images(1) + number
        names.append(str(tmp_path / f"{number}.h5"))
    with closing(open_run(join_run(names))) as source:
        assert [source.frame(i).data[0, 0] for i in (2, 0, 1)] == [2, 0, 1]


def test_every_answer_can_be_sent() -> None:
    for verb in (
        "open",
        "frame",
        "truth",
        "mask",
        "geometry",
        "tree_children",
        "tree_details",
        "tree_search",
    ):
        assert wire._types(verb)
