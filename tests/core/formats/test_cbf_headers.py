"""Headers of CBF files, real and made here: imgCIF axes, mini-header, frame center, and which is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cbf_files import START, axes_header, byte_offsets, section, words
from xgeom_core.errors import FrameFileError, MissingDatasetError, UnreadableFileError
from xgeom_core.formats.cbf import images as cbf
from xgeom_core.formats.cbf.cif import tables
from xgeom_core.formats.header import Header
from xgeom_core.formats.judging import judged
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata

MINI = """_array_data.header_convention "PILATUS_1.2"
_array_data.header_contents
;
# Detector: PILATUS 2M, S/N 24-0107 Diamond
# Pixel_size 172e-6 m x 100e-6 m
# Wavelength 0.6889 A
# Detector_distance {distance} m
# Beam_xy {center} pixels
# Detector_2theta {two_theta} deg.
# Polarization 0.990
;
"""
IMAGE = np.zeros((1679, 1475), "i1")
BINARY = b"_array_data.data" + section(byte_offsets(IMAGE), IMAGE, "x-CBF_BYTE_OFFSET")
GONIOMETER = "GON_OMEGA rotation goniometer . 1 0 0 . . .\n"


def _mini(center: str = "(581.40, 600.00)", two_theta: float = 0.0, distance: float = 0.15) -> str:
    return MINI.format(center=center, two_theta=two_theta, distance=distance)


def _put(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    path.write_bytes((START + text).encode("latin-1") + BINARY)
    assert cbf.recognizes(path, path.read_bytes()[:65536])
    return path


def _read(path: Path, text: str) -> list[Reading]:
    return cbf.FORMAT.read(_put(path, text), Hints())


def _stated(path: Path, text: str) -> Header:
    """What all parts state together; the frames of the file state the same."""
    whole = judged(cbf.headers(_put(path, text), Hints()))
    with open_frames(path) as source:
        assert source.metadata == whole.metadata
        assert source.frame(0).warnings == whole.notes
    return whole


# --------------------------------------------------------------------------------------------- imgCIF


def _turned(tilt: tuple[float, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Detector axes in a lab turned anyhow, as columns, and the beam."""
    lab = Rotation.random(random_state=seed).as_matrix()
    return lab @ Rotation.from_euler("xy", tilt, degrees=True).as_matrix(), lab[:, 2]


ANGLES = st.tuples(st.floats(-45, 45), st.floats(-45, 45))


