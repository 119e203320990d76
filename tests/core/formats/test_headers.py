"""Headers as detectors and beamlines really write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xgeom_core.formats import image_headers as headers
from xgeom_core.formats.bruker import bruker
from xgeom_core.formats.header import Header
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata


def mini(*lines: str) -> Header:
    text = "\r\n".join(f"# {line}" for line in lines)
    return headers.mini_cbf({"_array_data.header_contents": text}, (619, 487))


@pytest.mark.parametrize(
    "line",
    [
        "Beam_xy (244.25, 308.50) pixels",
        "Beam_xy ( 244.25, 308.5) pixels",
        "Beam_xy: (244.25,308.50) pixels",
        "Beam_xy = (2.4425e2, 3.085e+2)",
    ],
)
def test_beam_xy_in_all_its_spellings(line: str) -> None:
    found = mini(line).metadata

    assert found.center_px == (244.25, 308.5)
    assert "Beam_xy" in found.center_convention
    assert "0.5 px" in found.center_convention


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("Detector_distance 0.35100 m", "distance_mm", 351.0),
        ("Detector_distance: 0.04 m", "distance_mm", 40.0),
        ("Detector_distance 351.0 mm", "distance_mm", 351.0),
        ("Detector_distance 0 m", "distance_mm", None),
        ("Wavelength 0.96859 A", "wavelength_A", 0.96859),
        ("Wavelength: 0.096859 nm", "wavelength_A", 0.96859),
        ("Pixel_size 172e-6 m x 172e-6 m", "pixel_mm", (0.172, 0.172)),
        ("Pixel_size: 75 um x 80 um", "pixel_mm", (0.075, 0.08)),
        ("Count_cutoff 115897 counts", "saturation", 115897.0),
        ("Count_cutoff: 0 counts", "saturation", None),
        ("Detector: PILATUS 300K, S/N 3-0118, Universite de Geneve", "detector", "PILATUS 300K"),
        ("Detector: Dectris EIGER2 16M S/N E-32-0100", "detector", "Dectris EIGER2 16M S/N E-32-0100"),
        ("Beam_xy (0.00, 0.00) pixels", "center_px", None),
        ("Beam_xy (nil)", "center_px", None),
        ("Flat_field: (nil)", "center_px", None),
    ],
)
def test_mini_header_lines(line: str, name: str, expected: Any) -> None:
    assert getattr(mini(line).metadata, name) == expected


def test_a_beam_center_in_mm_is_divided_by_the_pixel() -> None:
    found = mini("Pixel_size 100e-6 m x 200e-6 m", "Beam_xy (24.0, 30.0) mm").metadata

    assert found.center_px == pytest.approx((240.0, 150.0))


def test_a_swung_detector_is_said() -> None:
    assert any("-15.5 degrees" in note for note in mini("Detector_2theta -15.5000 deg.").notes)
    assert not mini("Detector_2theta 0.0000 deg.").notes


def test_nothing_is_made_up_from_an_empty_header() -> None:
    for _, reader in headers.READERS.values():
        found = reader({}, (512, 512))
        assert found.metadata == Metadata(saturation=found.metadata.saturation)
        assert not found.notes


def test_smv_is_read_in_the_axes_of_mosflm() -> None:
    header = {
        "BEAM_CENTER_X": "157.5",
        "BEAM_CENTER_Y": "155.25",
        "PIXEL_SIZE": "0.1026",
        "DISTANCE": "250.0",
        "WAVELENGTH": "1.0332",
        "TWOTHETA": "0.0",
    }

    found = headers.smv(header, (3072, 3072)).metadata

    assert found.center_px == pytest.approx((155.25 / 0.1026, 157.5 / 0.1026))
    assert (found.distance_mm, found.wavelength_A, found.pixel_mm) == (250.0, 1.0332, (0.1026, 0.1026))
    assert found.saturation == 65535.0
    assert "MOSFLM" in found.center_convention
    assert headers.smv(header | {"CCD_IMAGE_SATURATION": "65000"}, (9, 9)).metadata.saturation == 65000.0
    assert headers.smv(header | {"TWOTHETA": "10.0"}, (9, 9)).notes


def test_edf_is_in_si_units() -> None:
    header = {
        "Center_1": "512.5",
        "Center_2": "500",
        "PSize_1": "50e-6",
        "PSize_2": "5.1e-05",
        "SampleDistance": "1.5",
        "WaveLength": "1e-10",
    }

    found = headers.edf(header, (1024, 1024)).metadata

    assert found.center_px == (512.5, 500.0)
    assert found.pixel_mm == (0.05, 0.051)
    assert (found.distance_mm, found.wavelength_A) == (1500.0, 1.0)


@pytest.mark.parametrize("two_theta", [0.0, 332.0, 15.0, -28.0])
def test_a_swung_bruker_detector_is_the_same_plane(two_theta: float) -> None:
    """The header states the foot of the normal and the distance along it: they must come back."""
    header = {
        "CENTER": "380.0 500.0 380.0 500.0",
        "DISTANC": "8.9 10.0",
        "ANGLES": f"{two_theta} 0.0 0.0 54.7",
        "DETTYPE": "CMOS-PHOTONIII 36.954918 1.004 0",
        "WAVELEN": "0.71073 0.7093",
    }

    found = bruker(header, (1024, 768)).metadata

    assert found.center_px is not None
    assert found.tilt_deg is not None
    assert found.distance_mm is not None
    assert found.pixel_mm is not None
    assert found.pixel_mm == pytest.approx((0.1353, 0.1353), rel=1e-6)
    geometry = Geometry(
        found.center_px, found.distance_mm, found.pixel_mm, None, found.tilt_deg[0], found.tilt_deg[1]
    )
    normal = geometry.axes()[2]
    foot = geometry.from_lab(normal)
    assert foot == pytest.approx((380.0, 1024 - 500.0), abs=1e-9)
    assert found.distance_mm * normal[2] == pytest.approx(100.0)
    swing = (two_theta + 180) % 360 - 180
    assert np.degrees(np.arccos(normal[2])) == pytest.approx(abs(swing), abs=1e-6)


def test_a_bruker_detector_swung_beyond_sense_has_no_center() -> None:
    found = bruker({"CENTER": "380 500", "DISTANC": "9 10", "ANGLES": "95 0 0 0"}, (1024, 768))

    assert found.metadata.center_px is None
    assert found.metadata.distance_mm is None
    assert found.notes
