"""Rings are the conics of the tilted detector, with labels that say where they are."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QTransform

from xgeom_core.geometry import Geometry
from xgeom_gui.image.corner_glyph import round_length
from xgeom_gui.image.ring_labels import RingLabels
from xgeom_gui.image.ring_lines import on_screen
from xgeom_gui.image.rings_panel import spacings_in
from xgeom_gui.state.rings import Rings, finest_resolution_A, ring_points, round_resolutions

SHAPE = (2527, 2463)
FLAT = Geometry((1200.0, 1300.0), 300.0, (0.172, 0.172), 0.98)
SWUNG = Geometry((35.0, 516.0), 98.7, (0.1353, 0.1353), 0.71073, 0.0, 28.0)


@pytest.mark.parametrize(
    "geometry", [FLAT, SWUNG, Geometry((400.0, 90.0), 60.0, (0.1, 0.2), 1.5, 33.0, -12.0)]
)
@pytest.mark.parametrize("d_A", [1.2, 3.0])
def test_every_point_of_a_ring_has_its_resolution(geometry, d_A):
    x, y = ring_points(geometry, d_A)
    known = np.isfinite(x)
    assert known.sum() > 100
    assert geometry.resolution_A(x[known], y[known]) == pytest.approx(d_A, rel=1e-9)


def test_a_ring_of_a_swung_detector_is_no_circle_about_the_center():
    x, y = ring_points(SWUNG, 1.9132)
    radius = np.hypot(x - 35.0, y - 516.0)
    assert np.nanmax(radius) > 1.3 * np.nanmin(radius)


def test_a_cone_wider_than_the_detector_leans_leaves_out_what_never_arrives():
    steep = Geometry((400.0, 400.0), 60.0, (0.1, 0.1), 1.5, 0.0, 60.0)
    x, _ = ring_points(steep, 1.3)
    assert 0 < np.isnan(x).sum() < x.size


def test_round_resolutions_lie_on_the_detector_and_well_apart():
    chosen = round_resolutions(FLAT, SHAPE)
    assert 4 <= len(chosen) <= 8
    assert min(chosen) >= finest_resolution_A(FLAT, SHAPE)
    radii = [
        np.hypot(ring_points(FLAT, d)[0][0] - 1200.0, ring_points(FLAT, d)[1][0] - 1300.0) for d in chosen
    ]
    assert min(np.diff([0.0, *radii])) > 150


def test_without_a_wavelength_there_are_no_rings():
    rings = Rings()
    rings.choose(resolution=True, ice=True)
    assert rings.on(FLAT, SHAPE)
    assert rings.on(Geometry((1200.0, 1300.0), 300.0, (0.172, 0.172)), SHAPE) == ()


def test_spacings_out_of_reach_are_left_out():
    rings = Rings()
    rings.choose(own=[3.0, 0.4, 0.6])
    assert [ring.d_A for ring in rings.on(FLAT, SHAPE)] == [3.0]


def test_the_state_survives():
    first, second = Rings(), Rings()
    first.choose(resolution=True, ice=True, calibrant="LaB6", own=[3.1])
    second.restore(first.state())
    assert second.state() == first.state()
    second.restore({"calibrant": "chalk", "own": "x"})
    assert not second.any


def test_own_spacings_are_read_from_any_text():
    assert spacings_in("3.1, 2.25 and .9 Å; -0") == [3.1, 2.25, 0.9]


@pytest.mark.parametrize(("longest", "length"), [(9.9, 5), (10, 10), (130, 100), (0.03, 0.02)])
def test_the_scale_bar_is_a_round_number(longest, length):
    assert round_length(longest) == pytest.approx(length)


def test_the_key_shows_rings_about_the_reference_and_the_center_by_hand_moves_them(opened, nxmx_file):
    opened.open(nxmx_file)
    overlays = opened.window.image.overlays
    assert overlays.rings.rings == ()
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_G)
    assert opened.session.rings.resolution and overlays.rings.rings
    geometry = Geometry((210.25, 140.5), 200.0, (0.1, 0.2), 1.0, 0.41, -0.26)
    ring = overlays.rings.rings[0]
    assert geometry.resolution_A(ring.x[7], ring.y[7]) == pytest.approx(ring.d_A)
    before = ring.x[0]
    opened.session.user_centers.drag(opened.session.best, (220.25, 140.5))
    assert overlays.rings.rings[0].x[0] == pytest.approx(before + 10, abs=0.1)
    opened.session.user_centers.cancel_drag()
    assert overlays.rings.rings[0].x[0] == pytest.approx(before)


def test_the_panel_says_what_is_missing(opened, bare_file):
    opened.open(bare_file)
    opened.window.actions_by_name["display"].trigger()
    panel = opened.window.image_tools.rings
    panel.resolution.click()
    assert panel.note.text() == "no rings: distance and wavelength and pixel size missing".replace(
        "distance and wavelength and pixel size", "distance and pixel size and wavelength"
    )
    assert opened.window.image.overlays.rings.rings == ()


def test_the_panel_offers_ice_calibrants_and_own_spacings(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["display"].trigger()
    panel = opened.window.image_tools.rings
    panel.ice.click()
    panel.calibrant.activated.emit(panel.calibrant.findText("AgBh"))
    panel.own.setText("12.5")
    panel.own.editingFinished.emit()
    kinds = {ring.kind for ring in opened.window.image.overlays.rings.rings}
    assert kinds >= {"calibrant", "own"}
    assert opened.session.rings.own == (12.5,)


def test_the_read_out_names_azimuth_and_the_networks_pixel(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.session.set_cursor((60.5, 50.5))
    text = opened.window.status.cursor_readout.text()
    geometry = Geometry((210.25, 140.5), 200.0, (0.1, 0.2), 1.0, 0.41, -0.26)
    assert f"φ {np.degrees(geometry.azimuth(60.5, 50.5)) % 360:.0f}°" in text
    # The 400 x 300 frame lies in the middle of a canvas of 512 pixels.
    assert text.endswith(f"net {60.5 + 56:.1f}, {50.5 + 106:.1f}")


def test_labels_do_not_cover_each_other_and_stay_on_their_rings(qapp):
    lines = {ring: on_screen(ring, QTransform.fromScale(0.3, 0.3), 1.0) for ring in _all_rings()}
    labels, view = RingLabels(), QRectF(0, 0, 760, 790)
    first = labels.places(lines, view, QFont())
    assert len(first) > 8
    for i, (_, center) in enumerate(first):
        assert all((center - other).manhattanLength() > 10 for _, other in first[:i])
    moved = {ring: on_screen(ring, QTransform.fromScale(0.3, 0.3).translate(20, 10), 1.0) for ring in lines}
    wider = view.adjusted(0, 0, 20, 20)
    for (ring, before), (other, after) in zip(first, labels.places(moved, wider, QFont(), True), strict=True):
        assert ring is other
        assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((6.0, 3.0))


@pytest.mark.parametrize("zoom", [0.1, 1.0, 30.0])
def test_a_line_on_the_screen_strays_by_less_than_the_eye_sees(zoom):
    ring = next(ring for ring in _all_rings() if ring.d_A == 3.0)
    line = on_screen(ring, QTransform.fromScale(zoom, zoom), 1.0)
    middle = (line.x[1:] + line.x[:-1]) / 2, (line.y[1:] + line.y[:-1]) / 2
    radius = np.hypot(line.x[0] - 1200.0 * zoom, line.y[0] - 1300.0 * zoom)
    away = np.abs(np.hypot(middle[0] - 1200.0 * zoom, middle[1] - 1300.0 * zoom) - radius)
    assert away.max() < (0.15 if zoom < 10 else 1.0)
    assert zoom > 10 or len(line.x) < len(ring.x)


def test_rings_are_quick_while_a_center_is_dragged_and_careful_afterwards(opened, nxmx_file):
    opened.open(nxmx_file)
    qtbot = opened.qtbot
    opened.session.rings.choose(resolution=True, ice=True)
    rings = opened.window.image.overlays.rings
    qtbot.waitUntil(lambda: not rings.moving, timeout=10_000)
    origin = opened.session.best
    x, y = origin.center_px
    opened.session.user_centers.drag(origin, (x + 5.0, y))
    assert rings.moving
    opened.window.image.canvas.grab()
    opened.session.user_centers.drop()
    qtbot.waitUntil(lambda: not rings.moving, timeout=10_000)


def _all_rings():
    rings = Rings()
    rings.choose(resolution=True, ice=True)
    return rings.on(FLAT, SHAPE)
