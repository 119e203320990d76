"""Docks stay where they were put, from one window to the next; the table of centers shows whole names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSettings, Qt

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
