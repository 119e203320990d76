"""Progress of a job that makes frames, and trainings that wait for the frames."""

from __future__ import annotations

import json

import pytest

from xgeom_core.jobs.dependencies import files_needed, makes
from xgeom_core.jobs.job import Job, Place
from xgeom_core.jobs.progress import progress_text, share_of
from xgeom_core.jobs.queue import draw_ticket, jobs_ahead
from xgeom_core.jobs.records import CONFIG, EXIT, LOG, write_job
from xgeom_core.training.config import Config


def a_job(root, name, kind, words, device="cpu"):
    folder = root / name
    folder.mkdir()
    place = Place((device,))
    write_job(Job(name, kind, name, folder, tuple(words), place, 1.0))
    draw_ticket(root, folder, place)
    return folder


def test_the_last_line_of_progress_counts(tmp_path) -> None:
    assert progress_text(tmp_path) == ""
    assert share_of("") is None
    (tmp_path / LOG).write_text(
        "$ xgeom simulate --count 1000\nstandard frames: 300 of 1000, 31 frames/s, 23 s left\n"
        "standard frames: 600 of 1000, 30 frames/s, 13 s left\nsomething else\n"
    )
    text = progress_text(tmp_path)
    assert text == "600 of 1000 frames, 30 frames/s, 13 s left."
    assert share_of(text) == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["set.h5", "set_00001.h5"])
def test_a_training_waits_for_its_frames_on_whatever_device(tmp_path, name) -> None:
    words = ("simulate", "--kind", "flat", "--count", "9", "--out", str(tmp_path / "set.h5"))
    making = a_job(tmp_path, "making", "simulate", words)
    folder = a_job(tmp_path, "training", "train", ("train",), "cuda:0")
    other = a_job(tmp_path, "other", "train", ("train",), "cuda:1")
    config = Config.model_validate({"data": {"kinds": {}, "files": [str(tmp_path / name)]}})
    (folder / CONFIG).write_text(config.to_toml())
    assert makes(making, files_needed(folder))
    assert jobs_ahead(tmp_path, folder) == 1
    assert jobs_ahead(tmp_path, other) == 0, "it learns from something else"
    (making / EXIT).write_text(json.dumps({"state": "done"}))
    assert jobs_ahead(tmp_path, folder) == 0
