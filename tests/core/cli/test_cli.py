"""The command line as a user meets it: real processes' entry point, exit codes, sentences."""

from __future__ import annotations

import csv
import json
import sys

import h5py
import numpy as np
import pytest

from xgeom_core.cli.common import Overrides, frame_range
from xgeom_core.errors import UsageError

FIELDS = {
    *("file", "frame", "status", "reason", "center_px", "center_sigma_px", "tilt_deg", "tilt_sigma_deg"),
    *("source", "network", "header", "elapsed_s"),
}


def one_sentence(text: str) -> bool:
    return text.startswith("xgeom: ") and text.count("\n") == 1 and "Traceback" not in text


def test_help_lists_every_verb_and_needs_no_torch() -> None:
    import subprocess

    code = "import sys; from xgeom_core import cli; sys.exit('torch' in sys.modules or 'h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    shown = subprocess.run([sys.executable, "-m", "xgeom_core", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert all(verb in shown.stdout for verb in ("predict", "info", "simulate", "train", "evaluate"))


def test_simulate_info_predict_and_evaluate_work_together(xgeom, tmp_path, tiny) -> None:
    data = tmp_path / "set.h5"
    code, out, _ = xgeom(
        "simulate", "--kind", "standard", "--count", 3, "--seed", 4, "--out", data, "--size", "200"
    )
    assert code == 0
    assert "3 standard frames" in out
    code, out, _ = xgeom("info", data, "--json")
    facts = json.loads(out)
    assert (code, facts["frames"], facts["layout"]) == (0, 3, "training")
    assert facts["known center_px (frame 0)"] is not None
    assert facts["axes (the last runs fastest)"] == [3]
    code, out, _ = xgeom("evaluate", "--model", tiny, "--data", data, "--json")
    scores = json.loads(out)
    assert (code, scores["frames"]) == (0, 3)
    assert scores["network"]["center_constant"] > 0
    table = tmp_path / "out.csv"
    code, out, _ = xgeom(
        "predict", data, "--frames", "1:3", "--model", tiny, "--no-fit", "--json", "--out", table
    )
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [record["frame"] for record in records] == [1, 2]
    assert set(records[0]) >= FIELDS
    assert records[0]["source"] == "network"
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["x_px"]) == records[0]["center_px"][0]
    assert rows[1]["status"] == records[1]["status"]


def test_words_for_people_name_center_tilt_and_what_is_missing(xgeom, tmp_path, tiny) -> None:
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (1, 200, 200)).astype(np.int32)
    code, out, err = xgeom("predict", path, "--model", tiny, "--no-fit")
    assert code == 0
    assert "center (" in out
    assert "does not state the distance and pixel size and wavelength" in err
    assert "--distance-mm" in err
    given = ("--distance-mm", 100, "--pixel-um", 172, "--wavelength-A", 1.0)
    code, _, err = xgeom("predict", path, "--model", tiny, "--no-fit", *given)
    assert (code, err) == (0, "")


def test_exit_codes_tell_failed_frames_from_unusable_files(xgeom, tmp_path, tiny) -> None:
    dark = tmp_path / "dark.h5"
    with h5py.File(dark, "w") as file:
        file["data"] = np.zeros((1, 100, 100), dtype=np.int32)
    code, out, _ = xgeom("predict", dark, "--model", tiny, "--json")
    record = json.loads(out)
    assert (code, record["status"], record["center_px"]) == (1, "failed", None)
    assert "same value" in record["reason"]
    code, out, err = xgeom("predict", tmp_path / "absent.h5", dark, "--model", tiny, "--json")
    assert code == 1
    assert len(out.splitlines()) == 1, "the good file is answered all the same"
    assert one_sentence(err)
    assert "absent.h5" in err
    code, out, err = xgeom("predict", tmp_path / "absent.h5", "--model", tiny, "--out", tmp_path / "no.csv")
    assert (code, out) == (2, "") and one_sentence(err)
    assert not list(tmp_path.glob("*no.csv*")), "nothing was tried, so nothing is written"


