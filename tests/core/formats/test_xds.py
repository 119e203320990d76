"""XDS: foot of the normal and first pixel's center at 1, in input files, parameter files and logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.registry import read_geometry, write_geometry
from xgeom_core.formats.xds import inp as xds
from xgeom_core.formats.xds import xparm
from xgeom_core.formats.xds.keywords import keywords
from xgeom_core.geometry import Geometry


def _read(path: Path, text: str, hints: Hints | None = None) -> list[Reading]:
    path.write_text(text)
    known = xparm.FORMAT if xparm.recognizes(path, text.encode()) else xds.FORMAT
    return known.read(path, hints or Hints())


# ------------------------------------------------------------------------------------------ XDS.INP


@given(
    tilt=st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    center=st.tuples(st.floats(-200, 2200), st.floats(-200, 2200)),
    distance=st.floats(50, 1000),
    mirrored=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_any_detector_in_any_frame(
    tmp_path_factory: pytest.TempPathFactory,
    tilt: tuple[float, float],
    center: tuple[float, float],
    distance: float,
    mirrored: bool,
    seed: int,
) -> None:
    """The foot is found here by projecting the sample on the plane, in a frame turned at random."""
    lab = Rotation.random(random_state=seed).as_matrix()
    turned = lab @ Rotation.from_euler("xy", tilt, degrees=True).as_matrix()
    x, y, beam = turned[:, 0], turned[:, 1] * (-1 if mirrored else 1), lab[:, 2]
    corner = beam * distance - center[0] * 0.1 * x - center[1] * 0.2 * y
    normal = np.cross(x, y)
    foot = normal * (normal @ corner)
    org = ((foot - corner) @ x / 0.1 + 0.5, (foot - corner) @ y / 0.2 + 0.5)
    words = [" ".join(f"{value:.12f}" for value in axis) for axis in (x, y, beam / 0.97)]
    path = tmp_path_factory.getbasetemp() / "XDS.INP"
    (reading,) = _read(
        path,
        f"JOB= ALL\nORGX= {org[0]:.9f} ORGY= {org[1]:.9f}\nDETECTOR_DISTANCE= {normal @ corner:.9f} ! mm\n"
        f"NX= 2000 NY= 2100 QX= 0.1 QY= 0.2\nDIRECTION_OF_DETECTOR_X-AXIS= {words[0]}\n"
        f"DIRECTION_OF_DETECTOR_Y-AXIS= {words[1]}\nINCIDENT_BEAM_DIRECTION= {words[2]}\n"
        "X-RAY_WAVELENGTH= 0.97\n",
    )
    assert reading.estimate.center_px == pytest.approx(center, abs=1e-5)
    assert reading.distance_mm == pytest.approx(distance, abs=1e-6)
    if not mirrored:
        assert reading.estimate.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert reading.geometry is not None
    at = np.random.default_rng(seed).uniform(0, 2000, (20, 2))
    points = corner + at[:, :1] * 0.1 * x + at[:, 1:] * 0.2 * y
    expected = np.arccos(points @ beam / np.linalg.norm(points, axis=1))
    assert reading.geometry.two_theta(at[:, 0], at[:, 1]) == pytest.approx(expected, abs=1e-6)
    assert (reading.image_size, reading.wavelength_A) == ((2000, 2100), 0.97)


def test_a_perpendicular_beam_needs_neither_pixels_nor_distance(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "XDS.INP", "JOB= ALL\nORGX= 1000.5 ORGY=900.75\n")
    assert reading.estimate.center_px == (1000.0, 900.25)
    assert reading.estimate.tilt_deg == (0.0, 0.0)
    assert (reading.distance_mm, reading.pixel_mm, reading.geometry) == (None, None, None)
    hints = Hints(pixel_mm=(0.1, 0.1), distance_mm=200.0)
    (reading,) = _read(tmp_path / "XDS.INP", "JOB= ALL\nORGX= 1000.5 ORGY=900.75\n", hints)
    assert reading.geometry == Geometry((1000.0, 900.25), 200.0, (0.1, 0.1))


def test_comments_duplicates_and_fortran_numbers(tmp_path: Path) -> None:
    text = (
        "! ORGX= 1 ORGY= 1\nJOB= ALL ! DETECTOR_DISTANCE= 3\nORGX= 10. ORGY= 2.05D1 QX=1.0E-1 QY= .1\n"
        "DETECTOR_DISTANCE=100\nDETECTOR_DISTANCE= 200 !now\nSEGMENT= 1 10 1 10\nSEGMENT= 11 20 1 10\n"
    )
    (reading,) = _read(tmp_path / "XDS.INP", text)
    assert reading.estimate.center_px == pytest.approx((9.5, 20.0))
    assert reading.distance_mm == 200.0
    assert reading.panels == 2
    assert "DETECTOR_DISTANCE is stated 2 times" in reading.estimate.warnings[0]
    assert "2 segments" in reading.estimate.warnings[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("JOB= ALL\n", "states no ORGX"),
        ("JOB= ALL\nORGX= 5\n", "does not state ORGX and ORGY"),
        ("ORGX= 5 ORGY= nan\n", "does not state ORGX and ORGY"),
        ("ORGX= 5 ORGY= 5 QX= 0 QY= 1 DETECTOR_DISTANCE= 5\n", "QX and QY must be two lengths"),
        ("ORGX= 5 ORGY= 5\nINCIDENT_BEAM_DIRECTION= 0.1 0 1\n", "does not state the detector distance"),
        (
            "ORGX= 5 ORGY= 5\nINCIDENT_BEAM_DIRECTION= 0.1 0 1\nDETECTOR_DISTANCE= 9\n",
            r"does not state the pixel size \(QX, QY\)",
        ),
        ("ORGX= 5 ORGY= 5\nINCIDENT_BEAM_DIRECTION= 0 0 0\n", "without a direction"),
        ("ORGX= 5 ORGY= 5\nDIRECTION_OF_DETECTOR_X-AXIS= 0 1 0\n", "not at right angles"),
    ],
)
def test_incomplete_input_is_refused_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words):
        _read(tmp_path / "XDS.INP", text)


def test_input_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "anything.txt"
    assert xds.recognizes(path, b"! x\nJOB= ALL\nORGX= 5 ORGY= 6\n")
    assert xds.recognizes(path, b"ORGX= 5 ORGY= 6\nDETECTOR_DISTANCE= 6\n")
    assert not xds.recognizes(path, b"! ORGX= 5\n! JOB= ALL\n! DETECTOR_DISTANCE= 6\n")
    assert not xds.recognizes(path, b'{"ORGX": 5}')


def test_the_foot_is_written_not_the_center() -> None:
    geometry = Geometry((1000.0, 1000.0), 250.0, (0.172, 0.172), None, 0.0, 1.0)
    values = keywords(xds.write(Writing(geometry, (2463, 2527))))
    # The foot lies 250 mm sin(1 degree) / 0.172 mm = 25.367 px beside the center; then half a pixel more.
    assert float(values["ORGX"][0]) == pytest.approx(1025.867, abs=0.001)
    assert float(values["ORGY"][0]) == pytest.approx(1000.5)
    assert float(values["DETECTOR_DISTANCE"][0]) == pytest.approx(249.9619, abs=1e-4)


def test_a_template_that_is_no_xds_inp_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("hello\n")
    with pytest.raises(UsageError, match=r"no XDS\.INP"):
        xds.write(Writing(Geometry((1.0, 1.0), 100.0, (0.1, 0.1)), (10, 10), tmp_path / "t"))


# ---------------------------------------------------------------------------------------- XPARM.XDS

AXES = Rotation.from_euler("xyz", [10, -20, 3], degrees=True).as_matrix()
BEAM = np.array([0.01, -0.02, 1.0]) / np.linalg.norm([0.01, -0.02, 1.0])
CENTER = (512.25, 481.5)
CORNER = BEAM * 150.0 - CENTER[0] * 0.07 * AXES[:, 0] - CENTER[1] * 0.08 * AXES[:, 1]
FOOT = AXES[:, 2] * (AXES[:, 2] @ CORNER) - CORNER
ORG = (FOOT @ AXES[:, 0] / 0.07 + 0.5, FOOT @ AXES[:, 1] / 0.08 + 0.5)
DISTANCE = float(AXES[:, 2] @ CORNER)


def _row(*values: float) -> str:
    return "".join(f"{value:15.6f}" for value in values) + "\n"


def _old_xparm() -> str:
    return (
        f"{1:6d}{-60.0:14.4f}{1.0:10.4f} -0.004263  0.999988  0.002564\n"
        + _row(0.6889, *(BEAM / 0.6889))
        + f"{1042:10d}{1043:10d}{0.07:12.6f}{0.08:12.6f}\n"
        + _row(DISTANCE, *ORG)
        + "".join(_row(*AXES[:, i]) for i in range(3))
        + "     3     10.8879     30.9613     20.7824  90.000  98.278  90.000\n"
        + "       7.995462       7.035264      -2.263505\n" * 3
    )


def _new_xparm(title: str = " XPARM.XDS    VERSION Jun 17, 2015\n", segment_shift: float = 0.0) -> str:
    return (
        title
        + f"{1:6d}{0.0:14.4f}{0.25:10.4f}  0.999988 -0.001214  0.004726\n"
        + _row(0.6889, *(BEAM / 0.6889))
        + "     1      6.9322     14.1162     14.1170  59.988  90.002  90.003\n"
        # Columns that touch, as Fortran prints them.
        + "    -106.692194-101.615698-100.812077\n"
        + "       3.093155      13.666920       1.707512\n" * 2
        + f"{1:10d}{1042:10d}{1043:10d}{0.07:12.6f}{0.08:12.6f}\n"
        + _row(*ORG, DISTANCE)
        + "".join(_row(*AXES[:, i]) for i in range(3))
        + f"{1:10d}{1:10d}{1042:10d}{1:10d}{1043:10d}\n"
        + f"{segment_shift:8.2f}    0.00    0.00  1.00000  0.00000  0.00000  0.00000  1.00000  0.00000\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        _old_xparm(),
        _new_xparm(),
        _new_xparm(" XPARM.XDS    VERSION Feb 5, 2021  BUILT=20210323\n"),
        _new_xparm(" GXPARM.XDS   VERSION March 30, 2013\n"),
    ],
)
def test_both_layouts_of_xparm(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.file"
    (reading,) = _read(path, text)
    assert xparm.recognizes(path, text.encode()) and not xds.recognizes(path, text.encode())
    # Six digits of the axes are 0.001 degrees at 150 mm.
    assert reading.estimate.center_px == pytest.approx(CENTER, abs=0.005)
    assert reading.distance_mm == pytest.approx(150.0, abs=1e-3)
    assert reading.pixel_mm == (0.07, 0.08)
    assert (reading.image_size, reading.wavelength_A) == ((1042, 1043), 0.6889)
    assert reading.geometry is not None
    at = np.array([[0.0, 0.0], [1000.0, 100.0], [300.0, 900.0]])
    points = CORNER + at[:, :1] * 0.07 * AXES[:, 0] + at[:, 1:] * 0.08 * AXES[:, 1]
    expected = np.arccos(points @ BEAM / np.linalg.norm(points, axis=1))
    assert reading.geometry.two_theta(at[:, 0], at[:, 1]) == pytest.approx(expected, abs=1e-5)


def test_a_published_xparm_of_a_swung_detector(tmp_path: Path) -> None:
    """Numbers of a real file whose normal points to the sample; the center by the beam's slope."""
    text = (
        " 23001      -60.0000    1.0000 -0.004263  0.999988  0.002564\n"
        "       0.688900      -0.002512      -0.002412       1.451585\n"
        "      1042      1042    0.070000    0.070000\n"
        "     -59.516972     500.319244     486.256042\n"
        "      -0.866019       0.000000       0.500011\n"
        "       0.000000       1.000000       0.000000\n"
        "      -0.500011       0.000000      -0.866019\n"
        "     3     10.8879     30.9613     20.7824  90.000  98.278  90.000\n"
        "       7.995462       7.035264      -2.263505\n"
        "       2.948651       6.352116      30.158829\n"
        "      11.624172     -17.051636       2.454947\n"
    )
    (reading,) = _read(tmp_path / "XPARM.XDS", text)
    along = -0.500011 * -0.002512 - 0.866019 * 1.451585
    across = -0.866019 * -0.002512 + 0.500011 * 1.451585
    expected = 500.319244 - 0.5 + -59.516972 * across / along / 0.07
    assert reading.estimate.center_px[0] == pytest.approx(expected, abs=0.01)
    assert reading.distance_mm == pytest.approx(68.794, abs=0.01)
    assert reading.estimate.tilt_deg == pytest.approx((-0.11, -30.10), abs=0.01)


