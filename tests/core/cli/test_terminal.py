"""Nothing in a file or its name can steer the terminal: no control character reaches it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import unicodedata

import h5py
import numpy as np
import pytest

from xgeom_core.cli.terminal import pass_on
from xgeom_core.system.text import visible

EVIL = "a\x1b]0;owned\x07\n\u202eb\u009b2J\x7f\u200b"
SHOWN = r"a\x1b]0;owned\x07\n\u202eb\x9b2J\x7f\u200b"


def harmless(text: str) -> bool:
    """Whether a terminal has nothing to obey in a text but line breaks."""
    return all(char == "\n" or unicodedata.category(char)[0] != "C" for char in text)


@pytest.fixture
def evil(tmp_path):
    """A file whose name, dataset, detector and every other word would like to talk to the terminal."""
    path = tmp_path / f"{EVIL}.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = EVIL
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data["data"] = np.random.default_rng(0).poisson(5, (2, 100, 100)).astype(np.int32)
        detector = entry.create_group("instrument/detector")
        entry["instrument"].attrs["NX_class"] = "NXinstrument"
        detector.attrs["NX_class"] = "NXdetector"
        detector["description"] = EVIL
        detector["beam_center_x"], detector["beam_center_y"] = 50.0, 50.0
    return path


@pytest.mark.parametrize(
    "verb",
    [
        ("info",),
        ("predict", "--no-fit"),
        ("predict", "--no-fit", "--shared-geometry"),
        ("predict", "--frames", "7"),
        ("compare", "--no-predict"),
        ("compare", "--no-predict", "--with", EVIL),
        ("geometry",),
        ("geometry", "--to", "xds"),
        ("evaluate", "--data"),
    ],
)
def test_names_and_headers_are_shown_and_not_obeyed(xgeom, evil, tiny, verb) -> None:
    model = ("--model", tiny) if verb[0] in {"predict", "compare", "evaluate"} else ()
    order = (*verb, evil, *model) if verb[-1] == "--data" else (verb[0], evil, *verb[1:], *model)
    _, out, err = xgeom(*order)
    assert harmless(out + err), (out, err)
    assert SHOWN in out + err or verb == ("geometry",)


def test_json_gives_names_back_as_they_are(xgeom, evil, tiny) -> None:
    _, out, _ = xgeom("predict", evil, "--model", tiny, "--no-fit", "--json")
    assert harmless(out) and out.count("\n") == 2
    assert {json.loads(line)["file"] for line in out.splitlines()} == {str(evil)}
    _, out, _ = xgeom("info", evil, "--json")
    assert harmless(out) and json.loads(out)["file"] == str(evil)


def test_a_row_of_a_table_is_a_line(xgeom, evil, tiny, tmp_path) -> None:
    xgeom("predict", evil, "--model", tiny, "--no-fit", "--out", tmp_path / "d.csv")
    text = (tmp_path / "d.csv").read_text()
    assert harmless(text) and text.count("\n") == 3
    assert next(csv.DictReader(text.splitlines()))["file"].endswith(f"{SHOWN}.h5")


@pytest.mark.parametrize(
    "arguments",
    [("info", "b", f"--{EVIL}"), ("info", "b", EVIL), (EVIL,), ("predict", EVIL), ("train", EVIL),
     ("simulate", "--kind", EVIL, "--count", 1, "--out", "x.h5"), ("jobs", "show", EVIL),
     ("predict", "--method", EVIL, "b"), ("simulate", "--count", EVIL)],
)  # fmt: skip
def test_arguments_are_repeated_harmlessly(xgeom, tmp_path, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    more = ("--run-dir", "run") if arguments[0] == "train" else ()
    more += ("--root", tmp_path) if arguments[0] == "jobs" else ()
    code, out, err = xgeom(*arguments, *more)
    assert (code, out, err.count("\n")) == (2, "", 1) and harmless(err), err
    assert err.startswith("xgeom: ") and not err.endswith("..\n")


def test_a_name_that_is_no_text(tiny, tmp_path) -> None:
    """On a real output, which refuses what it cannot encode."""
    path = os.fsencode(tmp_path) + b"/\xff\xfe.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (1, 100, 100)).astype(np.int32)
    for verb, model in (("info", []), ("predict", ["--no-fit", "--model", str(tiny)])):
        done = subprocess.run([sys.executable, "-m", "xgeom_core", verb, path, *model], capture_output=True)
        assert done.returncode == 0, done.stderr
        assert rb"\udcff\udcfe.h5" in done.stdout


def test_words_of_every_language_stay_as_they_are() -> None:
    for text in ("Å ± 3°", "центр", "中心", "مركز", "a\u2009b\u00a0c"):
        assert visible(text) == text
    assert visible(EVIL) == SHOWN


def test_a_pipe_gets_texts_as_they_are(capsys) -> None:
    pass_on(f"{EVIL}\n")
    assert capsys.readouterr().out == f"{EVIL}\n"
