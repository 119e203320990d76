"""Files made to bring a program down, through the command line: a sentence for each, and soon."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from hostile_files import CRASHING_FRAME, HOSTILE, hdf5_crash
from xgeom_core.process.processor_time import processor_time
from xgeom_core.process.reading import reading_process

LIMIT_S = 5.0


def spent() -> float:
    """Processor time of this process, of the one that reads, and of those that have read."""
    ended = os.times()
    return (
        time.process_time()
        + ended.children_user
        + ended.children_system
        + (processor_time(reading_process().pid) or 0.0)
    )


def told(xgeom, path: Path, *options: str) -> tuple[int, str, str]:
    """What the program says of a file, within the time that it may take."""
    before = spent()
    code, out, err = xgeom("predict", path, "--method", "center-of-mass", *options)
    assert spent() - before < LIMIT_S
    assert "Traceback" not in err + out and "fault of xgeom" not in err + out
    return code, out, err


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_each_file_gets_one_sentence_within_its_time(xgeom, tmp_path, make) -> None:
    path = make(tmp_path)
    code, out, err = told(xgeom, path)
    (line,) = err.splitlines()
    assert code == 2 and out == ""
    assert line.startswith(f"xgeom: {path} ") and line.endswith(".")
    assert re.search(HOSTILE[make], line), line


def test_a_frame_that_crashes_the_library_leaves_the_others(xgeom, tmp_path) -> None:
    path = hdf5_crash(tmp_path)
    code, out, _ = told(xgeom, path, "--frames", f"{CRASHING_FRAME - 1}:", "--json")
    assert code == 1
    before, crashed = out.splitlines()
    assert "signal 11" in crashed and "signal" not in before


@pytest.fixture(scope="module")
def hostile_dir(repo: Path) -> Path:
    folder = repo.parent / "shared" / "hostile"
    if not folder.is_dir():
        pytest.skip(f"no hostile files at {folder}")
    return folder


def test_files_that_fuzzing_has_found(xgeom, hostile_dir) -> None:
    paths = sorted(hostile_dir.iterdir())
    assert len(paths) >= 12
    for path in paths:
        code, out, err = told(xgeom, path, "--json")
        assert code in {1, 2}, path
        assert f"{path.name} " in out + err, path