def test_bad_input_gets_one_sentence(xgeom, tmp_path, tiny) -> None:
    text = tmp_path / "text.h5"
    text.write_text("hello")
    config = tmp_path / "c.toml"
    config.write_text("[training]\nstep = 3")
    good = tmp_path / "good.h5"
    with h5py.File(good, "w") as file:
        file["data"] = np.ones((2, 100, 100), dtype=np.int32)
    for arguments, word in [
        (("predict", text, "--model", tiny), "text.h5"),
        (("predict", good, "--model", text), "text.h5"),
        (("predict", good, "--model", tiny, "--frames", "7"), "frames 0 to 1"),
        (("predict", f"{good}::/nowhere", "--model", tiny), "nowhere"),
        (("predict", good, "--model", tiny, "--out", "answers.txt"), ".csv or .json"),
        (("predict", good, "--model", tiny, "--distance-mm", "-5"), "positive"),
        (("predict", good, "--model", "no-such-model"), "no-such-model"),
        (("info", tmp_path / "absent.cbf"), "absent.cbf"),
        (("simulate", "--kind", "standrd", "--count", 1, "--out", tmp_path / "x.h5"), "Did you mean"),
        (("simulate", "--kind", "flat", "--count", 1, "--out", tmp_path / "x.h5", "--size", "big"), "--size"),
        (("train", config, "--run-dir", tmp_path / "run"), "did you mean 'steps'"),
        (("train", tmp_path / "absent.toml", "--run-dir", tmp_path / "run"), "absent.toml"),
        (("evaluate", "--model", tiny, "--data", good), "does not state the true centers"),
    ]:
        code, _, err = xgeom(*arguments)
        assert code == 2, arguments
        assert one_sentence(err), err
        assert word in err, err


@pytest.mark.parametrize("name", ["centering.2.master.h5", "centering.2_6.master.h5"])
def test_masters_without_their_sources_are_not_zeros(xgeom, frames_dir, tiny, name: str) -> None:
    code, out, err = xgeom("predict", frames_dir / "training_masters" / name, "--model", tiny, "--json")
    assert (code, out) == (2, "")
    assert one_sentence(err)


def test_training_in_words_and_as_json(xgeom, tmp_path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        'name = "t"\n[model]\nwidth = 4\ninput_px = 64\nsupersampling = 1\nactivations = 8\n'
        "[data]\nworkers = 0\n[validation]\nframes = 4\n[training]\nsteps = 2\nbatch = 2\ndevice = 'cpu'\n"
    )
    code, out, _ = xgeom("train", config, "--run-dir", tmp_path / "words")
    assert code == 0
    assert "constant predictor" in out
    assert "done after 2 steps" in out
    code, out, _ = xgeom("train", config, "--run-dir", tmp_path / "json", "--json")
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert code == 0
    assert events[0] == "stage"
    assert events[-1] == "finished"
    assert out == (tmp_path / "json" / "events.jsonl").read_text()
    code, out, _ = xgeom("predict", "--help")
    assert (code, "--no-fit" in out) == (0, True)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [(None, [0, 1, 2, 3, 4]), ("3", [3]), ("1:3", [1, 2]), ("3:", [3, 4]), (":2", [0, 1]), ("-2:", [3, 4])],
)
def test_frame_ranges(text: str | None, numbers: list[int]) -> None:
    assert list(frame_range(text, 5)) == numbers


@pytest.mark.parametrize("text", ["5", "-1", "a", "1:2:3", "4:2", "", "1.5"])
def test_senseless_frame_ranges(text: str) -> None:
    with pytest.raises(UsageError, match="--frames"):
        frame_range(text, 5)


def test_overrides_must_be_lengths() -> None:
    with pytest.raises(UsageError, match="--pixel-um must be a positive number, not 0"):
        Overrides(pixel_um=0.0)