@given(
    tilt=ANGLES,
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
    local = turn.T @ corner - 35.0 * move / np.linalg.norm(move)
    offsets = (local, np.zeros(3)) if nested else (local - [7, 8, 9], np.array([7.0, 8.0, 9.0]))
    on = "ELEMENT_X" if nested else "DET_Z"
    omega, kappa = rng.normal(size=(2, 3))
    text = axes_header(
        f"SOURCE general source . {words(-beam)} . . .\n"
        f"GON_KAPPA rotation goniometer . {words(kappa)} . . .\n"
        f"GON_OMEGA rotation goniometer GON_KAPPA {words(omega)} . . .\n"
        f"DET_2T rotation detector . {words(spindle)} . . .\n"
        f"DET_Z translation detector DET_2T {words(move)} 0 0 0\n"
        f"ELEMENT_X translation detector DET_Z {words(turn.T @ axes[:, 0])} {words(offsets[0])}\n"
        f"ELEMENT_Y translation detector {on} {words(turn.T @ axes[:, 1])} {words(offsets[1])}",
        f"FRAME1 DET_2T {angle:.12f} 0.0\nFRAME1 DET_Z 0.0 35.0\nFRAME1 GON_KAPPA 20.0 0.0\n"
        "FRAME1 GON_OMEGA 12.5 0.0",
        "loop_\n_diffrn_scan_axis.axis_id\n_diffrn_scan_axis.angle_start\n_diffrn_scan_axis.angle_increment\n"
        "GON_KAPPA 20.0 0.0\nGON_OMEGA 10.0 0.1\n",
    )
    path = tmp_path_factory.getbasetemp() / "a.cbf"
    stated = judged(cbf.headers(_put(path, text), Hints())).metadata
    (reading,) = cbf.FORMAT.read(path, Hints())
    square = max(map(abs, tilt)) <= 1e-3  # which says nothing
    assert reading.estimate.tilt_deg == stated.tilt_deg
    assert (stated.tilt_deg is None) if square else stated.tilt_deg == pytest.approx(tilt, abs=1e-6)
    assert reading.distance_mm == stated.distance_mm == pytest.approx(distance, abs=1e-6)
    assert reading.estimate.center_px == pytest.approx(center, abs=1e-5)
    assert reading.pixel_mm == (0.172, 0.1)
    assert (reading.image_size, reading.wavelength_A) == ((1475, 1679), 0.6889)
    # The spindle stands on the kappa axis; in this project's frame z is the beam.
    kappa_turn = Rotation.from_rotvec(np.radians(20.0) * kappa / np.linalg.norm(kappa)).as_matrix()
    lab = axes @ np.linalg.inv(Rotation.from_euler("xy", tilt, degrees=True).as_matrix())
    assert stated.rotation is not None
    assert (stated.rotation.start_deg, stated.rotation.step_deg) == (12.5, 0.1)
    assert stated.rotation.axis == pytest.approx(
        tuple(lab.T @ kappa_turn @ omega / np.linalg.norm(omega)), abs=1e-6
    )


SIMPLE = """DET_Z translation detector . 0 0 -1 0 0 0
ELEMENT_X translation detector DET_Z 1 0 0 -100.0 60.0 0
ELEMENT_Y translation detector ELEMENT_X 0 -1 0 0 0 0"""
AT_150 = "FRAME1 DET_Z 0.0 150.0"


def test_the_beam_runs_along_minus_z_without_a_source(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", axes_header(SIMPLE, AT_150))
    assert reading.estimate.center_px == pytest.approx((100 / 0.172, 600.0))
    assert reading.distance_mm == pytest.approx(150.0)
    assert "dictionary says its center" in reading.estimate.convention
    assert reading.choices[0].center_px == pytest.approx((100 / 0.172 + 0.5, 600.5))


def test_a_turn_seen_from_behind(tmp_path: Path) -> None:
    """Rows that run upwards on a detector seen from the sample make a left-handed image."""
    behind = SIMPLE.replace("-1 0 0 0 0", "1 0 0 0 0").replace("60.0", "-60.0")
    omega = "loop_\n_diffrn_scan_axis.axis_id\n_diffrn_scan_axis.angle_start\n"
    omega += "_diffrn_scan_axis.angle_increment\nGON_OMEGA 1.0 0.1\n"
    for axes, x in ((SIMPLE, 1.0), (behind, -1.0)):
        stated = _stated(tmp_path / "a.cbf", axes_header(GONIOMETER + axes, AT_150, omega)).metadata
        assert stated.center_px == pytest.approx((100 / 0.172, 600.0))
        assert stated.rotation is not None
        assert stated.rotation.axis == pytest.approx((x, 0.0, 0.0))


def test_a_first_data_point_away_from_zero_and_rows_that_decrease(tmp_path: Path) -> None:
    (reading,) = _read(tmp_path / "a.cbf", axes_header(SIMPLE, AT_150, start=-17.2))
    assert reading.estimate.center_px[0] == pytest.approx(117.2 / 0.172)
    (reading,) = _read(tmp_path / "a.cbf", axes_header(SIMPLE, AT_150, direction="decreasing"))
    assert reading.estimate.center_px[0] == pytest.approx(1474 - 100 / 0.172)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("DET_Z translation detector .", "DET_Z translation detector ELEMENT_Y", "is broken at"),
        ("DET_Z translation detector .", "DET_Z translation detector GONE", "is broken at 'gone'"),
        (
            "ELEMENT_X translation detector DET_Z 1 0 0",
            "ELEMENT_X translation detector DET_Z 0 0 0",
            "direction",
        ),
        ("-100.0", "1e12", "offset of axis"),
        ("-100.0", "1e12 7", "no valid CIF"),
    ],
)
def test_broken_axes_are_a_sentence_and_leave_the_rest(tmp_path: Path, old: str, new: str, said: str) -> None:
    broken = axes_header(SIMPLE.replace(old, new), AT_150)
    with pytest.raises(MissingDatasetError, match=said):
        _read(tmp_path / "a.cbf", broken)
    whole = _stated(tmp_path / "a.cbf", _mini() + broken)
    assert whole.metadata.center_px == (581.4, 600.0)
    assert any(said in note for note in whole.notes)


# --------------------------------------------------------------------------------------------- panels

