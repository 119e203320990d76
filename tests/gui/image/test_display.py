"""Scale, colors and contrast, as state and as the user drives them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from xgeom_gui.image.color_maps import look_up_table, shades, special_colors
from xgeom_gui.services.coding import MASKED, SATURATED, SPECIAL, Coding
from xgeom_gui.services.contrast import SCALES, stretch
from xgeom_gui.services.picture import make_picture
from xgeom_gui.state.display import COLOR_MAPS, Display


def lightness(pixels):
    rgb = np.stack([(pixels >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(float)
    return rgb @ [0.2126, 0.7152, 0.0722]


@pytest.fixture
def panel(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["display"].trigger()
    opened.qtbot.waitUntil(opened.window.image_tools.display.isVisible)
    return opened.window.image_tools.display


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_runs_from_0_to_1_and_rises(scale):
    place = stretch(np.linspace(-5, 3000, 400), (10.0, 2000.0), scale)
    assert place[0] == 0 and place[-1] == pytest.approx(1)
    assert (np.diff(place) >= 0).all()
    low, high = stretch(np.array([30.0, 1000.0]), (10.0, 2000.0), scale)
    assert 0 < low < high < 1


def test_other_scales_bring_out_weak_counts():
    weak = {scale: stretch(np.array([30.0]), (10.0, 2000.0), scale)[0] for scale in SCALES}
    assert weak["linear"] < weak["sqrt"] < weak["log"] and weak["linear"] < weak["asinh"]


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_lightness_rises_along_every_map(name):
    assert (np.diff(lightness(shades(name, False))) > -2.0).all()
    assert (shades(name, True) == shades(name, False)[::-1]).all()


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_no_special_color_can_be_taken_for_counts(name):
    display = Display()
    display.set_colors(name, False)
    table = look_up_table(display, Coding(), 0)
    assert len(set(table[list(SPECIAL)].tolist())) == len(SPECIAL)
    counts = shades(name, False)
    rgb = np.stack([(counts >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(int)
    for color in special_colors(name).values():
        value = int(color[1:], 16)
        there = np.array([value >> 16, value >> 8 & 255, value & 255])
        assert np.abs(rgb - there).sum(axis=1).min() > 25, color


def test_inverted_grey_draws_many_counts_black(make_frame):
    display = Display()
    picture = make_picture(make_frame())
    display.follow(picture, True)
    table = look_up_table(display, picture.coding, 0)
    assert table[0] == 0xFFFFFFFF and table[60_000] == 0xFF000000
    assert table[MASKED] != table[SATURATED]


def test_contrast_stays_while_frames_resemble_and_follows_when_not(make_frame):
    display = Display()
    frame = make_frame()
    display.follow(make_picture(frame), True)
    first = display.levels(0)
    display.follow(make_picture(make_frame(3)), False)
    assert display.levels(0) is first
    bright = type(frame)(frame.data * 10, frame.valid, frame.saturated)
    display.follow(make_picture(bright), False)
    assert display.levels(0)[1] > 5 * first[1]


def test_another_file_ends_a_fixed_contrast(make_frame):
    display = Display()
    display.follow(make_picture(make_frame()), True)
    display.set_levels(0, 7)
    display.follow(make_picture(make_frame(1)), False)
    assert display.levels(3) == (0, 7)
    display.follow(make_picture(make_frame(2)), True)
    assert display.automatic


def test_the_state_survives_and_nonsense_is_left_out():
    first, second = Display(), Display()
    first.set_scale("asinh")
    first.set_percentiles(2.0, 98.0)
    first.set_colors("magma", False)
    first.set_levels(3.0, 90.0)
    second.restore(first.state())
    assert second.state() == first.state()
    second.restore({"scale": "cubic", "color_map": 7, "percentiles": {"log": "x"}, "levels": [5, 1]})
    assert second.scale == "asinh" and second.color_map == "magma" and second.automatic


def test_the_panel_changes_scale_and_colors(opened, panel):
    panel.scale.setCurrentIndex(SCALES.index("asinh"))
    panel.scale.activated.emit(SCALES.index("asinh"))
    assert opened.session.display.scale == "asinh"
    panel.colors.activated.emit(COLOR_MAPS.index("viridis"))
    assert (opened.session.display.color_map, opened.session.display.inverted) == ("viridis", False)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_I)
    assert opened.session.display.inverted and panel.inverted.isChecked()


def test_dragging_a_handle_fixes_the_contrast_and_double_click_frees_it(opened, panel):
    slider, display = panel.histogram, opened.session.display
    low, high = display.levels(opened.window.image.picture.number)
    start = QPoint(round(slider.x_of(high)), 40)
    target = QPoint(start.x() + 40, 40)
    opened.qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    opened.qtbot.mouseMove(slider, target)
    opened.qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=target)
    assert not display.automatic and display.levels(0)[0] == low
    assert display.levels(0)[1] == pytest.approx(slider.counts_at(target.x()))
    assert display.levels(0)[1] > high
    opened.qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(start.x() - 20, 40))
    assert display.automatic


def test_the_keyboard_moves_the_handles_and_not_the_frames(opened, panel):
    slider, display = panel.histogram, opened.session.display
    slider.setFocus()
    _, high = slider.levels
    opened.qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert display.levels(0)[1] < high and opened.session.index == 0
    low = slider.levels[0]
    opened.qtbot.keyClick(slider, Qt.Key.Key_Down)
    opened.qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert display.levels(0)[0] > low


def test_numbers_typed_in_set_contrast_and_percentiles(opened, panel):
    panel.low.setValue(5)
    panel.high.setValue(75)
    assert opened.session.display.levels(2) == (5, 75)
    panel.high_percent.setValue(90)
    assert opened.session.display.automatic and opened.session.display.percentiles == (1.0, 90.0)


def test_the_legends_name_what_is_there(opened, panel):
    assert opened.window.image.overlays.legend.words == ["gap", "saturated", "hot?"]
    texts = [widget.text() for widget in panel._swatches if widget.text()]
    assert "Gap between modules" in texts and "Masked by you" not in texts


def test_the_look_is_kept_for_the_next_start_but_not_fixed_counts(opened, panel):
    opened.session.display.set_scale("sqrt")
    opened.session.display.set_levels(0, 9)
    kept = opened.window._settings.display
    assert kept["scale"] == "sqrt" and kept["levels"] is None


def test_only_what_is_in_sight_is_colored(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    image.zoom_to((60, 50), 12)
    opened.qtbot.wait(20)
    assert image.picture.factor == 1
    opened.session.display.set_scale("sqrt")
    assert image.picture.item.image.width() < 100
    before = image.picture.item.image.cacheKey()
    image.box.translateBy((1, 0))
    opened.qtbot.wait(20)
    assert image.picture.item.image.cacheKey() == before, "a small move needs no new image"
    image.box.translateBy((60, 0))
    opened.qtbot.wait(20)
    assert image.picture.item.image.cacheKey() != before