def test_segments_of_xparm_that_are_displaced_are_mentioned(tmp_path: Path) -> None:
    text = _new_xparm(segment_shift=3.0).replace(
        "         1      1042      1043", "         2      1042      1043"
    )
    text += text[text.rindex("         1         1      1042") :].replace(
        "         1         1", "         2         1", 1
    )
    (reading,) = _read(tmp_path / "XPARM.XDS", text)
    assert reading.panels == 2
    assert "2 segments" in reading.estimate.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        _new_xparm().replace("1.000000", "NaN", 1).replace("0.6889", "******"),
        "\n".join(_new_xparm().split("\n")[:9]),
        _new_xparm().replace("       3.093155      13.666920       1.707512\n", "", 1),
    ],
)
def test_damaged_xparm_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"damaged XPARM\.XDS"):
        _read(tmp_path / "XPARM.XDS", text)


@pytest.mark.parametrize("text", [_old_xparm(), _new_xparm()])
def test_a_moved_xparm_keeps_axis_beam_and_crystal(tmp_path: Path, text: str) -> None:
    template = tmp_path / "XPARM.XDS"
    template.write_text(text)
    wanted = Geometry((500.5, 400.25), 160.0, (0.07, 0.08), 0.7, 1.5, -2.0)
    moved = tmp_path / "moved"
    write_geometry("xparm", Writing(wanted, (1042, 1043), template), moved)
    (reading,) = read_geometry(moved)
    assert reading.estimate.center_px == pytest.approx(wanted.center_px, abs=0.005)
    assert reading.estimate.tilt_deg == pytest.approx((1.5, -2.0), abs=1e-3)
    assert reading.distance_mm == pytest.approx(160.0, abs=1e-3) and reading.wavelength_A == 0.7
    old, new = (path.read_text().split("\n") for path in (template, moved))
    kept = [old[1], *old[4:7]] if "XPARM" in text else [old[0], *old[7:11]]
    assert [line for line in kept if line in new] == kept
    assert template.read_text() == text


