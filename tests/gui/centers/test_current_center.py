"""One center is current: the answer at first, then what was clicked; frames, files and undo take it back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def on_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    return opened


def click_row(opened, source: str) -> None:
    table = opened.window.centers.table
    row = [one.estimate.source for one in opened.window.centers.model.rows].index(source)
    place = table.visualRect(opened.window.centers.model.index(row, 1)).center()
    opened.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def selected(opened) -> str:
    center = opened.window.centers.table.selected
    return center.estimate.source if center else ""


def test_the_answer_is_current_at_first_and_named(on_frame):
    current = on_frame.session.current_center
    assert (current.source, current.is_answer) == ("fit", True)
    assert selected(on_frame) == "fit"
    assert on_frame.window.actions_by_name["accept"].text() == "Accept Fit"


def test_a_clicked_row_is_what_rings_profile_copy_and_accept_are_about(on_frame):
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_G)
    on_frame.window.actions_by_name["radial_profile"].trigger()
    before = on_frame.window.image.overlays._drawn[0]
    click_row(on_frame, "header")
    current = on_frame.session.current_center
    assert current.source == "header" and not current.is_answer
    assert before.center_px == (210.25, 140.5)
    assert on_frame.window.image.overlays._drawn[0].center_px == (205.0, 150.0), "the rings are Header's"
    assert "Header" in on_frame.window.image_tools.radial_profile.about.text()
    assert on_frame.window.actions_by_name["accept"].text() == "Accept Header"
    assert on_frame.window.centers.current().name == "Header"


def test_undo_brings_the_choice_back_and_never_a_neighboring_row(on_frame):
    """Drag Fit, F, Ctrl+Z twice, Ctrl+Return: what is accepted is Fit, not the row that slid up."""
    session, qtbot = on_frame.session, on_frame.qtbot
    session.external.set_hidden("background", False)
    session.user_centers.drag(session.best, (220.25, 140.5))
    session.user_centers.drop()
    assert selected(on_frame) == "manual"
    qtbot.keyClick(on_frame.window, Qt.Key.Key_F)
    on_frame.settle()
    for _ in range(2):
        qtbot.keyClick(on_frame.window, Qt.Key.Key_Z, CTRL)
        on_frame.settle()
    assert session.user_centers.current.empty
    assert (session.current_center.source, selected(on_frame)) == ("fit", "fit")
    qtbot.keyClick(on_frame.window, Qt.Key.Key_Return, CTRL)
    assert session.user_centers.current.accepted.center_px == (210.25, 140.5)


def test_undo_of_a_nudge_takes_the_choice_back_too(on_frame):
    click_row(on_frame, "header")
    on_frame.window.center_tools.hand.nudge((1.0, 0.0))
    assert on_frame.session.current_center.source == "manual"
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Z, CTRL)
    assert on_frame.session.current_center.source == "header"


def test_another_frame_and_another_file_begin_with_their_answer(on_frame, bare_file):
    click_row(on_frame, "header")
    on_frame.step(1)
    assert on_frame.session.current_center.source == "fit" and selected(on_frame) == "fit"
    click_row(on_frame, "header")
    on_frame.open(bare_file)
    assert on_frame.session.current_center.source == "fit"


def test_history_ends_with_the_file(on_frame, bare_file):
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Return, CTRL)
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Z, CTRL)
    assert on_frame.window.actions_by_name["redo"].isEnabled()
    on_frame.open(bare_file)
    assert not on_frame.window.actions_by_name["redo"].isEnabled()
    assert not on_frame.window.actions_by_name["undo"].isEnabled()


def test_undo_on_another_frame_shows_that_frame_first(on_frame):
    click_row(on_frame, "header")
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Return, CTRL)
    on_frame.step(2)
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Z, CTRL)
    on_frame.settle()
    assert on_frame.session.index == 0, "nothing is taken back unseen"
    assert on_frame.session.user_centers.current.accepted is None
    assert on_frame.session.current_center.source == "header"


def box(opened) -> QMessageBox:
    return next(one for one in opened.window.findChildren(QMessageBox) if one.isVisible())


@pytest.mark.parametrize("sure", [False, True])
def test_an_uncertain_center_is_accepted_beside_a_trusted_one_only_when_confirmed(on_frame, sure):
    click_row(on_frame, "network")
    on_frame.qtbot.keyClick(on_frame.window, Qt.Key.Key_Return, CTRL)
    assert on_frame.session.user_centers.current.empty, "it asks first"
    question = box(on_frame)
    assert "Network is uncertain, and Fit is trusted" in question.text()
    button = next(
        one
        for one in question.buttons()
        if one.text().replace("&", "") == ("Accept Network" if sure else "Cancel")
    )
    on_frame.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    accepted = on_frame.session.user_centers.current.accepted
    assert (accepted.center_px if accepted else None) == ((213.25, 136.5) if sure else None)


def test_a_drag_step_computes_the_key_once(on_frame, monkeypatch):
    session, calls = on_frame.session, []
    made = type(session).key_for
    monkeypatch.setattr(
        type(session), "key_for", lambda self, index: calls.append(index) or made(self, index)
    )
    for step in range(10):
        session.user_centers.drag(session.best, (220.0 + step, 140.0))
    assert len(calls) == 10
    session.user_centers.cancel_drag()
