"""Line and radial profiles: against frames whose profile is known, and in the window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_gui.services.profiles import line_profile, radial_profile, units_for

SWUNG = Geometry((40.0, 260.0), 90.0, (0.2, 0.2), 0.71, 3.0, 28.0)
SHAPE = (512, 384)


def powder(geometry, d_A=2.0):
    """One sharp ring at a spacing, on a flat background."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    theta = geometry.two_theta(x, y)
    ring = 2 * np.arcsin(geometry.wavelength_A / (2 * d_A))
    data = 10 + 500 * np.exp(-((theta - ring) ** 2) / (2 * np.radians(0.12) ** 2))
    ones = np.ones(SHAPE, dtype=bool)
    return Frame(data.astype(np.float32), ones, ~ones)


@pytest.mark.parametrize("quick", [False, True])
def test_a_powder_ring_peaks_at_its_spacing_under_tilt(quick):
    profile = radial_profile(powder(SWUNG), SWUNG.center_px, SWUNG, quick=quick)
    peak = int(np.nanargmax(profile.mean))
    assert profile.abscissa("d")[peak] == pytest.approx(2.0, rel=0.01)
    assert profile.abscissa("q")[peak] == pytest.approx(np.pi, rel=0.01)
    two_theta = np.degrees(2 * np.arcsin(0.71 / 4))
    assert profile.abscissa("two_theta")[peak] == pytest.approx(two_theta, rel=0.01)
    assert profile.abscissa("px")[peak] == pytest.approx(np.tan(np.radians(two_theta)) * 450, rel=0.01)


def test_a_ring_is_highest_and_narrowest_about_the_true_center_and_tilt():
    frame = powder(SWUNG)
    true = np.nanmax(radial_profile(frame, SWUNG.center_px, SWUNG).mean)
    for other in (
        Geometry((43.0, 260.0), 90.0, (0.2, 0.2), 0.71, 3.0, 28.0),
        Geometry((40.0, 255.0), 90.0, (0.2, 0.2), 0.71, 3.0, 28.0),
        Geometry((40.0, 260.0), 90.0, (0.2, 0.2), 0.71, 0.0, 25.0),
    ):
        assert np.nanmax(radial_profile(frame, other.center_px, other).mean) < 0.8 * true


def test_masked_pixels_are_left_out_of_the_profiles():
    frame = powder(SWUNG)
    valid = frame.valid.copy()
    valid[:, 200:] = False
    broken = Frame(np.where(valid, frame.data, 1e6).astype(np.float32), valid, ~frame.valid)
    assert np.nanmax(radial_profile(broken, SWUNG.center_px, SWUNG).mean) < 600
    line = line_profile(broken, (150.5, 100.5), (250.5, 100.5))
    assert np.isnan(line.counts[50:]).all() and np.isfinite(line.counts[:49]).all()


def test_without_a_geometry_only_pixels_are_offered():
    profile = radial_profile(powder(SWUNG), (40, 260), None)
    assert units_for(None) == ("px",)
    with pytest.raises(ValueError, match="distance"):
        profile.abscissa("two_theta")
    assert units_for(Geometry((1, 1), 100, (0.1, 0.1))) == ("two_theta", "px")


def test_a_line_reads_the_pixels_it_crosses():
    data = np.arange(100, dtype=np.float32).reshape(10, 10)
    ones = np.ones(data.shape, dtype=bool)
    frame = Frame(data, ones, ~ones)
    line = line_profile(frame, (2.5, 3.5), (7.5, 3.5))
    assert line.counts.tolist() == [32, 33, 34, 35, 36, 37] and line.distance == pytest.approx(np.arange(6))
    wide = line_profile(frame, (2.5, 3.5), (7.5, 3.5), width=3)
    assert wide.counts == pytest.approx(line.counts), "neighboring rows differ by +-10"
    assert np.isnan(line_profile(frame, (-5.5, 3.5), (-1.5, 3.5)).counts).all()


@pytest.fixture
def line_panel(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["line_profile"].trigger()
    panel = opened.window.image_tools.line_profile
    opened.qtbot.waitUntil(panel.isVisible)
    return panel


def test_the_line_starts_through_the_center_and_follows_the_frames(opened, line_panel):
    (x0, y0), (x1, y1) = line_panel.line
    assert y0 == pytest.approx(140.5) and y1 == pytest.approx(140.5)
    assert (x0 + x1) / 2 == pytest.approx(210.25)
    before = line_panel.plot.curve.getData()[1].copy()
    opened.step(1)
    assert (line_panel.plot.curve.getData()[1] != before).any()


def test_ctrl_and_drag_draws_the_line(opened, line_panel, drag):
    drag(opened, (50, 200), (250, 260), Qt.KeyboardModifier.ControlModifier)
    (x0, y0), (x1, y1) = line_panel.line
    assert (x0, y0) == pytest.approx((50, 200), abs=2) and (x1, y1) == pytest.approx((250, 260), abs=2)


def test_the_ends_can_be_typed_and_hiding_the_panel_hides_the_line(opened, line_panel):
    line_panel.ends.setText("10, 20; 110, 20")
    line_panel.ends.editingFinished.emit()
    assert line_panel.line[1] == pytest.approx((110, 20))
    assert line_panel.note.text() == "100.0 px, 10.0 mm, 20.23 Å"
    opened.window.actions_by_name["line_profile"].trigger()
    assert not line_panel._line.isVisible()


def test_the_radial_profile_follows_the_center_by_hand(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["radial_profile"].trigger()
    panel = opened.window.image_tools.radial_profile
    opened.qtbot.waitUntil(lambda: panel.profile is not None)
    assert panel.about.text() == "about Fit (210.25, 140.50)"
    first = panel.profile
    opened.session.user_centers.drag(opened.session.best, (230.25, 140.5))
    opened.qtbot.waitUntil(lambda: panel.profile.geometry.center_px == (230.25, 140.5))
    assert panel.profile is not first
    opened.session.user_centers.drop()


def test_the_unit_can_be_chosen_and_rings_are_marked(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["radial_profile"].trigger()
    panel = opened.window.image_tools.radial_profile
    opened.qtbot.waitUntil(lambda: panel.profile is not None)
    row = panel.unit.findData("two_theta")
    panel.unit.setCurrentIndex(row)
    panel.unit.activated.emit(row)
    x, _ = panel.plot.curve.getData()
    assert x[-1] == pytest.approx(panel.profile.abscissa("two_theta")[-1])
    opened.session.rings.choose(own=[5.0])
    (place,) = panel._lines.places
    assert place == pytest.approx(np.degrees(2 * np.arcsin(1.0 / 10.0)))


def test_a_hidden_panel_asks_for_nothing(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.qtbot.wait(50)
    assert opened.window.image_tools.radial_profile.profile is None
