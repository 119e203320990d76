"""PONI files: against pyFAI itself, on random geometries and orientations, and on a real file."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_geometry import geometries
from xgeom_core.errors import GeometryError, MissingDatasetError, UnreadableFileError, XgeomError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.pyfai import poni as pyfai
from xgeom_core.formats.pyfai.detectors import known
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import Geometry

SHAPE = (83, 61)  # slow, fast

ponis = st.fixed_dictionaries(
    {
        "dist": st.floats(0.02, 1.0),
        "poni1": st.floats(-0.1, 0.2),
        "poni2": st.floats(-0.1, 0.2),
        "rot1": st.floats(-0.5, 0.5),
        "rot2": st.floats(-0.5, 0.5),
        "rot3": st.floats(-3.0, 3.0),
    }
)
pixels = st.tuples(st.floats(5e-5, 3e-4), st.floats(5e-5, 3e-4))


@pytest.fixture(scope="module")
def program() -> Any:
    """pyFAI, which xgeom itself never imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "pyFAI", reason="pyFAI is not installed: its own answers cannot be compared"
        )
        pytest.importorskip("pyFAI.integrator.azimuthal", reason="this pyFAI is too old to be compared with")
        logging.getLogger("pyFAI").setLevel(logging.CRITICAL)
    return module


def integrator(program: Any, poni: dict[str, float], pixel: tuple[float, float], orientation: int) -> Any:
    detector = program.detectors.Detector(pixel[0], pixel[1], max_shape=SHAPE, orientation=orientation)
    return program.integrator.azimuthal.AzimuthalIntegrator(detector=detector, wavelength=1.1e-10, **poni)


def read_text(folder: Path, text: str, hints: Hints = Hints()) -> Reading:  # noqa: B008
    path = folder / "some.poni"
    path.write_text(text)
    assert pyfai.recognizes(path, text.encode())
    (found,) = pyfai.read(path, hints)
    return found


def assert_same_angles(found: Geometry, theirs: np.ndarray) -> None:
    """Two-theta of every pixel's center, to 1e-6 rad."""
    rows, columns = np.mgrid[: theirs.shape[0], : theirs.shape[1]] + 0.5
    np.testing.assert_allclose(found.two_theta(columns, rows), theirs, rtol=0, atol=1e-6)


@settings(max_examples=60)
@given(ponis, pixels, st.sampled_from([1, 2, 3, 4]))
def test_two_theta_of_every_pixel(tmp_path_factory, program, poni, pixel, orientation: int) -> None:
    """Files that pyFAI saved: two-theta everywhere, where it is 0, and pyFAI's own center."""
    folder = tmp_path_factory.mktemp("poni")
    theirs = integrator(program, poni, pixel, orientation)
    theirs.save(str(folder / "saved.poni"))
    (found,) = pyfai.read(folder / "saved.poni", Hints())
    assert found.geometry is not None
    assert_same_angles(found.geometry, theirs.twoThetaArray(SHAPE))
    x, y = found.estimate.center_px
    fit2d = theirs.getFit2D()
    # getFit2D counts in the detector's frame, in which orientations 1, 2 and 4 count backwards.
    theirs_x = fit2d["centerX"] if orientation in (2, 3) else SHAPE[1] - fit2d["centerX"]
    theirs_y = fit2d["centerY"] if orientation in (3, 4) else SHAPE[0] - fit2d["centerY"]
    assert (x, y) == pytest.approx((theirs_x, theirs_y), abs=1e-3)
    assert found.distance_mm == pytest.approx(fit2d["directDist"], abs=1e-6)
    # Independently of getFit2D: pyFAI's own two-theta at that point of the image (it counts pixel centers).
    at_center = float(theirs.tth(np.array([y - 0.5]), np.array([x - 0.5]))[0])
    assert abs(at_center) < 1e-6
    assert found.choices == ()


