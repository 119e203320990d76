"""The answer card as a person uses it: read, choose, type, click, and get the keyboard back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication

from xgeom_core.estimate import Estimate
from xgeom_core.predict.candidate import Candidate
from xgeom_gui.centers.card import CENTER_PX, SPREAD_PX, VERDICT_PX


@pytest.fixture
def on_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    return opened


@pytest.fixture
def in_doubt(opened, nxmx_file, predictor, monkeypatch):
    """A frame whose answer is uncertain between two places."""
    known = predictor.predict

    def predict(frame, *more, **wishes):
        answer, reason = known(frame, *more, **wishes), "Another origin, 38%."
        best = Estimate("fit", (210.25, 140.5), None, np.eye(2) * 0.2, "uncertain", reason)
        places = (
            Candidate((210.25, 140.5), (0.4, 0.4), None, None, 0.61, ("lattice", "network")),
            Candidate((240.0, 160.0), (0.3, 0.2), (1.0, 2.0), (0.1, 0.1), 0.38, ("header", "lattice")),
        )
        return replace(
            answer,
            status="uncertain",
            reason=reason,
            best=best,
            fit=best,
            candidates=places,
            probability=0.61,
        )

    monkeypatch.setattr(predictor, "predict", predict)
    opened.open(nxmx_file)
    return opened


def card(opened):
    return opened.window.centers.card


def type_into(opened, field, text: str) -> None:
    field.setFocus()
    field.selectAll()
    opened.qtbot.keyClicks(field, text)


def viewport(opened):
    return opened.window.image.box.scene().views()[0].viewport()


def click(opened, point) -> None:
    view = opened.window.image.box.scene().views()[0]
    place = view.mapFromScene(opened.window.image.box.mapViewToScene(QPointF(*point)))
    opened.qtbot.mouseMove(viewport(opened), place)
    opened.qtbot.mouseClick(viewport(opened), Qt.MouseButton.LeftButton, pos=place)


def test_the_card_says_center_error_verdict_and_the_next_step(on_frame):
    said = card(on_frame)
    assert "210.25, 140.50" in said.center.text() and "±&nbsp;0.05&nbsp;px" in said.center.text()
    assert "tilt&nbsp;0.49°" in said.center.text()
    assert "Trusted: known to 0.05 px" in said.verdict.text()
    assert said.step_button.text() == "Copy for DIALS"
    on_frame.qtbot.mouseClick(said.step_button, Qt.MouseButton.LeftButton)
    assert "=" in QGuiApplication.clipboard().text()
    assert said.deed.text().startswith("Copied Fit (210.25, 140.50) as DIALS"), "said where one looks"


def test_the_sources_are_folded_and_the_choice_is_remembered(on_frame):
    fold, table = on_frame.window.centers.fold, on_frame.window.centers.table
    assert fold.text() == "Sources (3)" and table.isVisible()
    on_frame.qtbot.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert not table.isVisible() and not on_frame.window._settings.sources_shown


def test_the_name_of_the_current_center_stands_on_the_card(on_frame):
    acting = card(on_frame).acting
    assert acting.name.text() == "acting on: Fit" and not acting.back.isEnabled()
    on_frame.session.current_center.choose("header")
    assert acting.name.text() == "acting on: Header" and acting.field.text() == "205.00, 150.00"
    on_frame.qtbot.mouseClick(acting.back, Qt.MouseButton.LeftButton)
    assert acting.name.text() == "acting on: Fit"


def test_candidates_are_buttons_and_a_click_shows_their_rings(in_doubt):
    said, session = card(in_doubt), in_doubt.session
    assert "61% likely" in said.verdict.text() and "Another origin, 38%." in said.basis.text()
    shown = [button for button in said.candidates.buttons if button.isVisible()]
    assert [button.text()[:4] for button in shown] == ["61% ", "38% "]
    assert said.step_button.text() == "Look at the other origin"
    in_doubt.qtbot.mouseClick(shown[1], Qt.MouseButton.LeftButton)
    assert session.current_center.center.estimate.center_px == (240.0, 160.0)
    assert session.current_center.geometry.pitch_deg == 1.0
    assert in_doubt.window.image.overlays._drawn[0].center_px == (240.0, 160.0), "its rings are drawn"
    assert "Candidate 2" in in_doubt.window.image.marks
    assert said.step_button.text() == "Accept Candidate 2"
    in_doubt.qtbot.mouseClick(said.step_button, Qt.MouseButton.LeftButton)
    assert session.user_centers.current.accepted.center_px == (240.0, 160.0)
    assert session.current_center.source == "accepted"
    in_doubt.qtbot.keyClick(in_doubt.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.current_center.source == "Candidate 2"
    in_doubt.step(1)
    assert "Candidate 2" not in in_doubt.window.image.marks


def test_the_answer_stays_dimmed_until_the_next_is_there(on_frame):
    said, predictor = card(on_frame), on_frame.predictor
    predictor.delay_s = 0.5
    before = said.center.text(), said.height()
    on_frame.session.user_centers.start_from((200.0, 140.0))
    assert said.dimmed and (said.center.text(), said.height()) == before
    on_frame.settle()
    on_frame.qtbot.waitUntil(lambda: not said.dimmed)


def test_an_answer_of_another_file_does_not_stay(on_frame, bare_file):
    said = card(on_frame)
    on_frame.session.set_automatic(False)
    on_frame.open(bare_file)
    assert "210.25" not in said.center.text() and "Not predicted yet" in said.verdict.text()
    assert said.step_button.text() == "Find the center"


def test_three_values_typed_are_one_prediction_and_no_field_moves(opened, bare_file):
    opened.open(bare_file)
    fields = list(opened.window.experiment.fields.values())
    asked = len(opened.predictor.seen)
    places = [field.mapToGlobal(QPointF(0, 0)).y() for field in fields]
    fields[0].setFocus()
    for number, (field, text) in enumerate(zip(fields, ("200", "0.1", "1.0"), strict=True)):
        opened.qtbot.keyClicks(field, text)
        assert [one.mapToGlobal(QPointF(0, 0)).y() for one in fields] == places
        opened.qtbot.wait(200)
        assert len(opened.predictor.seen) == asked, "nothing is predicted while one types"
        opened.qtbot.keyClick(field, Qt.Key.Key_Tab if number < 2 else Qt.Key.Key_Return)
    opened.settle()
    opened.qtbot.waitUntil(lambda: len(opened.predictor.seen) > asked)
    opened.qtbot.wait(300)
    assert len(opened.predictor.seen) == asked + 1
    assert opened.session.metadata.missing == ()
    assert opened.window.image.hasFocus(), "letters are for the frame again"


def test_escape_gives_the_number_and_the_keyboard_back(on_frame):
    field = on_frame.window.experiment.fields["distance_mm"]
    type_into(on_frame, field, "999")
    on_frame.qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "200" and on_frame.session.metadata.distance_mm == 200.0
    assert on_frame.window.image.hasFocus()


def test_opening_a_file_gives_the_keyboard_to_the_frame(on_frame, bare_file):
    on_frame.window.experiment.fields["wavelength_A"].setFocus()
    on_frame.open(bare_file)
    assert on_frame.window.image.hasFocus()


def test_a_center_is_put_by_typing(on_frame):
    field = card(on_frame).acting.field
    type_into(on_frame, field, "212.5 143")
    on_frame.qtbot.keyClick(field, Qt.Key.Key_Return)
    session = on_frame.session
    assert session.user_centers.current.manual.center_px == (212.5, 143.0)
    assert session.current_center.source == "manual" and on_frame.window.image.hasFocus()
    assert session.current_center.geometry.pitch_deg == 0.41, "with the tilt of the center that was current"
    type_into(on_frame, field, "somewhere")
    on_frame.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "two numbers" in on_frame.window.messages.text
    on_frame.qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "212.50, 143.00"


def test_a_center_is_put_under_the_pointer(on_frame):
    on_frame.session.set_cursor((100.5, 120.25))
    # A menu takes the pointer away from the image.
    on_frame.session.set_cursor(None)
    on_frame.window.actions_by_name["center_here"].trigger()
    assert on_frame.session.current_center.center.estimate.center_px == (100.5, 120.25)


def test_three_clicks_on_a_ring_put_its_middle(on_frame):
    on_frame.window.image.setFocus()
    on_frame.qtbot.keyClick(on_frame.window.image, Qt.Key.Key_O)
    for angle in (10, 130, 250):
        x, y = 200 + 80 * np.cos(np.radians(angle)), 150 + 80 * np.sin(np.radians(angle))
        click(on_frame, (x, y))
    found = on_frame.session.user_centers.current.manual
    # Clicks fall on whole pixels of the screen.
    pixel = max(on_frame.window.image.box.viewPixelSize())
    assert np.hypot(found.center_px[0] - 200, found.center_px[1] - 150) < 1.5 * pixel
    assert found.tilt_deg is None
    assert not on_frame.window.actions_by_name["center_from_ring"].isChecked()


def test_escape_ends_the_clicks_on_a_ring(on_frame):
    action = on_frame.window.actions_by_name["center_from_ring"]
    action.trigger()
    on_frame.qtbot.keyClick(on_frame.window.image, Qt.Key.Key_Escape)
    assert not action.isChecked() and on_frame.session.user_centers.current.empty


@pytest.mark.parametrize(
    ("variant", "evidence"),
    [("background", ("background",)), ("spots", ("lattice",)), ("binary", ("lattice",))],
)
def test_a_part_of_a_frame_is_asked_for_its_own_kind_of_evidence(on_frame, variant, evidence):
    button = on_frame.window.center_tools.variants.buttons[variant]
    on_frame.window.actions_by_name["why"].trigger()
    on_frame.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    on_frame.settle()
    on_frame.qtbot.waitUntil(lambda: on_frame.predictor.used[-1] == evidence)
    on_frame.window.actions_by_name["why"].trigger()
    banner = card(on_frame).part
    assert banner.isVisible() and banner.name.text().startswith("Answer of a part: ")
    on_frame.qtbot.mouseClick(banner.back, Qt.MouseButton.LeftButton)
    assert on_frame.session.variant == "measured" and not banner.isVisible()


def test_another_model_is_named_with_the_way_back(on_frame):
    banner = card(on_frame).model
    assert not banner.isVisible()
    on_frame.session.use_model("/runs/tiny1/best.safetensors")
    assert banner.isVisible() and banner.name.text() == "Model that answers: tiny1"
    on_frame.qtbot.mouseClick(banner.back, Qt.MouseButton.LeftButton)
    assert on_frame.session.model.name == "default" and not banner.isVisible()


def test_center_error_and_verdict_can_be_read_at_a_quarter_of_the_size(on_frame):
    """In a picture at 25% five pixels of height can be read, if ink and ground differ enough."""
    assert min(CENTER_PX, SPREAD_PX, VERDICT_PX) / 4 >= 5
    picture = card(on_frame).grab().toImage()
    small = picture.scaledToWidth(picture.width() // 4, Qt.TransformationMode.SmoothTransformation)
    for label in (card(on_frame).center, card(on_frame).verdict):
        corner = label.mapTo(card(on_frame), label.rect().topLeft())
        rows = range(corner.y() // 4, (corner.y() + label.height()) // 4)
        columns = range(corner.x() // 4, (corner.x() + label.width()) // 4)
        lightness = [[small.pixelColor(x, y).lightness() for x in columns] for y in rows]
        inked = [max(row) - min(row) > 80 for row in lightness]
        assert sum(inked) >= 4, "rows of pixels with ink that stands out of its ground"