PANELS = """
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
"""
SETS = """loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
"""
AXES = """loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
"""


def _layout(planes: list[tuple[np.ndarray, np.ndarray]], size: tuple[int, int]) -> str:
    """Panels by (axes as columns, first corner) in a frame whose z is the beam; imgCIF has it turned."""
    turn = np.diag([1.0, -1.0, -1.0])
    arrays, sets, axes = PANELS, SETS, AXES
    for number, (turned, corner) in enumerate(planes):
        fast, slow = turn @ turned[:, 0], turn @ turned[:, 1]
        for index, name, pixels in ((1, "F", size[0]), (2, "S", size[1])):
            arrays += f"ARRAY{number} {index} {pixels} {index} increasing D{number}{name}\n"
            sets += f"D{number}{name} D{number}{name} 0.0 0.11\n"
        axes += f"D{number}S translation detector . {words(slow)} {words(turn @ corner)}\n"
        axes += f"D{number}F translation detector D{number}S {words(fast)} 0 0 0\n"
    return arrays + sets + axes


@pytest.mark.parametrize("flat", [True, False])
def test_panels_of_arrays_of_their_own(tmp_path: Path, flat: bool) -> None:
    """Each is a picture of its own in the file: one below the other, the center where the beam meets one."""
    rng, size, count = np.random.default_rng(4), (30, 20), 5
    images = rng.poisson(20.0, (count, size[1], size[0])).astype("i4")
    planes = []
    for number in range(count):
        lean = 0.0 if flat else 12.0 * (number - 2)
        axes = Rotation.from_euler("xz", (lean, 90.0 * number), degrees=True).as_matrix()
        middle = np.array([0.3, 3.0 * (number - 2) + 0.4, 100.0])
        planes.append((axes, middle - 1.65 * axes[:, 0] - 1.1 * axes[:, 1]))
    text = START + _layout(planes, size) + "_diffrn_radiation_wavelength.wavelength 1.3\n"
    text += "loop_\n_array_data.array_id\n_array_data.data"
    data = text.encode()
    for number, image in enumerate(images):
        data += f"\nARRAY{number}".encode() + section(byte_offsets(image), image, "x-CBF_BYTE_OFFSET")
    path = tmp_path / "a.cbf"
    path.write_bytes(data)
    with open_frames(path) as source:
        frame, stated = source.frame(0), source.metadata
    np.testing.assert_array_equal(frame.data, images.reshape(-1, 30))
    (reading,) = cbf.FORMAT.read(path, Hints())
    assert (reading.panels, reading.image_size) == (count, (30, 100))
    assert reading.estimate.center_px == stated.center_px
    hit = planes[2]
    along = (-hit[1] @ hit[0][:, :2] + 100.0 * hit[0][2, :2]) / 0.11
    assert stated.center_px == pytest.approx((along[0], along[1] + 2 * 20), abs=1e-6)
    assert stated.distance_mm == pytest.approx(100.0)
    assert stated.one_plane is flat
    assert stated.tilt_deg is None
    assert any("no single plane" in note for note in frame.warnings) is not flat
    assert [panel.corner_px for panel in stated.panels] == [(0, 20 * number) for number in range(count)]
    # x of this project's frame runs along the fast axis of the panel in the beam.
    lab = Rotation.from_euler("z", -180.0, degrees=True).as_matrix()
    for panel, (axes, corner) in zip(stated.panels, planes, strict=True):
        assert (panel.name, panel.size_px) == (f"ARRAY{stated.panels.index(panel)}", size)
        assert panel.origin_mm == pytest.approx(tuple(lab @ corner), abs=1e-9)
        assert panel.fast == pytest.approx(tuple(lab @ axes[:, 0]), abs=1e-9)
        assert panel.slow == pytest.approx(tuple(lab @ axes[:, 1]), abs=1e-9)


