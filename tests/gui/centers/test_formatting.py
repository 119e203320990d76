"""Numbers in words: signs of the tilt, differences, the read-out under the pointer."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.look.marker_styles import style_of
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import (
    center_rows,
    cursor_text,
    pitch_text,
    plain_table,
    tilt_unknown_text,
    yaw_text,
)


def rows_of(estimates, reference, metadata):
    centers = [Center(estimate, style_of(estimate.source)) for estimate in estimates]
    return center_rows(centers, reference, metadata)


@pytest.mark.parametrize("angle", [0.4, -0.4])
def test_pitch_names_the_edge_that_lies_further_along_the_beam(angle):
    geometry = Geometry((100, 100), 200, (0.1, 0.1), pitch_deg=angle)
    top, bottom = geometry.to_lab(100, 0)[2], geometry.to_lab(100, 200)[2]
    edge = "bottom" if bottom > top else "top"
    assert f"the {edge} edge leans away from the sample" in pitch_text(angle, None)


@pytest.mark.parametrize("angle", [0.4, -0.4])
def test_yaw_names_the_edge_that_lies_further_along_the_beam(angle):
    geometry = Geometry((100, 100), 200, (0.1, 0.1), yaw_deg=angle)
    left, right = geometry.to_lab(0, 100)[2], geometry.to_lab(200, 100)[2]
    edge = "right" if right > left else "left"
    assert f"the {edge} edge leans away from the sample" in yaw_text(angle, None)


def test_a_tilt_within_its_uncertainty_is_not_claimed():
    assert pitch_text(0.1, 0.2) == "pitch +0.10° ± 0.20°: no lean beyond its uncertainty"
    assert "bottom" in pitch_text(0.41, 0.02)
    assert pitch_text(0.0, None) == "pitch 0.00°: no lean"


def test_unknown_tilt_says_what_is_missing():
    assert tilt_unknown_text(Metadata(wavelength_A=1.0), None) == (
        "tilt unknown: distance and pixel size missing"
    )
    assert tilt_unknown_text(Metadata(pixel_mm=(0.1, 0.1)), None) == "tilt unknown: distance missing"


def test_differences_refer_to_the_best_and_use_both_pixel_sides():
    best = Estimate("fit", (100.0, 200.0))
    other = Estimate("header", (103.0, 196.0))
    rows = rows_of((other, best), best, Metadata(pixel_mm=(0.1, 0.2)))
    assert rows[0].difference_px == (3.0, -4.0)
    assert rows[0].distance_px == pytest.approx(5.0)
    assert rows[0].difference_mm == pytest.approx(np.hypot(0.3, 0.8))
    assert rows[1].is_reference and rows[1].difference_px is None


def test_a_predicted_tilt_needs_the_experiment_but_a_stated_one_does_not():
    tilted = [Estimate(source, (1.0, 1.0), (0.5, 0.5)) for source in ("network", "fit", "truth")]
    assert [row.tilt_deg for row in rows_of(tilted, None, Metadata())] == [None, None, (0.5, 0.5)]
    known = Metadata(distance_mm=100.0, pixel_mm=(0.1, 0.1))
    assert [row.tilt_deg for row in rows_of(tilted, None, known)] == [(0.5, 0.5)] * 3


def test_differences_in_mm_need_the_pixel_size():
    best = Estimate("fit", (1.0, 1.0))
    assert rows_of((Estimate("truth", (2.0, 1.0)),), best, Metadata())[0].difference_mm is None


def test_cursor_shows_counts_resolution_and_angle(make_frame):
    frame = make_frame()
    geometry = frame.metadata.geometry((205.0, 150.0), (0.5, -0.3))
    text = cursor_text(frame, geometry, (60.5, 50.5))
    assert text.startswith("fast 60.5  slow 50.5 px   5000 counts")
    assert f"{geometry.resolution_A(60.5, 50.5):.2f} Å" in text
    assert f"2θ {np.degrees(geometry.two_theta(60.5, 50.5)):.2f}°" in text


@pytest.mark.parametrize(
    ("point", "word"),
    [
        ((300.5, 200.5), "saturated"),
        ((10.0, 105.0), "masked"),
        ((-0.1, 5.0), "outside"),
        ((400.0, 5.0), "outside"),
    ],
)
def test_cursor_says_why_there_are_no_counts(make_frame, point, word):
    text = cursor_text(make_frame(), None, point)
    assert word in text and "counts" not in text


def test_cursor_says_what_is_missing(make_frame):
    assert "distance and pixel size missing" in cursor_text(make_frame(metadata=Metadata()), None, (1, 1))
    metadata = Metadata(distance_mm=100.0, pixel_mm=(0.1, 0.1))
    text = cursor_text(make_frame(metadata=metadata), metadata.geometry((5, 5)), (9, 9))
    assert "2θ" in text and "wavelength missing" in text


def test_the_plain_table_lists_every_source():
    best = Estimate("fit", (100.0, 200.0), (0.41, -0.26), np.diag([0.05**2] * 4))
    metadata = Metadata(distance_mm=100.0, pixel_mm=(0.1, 0.1))
    rows = rows_of((Estimate("truth", (101.0, 200.0)), best), best, metadata)
    table = plain_table(rows, None)
    assert "Known" in table and "100.00" in table and "+0.41" in table and "0.100" in table
