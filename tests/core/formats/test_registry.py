"""The list of formats: told by content, written whole or not at all, in place only when asked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgeom_core.errors import FrameFileError, UnreadableFileError, UsageError
from xgeom_core.formats import registry
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.reading import Hints
from xgeom_core.geometry import Geometry

GEOMETRY = Geometry((1261.56, 1307.32), 351.2, (0.172, 0.172), 0.9686, 1.2, -2.3)
WRITING = Writing(GEOMETRY, (2463, 2527))
HINTS = Hints((0.172, 0.172), (2463, 2527), 351.2, 0.9686)
# XPARM.XDS holds a crystal, too, and is written on a template only: test_xds.py.
WRITABLE = [known for known in registry.FORMATS if known.writable and known.key != "xparm"]
# These cannot state a tilt: what is written is the center on the beam.
NO_TILT = {"dectris", "mosflm", "denzo"}


def test_keys_are_distinct_and_every_convention_is_told() -> None:
    keys = [known.key for known in registry.FORMATS]
    assert len(set(keys)) == len(keys)
    assert {"dials", "xds", "crystfel", "pyfai", "nxmx", "dectris", "mosflm", "csv"} <= set(
        registry.writable_keys()
    )
    for known in registry.FORMATS:
        assert len(known.convention.split(". ")) >= 2, known.key
        assert known.key == known.key.lower() and " " not in known.key


@pytest.mark.parametrize("known", WRITABLE, ids=lambda known: known.key)
def test_what_is_written_is_recognized_under_any_name(known: Format, tmp_path: Path) -> None:
    for name in ("geometry.dat", "nothing-to-go-by", f"right{known.suffixes[0]}"):
        path = tmp_path / name
        registry.write_geometry(known.key, WRITING, path)
        assert registry.recognize(path).key == known.key, name
        (first, *_) = registry.read_geometry(path, HINTS)
        assert first.estimate.center_px == pytest.approx(GEOMETRY.center_px, abs=0.01)
        assert first.distance_mm == pytest.approx(GEOMETRY.distance_mm, abs=1e-3)
        if known.key not in NO_TILT:
            assert first.estimate.tilt_deg == pytest.approx((1.2, -2.3), abs=1e-3)


CONVERTIBLE = [
    known for known in WRITABLE if known.write is not None and known.key not in NO_TILT | {"csv", "fit2d"}
]


@settings(max_examples=25)
@given(
    st.tuples(st.floats(-500, 3000), st.floats(-500, 3000)),
    st.floats(30, 1000),
    st.floats(-30, 30),
    st.floats(-30, 30),
    st.permutations(CONVERTIBLE),
)
def test_a_chain_through_all_programs_returns_what_it_was_given(
    tmp_path_factory,
    center: tuple[float, float],
    distance: float,
    pitch: float,
    yaw: float,
    order: list[Format],
) -> None:
    start = Geometry(center, distance, (0.172, 0.172), 1.0, pitch, yaw)
    folder = tmp_path_factory.mktemp("chain")
    now = start
    for number, known in enumerate(order):
        path = registry.write_geometry(known.key, Writing(now, (2463, 2527)), folder / f"{number}.txt")
        (reading,) = registry.read_geometry(path, HINTS)
        assert reading.geometry is not None
        now = reading.geometry
    assert now.center_px == pytest.approx(start.center_px, abs=0.01)
    assert (now.pitch_deg, now.yaw_deg) == pytest.approx((pitch, yaw), abs=1e-3)
    assert now.distance_mm == pytest.approx(distance, abs=1e-3)


def test_a_name_ending_in_gz_is_compressed(tmp_path: Path) -> None:
    path = registry.write_geometry("dials", WRITING, tmp_path / "new.expt.gz")
    assert json.loads(gzip.decompress(path.read_bytes()))["detector"]
    assert registry.read_geometry(path)[0].estimate.center_px == pytest.approx(GEOMETRY.center_px, abs=0.01)


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "a.geom"
    path.write_text("precious")
    with pytest.raises(UsageError, match="there already"):
        registry.write_geometry("crystfel", WRITING, path)
    with pytest.raises(UsageError, match="the file that was read"):
        registry.write_geometry("crystfel", WRITING, path, inputs=[path])
    assert path.read_text() == "precious"
    registry.write_geometry("crystfel", WRITING, path, overwrite=True)
    assert registry.recognize(path).key == "crystfel"


def test_a_template_is_changed_in_place_only_when_told(tmp_path: Path) -> None:
    template = registry.write_geometry("xds", WRITING, tmp_path / "XDS.INP")
    template.write_text("JOB= IDXREF\n" + template.read_text() + "UNTRUSTED_RECTANGLE= 1 2 3 4\n")
    before = template.read_bytes()
    moved = Writing(Geometry((1000.0, 900.0), 200.0, (0.172, 0.172)), (2463, 2527), template)
    with pytest.raises(UsageError, match="--overwrite"):
        registry.write_geometry("xds", moved, template)
    assert template.read_bytes() == before
    registry.write_geometry("xds", moved, template, overwrite=True)
    assert "UNTRUSTED_RECTANGLE= 1 2 3 4" in template.read_text()
    assert registry.read_geometry(template)[0].estimate.center_px == pytest.approx((1000, 900), abs=0.01)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "x.expt"
    bad = Writing(GEOMETRY, (2463, 2527), tmp_path / "absent.expt")
    with pytest.raises(FrameFileError, match=r"absent\.expt"):
        registry.write_geometry("dials", bad, path)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_places_and_formats_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not write it; it writes dials, .*dials-import"):
        registry.write_geometry("smv", WRITING, tmp_path / "x")
    with pytest.raises(UsageError, match="there is no folder"):
        registry.write_geometry("xds", WRITING, tmp_path / "no" / "x")
    with pytest.raises(UsageError, match="is a folder"):
        registry.write_geometry("xds", WRITING, tmp_path)
    with pytest.raises(UsageError, match=r"no format 'word'; known are dials"):
        registry.write_geometry("word", WRITING, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello world\n", "none of the files"),
        (bytes(range(256)) * 10, "none of the files"),
    ],
)
def test_foreign_files_get_one_sentence_that_lists_what_is_understood(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "letter.doc"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=words) as caught:
        registry.read_geometry(path)
    text = str(caught.value)
    assert "letter.doc" in text and "DIALS" in text and "pyFAI" in text and text.count("\n") == 0


def test_absent_files_and_folders_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="not there"):
        registry.read_geometry(tmp_path / "absent.expt")
    with pytest.raises(UnreadableFileError, match="a folder"):
        registry.read_geometry(tmp_path)


def test_real_files_are_recognized(frames_dir: Path) -> None:
    wanted = {
        "lcysteine_i19/indexed.expt.gz": "dials",
        "rayonix_sfx/experiments_000.json": "dials",
        "ceo2_pilatus1m/CeO2_Pilatus1M.poni": "pyfai",
        "lcysteine_i19/l-cyst_04_00003.cbf.gz": "cbf",
        "i04_thaumatin/thau_3_2_0003.cbf.bz2": "cbf",
        "nanobragg/frame_00.h5": "nxmx",
    }
    for name, key in wanted.items():
        assert registry.recognize(frames_dir / name).key == key, name
