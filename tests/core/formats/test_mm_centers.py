"""MOSFLM, DENZO and ADXV: centers in mm, by hand, in each other's terms, and with what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from any_geometry import geometries
from xgeom_core.errors import MissingDatasetError, UnreadableFileError, XgeomError
from xgeom_core.formats import adxv, denzo, mosflm
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import Geometry

HINTS = Hints(pixel_mm=(0.1, 0.2), image_size=(400, 500))


def read(which: Format, path: Path, text: str, hints: Hints = HINTS) -> Reading:
    path.write_text(text)
    others = [known for known in (mosflm.FORMAT, denzo.FORMAT, adxv.FORMAT) if known.key != which.key]
    assert which.recognizes(path, text.encode())
    assert not any(known.recognizes(path, text.encode()) for known in others)
    (found,) = which.read(path, hints)
    return found


@pytest.mark.parametrize("which", [mosflm.FORMAT, denzo.FORMAT], ids=lambda known: known.key)
@given(wanted=geometries)
def test_round_trip(tmp_path_factory, which: Format, wanted: Geometry) -> None:
    """Center, distance and wavelength; neither program states a tilt that could be read back."""
    path = tmp_path_factory.mktemp("mm") / "commands.txt"
    assert which.write is not None
    found = read(which, path, which.write(Writing(wanted, (1475, 1679))), Hints(pixel_mm=wanted.pixel_mm))
    assert found.estimate.center_px == pytest.approx(wanted.center_px, abs=0.01)
    assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=1e-3)
    assert found.estimate.tilt_deg is None
    if wanted.wavelength_A is not None:
        assert found.wavelength_A == pytest.approx(wanted.wavelength_A, rel=1e-6)


MOSFLM = """DIRECTORY /data
TEMPLATE lys_####.cbf
DISTORTION YSCALE 1.0 TILT 0 TWIST 0
SYMMETRY P43212
BEAM 40.0 20.0  ! x y
DISTANCE 250.5
WAVELENGTH 0.9795
"""


def test_mosflm_by_hand(tmp_path: Path) -> None:
    """x is slow: 40 mm of 0.2 mm pixels down, 20 mm of 0.1 mm pixels to the right."""
    found = read(mosflm.FORMAT, tmp_path / "mosflm.in", MOSFLM)
    assert found.estimate.center_px == pytest.approx((200.0, 200.0))
    assert (found.distance_mm, found.wavelength_A) == (250.5, 0.9795)
    assert found.choices[1].center_px == pytest.approx((200.5, 200.5))
    assert found.native["BEAM"] == "40.0 20.0"
    assert found.estimate.warnings == ()


def test_mosflm_keywords(tmp_path: Path) -> None:
    """Small letters, four letters, the last command, its own pixel size, and a tilt of unknown sign."""
    text = "dist 100\nbeam 1 2\nWAVE 1.5\nBEAM 30.0 15.0\nPIXEL 0.15\nSIZE 500 400 HEADER 512\n"
    text += "TILT 12\nTWOTHETA 5\n"
    found = read(mosflm.FORMAT, tmp_path / "mosflm.in", text, Hints())
    assert found.estimate.center_px == pytest.approx((100.0, 200.0))
    assert found.image_size == (400, 500)
    assert "TILT 12" in found.estimate.warnings[0]
    assert "two theta" in found.estimate.warnings[1]


def test_mosflm_session_and_matrix(tmp_path: Path) -> None:
    session = (
        '<?xml version=\'1.0\'?><!DOCTYPE session><session beam_x="94.4" beam_y="92.25" distance="180.1" '
        'wavelength="1.0" pixel_size="0.1" tilt="0" twist="-7" two_theta="0.00" ><sector/></session>'
    )
    found = read(mosflm.FORMAT, tmp_path / "lys.mos", session, Hints())
    assert found.estimate.center_px == pytest.approx((922.5, 944.0))
    assert found.distance_mm == 180.1
    assert "TWIST -7" in found.estimate.warnings[0]
    matrix = "".join(
        "".join(f"{value:12.8f}" for value in row) + "\n"
        for row in [(0.1, 0.2, 0.3)] * 3
        + [(0.0, 0.0, 0.0)]
        + [(1.0, 0.0, 0.0)] * 3
        + [(78.0,) * 6, (0.0, 0.0, 0.0)]
    )
    with pytest.raises(MissingDatasetError, match="orientation matrix"):
        read(mosflm.FORMAT, tmp_path / "index.mat", matrix)


DENZO = """   Generated
    0.1    0.2    0.3
