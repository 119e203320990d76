"""Dectris stream headers: read, written, and told from other JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import dectris_stream as stream
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints
from xgeom_core.geometry import Geometry

CONFIG = {
    "beam_center_x": 1041.247,
    "beam_center_y": 1115.747,
    "detector_distance": 0.337,
    "x_pixel_size": 7.5e-05,
    "y_pixel_size": 7.5e-05,
    "wavelength": 0.97625,
    "x_pixels_in_detector": 2068,
    "y_pixels_in_detector": 2162,
}


@pytest.mark.parametrize(
    "data",
    [
        CONFIG,
        {"htype": "dheader-1.0", "config": CONFIG},
        [{"htype": "dheader-1.0", "series": 3}, CONFIG],
        {name: {"value": value, "value_type": "float"} for name, value in CONFIG.items()},
    ],
)
def test_all_shapes_of_a_header(tmp_path: Path, data: object) -> None:
    path = tmp_path / "header.json"
    path.write_text(json.dumps(data))
    assert stream.recognizes(path, path.read_bytes())
    (reading,) = stream.read(path, Hints())
    assert reading.estimate.center_px == (1041.247, 1115.747)
    assert reading.geometry == Geometry((1041.247, 1115.747), 337.0, (0.075, 0.075), 0.97625)
    assert reading.image_size == (2068, 2162)


def test_writing_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    wanted = Geometry((1000.5, 900.25), 250.0, (0.075, 0.08), 1.1)
    template, path = tmp_path / "t.json", tmp_path / "a.json"
    template.write_text(json.dumps({"htype": "dheader-1.0", "config": {**CONFIG, "description": "Eiger2"}}))
    for writing in (Writing(wanted, (2000, 2100)), Writing(wanted, (2000, 2100), template)):
        path.write_text(stream.write(writing))
        assert stream.recognizes(path, path.read_bytes())
        (reading,) = stream.read(path, Hints())
        assert reading.geometry == wanted
        assert reading.image_size == (2000, 2100)
    assert json.loads(path.read_text())["config"]["description"] == "Eiger2"


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("{", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(UnreadableFileError, match="not the JSON"):
            stream.read(path, Hints())
    for text in ("{}", "[]", "3", '{"beam_center_x": 0, "beam_center_y": 0}', '{"beam_center_x": NaN}'):
        path.write_text(text)
        with pytest.raises(MissingDatasetError, match="states no beam center"):
            stream.read(path, Hints())
        assert not stream.recognizes(path, text.encode())
