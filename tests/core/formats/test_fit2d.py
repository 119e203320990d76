"""Fit2D parameters: against pyFAI's own, by hand, and round trips."""

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
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.pyfai import fit2d
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import Geometry

SHAPE = (83, 61)


@pytest.fixture(scope="module")
def program() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "pyFAI", reason="pyFAI is not installed: its own answers cannot be compared"
        )
        pytest.importorskip("pyFAI.integrator.azimuthal", reason="this pyFAI is too old to be compared with")
        logging.getLogger("pyFAI").setLevel(logging.CRITICAL)
    return module


def read_text(folder: Path, text: str, hints: Hints = Hints()) -> Reading:  # noqa: B008
    path = folder / "some.txt"
    path.write_text(text, encoding="utf-8")
    assert fit2d.recognizes(path, text.encode())
    (found,) = fit2d.read(path, hints)
    return found


@given(geometries)
def test_round_trip(tmp_path_factory, wanted: Geometry) -> None:
    found = read_text(tmp_path_factory.mktemp("fit2d"), fit2d.FORMAT.write(Writing(wanted, (1475, 1679))))
    assert found.estimate.center_px == pytest.approx(wanted.center_px, abs=0.01)
    assert found.estimate.tilt_deg == pytest.approx((wanted.pitch_deg, wanted.yaw_deg), abs=1e-3)
    assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=1e-3)
    assert found.pixel_mm == pytest.approx(wanted.pixel_mm)


@given(
    st.floats(0.02, 1.0),
    st.floats(-0.1, 0.2),
    st.floats(-0.1, 0.2),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
)
def test_what_pyfai_prints(
    tmp_path_factory, program, dist: float, poni1: float, poni2: float, rot1: float, rot2: float
) -> None:
    """As a printed dict, as JSON and as lines; two-theta is pyFAI's in every pixel."""
    detector = program.detectors.Detector(1e-4, 2e-4, max_shape=SHAPE)
    theirs = program.integrator.azimuthal.AzimuthalIntegrator(
        dist, poni1, poni2, rot1, rot2, 0.3, detector=detector, wavelength=1e-10
    )
    stated = dict(theirs.getFit2D())
    plain = {key: value for key, value in stated.items() if isinstance(value, float)}
    folder = tmp_path_factory.mktemp("fit2d")
    lines = "\n".join(f"{key} = {value!r}" for key, value in plain.items())
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    for text in (str(stated), json.dumps(plain, indent=1), lines):
        geometry = read_text(folder, text).geometry
        assert geometry is not None
        assert geometry.center_px == pytest.approx((stated["centerX"], stated["centerY"]), abs=1e-3)
        angles = theirs.twoThetaArray(SHAPE)
        np.testing.assert_allclose(geometry.two_theta(columns, rows), angles, rtol=0, atol=1e-6)


@settings(max_examples=12)
@given(geometries)
def test_pyfai_takes_what_is_written(tmp_path_factory, program, wanted: Geometry) -> None:
    values = dict(line.split("=") for line in fit2d.FORMAT.write(Writing(wanted, (61, 83))).split())
    numbers = {key: float(value) for key, value in values.items()}
    theirs = program.integrator.azimuthal.AzimuthalIntegrator()
    theirs.setFit2D(**numbers)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    theirs.detector.max_shape = SHAPE
    np.testing.assert_allclose(
        wanted.two_theta(columns, rows), theirs.twoThetaArray(SHAPE), rtol=0, atol=1e-6
    )


def test_summary_that_pyfai_prints(tmp_path: Path) -> None:
    summary = (
        "DirectBeamDist= 208.689 mm\tCenter: x=487.259, y=512.548 pix\t"
        "Tilt= 1.083\u00b0 tiltPlanRotation= 12.646\u00b0 \u03bb= 0.407\u00c5\n"
    )
    found = read_text(tmp_path, summary)
    assert found.estimate.center_px == (487.259, 512.548)
    assert found.estimate.tilt_deg == pytest.approx((0.2371, -1.0567), abs=1e-3)
    assert (found.distance_mm, found.wavelength_A) == (208.689, 0.407)
    older = (
        "DirectBeamDist= 100.000mm\tCenter: x=10.0, y=-20.5 pix\t"
        "Tilt=0.000 deg  tiltPlanRotation= 0.000 deg\n"
    )
    found = read_text(tmp_path, older)
    assert found.estimate.center_px == (10.0, -20.5)
    assert found.distance_mm == 100.0
    assert found.estimate.tilt_deg == pytest.approx((0.0, 0.0))


def test_tilt_plane_by_hand(tmp_path: Path) -> None:
    """A tilt plane along +x: the beam comes in towards larger x, which is a negative yaw."""
    text = "directDist=100\ncenterX=1\ncenterY=2\ntilt=5\ntiltPlanRotation={}\n"
    assert read_text(tmp_path, text.format(0)).estimate.tilt_deg == pytest.approx((0.0, -5.0))
    assert read_text(tmp_path, text.format(90)).estimate.tilt_deg == pytest.approx((5.0, 0.0))


def test_what_is_not_stated(tmp_path: Path) -> None:
    found = read_text(tmp_path, "centerX=1\ncenterY=2\ndirectDist=100\n", Hints(image_size=(400, 500)))
    assert found.estimate.tilt_deg is None
    assert found.pixel_mm is None
    assert found.choices[1].center_px == (1.0, 498.0)
    found = read_text(tmp_path, "centerX=1\ncenterY=2\ndirectDist=100\ntilt=3\n")
    assert found.estimate.tilt_deg is None
    assert "not its plane" in found.estimate.warnings[0]
    with pytest.raises(MissingDatasetError, match="centerY"):
        read_text(tmp_path, "centerX=1\ncenterY=None\ndirectDist=100\n")
    with pytest.raises(UnreadableFileError, match="tilt of 95"):
        read_text(tmp_path, "centerX=1\ncenterY=3\ndirectDist=100\ntilt=95\ntiltPlanRotation=0\n")