def test_xparm_and_xds_inp_are_not_taken_for_each_other(tmp_path: Path) -> None:
    writing = Writing(Geometry((500.5, 400.25), 160.0, (0.07, 0.08), 0.7), (1042, 1043))
    with pytest.raises(UsageError, match=r"name the file XDS\.INP, or use --to xparm --template"):
        write_geometry("xds", writing, tmp_path / "XPARM.XDS")
    with pytest.raises(UsageError, match=r"also holds the crystal .* --template XPARM\.XDS"):
        write_geometry("xparm", writing, tmp_path / "XPARM.XDS")
    assert list(tmp_path.iterdir()) == []


ASCII = """!FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW=TRUE
{by}!X-RAY_WAVELENGTH=  0.976250
!INCIDENT_BEAM_DIRECTION=  0.000000  0.000000  1.024328
!NX=  2068  NY=  2162    QX=  0.075000  QY=  0.075000
!ORGX=   1042.50  ORGY=   1120.50
!DETECTOR_DISTANCE=   337.000
!DIRECTION_OF_DETECTOR_X-AXIS=   1.00000   0.00000   0.00000
!DIRECTION_OF_DETECTOR_Y-AXIS=   0.00000   1.00000   0.00000
!END_OF_HEADER
 1 2 3 4.0 1.0 5.0 6.0 7.0 1.0 100 100 0.0
"""


