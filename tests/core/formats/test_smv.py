"""SMV: one point stated in the ways of several programs must be found among the readings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sample_files import SAMPLES, image, write_smv
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import smv
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.frames import open_frames

# The beam at x = 300.25, y = 120.75 px of an image of 500 x 400 px of 0.1 mm.
CENTER, HEIGHT, PIXEL = (300.25, 120.75), 400, 0.1


def _read(path: Path, hints: Hints | None = None, **fields: object) -> Reading:
    header = {
        "SIZE1": 500,
        "SIZE2": HEIGHT,
        "PIXEL_SIZE": PIXEL,
        "DISTANCE": 150.5,
        "WAVELENGTH": 0.9,
        **fields,
    }
    write_smv(path, header, {})
    assert smv.recognizes(path, path.read_bytes())
    return smv.FORMAT.read(path, hints or Hints())[0]


def _all(reading: Reading) -> dict[str, tuple[float, float] | None]:
    return {"default": reading.estimate.center_px, **{one.name: one.center_px for one in reading.choices}}


@pytest.mark.parametrize(
    ("stated_mm", "reading_of"),
    [
        ((CENTER[1] * PIXEL, CENTER[0] * PIXEL), "default"),
        (((CENTER[1] - 0.5) * PIXEL, (CENTER[0] - 0.5) * PIXEL), "MOSFLM as nanoBragg"),
        ((CENTER[0] * PIXEL, CENTER[1] * PIXEL), "X along the fast axis, Y along the slow"),
        ((CENTER[0] * PIXEL, (HEIGHT - CENTER[1]) * PIXEL), "ADXV"),
        (
            ((HEIGHT - CENTER[1]) * PIXEL, CENTER[0] * PIXEL),
            "X along the slow axis counted from the last row",
        ),
    ],
)
def test_each_convention_is_offered(tmp_path: Path, stated_mm: tuple[float, float], reading_of: str) -> None:
    reading = _read(tmp_path / "a.img", BEAM_CENTER_X=stated_mm[0], BEAM_CENTER_Y=stated_mm[1])
    right = [name for name, center in _all(reading).items() if center == pytest.approx(CENTER)]
    assert len(right) == 1
    assert right[0].startswith(reading_of)
    assert reading.distance_mm == 150.5
    assert (reading.pixel_mm, reading.image_size, reading.wavelength_A) == ((0.1, 0.1), (500, 400), 0.9)


def test_pixels_taken_for_mm_are_read_as_such_where_mm_make_no_sense(tmp_path: Path) -> None:
    reading = _read(tmp_path / "a.img", BEAM_CENTER_X=CENTER[0], BEAM_CENTER_Y=CENTER[1])
    assert reading.estimate.center_px == CENTER
    assert "far outside the image" in reading.estimate.warnings[0]
    assert reading.choices[0].center_px == pytest.approx((1207.5, 3002.5))
    sensible = _read(tmp_path / "a.img", BEAM_CENTER_X=12.0, BEAM_CENTER_Y=30.0)
    assert not any(name.startswith("in px") for name in _all(sensible))


def test_a_simulated_header_names_its_own_corner(tmp_path: Path) -> None:
    """nanoBragg states MOSFLM's center half a pixel short, and DIALS_ORIGIN without doubt."""
    reading = _read(
        tmp_path / "a.img",
        BEAM_CENTER_X=(CENTER[1] - 0.5) * PIXEL,
        BEAM_CENTER_Y=(CENTER[0] - 0.5) * PIXEL,
        DIALS_ORIGIN=f"{-CENTER[0] * PIXEL},{CENTER[1] * PIXEL},-150.5",
    )
    assert reading.estimate.center_px == pytest.approx(CENTER)
    assert not reading.choices


