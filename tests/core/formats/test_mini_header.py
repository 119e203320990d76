"""The mini-header: every field in this project's units, and nothing where it states nothing usable."""

from __future__ import annotations

import time
from typing import Any

import pytest

from xgeom_core.formats.cbf.mini import FIELDS, from_fields, mini_header, two_theta
from xgeom_core.metadata import Metadata, Rotation

# The lines of a Pilatus 6M, with their usual spacing.
PILATUS = """# Detector: PILATUS3 6M, S/N 60-0128, Diamond
# Pixel_size 172e-6 m x 172e-6 m
# Silicon sensor, thickness 0.000450 m
# Count_cutoff 265688 counts
# Comment: Mini kappa not in use
# Wavelength 0.96859 A
# Detector_distance 0.35100 m
# Beam_xy (1261.61, 1306.96) pixels
# Start_angle 89.5000 deg.
# Angle_increment 0.1000 deg.
# Detector_2theta 0.0000 deg.
# Polarization 0.990
# Oscillation_axis X.CW +SLOW
"""


def found(*lines: str) -> Metadata:
    return mini_header("\r\n".join(f"# {line}" for line in lines), "CBF mini-header").metadata


def test_the_header_of_a_pilatus_is_read() -> None:
    header = mini_header(PILATUS, "CBF mini-header", (2463, 2527))
    stated = header.metadata
    assert stated == Metadata(
        distance_mm=351.0,
        wavelength_A=0.96859,
        pixel_mm=(0.172, 0.172),
        center_px=(1261.61, 1306.96),
        center_convention=stated.center_convention,
        saturation=265688.0,
        detector="PILATUS3 6M",
        sensor_material="Si",
        sensor_mm=0.45,
        polarization=0.99,
        rotation=Rotation(89.5, 0.1, name="X.CW +SLOW"),
        title="Mini kappa not in use",
        choices=stated.choices,
    )
    assert [choice.center_px for choice in stated.choices] == [pytest.approx((1262.11, 1307.46))]
    assert (header.notes, header.where, header.image_size) == ((), "mini-header", (2463, 2527))
    assert two_theta(header) == 0.0


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_do_not_matter(ending: str) -> None:
    assert mini_header(PILATUS.replace("\n", ending), "here") == mini_header(PILATUS, "here")


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
    stated = found(line)
    assert stated.center_px == (244.25, 308.5)
    assert "Beam_xy" in stated.center_convention
    assert "0.5 px" in stated.center_convention


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("Detector_distance 0.35100 m", "distance_mm", 351.0),
        ("Detector_distance: 0.04 m", "distance_mm", 40.0),
        ("Detector_distance 351.0 mm", "distance_mm", 351.0),
        ("Detector_distance 0 m", "distance_mm", None),
        ("Detector_distance -0.3 m", "distance_mm", None),
        ("Detector_distance 1e12 m", "distance_mm", None),
        ("Detector_distance 3 parsec", "distance_mm", None),
        ("Wavelength 0.96859 A", "wavelength_A", 0.96859),
        ("Wavelength: 0.096859 nm", "wavelength_A", 0.96859),
        ("Wavelength unset", "wavelength_A", None),
        ("Pixel_size 172e-6 m x 172e-6 m", "pixel_mm", (0.172, 0.172)),
        ("Pixel_size: 75 um x 80 um", "pixel_mm", (0.075, 0.08)),
        ("Pixel_size 172e-6 m", "pixel_mm", None),
        ("Pixel_size 172e6 m x 172e6 m", "pixel_mm", None),
        ("Pixel_size -1 m x 1 m", "pixel_mm", None),
        ("Count_cutoff 115897 counts", "saturation", 115897.0),
        ("Count_cutoff: 0 counts", "saturation", None),
        ("Count_cutoff -1", "saturation", None),
        ("Detector: PILATUS 300K, S/N 3-0118, Universite de Geneve", "detector", "PILATUS 300K"),
        ("Detector: Dectris EIGER2 16M S/N E-32-0100", "detector", "Dectris EIGER2 16M S/N E-32-0100"),
        ("Silicon sensor, thickness 0.000320 m", "sensor_material", "Si"),
        ("CdTe sensor, thickness 0.001000 m", "sensor_material", "CdTe"),
        ("CdTe sensor, thickness 0.001000 m", "sensor_mm", 1.0),
        ("Silicon sensor, thickness unknown", "sensor_mm", None),
        ("Polarization 0.000", "polarization", None),
        ("Polarization 99", "polarization", None),
        ("Beam_xy (0.00, 0.00) pixels", "center_px", None),
        ("Beam_xy (nan, 3) pixels", "center_px", None),
        ("Beam_xy (1e9, 3) pixels", "center_px", None),
        ("Beam_xy (1e999, 3) pixels", "center_px", None),
        ("Beam_xy 3", "center_px", None),
        ("Beam_xy (nil)", "center_px", None),
        ("Flat_field: (nil)", "center_px", None),
        ("Start_angle 10 deg", "rotation", None),
    ],
)
def test_lines(line: str, name: str, expected: Any) -> None:
    assert getattr(found(line), name) == expected


