"""The tutorials run as they stand, and say what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAYS = {
    "one_frame": "off by 0.0",
    "run_of_frames": "3 of 3 can be relied upon",
    "calibrant": "d = 4.1568",
    "beside_other_programs": "XDS.INP",
    "train_for_my_detector": "<Answer",
}


def test_every_tutorial_is_tested(repo: Path) -> None:
    assert {file.stem for file in (repo / "docs" / "tutorials").glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_a_tutorial_runs(repo: Path, name: str) -> None:
    script = repo / "docs" / "tutorials" / f"{name}.py"
    run = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, env=None, check=False
    )
    assert run.returncode == 0, run.stderr
    assert SAYS[name] in run.stdout