wavelength  0.97950
cassette rotx   0.0 roty    0.0 rotz    0.00 2 theta    0.00
distance  250.50
x beam   40.000  y beam   20.000
film rotation   90.00
"""


def test_denzo_by_hand(tmp_path: Path) -> None:
    found = read(denzo.FORMAT, tmp_path / "lys.x", DENZO)
    assert found.estimate.center_px == pytest.approx((200.0, 200.0))
    assert (found.distance_mm, found.wavelength_A) == (250.5, 0.9795)
    assert found.choices[1].center_px == pytest.approx((400.0, 100.0))
    turned = DENZO.replace("rotx   0.0", "rotx  -0.3").replace("2 theta    0.00", "2 theta  10.0")
    found = read(denzo.FORMAT, tmp_path / "lys.x", turned)
    assert "rotx -0.3" in found.estimate.warnings[0]
    assert "2 theta" in found.estimate.warnings[1]


def test_adxv_by_hand(tmp_path: Path) -> None:
    """y counts from below: 500 rows of 0.2 mm are 100 mm."""
    found = read(adxv.FORMAT, tmp_path / "adxv.txt", "ADXV_CENTER_X=20.0;\nADXV_CENTER_Y=60.0;\n")
    assert found.estimate.center_px == pytest.approx((200.0, 200.0))


def test_published_values_of_one_beam(tmp_path: Path) -> None:
    """A beamline that writes its beam for ADXV and for DENZO: the same point; a comparison made at the SRS.

    SIBYLS (ALS 12.3.1): 3072 pixels of 315.16 mm in all; SRS: ADXV's mm and pixels of a Quantum 4.
    """
    pixel = 315.16 / 3072
    hints = Hints(pixel_mm=(pixel, pixel), image_size=(3072, 3072))
    one = read(adxv.FORMAT, tmp_path / "a.txt", "ADXV_CENTER_X=156.30\nADXV_CENTER_Y=157.95\n", hints)
    two = read(denzo.FORMAT, tmp_path / "b.txt", "x beam 157.21\ny beam 156.30\n", hints)
    assert one.estimate.center_px == pytest.approx(two.estimate.center_px, abs=0.05)
    hints = Hints(pixel_mm=(0.0816, 0.0816), image_size=(2304, 2304))
    found = read(adxv.FORMAT, tmp_path / "c.txt", "ADXV_CENTER_X=94.4\nADXV_CENTER_Y=92.25\n", hints)
    assert found.estimate.center_px == pytest.approx((1156.0, 1173.5), abs=1.0)


def test_adxv_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / ".adxv_beam_center"
    path.write_text("210.5 180.25 400 500")
    assert adxv.recognizes(path, path.read_bytes())
    (found,) = adxv.read(path, Hints())
    assert found.estimate.center_px == (210.5, 180.25)
    assert found.choices[1].center_px == (210.5, 319.75)
    assert found.image_size == (400, 500)
    assert "documented nowhere" in found.estimate.warnings[0]
    assert not adxv.recognizes(tmp_path / "numbers.txt", path.read_bytes())


def test_adxv_leaves_smv_headers_alone(tmp_path: Path) -> None:
    head = b"{\nHEADER_BYTES=1024;\nADXV_CENTER_X=1;\nADXV_CENTER_Y=2;\n}"
    assert not adxv.recognizes(tmp_path / "image.img", head)


@pytest.mark.parametrize(
    ("which", "text", "hints", "words"),
    [
        (mosflm.FORMAT, MOSFLM, Hints(), "pixel size"),
        (denzo.FORMAT, DENZO, Hints(), "pixel size"),
        (adxv.FORMAT, "ADXV_CENTER_X=1\nADXV_CENTER_Y=2\n", Hints(), "pixel size"),
        (adxv.FORMAT, "ADXV_CENTER_X=1\nADXV_CENTER_Y=2\n", Hints(pixel_mm=(0.1, 0.1)), "image size"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, which: Format, text: str, hints: Hints, words: str) -> None:
    with pytest.raises(MissingDatasetError, match=words):
        read(which, tmp_path / "some.txt", text, hints)


@pytest.mark.parametrize(
    ("which", "text", "kind", "words"),
    [
        (mosflm.FORMAT, MOSFLM.replace("BEAM 40.0 20.0", "BEAM 40.0"), MissingDatasetError, "BEAM x y"),
        (mosflm.FORMAT, MOSFLM.replace("40.0", "4e30"), UnreadableFileError, "damaged"),
        (mosflm.FORMAT, MOSFLM.replace("250.5", "-250.5"), UnreadableFileError, "positive length"),
        (denzo.FORMAT, DENZO.replace("y beam", "y boom"), MissingDatasetError, "'y beam'"),
        (adxv.FORMAT, "ADXV_CENTER_X=1\n", MissingDatasetError, "ADXV_CENTER_Y"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, which: Format, text: str, kind: type[XgeomError], words: str
) -> None:
    path = tmp_path / "some.txt"
    path.write_text(text)
    with pytest.raises(kind, match=words):
        which.read(path, HINTS)
