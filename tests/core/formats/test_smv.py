"""SMV: one point stated in the ways of several programs must be found among the readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import smv
from xgeom_core.formats.reading import Hints, Reading

# The beam at x = 300.25, y = 120.75 px of an image of 500 x 400 px of 0.1 mm.
CENTER, HEIGHT, PIXEL = (300.25, 120.75), 400, 0.1


def _read(path: Path, hints: Hints | None = None, **fields: object) -> Reading:
    header = {
        "HEADER_BYTES": 512,
        "DIM": 2,
        "BYTE_ORDER": "little_endian",
        "TYPE": "unsigned_short",
        "SIZE1": 500,
        "SIZE2": HEIGHT,
        "PIXEL_SIZE": PIXEL,
        "DISTANCE": 150.5,
        "WAVELENGTH": 0.9,
        **fields,
    }
    lines = "".join(f"{name}={value};\n" for name, value in header.items() if value is not None)
    data = f"{{\n{lines}}}\f".encode().ljust(512) + b"\x00\x01" * 100
    path.write_bytes(data)
    assert smv.recognizes(path, data)
    (reading,) = smv.read(path, hints or Hints())
    return reading


def _all(reading: Reading) -> dict[str, tuple[float, float]]:
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


def test_pixels_taken_for_mm_are_offered_where_mm_make_no_sense(tmp_path: Path) -> None:
    reading = _read(tmp_path / "a.img", BEAM_CENTER_X=CENTER[0], BEAM_CENTER_Y=CENTER[1])
    assert any(name.startswith("in px") and center == CENTER for name, center in _all(reading).items())
    assert "outside the image" in reading.estimate.warnings[0]
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


def test_a_swung_detector_is_mentioned(tmp_path: Path) -> None:
    reading = _read(tmp_path / "a.img", BEAM_CENTER_X=12.0, BEAM_CENTER_Y=30.0, TWOTHETA=15)
    assert "swung by 15 degrees" in reading.estimate.warnings[0]


def test_hints_stand_in(tmp_path: Path) -> None:
    hints = Hints(pixel_mm=(0.2, 0.2), image_size=(50, 60), distance_mm=99.0)
    reading = _read(
        tmp_path / "a.img",
        hints,
        BEAM_CENTER_X=2.0,
        BEAM_CENTER_Y=4.0,
        PIXEL_SIZE=None,
        SIZE1=None,
        DISTANCE=None,
    )
    assert reading.estimate.center_px == pytest.approx((20.0, 10.0))
    assert (reading.distance_mm, reading.image_size) == (99.0, (50, 60))


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDatasetError, match="are not set"):
        _read(tmp_path / "a.img", BEAM_CENTER_X=0.0, BEAM_CENTER_Y=0.0)
    with pytest.raises(MissingDatasetError, match="are not set"):
        _read(tmp_path / "a.img", BEAM_CENTER_X="nan", BEAM_CENTER_Y=5)
    with pytest.raises(UnreadableFileError, match="PIXEL_SIZE"):
        _read(tmp_path / "a.img", BEAM_CENTER_X=2.0, BEAM_CENTER_Y=4.0, PIXEL_SIZE="inf")
    (tmp_path / "b.img").write_bytes(b'{"a": 1}')
    with pytest.raises(UnreadableFileError, match="no SMV image"):
        smv.read(tmp_path / "b.img", Hints())
