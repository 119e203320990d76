"""The gallery: the X is where the center is, and gaps and saturated spots are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from xgeom_core.errors import FrameFileError, RecipeError, UsageError
from xgeom_core.frame import Frame
from xgeom_core.simulate.gallery import _picture, real_pictures, reference_frames, write_gallery


@pytest.fixture
def real(tmp_path) -> Path:
    """A folder of two real frames, one of which is gone."""
    folder = tmp_path / "frames"
    (folder / "some_detector").mkdir(parents=True)
    with h5py.File(folder / "some_detector" / "a.h5", "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (1, 60, 80)).astype(np.int32)
    entry = {"center_px": [40.0, 30.0], "distance_mm": 123.4}
    entries = [{"file": f"some_detector/{name}.h5", **entry} for name in "ab"]
    (folder / "truth.json").write_text(json.dumps(entries))
    return folder


def test_kinds_and_real_frames_are_drawn(tmp_path, real) -> None:
    path, told = tmp_path / "gallery.png", []
    write_gallery(path, ["flat", "binary", "standard"], 1, real, told.append, side=64)
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    assert told == [0, 1, 2, 3]
    red = (pixels[..., 0] > 200) & (pixels[..., 1] < 60) & (pixels[..., 2] < 60)
    assert red.any()
    assert pixels.shape[1] > pixels.shape[0] > 500


@pytest.mark.parametrize("side", [64, 1000])
def test_the_x_is_at_the_center_of_the_fewer_pixels(side: int) -> None:
    data = np.zeros((side, side), dtype=np.float32)
    x, y = int(0.3 * side), int(0.7 * side)
    data[y, x] = 900.0
    frame = Frame(data, np.ones_like(data, dtype=bool), np.zeros_like(data, dtype=bool))
    picture = _picture(frame, (x + 0.5, y + 0.5))
    assert picture.center is not None
    assert max(picture.image.shape) <= 430
    row, column = np.unravel_index(np.argmax(picture.image), picture.image.shape)
    assert abs(column + 0.5 - picture.center[0]) <= 0.5
    assert abs(row + 0.5 - picture.center[1]) <= 0.5


def test_gaps_are_gaps_and_saturated_spots_are_dark() -> None:
    data = np.full((32, 32), 4.0, dtype=np.float32)
    saturated = np.zeros_like(data, dtype=bool)
    saturated[5, 6] = True
    valid = ~saturated
    valid[10:12] = False
    data[valid & (np.arange(32) == 9)[:, None]] = 25.0
    image = _picture(Frame(data, valid, saturated), (0.0, 0.0)).image
    assert np.isnan(image[10:12]).all()
    assert (image[5, 6], image[9, 0], image[0, 0]) == (5.0, 5.0, 2.0)


def test_real_frames_that_are_gone_are_left_out(real) -> None:
    (group,) = real_pictures(real)
    assert (group.title, group.text) == ("some detector", "123 mm")
    assert group.pictures[0].center == (40.0, 30.0)


def test_the_folder_of_real_frames_is_the_stated_one(real, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XGEOM_FRAMES", str(real))
    assert reference_frames() == real
    monkeypatch.setenv("XGEOM_FRAMES", str(tmp_path))
    assert reference_frames() is None


def test_what_cannot_be_drawn_is_said(tmp_path) -> None:
    with pytest.raises(RecipeError, match="'flatt'"):
        write_gallery(tmp_path / "g.png", ["flatt"], 0)
    with pytest.raises(UsageError, match=r"not g\.txt"):
        write_gallery(tmp_path / "g.txt", ["flat"], 0)
    with pytest.raises(FrameFileError, match="nowhere"):
        write_gallery(tmp_path / "nowhere" / "g.png", ["flat"], 0, side=32)
