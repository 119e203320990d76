"""CBF: mini-headers and full imgCIF headers, real and put together here."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.cbf import geometry as cbf
from xgeom_core.formats.cbf.cif_text import tables
from xgeom_core.formats.reading import Hints, Reading

START = "###CBF: VERSION 1.5, CBFlib v0.7.8 - PILATUS detectors\n\ndata_image_1\n\n"
MINI = """_array_data.header_convention "PILATUS_1.2"
_array_data.header_contents
;
# Detector: PILATUS3 6M, S/N 60-0119
# Pixel_size 172e-6 m x 100e-6 m
# Wavelength 0.96859 A
# Detector_distance 0.35100 m
# Beam_xy (1261.61, 1306.96) pixels
# Detector_2theta {two_theta} deg.
;
"""
BINARY = b"""_array_data.data
;
--CIF-BINARY-FORMAT-SECTION--
Content-Type: application/octet-stream;
     conversions="x-CBF_BYTE_OFFSET"
X-Binary-Size-Fastest-Dimension: 2463
X-Binary-Size-Second-Dimension: 2527

\x0c\x1a\x04\xd5\x00\x01\xff_axis.id nonsense"""


def _read(path: Path, text: str, hints: Hints | None = None) -> list[Reading]:
    data = (START + text).encode() + BINARY
    path.write_bytes(data)
    assert cbf.recognizes(path, data[:65536])
    return cbf.read(path, hints or Hints())


# ------------------------------------------------------------------------------------------ mini-header


def test_a_mini_header(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", MINI.format(two_theta="0.0000"))
    assert reading.estimate.center_px == (1261.61, 1306.96)
    assert reading.estimate.tilt_deg is None
    assert not reading.estimate.warnings
    assert reading.pixel_mm == pytest.approx((0.172, 0.1))
    assert reading.distance_mm == pytest.approx(351.0)
    assert reading.wavelength_A == 0.96859
    assert reading.image_size == (2463, 2527)
    assert reading.choices[0].center_px == pytest.approx((1262.11, 1307.46))


def test_a_swung_detector_is_mentioned(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", MINI.format(two_theta="-28.5"))
    assert "swung by -28.5 degrees" in reading.estimate.warnings[0]


def test_a_center_in_mm(tmp_path: Path) -> None:
    text = MINI.format(two_theta="0").replace("(1261.61, 1306.96) pixels", "(172.0, 200.0) mm")
    (reading,) = _read(tmp_path / "a.cbf", text)
    assert reading.estimate.center_px == pytest.approx((1000.0, 2000.0))


@pytest.mark.parametrize("value", ["(0.00, 0.00) pixels", "(nan, 1) pixels", "() pixels", "(1e99, 5) pixels"])
def test_a_center_that_is_not_set(tmp_path: Path, value: str) -> None:
    text = MINI.format(two_theta="0").replace("(1261.61, 1306.96) pixels", value)
    with pytest.raises(MissingDatasetError, match="states no beam center"):
        _read(tmp_path / "a.cbf", text)


def test_another_file_is_no_cbf(tmp_path: Path) -> None:
    (tmp_path / "a.cbf").write_bytes(b"P5 hello")
    with pytest.raises(UnreadableFileError, match="is no CBF image"):
        cbf.read(tmp_path / "a.cbf", Hints())


# ------------------------------------------------------------------------------------------- imgCIF


def _vector(values: np.ndarray) -> str:
    return " ".join(f"{value:.12f}" for value in values)


def _full(
    axes: str, settings: str, start: float = 0.0, nested: bool = True, direction: str = "increasing"
) -> str:
    return f"""
loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
GON_OMEGA  rotation    goniometer .       1 0 0 . . .
{axes}
loop_
_diffrn_scan_frame_axis.frame_id
_diffrn_scan_frame_axis.axis_id
_diffrn_scan_frame_axis.angle
_diffrn_scan_frame_axis.displacement
FRAME1 GON_OMEGA 12.0 0.0
{settings}
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
ARRAY1 1 1475 1 {direction} ELEMENT_X
ARRAY1 2 1679 2 increasing ELEMENT_Y
loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
ELEMENT_X ELEMENT_X {start} 0.1720
ELEMENT_Y ELEMENT_Y 0.0 0.1000
_diffrn_radiation_wavelength.wavelength 0.6889
"""


def _turned(tilt: tuple[float, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    lab = Rotation.random(random_state=seed).as_matrix()
    return lab @ Rotation.from_euler("xy", tilt, degrees=True).as_matrix(), lab[:, 2]


@given(
    tilt=st.tuples(st.floats(-35, 35), st.floats(-35, 35)),
    center=st.tuples(st.floats(-100, 1600), st.floats(-100, 1600)),
    distance=st.floats(60, 800),
    nested=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_axes_of_any_detector(
    tmp_path_factory: pytest.TempPathFactory,
    tilt: tuple[float, float],
    center: tuple[float, float],
    distance: float,
    nested: bool,
    seed: int,
) -> None:
    """A rotation and a translation below the surface axes, nested or side by side; the source anywhere."""
    rng = np.random.default_rng(seed)
    axes, beam = _turned(tilt, seed)
    corner = beam * distance - center[0] * 0.172 * axes[:, 0] - center[1] * 0.1 * axes[:, 1]
    angle, spindle, move = rng.uniform(-90, 90), rng.normal(size=3), rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(angle) * spindle / np.linalg.norm(spindle)).as_matrix()
    shift = 35.0 * move / np.linalg.norm(move)
    local = turn.T @ corner - shift
    offsets = (local, np.zeros(3)) if nested else (local - [7, 8, 9], np.array([7.0, 8.0, 9.0]))
    on = "ELEMENT_X" if nested else "DET_Z"
    text = _full(
        f"SOURCE general source . {_vector(-beam)} . . .\n"
        f"DET_2T rotation detector . {_vector(spindle)} . . .\n"
        f"DET_Z translation detector DET_2T {_vector(move)} 0 0 0\n"
        f"ELEMENT_X translation detector DET_Z {_vector(turn.T @ axes[:, 0])} {_vector(offsets[0])}\n"
        f"ELEMENT_Y translation detector {on} {_vector(turn.T @ axes[:, 1])} {_vector(offsets[1])}",
        f"FRAME1 DET_2T {angle:.12f} 0.0\nFRAME1 DET_Z 0.0 35.0",
    )
    (reading,) = _read(tmp_path_factory.getbasetemp() / "a.cbf", text)
    assert reading.estimate.center_px == pytest.approx(center, abs=1e-5)
    assert reading.estimate.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert reading.distance_mm == pytest.approx(distance, abs=1e-6)
    assert reading.pixel_mm == (0.172, 0.1)
    assert (reading.image_size, reading.wavelength_A) == ((1475, 1679), 0.6889)


SIMPLE = """DET_Z translation detector . 0 0 -1 0 0 0
ELEMENT_X translation detector DET_Z 1 0 0 -100.0 60.0 0
ELEMENT_Y translation detector ELEMENT_X 0 -1 0 0 0 0"""
AT_150 = "FRAME1 DET_Z 0.0 150.0"


def test_the_beam_runs_along_minus_z_without_a_source(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", _full(SIMPLE, AT_150))
    assert reading.estimate.center_px == pytest.approx((100 / 0.172, 600.0))
    assert reading.distance_mm == pytest.approx(150.0)
    assert "dictionary says its center" in reading.estimate.convention
    assert reading.choices[0].center_px == pytest.approx((100 / 0.172 + 0.5, 600.5))


def test_a_first_data_point_away_from_zero_and_rows_that_decrease(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", _full(SIMPLE, AT_150, start=-17.2))
    assert reading.estimate.center_px[0] == pytest.approx(117.2 / 0.172)
    (reading,) = _read(tmp_path / "a.cbf", _full(SIMPLE, AT_150, direction="decreasing"))
    assert reading.estimate.center_px[0] == pytest.approx(1474 - 100 / 0.172)


def test_a_mini_header_and_axes_give_a_reading_each(tmp_path: Path) -> None:
    mini, axes = _read(tmp_path / "a.cbf", MINI.format(two_theta="0") + _full(SIMPLE, AT_150))
    assert (mini.where, axes.where) == ("mini-header", "imgCIF axes")
    assert mini.estimate.center_px == (1261.61, 1306.96)
    assert axes.estimate.center_px == pytest.approx((100 / 0.172, 600.0))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("DET_Z translation detector .", "DET_Z translation detector ELEMENT_Y", "is broken at"),
        ("DET_Z translation detector .", "DET_Z translation detector GONE", "is broken at 'gone'"),
        (
            "ELEMENT_X translation detector DET_Z 1 0 0",
            "ELEMENT_X translation detector DET_Z 0 0 0",
            "direction",
        ),
        ("-100.0", "1e12", "offset of axis"),
    ],
)
def test_broken_axes_are_refused_in_a_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words):
        _read(tmp_path / "a.cbf", _full(SIMPLE.replace(old, new), AT_150))


FRAME = """loop_
_diffrn_data_frame.id
_diffrn_data_frame.center_fast
_diffrn_data_frame.center_slow
_diffrn_data_frame.center_units
FRAME1 {} {} {}
loop_
_array_element_size.array_id
_array_element_size.index
_array_element_size.size
ARRAY1 1 0.000172
ARRAY1 2 0.000100
_diffrn_measurement.sample_detector_distance 160.0
"""


@pytest.mark.parametrize(
    ("words", "center"),
    [(("172.0", "50.0", "mm"), (1000.5, 500.5)), (("1000", "500", "pixels"), (1000.5, 500.5))],
)
def test_the_center_of_a_frame_counts_from_the_first_pixels_center(
    tmp_path: Path, words: tuple[str, str, str], center: tuple[float, float]
) -> None:
    (reading,) = _read(tmp_path / "a.cbf", FRAME.format(*words))
    assert reading.estimate.center_px == pytest.approx(center)
    assert reading.distance_mm == 160.0


def test_cif_text() -> None:
    found = tables(
        "# comment _a.b 1\ndata_x\n_a.one 'it''s' # no\n_a.two \"b c\"\n_a.three .\n"
        "_a.four\n;\nline 1\nline 2\n;\n"
        "loop_\n_L.x\n_L.y\n1 'two words'\n? 'a'b'\n7\n"
    )
    assert found["a"] == [{"one": "it''s", "two": "b c", "four": "line 1\nline 2"}]
    assert found["l"] == [{"x": "1", "y": "two words"}, {"y": "a'b"}]


# ------------------------------------------------------------------------------------------ real files


def test_reference_frames(frames_dir: Path) -> None:
    mini, axes = cbf.read(frames_dir / "lcysteine_i19" / "l-cyst_04_00003.cbf.gz", Hints())
    assert mini.estimate.center_px == (730.0, 865.0)
    # The beamline filled the axes in from Beam_xy, so that read as corners both agree.
    assert axes.estimate.center_px == pytest.approx((730.0, 865.0), abs=1e-6)
    assert axes.estimate.tilt_deg == pytest.approx((0.0, 0.0))
    assert (mini.distance_mm, axes.distance_mm) == pytest.approx((160.0, 160.0))
    (thaumatin,) = cbf.read(frames_dir / "i04_thaumatin" / "thau_3_2_0003.cbf.bz2", Hints())
    assert thaumatin.estimate.center_px == (1261.61, 1306.96)
    (home,) = cbf.read(frames_dir / "home_pilatus300k" / "in16c_010001.cbf", Hints())
    assert home.estimate.center_px == (244.0, 308.0)
    assert (home.distance_mm, home.wavelength_A, home.image_size) == (40.0, 1.542, (487, 619))


def test_compressed_images_are_read_as_plain_ones(tmp_path: Path) -> None:
    data = (START + MINI.format(two_theta="0")).encode() + BINARY
    for name, packed in (("a.cbf.gz", gzip.compress(data)), ("a.cbf.bz2", bz2.compress(data))):
        (tmp_path / name).write_bytes(packed)
        (reading,) = cbf.read(tmp_path / name, Hints())
        assert reading.estimate.center_px == (1261.61, 1306.96)