def test_panels_that_are_sections_of_one_array(tmp_path: Path) -> None:
    planes = [(np.eye(3), np.array([-1.65, 4.0 * (number - 1) - 1.0, 100.0])) for number in range(3)]
    text = _layout(planes, (30, 20)).replace("list.array_id", "list.array_section_id")
    text += "loop_\n_array_structure_list_section.array_id\n_array_structure_list_section.id\n"
    text += "_array_structure_list_section.index\n_array_structure_list_section.start\n"
    for number in range(3):
        text += f"A ARRAY{number} 1 1\nA ARRAY{number} 2 {1 + 24 * number}\n"
    image = np.ones((68, 30), "i2")
    path = tmp_path / "a.cbf"
    body = b"_array_data.data" + section(byte_offsets(image), image, "x-CBF_BYTE_OFFSET")
    path.write_bytes((START + text).encode() + body)
    with open_frames(path) as source:
        stated = source.metadata
        assert source.shape == (68, 30)
    assert [panel.corner_px for panel in stated.panels] == [(0, 0), (0, 24), (0, 48)]
    assert stated.center_px == pytest.approx((15.0, 24.0 + 1.0 / 0.11))
    assert stated.one_plane


# --------------------------------------------------------------------------------- which one is trusted


def _swung_axes(angle: float) -> tuple[str, str]:
    """Axes as Diamond's I19 has them: swung about the slow axis, the fast one upwards."""
    axes = f"""{GONIOMETER}SOURCE general source . 0 0 1 . . .
DET_2THETA rotation detector . 1 0 0 . . .
DET_Z translation detector DET_2THETA 0 0 -1 0 0 0
ELEMENT_X translation detector DET_Z 0 1 0 -60.0 -100.0 0
ELEMENT_Y translation detector ELEMENT_X 1 0 0 0 0 0"""
    return axes, f"FRAME1 DET_2THETA {angle} 0.0\nFRAME1 DET_Z 0.0 150.0"


def test_axes_and_a_mini_header_that_agree(tmp_path: Path) -> None:
    """The axes are used, since they know which way a swing turns; the mini-header adds what it knows."""
    text = _mini(two_theta=20.0) + axes_header(*_swung_axes(20.0))
    (reading,) = _read(tmp_path / "a.cbf", text)
    stated = _stated(tmp_path / "a.cbf", text).metadata
    assert reading.where == "imgCIF axes"
    assert stated.tilt_deg == pytest.approx((0.0, 20.0))
    assert stated.center_px == pytest.approx((100 / 0.172 - 150 * np.tan(np.radians(20)) / 0.172, 600.0))
    assert stated.distance_mm == pytest.approx(150 / np.cos(np.radians(20)))
    assert (stated.polarization, stated.detector) == (0.99, "PILATUS 2M")
    assert any(choice.tilt_deg == (0.0, -20.0) for choice in stated.choices)
    assert _stated(tmp_path / "a.cbf", text).notes == ()


def test_axes_that_swing_the_other_way_are_believed(tmp_path: Path) -> None:
    """A mini-header does not say which way is positive; axes do."""
    text = _mini(two_theta=20.0) + axes_header(*_swung_axes(-20.0))
    stated = _stated(tmp_path / "a.cbf", text).metadata
    assert stated.tilt_deg == pytest.approx((0.0, -20.0))
    # In a mini-header, 0 is how a swing is stated that nobody fills in.
    text = _mini(two_theta=0.0) + axes_header(*_swung_axes(-20.0))
    assert _stated(tmp_path / "a.cbf", text).metadata.tilt_deg == pytest.approx((0.0, -20.0))


def test_axes_of_the_unswung_detector_yield_to_a_stated_swing(tmp_path: Path) -> None:
    text = _mini(two_theta=20.0) + axes_header(*_swung_axes(0.0))
    mini, axes = _read(tmp_path / "a.cbf", text)
    whole = _stated(tmp_path / "a.cbf", text)
    assert (mini.where, axes.where) == ("mini-header", "imgCIF axes")
    assert whole.metadata.tilt_deg == (0.0, 20.0)
    assert mini.estimate.center_px == whole.metadata.center_px
    assert any("tilted by 0 degrees" in note and "a swing of 20 degrees" in note for note in whole.notes)
    assert any(
        choice.name == "imgCIF axes" and choice.center_px == pytest.approx((100 / 0.172, 600.0))
        for choice in whole.metadata.choices
    )


