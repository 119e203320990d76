"""What holds for every format: read once, stated is read, every row of the header table is true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sample_files import SAMPLES, Sample
from xgeom_core.cli import command_line
from xgeom_core.formats import registry
from xgeom_core.formats.header import FieldNote
from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata

SAMPLE = pytest.mark.parametrize("sample", SAMPLES.values(), ids=list(SAMPLES))
NOTES = [(known.key, note) for known in registry.FORMATS for note in known.fields]


def _metadata(path: Path) -> Metadata:
    with open_frames(path) as source:
        return source.metadata


@SAMPLE
def test_a_whole_file_states_what_was_written(sample: Sample, tmp_path: Path) -> None:
    path = sample(tmp_path)
    with open_frames(path) as source:
        for name, value in sample.stated.items():
            found = getattr(source.metadata, name)
            assert found == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), name
        frame = source.frame(0)
    assert frame.valid.mean() > 0.5  # there are gaps between panels
    assert registry.recognize(path).key == sample.key


@SAMPLE
def test_frames_and_geometry_say_the_same(sample: Sample, tmp_path: Path) -> None:
    """`open_frames(f).metadata` against the first line of `xgeom geometry f --json`."""
    path = sample(tmp_path)
    metadata = _metadata(path)
    result = CliRunner().invoke(command_line(), ["geometry", str(path), "--json"])
    if metadata.center_px is None:
        assert result.exit_code != 0
        return
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout.splitlines()[0])
    for name in ("center_px", "tilt_deg", "distance_mm", "wavelength_A", "pixel_mm"):
        stated = getattr(metadata, name)
        assert record[name] == (list(stated) if isinstance(stated, tuple) else stated), name
    assert [choice["name"] for choice in record["choices"]] == [choice.name for choice in metadata.choices]


def test_every_row_of_the_table_of_headers_has_a_sample() -> None:
    proven = {(sample.key, name) for sample in SAMPLES.values() for name in sample.others}
    assert {(key, note.name) for key, note in NOTES} == proven


@pytest.mark.parametrize(("key", "note"), NOTES, ids=[f"{key}-{note.name}" for key, note in NOTES])
def test_a_field_changes_what_the_table_says(key: str, note: FieldNote, tmp_path: Path) -> None:
    sample = next(one for one in SAMPLES.values() if one.key == key and note.name in one.others)

    def becomes(changes: Mapping[str, Any]) -> Any:
        return getattr(_metadata(sample(tmp_path, changes)), note.becomes)

    changes = sample.others[note.name]
    assert becomes({name: value for name, value in changes.items() if name != note.name}) != becomes(changes)
