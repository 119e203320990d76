"""Docks stay where they were put, from one window to the next; the table of centers shows whole names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QRectF, QSettings, Qt
from PySide6.QtWidgets import QDockWidget

from xgeom_core.estimate import Estimate
from xgeom_gui.app.launch import make_window
from xgeom_gui.state.settings import Settings


@pytest.fixture
def window_of(qtbot, tmp_path, predictor):
    """Opens a window upon the same stored preferences each time; closes what was opened."""
    windows = []

    def make():
        store = QSettings(str(tmp_path / "kept.ini"), QSettings.Format.IniFormat)
        store.setValue("training/run_root", str(tmp_path / "runs"))
        window, _, _ = make_window(Settings(store), load=predictor.load)
        window.show()
        qtbot.waitExposed(window)
        windows.append(window)
        return window

    def close(window):
        with qtbot.waitSignal(window.closed, timeout=60_000):
            window.close()
        windows.remove(window)
        window.deleteLater()
        qtbot.wait(1)

    yield make, close
    for window in list(windows):
        close(window)


def test_docks_are_where_they_were_left_and_can_be_put_back(window_of):
    make, close = window_of
    window = make()
    dock = window.file_tools.tree_dock
    at_first = window.dockWidgetArea(dock)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    dock.show()
    close(window)
    again = make()
    dock = again.file_tools.tree_dock
    assert again.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea and not dock.isHidden()
    again.actions_by_name["restore_layout"].trigger()
    assert again.dockWidgetArea(dock) == at_first and dock.isHidden()


def test_a_layout_that_cannot_be_used_is_ignored(window_of, tmp_path):
    make, _ = window_of
    store = QSettings(str(tmp_path / "kept.ini"), QSettings.Format.IniFormat)
    Settings(store).dock_layout = b"nonsense"
    store.sync()
    window = make()
    assert window.isVisible() and window.file_tools.tree_dock.isHidden()


def test_the_first_column_shows_whole_names(opened, nxmx_file, monkeypatch):
    answer = opened.predictor.predict

    def with_background(frame, **wishes):
        return replace(answer(frame, **wishes), background=Estimate("background", (215.0, 141.0)))

    monkeypatch.setattr(opened.predictor, "predict", with_background)
    opened.open(nxmx_file)
    table = opened.window.centers.table
    names = [row.estimate.source for row in opened.window.centers.model.rows]
    row = names.index("background")
    hint = table.sizeHintForIndex(table.model().index(row, 0)).width()
    assert table.columnWidth(0) >= hint + 4


def test_the_panel_folds_by_its_key_and_its_handle_and_gives_the_frame_its_room(opened, nxmx_file):
    opened.open(nxmx_file)
    window, image = opened.window, opened.window.image
    panel = window.findChild(QDockWidget, "panels")
    narrow = image.width()
    opened.qtbot.keyClick(window, Qt.Key.Key_F9)
    opened.qtbot.waitUntil(lambda: image.width() > narrow + 300)
    assert panel.isHidden() and not window.actions_by_name["panel"].isChecked()
    opened.qtbot.mouseClick(window.room.handle, Qt.MouseButton.LeftButton)
    opened.qtbot.waitUntil(lambda: image.width() == narrow)
    assert panel.isVisible() and window.actions_by_name["panel"].isChecked()


def test_the_panel_can_be_as_narrow_as_320_px(opened, nxmx_file):
    opened.open(nxmx_file)
    window = opened.window
    panel = window.findChild(QDockWidget, "panels")
    for tab in range(window.tabs.count()):
        window.tabs.setCurrentIndex(tab)
        window.resizeDocks([panel], [320], Qt.Orientation.Horizontal)
        opened.qtbot.waitUntil(lambda: panel.width() == 320)


def test_f11_shows_the_frame_alone_and_brings_everything_back(opened, nxmx_file):
    opened.open(nxmx_file)
    window = opened.window
    window.actions_by_name["display"].trigger()
    parts = [window.findChild(QDockWidget, name) for name in ("panels", "display")]
    parts += [window.statusBar(), window.room.handle]
    before = [part.isVisible() for part in parts]
    assert all(before)
    opened.qtbot.keyClick(window, Qt.Key.Key_F11)
    opened.qtbot.waitUntil(lambda: not any(part.isVisible() for part in parts))
    image = window.image
    opened.qtbot.waitUntil(lambda: image.width() >= window.width() - 2)
    opened.qtbot.waitUntil(lambda: image.height() >= window.height() - 2)
    opened.qtbot.keyClick(window, Qt.Key.Key_F11)
    opened.qtbot.waitUntil(lambda: all(part.isVisible() for part in parts))
    assert not window.isFullScreen()


def test_docks_and_a_folded_panel_leave_a_whole_frame_whole(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    height, width = opened.session.frame.shape

    def fits():
        seen = image.box.viewRect()
        shown = QRectF(0, 0, width, height)
        wide, high = seen.width() / width, seen.height() / height
        return seen.contains(shown) and 1.03 < min(wide, high) < 1.05

    for name in ("panel", "line_profile", "display", "line_profile", "panel", "turn_left", "display"):
        before = image.size()
        opened.window.actions_by_name[name].trigger()
        opened.qtbot.waitUntil(lambda old=before, one=name: one == "turn_left" or image.size() != old)
        opened.qtbot.waitUntil(fits, timeout=2000)


def test_the_legend_folds_and_stays_folded(opened, nxmx_file):
    opened.open(nxmx_file)
    legend = opened.window.image.legend
    assert legend.isVisible()
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    opened.step(1)
    assert not legend.isVisible()
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert legend.isVisible()