@pytest.mark.parametrize(
    "mini", [_mini("(600.00, 600.00)"), _mini(distance=0.2), _mini("(600.00, 600.00)", two_theta=20.0)]
)
def test_a_template_that_was_not_filled_in_yields_to_the_mini_header(tmp_path: Path, mini: str) -> None:
    angle = 20.0 if "20.0" in mini else 0.0
    whole = _stated(tmp_path / "a.cbf", mini + axes_header(*_swung_axes(angle)))
    assert whole.where == "mini-header"
    assert any("contradict its mini-header" in note for note in whole.notes)
    assert any(choice.name == "imgCIF axes" for choice in whole.metadata.choices) or "0.2" in mini


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
_diffrn_detector.type 'ADSC Q4'
_diffrn_radiation.polarizn_source_ratio 0.8
_array_intensities.overload 65000
"""


@pytest.mark.parametrize(
    ("stated", "center"),
    [(("172.0", "50.0", "mm"), (1000.5, 500.5)), (("1000", "500", "pixels"), (1000.5, 500.5))],
)
def test_the_center_of_a_frame_counts_from_the_first_pixels_center(
    tmp_path: Path, stated: tuple[str, str, str], center: tuple[float, float]
) -> None:
    (reading,) = _read(tmp_path / "a.cbf", FRAME.format(*stated))
    assert reading.estimate.center_px == pytest.approx(center)
    whole = _stated(tmp_path / "a.cbf", FRAME.format(*stated)).metadata
    assert (whole.distance_mm, whole.pixel_mm) == (160.0, (0.172, 0.1))
    assert (whole.detector, whole.saturation) == ("ADSC Q4", 65000.0)
    assert whole.polarization == pytest.approx(0.9)


def test_placeholders_are_not_used(tmp_path: Path) -> None:
    text = _mini("(0.00, 0.00)", distance=1.0).replace("0.6889 A", "1.54 A")
    stated = _stated(tmp_path / "a.cbf", text).metadata
    assert (stated.center_px, stated.distance_mm, stated.wavelength_A) == (None, None, None)
    assert {(verdict.quantity, verdict.sense) for verdict in stated.verdicts} >= {
        ("distance", "placeholder"),
        ("wavelength", "placeholder"),
    }
    with pytest.raises(MissingDatasetError, match="states no beam center"):
        cbf.FORMAT.read(tmp_path / "a.cbf", Hints())


def test_names_in_latin_1(tmp_path: Path) -> None:
    """A block is named after its file, whatever stands in that."""
    text = (START + _mini() + axes_header(SIMPLE, AT_150, "_a.b Müller\n")).replace(
        "image_1", "Probe für 7 µm"
    )
    path = tmp_path / "a.cbf"
    path.write_bytes(text.encode("latin-1") + BINARY)
    (reading,) = cbf.FORMAT.read(path, Hints())
    assert reading.where == "imgCIF axes"
    assert not reading.estimate.warnings


def test_another_file_is_no_cbf(tmp_path: Path) -> None:
    (tmp_path / "a.cbf").write_bytes(b"P5 hello")
    with pytest.raises(UnreadableFileError, match="is no CBF image"):
        cbf.FORMAT.read(tmp_path / "a.cbf", Hints())
    with pytest.raises(FrameFileError):
        open_frames(tmp_path / "a.cbf")


def test_cif_text() -> None:
    found = tables(
        "# comment _a.b 1\ndata_x\n_a.one 'it''s' # no\n_a.two \"b c\"\n_a.three .\n"
        "_A.Four\n;line 1\nline 2\n;\n"
        "loop_\n_L.x\n_L.y\n1 'two words'\n? 'a'b'\n",
        "the text",
    )
    assert found["a"] == [{"one": "it''s", "two": "b c", "four": "line 1\nline 2"}]
    assert found["l"] == [{"x": "1", "y": "two words"}, {"y": "a'b"}]
    for damaged in ("data_x\n_a.b 'open", "data_x\nloop_\n_a.b\n_a.c\n1 2 3\n", "_a.b 1\n"):
        with pytest.raises(UnreadableFileError, match="the text is no valid CIF") as caught:
            tables(damaged, "the text")
        assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------ the listed fields

WHOLE = axes_header(
    *_swung_axes(20.0),
    FRAME.format("172.0", "50.0", "mm")
    + "loop_\n_diffrn_scan_axis.axis_id\n_diffrn_scan_axis.angle_start\n_diffrn_scan_axis.angle_increment\n"
    "GON_OMEGA 1.0 0.1\n",
)
WITHOUT_AXES = FRAME.format("172.0", "50.0", "mm") + "_diffrn_radiation_wavelength.wavelength 0.9\n"
CHANGES: dict[str, tuple[str, str, str]] = {
    "_axis.vector, _axis.offset": (WHOLE, "-60.0 -100.0", "-60.0 -90.0"),
    "_diffrn_scan_frame_axis.angle": (WHOLE, "DET_2THETA 20.0", "DET_2THETA 25.0"),
    "_diffrn_scan_frame_axis.displacement": (WHOLE, "DET_Z 0.0 150.0", "DET_Z 0.0 170.0"),
    "_array_structure_list_axis.displacement_increment": (WHOLE, "0.0 0.1000", "0.0 0.1500"),
    "_diffrn_scan_axis.angle_increment": (WHOLE, "GON_OMEGA 1.0 0.1", "GON_OMEGA 1.0 0.2"),
    "_diffrn_data_frame.center_fast": (WITHOUT_AXES, "172.0 50.0", "180.0 50.0"),
    "_diffrn_measurement.sample_detector_distance": (WITHOUT_AXES, "160.0", "170.0"),
    "_diffrn_radiation_wavelength.wavelength": (WITHOUT_AXES, "0.9", "1.1"),
    "_diffrn_radiation.polarizn_source_ratio": (WITHOUT_AXES, "ratio 0.8", "ratio 0.9"),
    "_array_intensities.overload": (WITHOUT_AXES, "65000", "60000"),
    "_diffrn_detector.type": (WITHOUT_AXES, "ADSC Q4", "MAR 345"),
}
OWN = [note for note in cbf.FORMAT.fields if note.name.startswith("_")]


@pytest.mark.parametrize("note", OWN, ids=[note.name for note in OWN])
def test_each_field_that_is_listed_changes_what_it_becomes(tmp_path: Path, note: Any) -> None:
    if note.becomes == "panels":
        return  # as the tests of panels show
    text, old, new = CHANGES[note.name]
    assert text.count(old) == 1
    before, after = (_metadata(tmp_path, one) for one in (text, text.replace(old, new)))
    assert getattr(before, note.becomes) != getattr(after, note.becomes)


def _metadata(tmp_path: Path, text: str) -> Metadata:
    return judged(cbf.headers(_put(tmp_path / "a.cbf", text), Hints())).metadata


# ------------------------------------------------------------------------------------------ real files


@pytest.mark.parametrize(
    ("name", "center", "tilt", "distance"),
    [
        ("frames/lcysteine_i19/l-cyst_04_00003.cbf.gz", (729.01, 866.07), None, 160.49),
        ("frames/i04_thaumatin/thau_3_2_0003.cbf.bz2", (1261.56, 1307.32), None, 351.0),
        ("frames/home_pilatus300k/in16c_010001.cbf", (244.95, 306.82), None, 40.0),
        ("frames2/ximg2701_00001.cbf", (-15.15, 327.46), (0.54, 20.05), 130.42),
        ("frames2/l-cyst_01_00001.cbf", (191.77, 866.1), (0.0, 29.61), 161.54 / np.cos(np.radians(29.61))),
        ("frames2/DLS_I03_smargon_0001.cbf.gz", (1229.05, 1200.2), None, 291.47),
    ],
)
def test_headers_against_what_was_refined(
    frames_dir: Path,
    name: str,
    center: tuple[float, float],
    tilt: tuple[float, float] | None,
    distance: float,
) -> None:
    """Headers are no calibrations: right to 2 px, 0.6 degrees and 1.5%, which no wrong sign would be."""
    with open_frames(frames_dir.parent / name) as source:
        stated = source.metadata
    assert stated.center_px == pytest.approx(center, abs=2.0)
    assert stated.distance_mm == pytest.approx(distance, rel=0.015)
    if tilt is None:
        assert stated.tilt_deg is None
    else:
        assert stated.tilt_deg == pytest.approx(tilt, abs=0.6)


def test_a_header_without_a_single_plane(frames_dir: Path) -> None:
    with open_frames(frames_dir.parent / "frames2" / "DLS_I23_P12M_thau_00001.cbf.gz") as source:
        stated = source.metadata
        assert any("no single plane" in note for note in source.frame(0).warnings)
    assert (len(stated.panels), stated.one_plane, stated.tilt_deg) == (24, False, None)


def test_a_center_in_mm(frames_dir: Path) -> None:
    one, other = (
        cbf.headers(frames_dir.parent / "frames2" / name, Hints())
        for name in ("made/beam_mm.cbf", "ximg2701_00001.cbf")
    )
    assert judged(one).metadata.center_px == pytest.approx(judged(other).metadata.center_px, abs=0.01)
