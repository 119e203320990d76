"""Damaged copies of every format: an answer or one sentence, nothing else, and at once.

The same as `benchmarks/fuzz.py` tries in greater numbers. Formats of text are read here; whatever can
bring a process down is read by a process that is watched.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from fuzz import COLUMNS, bad_words, damaged_inside

from fuzzing.frames import frame_seeds
from fuzzing.geometries import geometry_seeds
from fuzzing.mutations import damaged
from fuzzing.reading import Report, read
from fuzzing.watch import Death, Watch

COPIES = 250
TEXTS = [seed for seed in geometry_seeds() if not seed.name.endswith(".h5")]
# A stand-in for the process that reads: the name of a file says what becomes of it.
WORKER = """
import json, os, sys
for line in sys.stdin:
    name = os.path.basename(json.loads(line)["path"])
    if name == "crash":
        sys.stderr.write("the last words")
        sys.stderr.flush()
        os.abort()
    while name == "loop":
        pass
    print(json.dumps({"answers": os.getpid()}), flush=True)
"""


@pytest.mark.parametrize("seed", TEXTS, ids=[seed.key for seed in TEXTS])
def test_damaged_text_is_an_answer_or_a_sentence(tmp_path: Path, seed) -> None:
    path, outcomes, slowest = tmp_path / seed.name, Counter(), 0.0
    for number in range(COPIES):
        data, what = damaged(seed.name, seed.data, seed.checked, random.Random(f"7/{number}"))
        # To write over an old file waits for the disk on ext4, 3 ms a time.
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        start = time.process_time()
        report = read(str(path), seed.kind)
        slowest = max(slowest, time.process_time() - start)
        assert report.fault == "", what
        assert bad_words(report, path) == [], what
        outcomes["answered" if report.answers else "refused"] += 1
    # The damage is real, and not every copy is beyond reading.
    assert min(outcomes["answered"], outcomes["refused"]) > COPIES // 50, outcomes
    assert slowest < 2.0


def test_the_same_number_is_the_same_file() -> None:
    for first, again in zip(frame_seeds(), frame_seeds(), strict=True):
        assert first == again
        pair = [damaged(s.name, s.data, s.checked, random.Random("1/5")) for s in (first, again)]
        assert pair[0] == pair[1]
    different = {
        damaged(first.name, first.data, first.checked, random.Random(f"1/{n}"))[0] for n in range(20)
    }
    assert len(different) > 15


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "stand_in.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    watch = Watch(0.5, "stand_in")
    yield watch
    watch.close()


def test_a_process_that_dies_or_never_ends_is_told_and_another_goes_on(watch: Watch) -> None:
    first = watch.read(Path("good"), "frames")
    assert isinstance(first, Report) and watch.read(Path("good"), "frames") == first, "it is used again"
    crash = watch.read(Path("crash"), "frames")
    assert isinstance(crash, Death) and crash.how == "signal"
    assert "SIGABRT" in crash.words and "the last words" in crash.words
    second = watch.read(Path("good"), "frames")
    assert isinstance(second, Report) and second != first
    loop = watch.read(Path("loop"), "frames")
    assert isinstance(loop, Death) and loop.how == "endless"
    assert isinstance(watch.read(Path("good"), "frames"), Report) and watch.started == 3


@pytest.mark.parametrize(
    ("words", "bad"),
    [
        ("/a/f.cbf is damaged: copy it again.", False),
        ("It is damaged: copy it again.", True),
        ("/a/f.cbf is damaged:\ncopy it again.", True),
        ("/a/f.cbf is damaged: \x1b[2J.", True),
        ("/a/f.cbf " + "is damaged " * 60, True),
        ("/a/f.cbf", True),
    ],
)
def test_what_a_sentence_must_be(words: str, bad: bool) -> None:
    assert bool(bad_words(Report(refusals=[words]), Path("/a/f.cbf"))) is bad


def test_damage_under_a_checksum_is_known_as_such() -> None:
    (seed,) = (seed for seed in frame_seeds() if seed.key == "CBF")
    first, last = seed.checked
    for at, inside in ((first, True), (last - 1, True), (first - 1, False), (last, False)):
        data = bytearray(seed.data)
        data[at] ^= 1
        assert damaged_inside(seed, bytes(data)) is inside
    assert not damaged_inside(seed, seed.data) and not damaged_inside(seed, seed.data[:-1])


def test_the_command_counts_in_a_table(repo: Path, tmp_path: Path) -> None:
    order = ["--count", "60", "--keep", str(tmp_path), "--formats", "smv", "tiff", "edf", "marccd"]
    done = subprocess.run(
        [sys.executable, repo / "benchmarks" / "fuzz.py", *order], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    head, _, *rows = (line.split(" | ") for line in done.stdout.splitlines() if line.startswith("|"))
    assert [cell.strip("| ") for cell in head] == ["file", "tried", *COLUMNS]
    assert [cell.strip("| ") for cell in rows[-1]][:2] == ["**all**", "60"] and len(rows) == 6