@pytest.mark.parametrize("names", [("DENZO_X_BEAM", "DENZO_Y_BEAM"), ("DENZO_XBEAM", "DENZO_YBEAM")])
@pytest.mark.parametrize(
    ("beam_mm", "denzo_mm", "used", "offered", "said"),
    [
        # As MOSFLM's, and DENZO's fields confirm it.
        ((12.075, 30.025), (12.08, 30.02), CENTER, None, ""),
        # DENZO's fields tell that BEAM_CENTER is ADXV's, as on ADSC detectors at SSRL.
        ((30.025, 27.925), (12.08, 30.02), CENTER, (279.25, 300.25), "ADXV"),
        # They contradict each other: the format's own field is used, the other one offered.
        ((12.075, 30.025), (14.0, 31.0), CENTER, (310.0, 140.0), "the former is used"),
        # Pixels in the first, mm in the second: the only one within the image.
        ((300.25, 120.75), (12.0, 30.0), CENTER, (300.0, 120.0), "far outside"),
    ],
)
def test_fields_of_denzo_tell_how_the_beam_center_is_meant(
    beam_mm: tuple[float, float],
    denzo_mm: tuple[float, float],
    used: tuple[float, float],
    offered: tuple[float, float] | None,
    said: str,
    names: tuple[str, str],
    tmp_path: Path,
) -> None:
    fields = dict(zip(("BEAM_CENTER_X", "BEAM_CENTER_Y", *names), (*beam_mm, *denzo_mm), strict=True))
    reading = _read(tmp_path / "a.img", **fields)
    assert reading.estimate.center_px == pytest.approx(used)
    assert said in " ".join(reading.estimate.warnings)
    assert bool(reading.estimate.warnings) is bool(said)
    if offered is not None:
        assert any(one == pytest.approx(offered) for one in _all(reading).values())


def test_fields_of_denzo_alone_are_read(tmp_path: Path) -> None:
    reading = _read(tmp_path / "a.img", DENZO_X_BEAM=12.075, DENZO_Y_BEAM=30.025)
    assert reading.estimate.center_px == pytest.approx(CENTER)


def test_hints_stand_in(tmp_path: Path) -> None:
    hints = Hints(pixel_mm=(0.2, 0.2), image_size=(50, 60), distance_mm=99.0)
    silent = {"PIXEL_SIZE": None, "SIZE1": None, "DISTANCE": None}
    reading = _read(tmp_path / "a.img", hints, BEAM_CENTER_X=2.0, BEAM_CENTER_Y=4.0, **silent)
    assert reading.estimate.center_px == pytest.approx((20.0, 10.0))
    assert (reading.distance_mm, reading.image_size) == (99.0, (50, 60))


def test_what_is_refused(tmp_path: Path) -> None:
    for x, y in ((0.0, 0.0), ("nan", 5)):
        with pytest.raises(MissingDatasetError, match="are not set"):
            _read(tmp_path / "a.img", BEAM_CENTER_X=x, BEAM_CENTER_Y=y)
    with pytest.raises(MissingDatasetError, match="are not set"):
        _read(tmp_path / "a.img", BEAM_CENTER_X=2.0, BEAM_CENTER_Y=4.0, PIXEL_SIZE="inf")
    (tmp_path / "b.img").write_bytes(b'{"a": 1}')
    with pytest.raises(UnreadableFileError, match="no SMV image"):
        smv.FORMAT.read(tmp_path / "b.img", Hints())


def test_a_zero_byte_before_the_brace_and_braces_in_values_do_no_harm(tmp_path: Path) -> None:
    path = SAMPLES["smv"](tmp_path)
    path.write_bytes(path.read_bytes().replace(b"}\f\n", b"\0}\f", 1))
    with open_frames(path) as source:
        assert source.metadata.title == "silver behenate"
        np.testing.assert_array_equal(source.frame(0).data, image())
    with open_frames(SAMPLES["d*TREK"](tmp_path)) as source:
        assert source.metadata.detector == "Saturn {724+}"
        assert source.metadata.rotation is not None


@pytest.mark.parametrize("order", ["little_endian", "big_endian"])
@pytest.mark.parametrize(
    ("field", "kind", "dtype"),
    [
        ("TYPE", "unsigned_short", "u2"),
        ("TYPE", "signed_long", "i4"),
        ("TYPE", "float", "f4"),
        ("Data_type", "unsigned long int", "u4"),
        ("Data_type", "short int", "i2"),
        ("Data_type", "float IEEE", "f4"),
        ("Data_type", "unsigned char", "u1"),
    ],
)
def test_pixels_of_every_type(field: str, kind: str, dtype: str, order: str, tmp_path: Path) -> None:
    data = (image() % 200).astype((">" if order == "big_endian" else "<") + dtype)
    fields: dict[str, Any] = {"SIZE1": 40, "SIZE2": 48, "BYTE_ORDER": order, field: kind}
    write_smv(tmp_path / "a.img", {}, fields, data)
    with open_frames(tmp_path / "a.img") as source:
        np.testing.assert_array_equal(source.frame(0).data, data.astype(float))


def test_pixels_of_other_types_are_refused_by_name(tmp_path: Path) -> None:
    for changes, word in (
        ({"TYPE": "mad"}, "mad"),
        ({"COMPRESSION": "rice"}, "rice"),
        ({"SIZE1": 10**9}, "SIZE1"),
    ):
        with pytest.raises(UnreadableFileError, match=word):
            open_frames(SAMPLES["smv"](tmp_path, changes))
