"""Headers as detectors and beamlines really write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sample_files import SAMPLES
from xgeom_core.formats import bruker, smv
from xgeom_core.frames import open_frames
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata


def test_nothing_is_made_up_from_headers_that_are_silent() -> None:
    assert smv.header({}).metadata == Metadata(saturation=65535.0)
    assert bruker.header({}).metadata == Metadata()


# Bruker, CrysAlis and the like: known geometries, stated as the format has it, must come back.


def _foot_of(found: Metadata) -> tuple[tuple[float, float], float]:
    """Foot of the normal and the distance along it."""
    assert found.center_px is not None
    assert found.distance_mm is not None
    assert found.pixel_mm is not None
    pitch, yaw = found.tilt_deg or (0.0, 0.0)
    geometry = Geometry(found.center_px, found.distance_mm, found.pixel_mm, None, pitch, yaw)
    return geometry.foot_px(), geometry.normal_distance_mm()


@pytest.mark.parametrize("two_theta", [0.0, 332.0, 15.0, -28.0])
def test_a_swung_bruker_detector_is_the_same_plane(two_theta: float) -> None:
    """The header states the foot of the normal and the distance along it; the swing is a negative yaw."""
    found = bruker.header(
        {
            "NCOLS": "768 1",
            "NROWS": "1024 1",
            "CENTER": "380.0 500.0 380.0 500.0",
            "DISTANC": "8.9 10.0",
            "ANGLES": f"{two_theta} 0.0 0.0 54.7",
            "DETTYPE": "CMOS-PHOTONIII 36.954918 1.004 0",
            "WAVELEN": "0.71073 0.7093",
        }
    ).metadata

    assert found.pixel_mm == pytest.approx((0.1353, 0.1353), rel=1e-6)
    foot, distance = _foot_of(found)
    assert foot == pytest.approx((380.0, 1024 - 500.0), abs=1e-9)
    assert distance == pytest.approx(100.0)
    swing = (two_theta + 180) % 360 - 180
    assert found.tilt_deg == (pytest.approx((0.0, -swing)) if swing else None)


def test_a_bruker_detector_swung_beyond_sense_has_no_center() -> None:
    found = bruker.header(
        {"NCOLS": "9", "NROWS": "9", "CENTER": "3 5", "DISTANC": "9 10", "ANGLES": "95 0 0"}
    )

    assert found.metadata.center_px is None
    assert found.metadata.distance_mm is None
    assert found.notes


@pytest.mark.parametrize(
    ("name", "field", "stated", "tilt"),
    [
        ("smv", "TWOTHETA", 12.0, (12.0, 0.0)),
        ("marccd", "start_twotheta", 12_000, (12.0, 0.0)),
        ("mar345", "TWOTHETA", -12.0, (-12.0, 0.0)),
        ("raxis", "2Theta", 12.0, (0.0, 12.0)),
        ("pilatus tiff", "Detector_2theta", "12.0000 deg.", (0.0, 12.0)),
        ("bruker", "ANGLES", "12.0 0 0 0", (0.0, -12.0)),
    ],
)
def test_a_swing_moves_the_center_and_turns_as_the_format_has_it(
    name: str, field: str, stated: Any, tilt: tuple[float, float], tmp_path: Path
) -> None:
    """What the unswung file states as center and distance is the foot of the swung detector."""
    with open_frames(SAMPLES[name](tmp_path)) as source:
        straight = source.metadata
    with open_frames(SAMPLES[name](tmp_path, {field: stated})) as source:
        found, notes = source.metadata, source.frame(0).warnings
    assert found.tilt_deg == pytest.approx(tilt)
    foot, distance = _foot_of(found)
    assert foot == pytest.approx(straight.center_px, abs=1e-6)
    assert distance == pytest.approx(200.0)
    assert any("swung by" in note for note in notes)
    # All four directions and a center that is that of the swung detector are offered.
    tilts = {one.tilt_deg for one in found.choices if one.name.startswith("swung about")} | {found.tilt_deg}
    assert len(tilts) == 4
    assert any(one.center_px == straight.center_px for one in found.choices)


@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.0, 0.0, 30.0), (0.5, 0.3, -20.0)])
def test_crysalis_turns_the_detector_about_the_sample(
    angles: tuple[float, float, float], tmp_path: Path
) -> None:
    """However it is turned about the sample, its foot stays where the beam meets it with all angles zero."""
    names = ("detectorrotindeg_x", "detectorrotindeg_y", "dth_s")
    with open_frames(SAMPLES["crysalis"](tmp_path, dict(zip(names, angles, strict=True)))) as source:
        found = source.metadata
    foot, distance = _foot_of(found)
    assert foot == pytest.approx((119.5, 123.5), abs=1e-6)
    assert distance == pytest.approx(200.0)
    assert found.tilt_deg is not None
    total = np.degrees(np.arccos(np.prod(np.cos(np.radians(found.tilt_deg)))))
    assert total == pytest.approx(np.degrees(np.arccos(np.prod(np.cos(np.radians(angles[1:]))))), abs=1e-6)


def test_a_detector_of_dtrek_is_where_its_vectors_put_it(tmp_path: Path) -> None:
    """Random tilts: the vectors are made from a known geometry, in d*TREK's frame (y up, z to the source)."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        pitch, yaw = rng.uniform(-40, 40, 2)
        known = Geometry((19.5, 23.5), 200.0, (0.1, 0.1), None, pitch, yaw)
        fast, slow, _ = (axis * (1, -1, -1) for axis in known.axes())
        middle = np.array([0.0, 0.0, -200.0])
        changes = {
            "DETECTOR_VECTORS": " ".join(f"{v:.12f}" for v in (*fast, *slow)),
            "GONIO_UNITS": "mm mm mm",
            "GONIO_VALUES": " ".join(f"{v:.9f}" for v in middle),
            "GONIO_VECTORS": "1 0 0 0 1 0 0 0 1",
        }
        with open_frames(SAMPLES["d*TREK"](tmp_path, changes)) as source:
            found = source.metadata
        assert found.center_px == pytest.approx(known.center_px, abs=1e-5)
        assert found.tilt_deg == pytest.approx((pitch, yaw), abs=1e-6)
        assert found.distance_mm == pytest.approx(200.0, abs=1e-6)


