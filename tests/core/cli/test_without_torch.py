"""Where torch is not installed, all but training works, and training says in one sentence what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from no_torch import without_torch
from xgeom_core.resources import resource

# Each takes a tenth of a second or more to import.
HEAVY = ("torch", "numba", "matplotlib", "scipy.optimize", "scipy.stats")
# Several commands in one process: (exit code, standard output, standard error, what is loaded then) of each.
RUN = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from xgeom_core import cli
told = []
commands, HEAVY = json.loads(sys.argv[1])
for words in commands:
    sys.argv, out, err = ["xgeom", *words], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as left:
            loaded = [name for name in HEAVY if sys.modules.get(name)]
            told.append((left.code or 0, out.getvalue(), err.getvalue(), loaded))
print(json.dumps(told))
"""


def test_everything_but_training(tmp_path: Path) -> None:
    example, finder = str(resource("example/frame.h5")), str(resource("models/finder.safetensors"))
    commands = {
        "predict": ["predict", example, "--frames", "0", "--json"],
        "compare": ["compare", example, "--frames", "0"],
        "evaluate": ["evaluate", "--data", example, "--count", "1"],
        "info": ["info", finder],
        "copy": ["export", "finder", "--out", str(tmp_path / "copies")],
        "train": ["train", "finder", "--run-dir", str(tmp_path / "run")],
        "sweep": ["sweep", "finder", "--space", "figure11.toml", "--dir", str(tmp_path / "sweep")],
        "onnx": ["export", "finder", "--out", str(tmp_path / "finder.onnx")],
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps([list(commands.values()), HEAVY])],
        env=os.environ | without_torch(tmp_path),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = dict(zip(commands, json.loads(done.stdout), strict=True))
    codes = {name: code for name, (code, *_) in told.items()}
    works = dict.fromkeys(("predict", "compare", "evaluate", "info", "copy"), 0)
    assert codes == works | dict.fromkeys(("train", "sweep", "onnx"), 2), told
    assert json.loads(told["predict"][1])["status"] == "ok"
    assert told["predict"][3] == []
    missing = "needs torch, which is not installed here; type: pip install 'xgeom[train]'\n"
    assert told["train"][2] == told["sweep"][2] == f"xgeom: Training {missing}"
    assert told["onnx"][2] == f"xgeom: Writing ONNX {missing}"
