"""Small things that a careful eye sees: lists, ticks, long names, thresholds, values of rings."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from xgeom_core.geometry import Geometry
from xgeom_gui.look.theme import THEME
from xgeom_gui.state.rings import NICE_A, round_resolutions


def grays(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : image.width()].astype(int)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_row_under_the_mouse_of_a_list_can_be_read(opened, nxmx_file, theme):
    opened.open(nxmx_file)
    before = THEME.choice
    THEME.choose(theme)
    try:
        opened.window.actions_by_name["display"].trigger()
        combo = opened.window.image_tools.display.findChild(QComboBox)
        combo.showPopup()
        view = combo.view()
        row = view.visualRect(combo.model().index(1, 0))
        QTest.mouseMove(view.viewport(), row.center())
        QApplication.processEvents()
        shown = grays(view.viewport())[row.top() : row.bottom(), row.left() : row.right()]
        combo.hidePopup()
        ground = np.median(shown)
        assert np.abs(shown - ground).max() > 90
    finally:
        THEME.choose(before)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ticks_of_a_menu_are_whole_and_tell_on_from_off(opened, nxmx_file, theme):
    opened.open(nxmx_file)
    before = THEME.choice
    THEME.choose(theme)
    try:
        menu, action = opened.window.view_menu.menu, opened.window.actions_by_name["log"]
        sizes = []
        for on in (False, True):
            action.setChecked(on)
            menu.popup(QPoint(0, 0))
            box = menu.actionGeometry(action)
            square = grays(menu)[box.top() : box.bottom() + 1, box.left() + 2 : box.left() + 28]
            paper = np.median(square)
            inked = np.abs(square - paper) > 20
            rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
            sizes.append((np.ptp(rows) + 1, np.ptp(columns) + 1, inked.sum()))
            menu.hide()
        (high, wide, off), (_, _, on) = sizes
        assert 12 <= high <= 17 and 12 <= wide <= 17
        assert on > 2 * off
    finally:
        THEME.choose(before)


def test_automatic_contrast_is_ticked_while_it_is_on(opened, nxmx_file):
    opened.open(nxmx_file)
    action, display = opened.window.actions_by_name["auto_contrast"], opened.session.display
    assert action.isChecked()
    display.set_levels(1.0, 50.0)
    assert not action.isChecked()
    action.trigger()
    assert display.automatic and action.isChecked()
    action.trigger()
    assert display.automatic and action.isChecked()


def test_a_threshold_nobody_typed_masks_nothing_good(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["mask"].trigger()
    panel = opened.window.image_tools.mask
    assert panel.threshold.value() == pytest.approx(opened.session.metadata.saturation or 5000.0)
    opened.qtbot.mouseClick(panel.apply_threshold, Qt.MouseButton.LeftButton)
    opened.settle()
    assert opened.session.masks.current is None
    panel.threshold.setValue(4000.0)
    opened.step(1)
    assert panel.threshold.value() == 4000.0


def test_rings_keep_their_values_while_the_center_moves_and_the_tilt_becomes_known():
    geometry = Geometry((1200.0, 1300.0), 300.0, (0.172, 0.172), 0.98)
    chosen = round_resolutions(geometry, (2527, 2463))
    for x, y, pitch, yaw in (
        (1150, 1250, 0, 0),
        (1262, 1292, 1.5, -2),
        (900, 1500, 0, 0),
        (1200, 1300, 5, 8),
    ):
        moved = replace(geometry, center_px=(x, y), pitch_deg=pitch, yaw_deg=yaw)
        other = round_resolutions(moved, (2527, 2463))
        shared = min(len(chosen), len(other))
        assert shared >= 4 and other[:shared] == chosen[:shared]
    assert set(chosen) <= set(NICE_A)


def test_a_long_name_makes_no_window_wider(opened, nxmx_file, tmp_path):
    long = tmp_path / ("thaumatin_" * 20 + "0001.h5")
    shutil.copy(nxmx_file, long)
    opened.open(long)
    opened.window.actions_by_name["tree"].trigger()
    opened.window.actions_by_name["mask"].trigger()
    QApplication.processEvents()
    assert opened.window.minimumSizeHint().width() <= 1366
    assert opened.window.width() == 1366
    assert opened.window.findChild(QWidget, "panels").geometry().right() <= 1366


def test_ctrl_b_opens_the_run_and_once_more_predicts_it(opened, nxmx_file):
    opened.open(nxmx_file)
    panel, batch = opened.window.run_tools.panel, opened.session.batch
    control = Qt.KeyboardModifier.ControlModifier
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_B, control)
    assert panel.isVisible() and not batch.running and batch.done == 0
    assert not panel.plots.isVisible()
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_B, control)
    assert batch.running and panel.isVisible()
    opened.qtbot.waitUntil(lambda: not batch.running, timeout=30_000)
    assert batch.done == 5 and panel.plots.isVisible()