def test_a_swing_by_the_goniometer_of_dtrek_is_a_pitch(tmp_path: Path) -> None:
    """Turned about -x (the second axis) and moved away before that, the foot stays at the stated beam."""
    with open_frames(SAMPLES["d*TREK"](tmp_path, {"GONIO_VALUES": "0 -10 0 0 0 -200"})) as source:
        found = source.metadata
    foot, distance = _foot_of(found)
    assert found.tilt_deg == pytest.approx((10.0, 0.0), abs=1e-9)
    assert foot == pytest.approx((19.5, 23.5), abs=1e-6)
    assert distance == pytest.approx(200.0)


# What is doubtful: a value beside the sense it would make.


def test_pilatus_placeholders_in_a_tiff_are_no_facts(tmp_path: Path) -> None:
    unset = {"Beam_xy": "(0.00, 0.00) pixels", "Detector_distance": "1.00000 m", "Wavelength": "1.54000 A"}
    with open_frames(SAMPLES["pilatus tiff"](tmp_path, unset)) as source:
        found = source.metadata
    assert (found.center_px, found.distance_mm, found.wavelength_A) == (None, None, None)
    senses = {verdict.quantity: verdict.sense for verdict in found.verdicts}
    assert senses == {"distance": "placeholder", "wavelength": "placeholder", "pixel size": "plausible"}
    assert any(one.distance_mm == 1000.0 and one.wavelength_A == 1.54 for one in found.choices)


def test_copper_at_a_synchrotron_is_doubted(tmp_path: Path) -> None:
    where = {"GENERATOR": "SYNCHROTRON  kV 10.0  mA 20.0", "WAVELENGTH": 1.54179}
    with open_frames(SAMPLES["mar345"](tmp_path, where)) as source:
        (doubt,) = [one for one in source.metadata.verdicts if one.sense == "doubtful"]
    assert (doubt.quantity, "copper" in doubt.reason) == ("wavelength", True)


def test_a_center_at_the_middle_of_an_image_plate_is_doubted(tmp_path: Path) -> None:
    with open_frames(SAMPLES["mar345"](tmp_path, {"CENTER": "X 20.0  Y 24.0"})) as source:
        doubts = {one.quantity for one in source.metadata.verdicts if one.sense == "doubtful"}
    assert doubts == {"center"}


@pytest.mark.parametrize(
    ("changes", "distance", "wavelength", "pixel"),
    [
        ({"SampleDistance": "0.2_m", "WaveLength": "1.1_A", "PSize_1": "100_um"}, 200.0, 1.1, 0.1),
        ({"SampleDistance": 200, "WaveLength": 1.1, "PSize_1": 100, "PSize_2": 200}, 200.0, 1.1, 0.1),
    ],
    ids=["units follow", "units forgotten"],
)
def test_units_of_edf(
    changes: dict[str, Any], distance: float, wavelength: float, pixel: float, tmp_path
) -> None:
    """Meters unless a unit follows; what makes no sense in meters is read in the unit that does."""
    with open_frames(SAMPLES["edf"](tmp_path, changes)) as source:
        found = source.metadata
    assert found.distance_mm == pytest.approx(distance)
    assert found.wavelength_A == pytest.approx(wavelength)
    assert found.pixel_mm is not None
    assert found.pixel_mm[0] == pytest.approx(pixel)
    forgotten = changes["SampleDistance"] == 200
    assert ({"distance", "wavelength", "pixel size"} <= _doubted(found)) is forgotten


def _doubted(found: Metadata) -> set[str]:
    return {one.quantity for one in found.verdicts if one.sense == "doubtful"}


def test_a_title_of_edf_may_hold_fields_of_a_mini_header(tmp_path: Path) -> None:
    title = {"title": "# Pixel_size 172e-6 m x 172e-6 m", "PSize_1": None, "PSize_2": None}
    with open_frames(SAMPLES["edf"](tmp_path, title)) as source:
        assert source.metadata.pixel_mm == (0.172, 0.172)
        assert source.metadata.center_px == (19.5, 23.5)
        assert source.metadata.title == ""


def test_rotations_of_edf_are_mentioned_not_guessed(tmp_path: Path) -> None:
    with open_frames(SAMPLES["edf"](tmp_path, {"DetectorRotation_2": "5_deg"})) as source:
        assert source.metadata.tilt_deg is None
        assert any("DetectorRotation" in warning for warning in source.frame(0).warnings)
