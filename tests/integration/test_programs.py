"""The installed programs on the bundled example, as `make run` uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from no_torch import without_torch
from xgeom_core.frames import open_frames
from xgeom_core.resources import resource

PROGRAMS = Path(sys.executable).parent


def run(*command: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [str(part) for part in command]
    settings = os.environ | environment
    return subprocess.run(words, capture_output=True, text=True, timeout=240, cwd=cwd, env=settings)


@pytest.mark.integration
def test_predict_finds_the_example_geometry(tmp_path: Path) -> None:
    example = resource("example/frame.h5")
    done = run(PROGRAMS / "xgeom", "predict", example, "--json", **without_torch(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    with open_frames(example) as source:
        truths = [source.truth(index) for index in range(len(source))]
    assert len(records) == len(truths) == 3
    for record, truth in zip(records, truths, strict=True):
        assert truth is not None
        assert (record["status"], record["source"]) == ("ok", "fit")
        assert record["center_px"] == pytest.approx(truth.center_px, abs=1.0)
        assert record["tilt_deg"] == pytest.approx(truth.tilt_deg, abs=0.3)
        off = [abs(a - b) for a, b in zip(record["header"]["center_px"], truth.center_px, strict=True)]
        assert max(off) > 3.0, "the example's header is off on purpose"


@pytest.mark.integration
def test_without_a_display_and_without_torch_the_window_prints_and_saves(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = run(PROGRAMS / "xgeom-gui", "--example", cwd=tmp_path, **nothing, **without_torch(tmp_path))
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("Known", "Header", "Network", "Fit", "ok"))
    assert (tmp_path / "xgeom-window.png").read_bytes().startswith(b"\x89PNG")
    assert "xgeom-window.png" in done.stdout