@settings(max_examples=12)
@given(geometries, st.sampled_from([1, 2, 3, 4]), st.floats(-3, 3))
def test_pyfai_reads_what_is_written(
    tmp_path_factory, program, wanted: Geometry, orientation: int, rot3: float
) -> None:
    """Written anew and into a file of any orientation: pyFAI has the same two-theta everywhere."""
    folder = tmp_path_factory.mktemp("poni")
    template = folder / "template.poni"
    pixel = (wanted.pixel_mm[1] / 1e3, wanted.pixel_mm[0] / 1e3)
    start = {"dist": 0.1, "poni1": 0.01, "poni2": 0.02, "rot1": 0.1, "rot2": 0.2, "rot3": rot3}
    integrator(program, start, pixel, orientation).save(str(template))
    for source in (None, template):
        text = pyfai.FORMAT.write(Writing(wanted, (SHAPE[1], SHAPE[0]), source))
        path = folder / "written.poni"
        path.write_text(text)
        theirs = program.load(str(path))
        assert_same_angles(wanted, theirs.twoThetaArray(SHAPE))
        assert theirs.detector.orientation == (3 if source is None else orientation)
        assert theirs.rot3 == pytest.approx(0.0 if source is None else rot3)
        (found,) = pyfai.read(path, Hints())
        assert found.estimate.center_px == pytest.approx(wanted.center_px, abs=0.01)
        assert found.estimate.tilt_deg == pytest.approx((wanted.pitch_deg, wanted.yaw_deg), abs=1e-3)
        assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=1e-3)
        assert found.image_size == (SHAPE[1], SHAPE[0])


def test_table_of_detectors_agrees_with_pyfai(program) -> None:
    """Every detector in the table that pyFAI knows: pixel size, shape and default orientation."""
    seen = 0
    for name, made in sorted(program.detectors.ALL_DETECTORS.items()):
        ours = known(made.__name__)
        if ours is None or name in {"detector"}:
            continue
        theirs = made()
        assert ours.pixel_um == pytest.approx(theirs.pixel1 * 1e6), name
        assert ours.pixel_um == pytest.approx(theirs.pixel2 * 1e6), name
        assert ours.shape == tuple(theirs.max_shape), name
        assert int(theirs.orientation) == 3, name
        seen += 1
    assert seen > 40


def test_real_file_of_a_flipped_image(frames_dir: Path) -> None:
    """Version 1, calibrated on the image upside down: the choice gives the truth of the stored image."""
    path = frames_dir / "ceo2_pilatus1m" / "CeO2_Pilatus1M.poni"
    (found,) = pyfai.read(path, Hints(image_size=(981, 1043)))
    truth = next(
        item for item in json.loads((frames_dir / "truth.json").read_text()) if "ceo2_pi" in item["file"]
    )
    assert found.estimate.center_px == pytest.approx((487.26, 1043 - 530.45), abs=0.01)
    assert found.choices[1].center_px == pytest.approx(truth["center_px"], abs=0.01)
    pitch, yaw = np.radians(found.estimate.tilt_deg)
    assert np.degrees(np.arccos(np.cos(pitch) * np.cos(yaw))) == pytest.approx(
        truth["tilt_total_deg"], abs=0.01
    )
    assert found.distance_mm == pytest.approx(
        208.689, abs=1e-3
    )  # along the beam; the file's is along the normal
    assert found.wavelength_A == pytest.approx(0.4066)
    assert "orientation" in found.estimate.warnings[0]


V1 = """# Calibration done at Fri Feb 27 13:52:42 2015
PixelSize1: 0.0002
PixelSize2: 0.0001
Distance: 0.1
Poni1: 0.02
Poni2: 0.03
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 1e-10
"""


