"""Centers moved by hand: dragging, nudging, accepting, fitting from here, undo; the loupe."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from xgeom_gui.state.undo import History
from xgeom_gui.state.user_centers import UserCenters
from xgeom_gui.state.user_words import FrameId


def viewport(opened):
    return opened.window.image.box.scene().views()[0].viewport()


def place(opened, point):
    """Where a native point lies on the viewport, to a whole pixel."""
    view = opened.window.image.box.scene().views()[0]
    return view.mapFromScene(opened.window.image.box.mapViewToScene(QPointF(*point)))


def drag(opened, start, by):
    begin = place(opened, start)
    end = begin + QPoint(*by)
    port, qtbot = viewport(opened), opened.qtbot
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=begin)
    for part in (0.3, 0.7, 1.0):
        qtbot.mouseMove(port, begin + QPoint(round(by[0] * part), round(by[1] * part)))
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=end)


def manual(opened):
    found = opened.session.user_centers.current.manual
    return found.center_px if found else None


@pytest.fixture
def on_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.image.zoom_to((207.0, 145.0), 15)
    opened.qtbot.wait(50)
    return opened


def test_dragging_a_center_makes_ones_own_and_leaves_the_source(on_frame):
    scale = 1 / on_frame.window.image.box.viewPixelSize()[0]
    drag(on_frame, (210.25, 140.5), (round(4 * scale), round(-2 * scale)))
    x, y = manual(on_frame)
    assert x == pytest.approx(214.25, abs=0.1) and y == pytest.approx(138.5, abs=0.1)
    marks = on_frame.window.image.marks
    assert {"header", "network", "fit", "manual"} == set(marks)
    assert (marks["fit"].pos().x(), marks["fit"].pos().y()) == (210.25, 140.5)
    assert on_frame.session.current_center.geometry.center_px == (x, y), "rings follow the hand"
    assert on_frame.session.current_center.geometry.pitch_deg == 0.41, "the tilt is that of the center taken"
    assert on_frame.session.current_center.source == "manual"


def test_a_drag_is_one_step_of_undo_and_comes_back_with_redo(on_frame):
    qtbot, window = on_frame.qtbot, on_frame.window
    drag(on_frame, (210.25, 140.5), (60, 30))
    moved = manual(on_frame)
    drag(on_frame, moved, (-40, 20))
    again = manual(on_frame)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert manual(on_frame) == moved
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert manual(on_frame) is None and "manual" not in window.image.marks
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for _ in range(2):
        qtbot.keyClick(window, Qt.Key.Key_Z, modifiers)
    assert manual(on_frame) == again


def test_escape_takes_a_drag_back(on_frame):
    port, qtbot = viewport(on_frame), on_frame.qtbot
    begin = place(on_frame, (210.25, 140.5))
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=begin)
    qtbot.mouseMove(port, begin + QPoint(50, 0))
    assert manual(on_frame) is not None
    qtbot.keyClick(on_frame.window.image, Qt.Key.Key_Escape)
    assert manual(on_frame) is None and not on_frame.session.history.canUndo()
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=begin + QPoint(50, 0))
    assert manual(on_frame) is None


@pytest.mark.parametrize(
    ("modifier", "step"),
    [
        (Qt.KeyboardModifier.NoModifier, 0.1),
        (Qt.KeyboardModifier.ShiftModifier, 1.0),
        (Qt.KeyboardModifier.ControlModifier, 10.0),
    ],
)
def test_arrows_nudge_the_center_that_is_held(on_frame, modifier, step):
    qtbot, image = on_frame.qtbot, on_frame.window.image
    qtbot.mouseClick(viewport(on_frame), Qt.MouseButton.LeftButton, pos=place(on_frame, (205.0, 150.0)))
    assert on_frame.session.current_center.source == "header" and manual(on_frame) is None
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(image, key, modifier)
    assert manual(on_frame) == pytest.approx((205.0 + 2 * step, 150.0 + step))
    assert on_frame.session.index == 0, "the arrow did not step the frame"
    on_frame.session.history.undo()
    assert manual(on_frame) is None, "many nudges are undone as one"


def test_without_a_center_in_hand_the_arrows_step_frames(on_frame):
    qtbot, image = on_frame.qtbot, on_frame.window.image
    qtbot.mouseClick(viewport(on_frame), Qt.MouseButton.LeftButton, pos=place(on_frame, (205.0, 150.0)))
    assert on_frame.window.center_tools.hand.halo.isVisible()
    qtbot.keyClick(image, Qt.Key.Key_Escape)
    assert not on_frame.window.center_tools.hand.halo.isVisible()
    qtbot.keyClick(image, Qt.Key.Key_Right)
    on_frame.settle()
    assert on_frame.session.index == 1


def test_another_frame_lets_go_and_keeps_what_was_said(on_frame):
    drag(on_frame, (210.25, 140.5), (60, 30))
    moved = manual(on_frame)
    on_frame.step(1)
    assert manual(on_frame) is None and not on_frame.window.center_tools.hand.holding
    on_frame.step(-1)
    assert manual(on_frame) == moved


def test_a_row_of_the_table_can_be_taken_by_the_keyboard(on_frame):
    table, qtbot = on_frame.window.centers.table, on_frame.qtbot
    table.setFocus()
    table.select("header")
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert on_frame.window.center_tools.hand.holding
    qtbot.keyClick(on_frame.window.image, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert manual(on_frame) == pytest.approx((205.0, 149.0))
    assert table.selected.estimate.source == "manual", "the table follows"


def test_accepting_settles_the_center_by_hand(on_frame):
    drag(on_frame, (210.25, 140.5), (60, 30))
    moved = manual(on_frame)
    on_frame.window.actions_by_name["accept"].trigger()
    accepted = on_frame.session.user_centers.current.accepted
    assert accepted.center_px == moved and accepted.source == "accepted"
    assert manual(on_frame) is None
    frame = FrameId(on_frame.session.source.path, on_frame.session.source.dataset, 0)
    assert on_frame.session.user_centers.accepted == {frame: accepted}
    on_frame.session.history.undo()
    assert manual(on_frame) == moved and on_frame.session.user_centers.current.accepted is None


def test_fit_from_here_starts_at_the_selected_center_and_reset_forgets_it(on_frame):
    drag(on_frame, (210.25, 140.5), (60, 30))
    moved = manual(on_frame)
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_F)
    on_frame.settle()
    assert on_frame.predictor.starts == [None, moved]
    assert on_frame.session.prediction is not None
    on_frame.window.actions_by_name["reset_center"].trigger()
    on_frame.settle()
    assert on_frame.session.user_centers.current.empty
    assert on_frame.predictor.starts == [None, moved], "the first answer is remembered"
    assert not on_frame.window.actions_by_name["reset_center"].isEnabled()


def test_the_loupe_blinks_between_two_centers(on_frame):
    loupe = on_frame.window.center_tools.loupe
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_B)
    assert loupe.isVisible()
    on_frame.session.current_center.choose("header")
    assert [one.estimate.source for one in loupe.pair] == ["fit", "header"]
    first = loupe.shown
    before = loupe.grab().toImage()
    loupe.blink()
    assert loupe.shown is not first and loupe.grab().toImage() != before
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_B)
    assert not loupe.isVisible() and not loupe._timer.isActive()


def test_the_loupe_shows_twenty_screen_pixels_a_pixel_about_the_center(on_frame):
    loupe = on_frame.window.center_tools.loupe
    on_frame.window.actions_by_name["blink"].setChecked(True)
    on_frame.session.user_centers.drag(on_frame.session.best, (60.5, 50.5))
    on_frame.session.user_centers.drop()
    while loupe.shown.estimate.source != "manual":
        loupe.blink()
    image = loupe.grab().toImage()
    grays = np.array([[image.pixelColor(x, 113).lightness() for x in range(95, 146)]])
    spot, beside = image.pixelColor(114, 113), image.pixelColor(114 + 13, 113 + 13)
    assert spot != beside and grays.size


def test_what_was_said_survives_a_session_file():
    history = History()
    user_centers = UserCenters(history)
    user_centers.show(FrameId("a.h5", "/data", 3))
    user_centers.restore(
        [
            {"path": "a.h5", "dataset": "/data", "index": 3, "accepted": {"center_px": [1.5, 2.5]}},
            {"path": "broken"},
        ]
    )
    assert user_centers.current.accepted.center_px == (1.5, 2.5)
    twin = UserCenters(History())
    twin.restore(user_centers.state())
    assert twin.of(FrameId("a.h5", "/data", 3)).accepted.center_px == (1.5, 2.5)
    assert len(twin.state()) == 1