@pytest.mark.parametrize(
    ("by", "center"), [("", (1042.0, 1120.0)), ("!Generated by dials.export\n", (1042.5, 1120.5))]
)
def test_reflection_files_state_their_geometry(tmp_path: Path, by: str, center: tuple[float, float]) -> None:
    (reading,) = _read(tmp_path / "DIALS.HKL", ASCII.format(by=by))
    assert reading.estimate.center_px == pytest.approx(center)
    assert (reading.distance_mm, reading.wavelength_A, reading.image_size) == (337.0, 0.97625, (2068, 2162))
    assert ("dials.export" in reading.estimate.convention) is bool(by)


def test_a_rounded_beam_direction_is_warned_of_with_its_size(tmp_path: Path) -> None:
    """As dxtbx writes it: three decimals of a direction of a detector tilted by 2.9 degrees."""
    text = (
        "JOB= ALL\nORGX= 1300.5 ORGY= 1112.5\nQX= 0.172 QY= 0.172\nDETECTOR_DISTANCE= 249.3\n"
        "NX= 2463 NY= 2527\nINCIDENT_BEAM_DIRECTION= {beam}\n"
    )
    (rounded,) = _read(tmp_path / "XDS.INP", text.format(beam="0.031 0.042 1.030"))
    assert "open by up to 1.0 px" in rounded.estimate.warnings[0]
    for beam in ("0.0314159 0.0415926 1.0299999", "0 0 1", "0.0 0.0 1.0"):
        (sharp,) = _read(tmp_path / "XDS.INP", text.format(beam=beam))
        assert sharp.estimate.warnings == ()


# --------------------------------------------------------------------------------------------- logs

