"""The mini-header: every field in this project's units, and nothing where it states nothing usable."""

from __future__ import annotations

import time

import pytest

from xgeom_core.formats.cbf.mini import MiniHeader, from_fields, mini_header

# The lines of a Pilatus 6M, with their usual spacing.
PILATUS = """# Detector: PILATUS3 6M, S/N 60-0128, Diamond
# Pixel_size 172e-6 m x 172e-6 m
# Count_cutoff 265688 counts
# Wavelength 0.96859 A
# Detector_distance 0.35100 m
# Beam_xy (1261.61, 1306.96) pixels
# Detector_2theta 0.0000 deg.
"""


def test_the_header_of_a_pilatus_is_read() -> None:
    assert mini_header(PILATUS) == MiniHeader(
        beam_px=(1261.61, 1306.96),
        beam_text="(1261.61, 1306.96) pixels",
        beam_in_mm=False,
        pixel_mm=(0.172, 0.172),
        distance_mm=351.0,
        wavelength_A=0.96859,
        two_theta_deg=0.0,
        cutoff=265688.0,
        distance_text="0.35100 m",
        two_theta_text="0.0000 deg.",
        detector="PILATUS3 6M",
    )


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_do_not_matter(ending: str) -> None:
    assert mini_header(PILATUS.replace("\n", ending)) == mini_header(PILATUS)


def test_a_beam_in_mm_becomes_pixels_where_the_pixel_is_known() -> None:
    fields = {"Beam_xy": "(17.2, 34.4) mm", "Pixel_size": "172e-6 m x 344e-6 m"}
    found = from_fields(fields)
    assert found.beam_px == pytest.approx((100.0, 100.0))
    assert found.beam_in_mm
    assert not from_fields({"Beam_xy": "(17.2, 34.4) mm"}).beam_in_mm


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Beam_xy (0.00, 0.00) pixels", "beam_px"),
        ("Beam_xy (nan, 3) pixels", "beam_px"),
        ("Beam_xy (1e9, 3) pixels", "beam_px"),
        ("Beam_xy (1e999, 3) pixels", "beam_px"),
        ("Beam_xy 3", "beam_px"),
        ("Pixel_size 172e-6 m", "pixel_mm"),
        ("Pixel_size 172e6 m x 172e6 m", "pixel_mm"),
        ("Pixel_size -1 m x 1 m", "pixel_mm"),
        ("Detector_distance -0.3 m", "distance_mm"),
        ("Detector_distance 1e12 m", "distance_mm"),
        ("Detector_distance 3 parsec", "distance_mm"),
        ("Wavelength unset", "wavelength_A"),
        ("Count_cutoff -1", "cutoff"),
    ],
)
def test_what_cannot_be_meant_is_not_stated(line: str, field: str) -> None:
    assert getattr(mini_header(f"# {line}\n"), field) is None


def test_damage_takes_no_time() -> None:
    start = time.process_time()
    mini_header("# Beam_xy " + "1" * 2_000_000 + "\n# Pixel_size " + "1." * 1_000_000)
    # A reading that grew with the square of the length would take minutes.
    assert time.process_time() - start < 5.0