def test_untilted_by_hand_in_each_version(tmp_path: Path) -> None:
    found = read_text(tmp_path, V1)
    assert found.estimate.center_px == pytest.approx((300.0, 100.0))
    assert (found.distance_mm, found.pixel_mm) == (pytest.approx(100.0), (0.1, 0.2))
    config = '{"pixel1": 0.0002, "pixel2": 0.0001, "max_shape": [500, 400], "orientation": 1}'
    rest = "".join(line + "\n" for line in V1.split("\n") if line and "Pixel" not in line)
    v21 = f"poni_version: 2.1\nDetector: Detector\nDetector_config: {config}\n{rest}"
    assert read_text(tmp_path, v21).estimate.center_px == pytest.approx((400 - 300.0, 500 - 100.0))
    v3 = v21.replace("2.1", "3") + "Parallax: True\n"
    assert any("parallax" in note for note in read_text(tmp_path, v3).estimate.warnings)
    named = "poni_version: 2\nDetector: Eiger2_4M\nDetector_config: {}\n" + rest
    found = read_text(tmp_path, named)
    assert found.estimate.center_px == pytest.approx((30 / 0.075, 20 / 0.075))
    assert found.image_size == (2068, 2162)


def test_direction_of_the_tilt_by_hand(tmp_path: Path) -> None:
    """rot1 > 0: the beam passes the foot on the side of smaller x (conventions of pyFAI)."""
    found = read_text(tmp_path, V1.replace("Rot1: 0.0", "Rot1: 0.1"))
    assert found.estimate.center_px == pytest.approx((300 - 1000 * np.tan(0.1), 100.0))
    assert found.estimate.tilt_deg == pytest.approx((0.0, np.degrees(0.1)))
    found = read_text(tmp_path, V1.replace("Rot2: 0.0", "Rot2: 0.1"))
    assert found.estimate.center_px == pytest.approx((300.0, 100 + 500 * np.tan(0.1)))
    assert found.estimate.tilt_deg == pytest.approx((np.degrees(0.1), 0.0))


def test_the_last_of_several_calibrations_counts(tmp_path: Path) -> None:
    found = read_text(tmp_path, V1 + V1.replace("Poni2: 0.03", "Poni2: 0.04"))
    assert found.estimate.center_px[0] == pytest.approx(400.0)


def test_flip_is_a_choice_only_where_nothing_is_stated(tmp_path: Path) -> None:
    found = read_text(tmp_path, V1, Hints(image_size=(400, 500)))
    assert found.choices[1].center_px == pytest.approx((300.0, 400.0))
    assert read_text(tmp_path, V1).choices == ()


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ("PixelSize1: 0.0002\nPixelSize2: 0.0001\n", "", MissingDatasetError, "pixel size"),
        ("PixelSize1: 0.0002", "PixelSize1: 0.2e9", UnreadableFileError, "0.000172"),
        ("Rot1: 0.0", "Rot1: None", UnreadableFileError, "Rot1"),
        ("Rot1: 0.0\n", "", MissingDatasetError, "Rot1"),
        ("Rot1: 0.0", "Rot1: 3.14", GeometryError, "never meets"),
        ("Distance: 0.1", "Distance: -0.1", GeometryError, "never meets"),
        ("Distance", "Detector: Rapid\nDistance", UnreadableFileError, "curved"),
        ("Distance", "Detector_config: [1]\nDistance", UnreadableFileError, "Detector_config"),
        ("Distance", 'Detector_config: {"orientation": 7}\nDistance', UnreadableFileError, "orientation"),
        ("Distance", 'Detector_config: {"orientation": 2}\nDistance', MissingDatasetError, "image size"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, old: str, new: str, kind: type[XgeomError], words: str
) -> None:
    with pytest.raises(kind, match=words) as error:
        read_text(tmp_path, V1.replace(old, new, 1))
    assert "some.poni" in str(error.value)


def test_template_keeps_the_rest(tmp_path: Path) -> None:
    template = tmp_path / "template.poni"
    template.write_text(V1 + "# Calibrant: CeO2\n")
    wanted = Geometry((10.0, 20.0), 150.0, (0.1, 0.2), None, 1.0, 2.0)
    text = pyfai.FORMAT.write(Writing(wanted, (400, 500), template))
    assert text.startswith("# Calibration done at") and text.endswith("# Calibrant: CeO2\n")
    assert "Wavelength: 1e-10" in text
    with pytest.raises(GeometryError, match="not of the same detector"):
        pyfai.FORMAT.write(Writing(Geometry((1.0, 2.0), 1.0, (0.3, 0.3)), (400, 500), template))