_BLOCK = """
  1433 OUT OF   1433 REFLECTIONS ACCEPTED FOR REFINEMENT
 REFINED PARAMETERS:   POSITION ORIENTATION CELL
 STANDARD DEVIATION OF SPOT    POSITION (PIXELS)     0.50
 STANDARD DEVIATION OF SPINDLE POSITION (DEGREES)    0.05
 SPACE GROUP NUMBER     75
 UNIT CELL PARAMETERS     57.687    57.687   149.879  90.000  90.000  90.000
 LAB COORDINATES OF ROTATION AXIS  0.999943 -0.006986 -0.008051
 DIRECT BEAM COORDINATES (REC. ANGSTROEM)   0.008789  0.010077  1.020035
 DETECTOR COORDINATES (PIXELS) OF DIRECT BEAM    {0:.2f}   2306.10
 DETECTOR ORIGIN (PIXELS) AT                     {1:.2f}   2277.95
 CRYSTAL TO DETECTOR DISTANCE (mm)       213.68
 LAB COORDINATES OF DETECTOR X-AXIS  1.000000  0.000000  0.000000
 LAB COORDINATES OF DETECTOR Y-AXIS  0.000000  1.000000  0.000000

"""
_HEADER = " ***** {} *****  (VERSION Jan 10, 2022)\n\n OSCILLATION_RANGE=  0.250000 DEGREES\n"
_PIXELS = " NX=  4150  NY=  4371    QX=  0.075000  QY=  0.075000\n"
_STARS = " " + "*" * 78 + "\n"


def _integrate(pixels: str = _PIXELS) -> str:
    text = _HEADER.format("INTEGRATE") + pixels
    for first, last, x in ((1, 21, 2217.03), (22, 42, 2218.03)):
        text += f"{_STARS}                     PROCESSING OF IMAGES  {first:7d} ... {last:7d}\n{_STARS}"
        text += " IMAGE IER  SCALE     NBKG NOVL NEWALD NSTRONG  NREJ   SIGMAB   SIGMAR\n"
        text += f"  {first:5d}   0  0.010 16768425    0   2486      98     1  0.01970  0.05000\n"
        text += _BLOCK.format(x, x - 24.55)
    return text


def test_integrate_gives_one_reading_for_each_batch(tmp_path: Path) -> None:
    text = _integrate()
    assert xds.recognizes(tmp_path / "x", text.encode())
    first, second = _read(tmp_path / "INTEGRATE.LP", text)
    assert (first.where, first.frame) == ("images 1-21", 0)
    assert (second.where, second.frame) == ("images 22-42", 21)
    # XDS prints the direct beam itself, with the center of the first pixel at 1.
    assert first.estimate.center_px == pytest.approx((2216.53, 2305.60), abs=0.01)
    assert second.estimate.center_px == pytest.approx((2217.53, 2305.60), abs=0.01)
    assert first.wavelength_A == pytest.approx(0.98027, abs=1e-4)
    assert not first.estimate.warnings
    # b = (0.008616, 0.009878, 0.99991) in the detector's axes
    assert first.estimate.tilt_deg == pytest.approx(
        (np.degrees(np.arcsin(0.009878)), -np.degrees(np.arcsin(0.008616))), abs=1e-3
    )
    assert first.distance_mm == pytest.approx(213.68 / 0.999914, abs=1e-3)


def test_a_log_without_pixel_sizes_still_gives_center_and_tilt(tmp_path: Path) -> None:
    first, _ = _read(tmp_path / "INTEGRATE.LP", _integrate(""))
    assert first.estimate.center_px == pytest.approx((2216.53, 2305.60), abs=1e-9)
    assert first.estimate.tilt_deg == pytest.approx((0.566, -0.4937), abs=1e-3)
    assert first.distance_mm == pytest.approx(213.698, abs=1e-3)
    assert first.pixel_mm is None
    wrong, _ = _read(tmp_path / "INTEGRATE.LP", _integrate(""), Hints(pixel_mm=(0.172, 0.172)))
    assert "puts the beam at (2216.53, 2305.60)" in wrong.estimate.warnings[0]


@pytest.mark.parametrize("job", ["CORRECT", "IDXREF"])
def test_other_logs_give_the_last_refined_values(tmp_path: Path, job: str) -> None:
    text = _HEADER.format(job) + _BLOCK.format(2000.0, 1975.45) + _BLOCK.format(2217.03, 2192.48)
    (reading,) = _read(tmp_path / f"{job}.LP", text)
    assert reading.estimate.center_px == pytest.approx((2216.53, 2305.60))
    assert (reading.where, reading.frame) == ("", None)


def test_a_log_of_a_step_that_failed_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="without refined values"):
        _read(tmp_path / "IDXREF.LP", _HEADER.format("IDXREF") + " !!! ERROR !!! INSUFFICIENT PERCENTAGE\n")
