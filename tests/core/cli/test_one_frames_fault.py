"""One frame's fault is that frame's; what was answered is kept, whatever ends the command."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from xgeom_core.cli import answer_file
from xgeom_core.cli.answer_file import AnswerFile
from xgeom_core.cli.faults import log_file
from xgeom_core.errors import UsageError
from xgeom_core.jobs.process_tree import MARK
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.predictor import Predictor

COUNT, DAMAGED = 6, 2


@pytest.fixture
def frames(tmp_path):
    """Six frames with known centers, of which the data of number 2 are damaged."""
    path = tmp_path / "run.h5"
    stack = np.random.default_rng(0).poisson(5, (COUNT, 200, 200)).astype(np.int32)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=stack, chunks=(1, 200, 200), compression="gzip")
        for table, columns in (
            ("labels", {"beam_center_fast": 100.0, "beam_center_slow": 90.0}),
            ("geom", {"detdist": 200.0, "wavelen": 1.0, "pixsize": 0.172, "xdim": 200.0, "ydim": 200.0}),
        ):
            file[table] = np.tile(np.array(list(columns.values()), np.float32), (COUNT, 1))
            file[table].attrs["names"] = np.array(list(columns), dtype=h5py.string_dtype())
        place = images.id.get_chunk_info_by_coord((DAMAGED, 0, 0))
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * place.size)
    return path


def rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def at_frame(monkeypatch, index, act):
    """Have something happen when a frame is predicted."""
    predict = Predictor.predict

    def acting(self, frame, *args, **wishes):
        if frame.index == index:
            act()
        return predict(self, frame, *args, **wishes)

    monkeypatch.setattr(Predictor, "predict", acting)


def test_a_damaged_frame_fails_and_those_after_it_are_answered(xgeom, frames, tiny, tmp_path) -> None:
    table = tmp_path / "d.csv"
    code, out, err = xgeom("predict", frames, "--model", tiny, "--no-fit", "--json", "--out", table)
    records = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (1, "")
    assert [record["frame"] for record in records] == list(range(COUNT))
    assert [record["frame"] for record in records if record["status"] == "failed"] == [DAMAGED]
    assert f"rame {DAMAGED}" in records[DAMAGED]["reason"] and "run.h5" in records[DAMAGED]["reason"]
    assert [row["status"] for row in rows(table)] == [record["status"] for record in records]


def test_several_processes_say_the_same_in_the_same_order(xgeom, frames, tiny) -> None:
    asked = ("predict", frames, "--model", tiny, "--no-fit", "--json")
    alone, together = (
        [json.loads(line) for line in xgeom(*asked, *more)[1].splitlines()] for more in ((), ("-j", "2"))
    )
    for record in (*alone, *together):
        del record["elapsed_s"]
    assert together == alone and [record["frame"] for record in together] == list(range(COUNT))
    code, _, err = xgeom("predict", frames, "--method", "inversion", "-j", "2")
    assert code == 2 and "--jobs goes with" in err


def test_a_fault_of_xgeom_is_named_as_one_and_kept_with_its_details(xgeom, frames, tiny, monkeypatch) -> None:
    def fall():
        raise IndexError("index 9 is out of bounds")

    at_frame(monkeypatch, 3, fall)
    asked = ("predict", frames, "--model", tiny, "--no-fit", "--json")
    code, out, err = xgeom(*asked)
    reason = json.loads(out.splitlines()[3])["reason"]
    assert (code, len(out.splitlines()), err) == (1, COUNT, "")
    assert reason.startswith("A fault of xgeom while predicting frame 3 of") and "IndexError" in reason
    assert str(log_file()) in reason and "in fall" in log_file().read_text()
    monkeypatch.setenv("XGEOM_DEBUG", "1")
    _, _, err = xgeom(*asked)
    assert "Traceback" in err and "in fall" in err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("Unable to allocate 3.64 TiB"), "not enough memory while predicting frame 1 of"),
        (OSError(5, "Input/output error"), "refused something while predicting frame 1 of"),
        (RecursionError("maximum recursion depth exceeded"), "A fault of xgeom"),
    ],
)
def test_what_goes_wrong_is_told_in_words(xgeom, frames, tiny, monkeypatch, error, words) -> None:
    def fall():
        raise error

    at_frame(monkeypatch, 1, fall)
    code, out, err = xgeom("predict", frames, "--model", tiny, "--no-fit")
    assert (code, "Traceback" in out + err) == (1, False)
    assert words in next(line for line in out.splitlines() if "failed" in line and "[1]" in line)


def test_an_answer_that_is_no_number_is_none(xgeom, frames, tiny, monkeypatch) -> None:
    from dataclasses import replace

    predict = Predictor.predict

    def senseless(self, frame, *args, **wishes):
        found = predict(self, frame, *args, **wishes)
        return replace(found, best=replace(found.best, center_px=(float("nan"), 3.0)))

    monkeypatch.setattr(Predictor, "predict", senseless)
    code, out, _ = xgeom("predict", frames, "--model", tiny, "--no-fit", "--json")
    records = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    assert code == 1 and {record["status"] for record in records} == {"failed"}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_signal_keeps_what_was_answered(
    xgeom, frames, tiny, tmp_path, monkeypatch, number, status, ending
) -> None:
    table = tmp_path / f"d.{ending}"
    table.write_text("of an earlier call")
    at_frame(monkeypatch, 4, lambda: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    asked = ("--no-fit", "--shared-geometry", "--out", table)
    code, out, err = xgeom("predict", frames, frames, "--model", tiny, *asked)
    assert code == status
    assert f"stopped after 4 of {COUNT} frames (1 of 2 files were not opened yet)" in err
    assert f"their answers are kept in {table}" in err
    found = rows(table) if ending == "csv" else json.loads(table.read_text())
    assert [int(row["frame"]) for row in found] == [0, 1, 2, 3]
    assert "shared by 3 of 4 frames" in out, "what there is is shared"
    assert not list(tmp_path.glob(".*")) and signal.getsignal(number) == before


def test_a_signal_before_the_first_answer_leaves_an_older_file(
    xgeom, frames, tiny, tmp_path, monkeypatch
) -> None:
    table = tmp_path / "d.csv"
    table.write_text("of an earlier call")
    at_frame(monkeypatch, 0, lambda: os.kill(os.getpid(), signal.SIGINT))
    code, out, err = xgeom("predict", frames, "--model", tiny, "--out", table)
    assert (code, out) == (130, "") and f"after 0 of {COUNT} frames; {table} is not written" in err
    assert table.read_text() == "of an earlier call" and not list(tmp_path.glob(".*"))


def test_pictures_are_whole_or_not_there_after_a_signal(xgeom, frames, tiny, tmp_path, monkeypatch) -> None:
    from xgeom_core.predict.report import explain

    draw = explain.explain_figure

    def interrupted(explanation, path):
        os.kill(os.getpid(), signal.SIGINT)
        return draw(explanation, path)

    monkeypatch.setattr(explain, "explain_figure", interrupted)
    code, out, err = xgeom("predict", frames, "--model", tiny, "--explain", tmp_path / "why.png")
    assert code == 130 and f"stopped after 1 of {COUNT} frames" in err and len(out.splitlines()) >= 1
    assert [path.read_bytes()[-8:-4] for path in tmp_path.glob("why*")] == [b"IEND"]


def test_a_picture_that_cannot_be_drawn_costs_a_sentence(xgeom, frames, tiny, tmp_path, monkeypatch) -> None:
    from xgeom_core.predict.report import explain

    def fall(explanation, path):
        raise ValueError("no such color")

    monkeypatch.setattr(explain, "explain_figure", fall)
    asked = ("--frames", "0:2", "--json", "--explain", tmp_path / "w.png")
    code, out, err = xgeom("predict", frames, "--model", tiny, *asked)
    assert (code, len(out.splitlines())) == (1, 2)
    assert err.count("A fault of xgeom while drawing") == 2 and "Traceback" not in err


def test_ctrl_c_on_a_whole_process(frames, tiny, tmp_path) -> None:
    """As a user does it: the answers that were on the terminal are in the file."""
    long = tmp_path / "long.h5"
    with h5py.File(long, "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (3000, 100, 100)).astype(np.uint8)
    table = tmp_path / "d.json"
    asked = ("predict", long, "--model", tiny, "--no-fit", "--json", "--out", table)
    with subprocess.Popen(
        [sys.executable, "-m", "xgeom_core", *map(str, asked)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate()
    lines += rest.splitlines()
    assert process.returncode == 130 and "Traceback" not in err
    assert len(json.loads(table.read_text())) == len(lines) < 3000
    assert f"stopped after {len(lines)} of 3000 frames; their answers are kept in {table}" in err


def record(index):
    return Prediction.failed(("a\udcffb.h5", "", index), "no reason").record()


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_answers_are_whole_at_any_time(tmp_path, ending) -> None:
    out = tmp_path / f"d.{ending}"
    with AnswerFile(out) as table:
        for index in range(5):
            table.add(record(index))
            (partial,) = tmp_path.glob(f".d.{ending}.*.partial")
            found = rows(partial) if ending == "csv" else json.loads(partial.read_text())
            assert [int(row["frame"]) for row in found] == list(range(index + 1))
            assert not out.exists()
    assert out.exists() and not partial.exists()


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_full_disk_keeps_the_answers_before_it(tmp_path, monkeypatch, ending) -> None:
    out = tmp_path / f"d.{ending}"
    pwrite, room = os.pwrite, [0]

    def full(file, data, offset):
        if offset + len(data) <= room[0]:
            return pwrite(file, data, offset)
        if offset >= room[0]:
            raise OSError(28, "No space left on device")
        return pwrite(file, data[: room[0] - offset], offset)

    monkeypatch.setattr(answer_file.os, "pwrite", full)
    with pytest.raises(UsageError, match="No space left"), AnswerFile(out) as table:
        room[0] = 1_500 if ending == "csv" else 10_000
        for index in range(100):
            table.add(record(index))
    found = rows(out) if ending == "csv" else json.loads(out.read_text())
    assert 5 < len(found) == table.count < 100
    assert [int(row["frame"]) for row in found] == list(range(table.count))


def test_a_full_disk_ends_a_run_with_what_it_has(xgeom, frames, tiny, tmp_path, monkeypatch) -> None:
    add = AnswerFile.add

    def full(self, record):
        if record["frame"] == 3:
            raise UsageError(f"{self.path} cannot be written: No space left on device.")
        add(self, record)

    monkeypatch.setattr(AnswerFile, "add", full)
    table = tmp_path / "d.csv"
    code, _, err = xgeom("predict", frames, "--model", tiny, "--no-fit", "--out", table)
    assert code == 1 and "No space left" in err
    assert f"ended after 3 of {COUNT} frames; their answers are kept in {table}" in err
    assert len(rows(table)) == 3


def test_an_out_that_cannot_be_written_is_refused_before_any_work(xgeom, frames, tmp_path) -> None:
    code, out, err = xgeom("predict", frames, "--model", "no-such-model", "--out", tmp_path / "no" / "d.csv")
    assert (code, out) == (2, "") and "cannot be written" in err


def test_comparing_and_scoring_go_on_past_a_damaged_frame(xgeom, frames, tiny) -> None:
    code, out, err = xgeom("compare", frames, "--model", tiny, "--json")
    assert code == 1 and f"rame {DAMAGED}" in err
    assert len({row["frame"] for row in json.loads(out)["rows"] if row["source"] == "truth"}) == COUNT
    code, out, err = xgeom("evaluate", "--data", frames, "--model", tiny, "--json")
    assert (code, json.loads(out)["frames"]) == (1, COUNT - 1) and f"rame {DAMAGED}" in err


def test_a_fault_anywhere_is_a_sentence(xgeom, frames, monkeypatch) -> None:
    from xgeom_core import frames as room

    def fall(*args, **kwargs):
        raise KeyError("no such key")

    monkeypatch.setattr(room, "open_frames", fall)
    code, out, err = xgeom("info", frames)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("xgeom: A fault of xgeom while running xgeom info") and "KeyError" in err
    monkeypatch.setenv(MARK, "a job")
    with pytest.raises(KeyError, match="no such key"):
        xgeom("info", frames)
    monkeypatch.delenv(MARK)
    code, out, err = xgeom("predict", frames, "--model", "default", "--no-fit")
    assert (code, out, err.count("\n")) == (2, "", 1) and "while opening" in err