def test_angles_that_nobody_set_are_no_sweep() -> None:
    assert found("Start_angle 0 deg", "Angle_increment 0 deg").rotation is None
    assert found("Start_angle 0", "Angle_increment 0", "Oscillation_axis PHI").rotation is not None


def test_a_beam_in_mm_becomes_pixels_where_the_pixel_is_known() -> None:
    fields = {"Beam_xy": "(17.2, 34.4) mm", "Pixel_size": "172e-6 m x 344e-6 m"}
    header = from_fields(fields, "TIFF header")
    assert header.metadata.center_px == pytest.approx((100.0, 100.0))
    assert header.native["Beam_xy"] == "(17.2, 34.4) mm"
    assert header.metadata.center_convention.startswith("TIFF header")


@pytest.mark.parametrize("angle", [20.0, -15.5])
def test_a_swing_is_a_tilt_and_moves_the_center(angle: float) -> None:
    """Known from Diamond's I19: +20 degrees is a yaw of +20, which takes the center to the left."""
    header = mini_header(
        "# Pixel_size 172e-6 m x 172e-6 m\n# Detector_distance 0.12237 m\n# Beam_xy (243.82, 326.75) pixels\n"
        f"# Detector_2theta {angle} deg.",
        "CBF mini-header",
    )
    stated = header.metadata
    geometry = stated.geometry(stated.center_px or (0.0, 0.0), stated.tilt_deg)
    assert geometry is not None
    assert stated.tilt_deg == (0.0, angle)
    assert geometry.foot_px() == pytest.approx((243.82, 326.75))
    assert geometry.normal_distance_mm() == pytest.approx(122.37)
    if angle == 20.0:
        assert stated.center_px == pytest.approx((-15.15, 327.46), abs=1.0)
    assert f"swung by {angle:g} degrees" in header.notes[0]
    assert any(choice.tilt_deg == (0.0, -angle) for choice in stated.choices)
    half = next(choice for choice in stated.choices if "centers" in choice.name)
    assert half.center_px == pytest.approx(((stated.center_px or (0.0, 0.0))[0] + 0.5, 327.25), abs=1e-9)


def test_the_half_cylinder_of_i23() -> None:
    """The bank in the beam is met where Beam_xy says, at the radius and the stage's offset."""
    text = "# Detector: PILATUS 12M, S/N 120-0100\n# Pixel_size 172e-6 m x 172e-6 m\n"
    text += "# Detector_distance 0.01000 m\n# Beam_xy (1080.00, 2595.00) pixels\n"
    header = mini_header(text, "CBF mini-header", (2463, 5071))
    stated = header.metadata
    assert (len(stated.panels), stated.one_plane, stated.tilt_deg) == (24, False, None)
    assert "no single plane" in header.notes[0]
    bank = stated.panels[12]
    (x, y, z), (_, down, back) = bank.origin_mm, bank.slow
    # The beam (0, 0, d) on the bank: rows from its corner, and the distance.
    rows = -y / down
    assert (-x / 0.172, bank.corner_px[1] + rows / 0.172) == pytest.approx((1080.0, 2595.0), abs=0.1)
    assert z + rows * back == pytest.approx(stated.distance_mm, abs=0.05)
    assert stated.distance_mm == pytest.approx(260.13, abs=0.05)
    ends = stated.panels[0].slow[2], stated.panels[23].slow[2]
    assert ends[0] > 0.95 and ends[1] < -0.95


def test_damage_takes_no_time() -> None:
    start = time.process_time()
    mini_header("# Beam_xy " + "1" * 2_000_000 + "\n# Pixel_size " + "1." * 1_000_000, "here")
    # A reading that grew with the square of the length would take minutes.
    assert time.process_time() - start < 5.0


CHANGED = {
    "Beam_xy": "(1000.5, 900.5) pixels",
    "Detector_distance": "0.20000 m",
    "Detector_2theta": "10.0000 deg.",
    "Pixel_size": "75e-6 m x 75e-6 m",
    "Wavelength": "1.5 A",
    "Silicon sensor, thickness": "0.000320 m",
    "Polarization": "0.500",
    "Start_angle": "12.0 deg.",
    "Angle_increment": "0.5 deg.",
    "Oscillation_axis": "OMEGA",
    "Count_cutoff": "1000 counts",
    "Detector": "EIGER2 16M",
    "Comment": "a word",
}


@pytest.mark.parametrize("note", FIELDS, ids=[note.name for note in FIELDS])
def test_each_field_that_is_listed_changes_what_it_becomes(note: Any) -> None:
    start = next(line for line in PILATUS.splitlines() if line.startswith(f"# {note.name}"))
    text = PILATUS.replace(start, f"# {note.name} {CHANGED[note.name]}")
    before, after = (mini_header(one, "here").metadata for one in (PILATUS, text))
    assert getattr(before, note.becomes) != getattr(after, note.becomes)
