"""Painting masks, undoing, files, and that predictions leave masked pixels out."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath

from xgeom_gui.image.mask_painter import circle_region, stroke_region
from xgeom_gui.services.coding import PAINTED
from xgeom_gui.state.masks import MaskDesk


@pytest.fixture
def panel(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.actions_by_name["mask"].trigger()
    opened.qtbot.waitUntil(opened.window.image_tools.mask.isVisible)
    opened.qtbot.wait(30)
    return opened.window.image_tools.mask


def masked(opened):
    opened.settle()
    mask = opened.session.masks.current
    return set() if mask is None else set(zip(*np.nonzero(mask.pixels), strict=True))


def test_a_circle_masks_the_pixels_whose_centers_lie_within():
    region, (top, left) = circle_region((50.0, 40.0), 6.0)
    rows, columns = np.nonzero(region)
    found = set(zip((rows + top).tolist(), (columns + left).tolist(), strict=True))
    y, x = np.mgrid[:80, :80]
    wanted = set(zip(*np.nonzero((x + 0.5 - 50) ** 2 + (y + 0.5 - 40) ** 2 <= 36), strict=True))
    assert len(found ^ wanted) <= 0.06 * len(wanted), "but for pixels whose center lies on the rim"


def test_a_stroke_is_as_wide_as_the_brush():
    path = QPainterPath(QPointF(20.5, 30.5))
    path.lineTo(60.5, 30.5)
    region, (top, _) = stroke_region(path, 7)
    rows = np.nonzero(region[:, region.shape[1] // 2])[0] + top
    assert rows.tolist() == list(range(27, 34))


def test_a_mask_is_undone_and_redone_exactly():
    desk = MaskDesk()
    desk.show_detector("A", (40, 60))
    desk.paint(np.ones((5, 5), bool), (10, 10), True, "one")
    first = desk.pixels
    desk.paint(np.ones((9, 9), bool), (8, 12), False, "two")
    assert desk.pixels.sum() == 10
    desk.undo_stack.undo()
    assert (desk.pixels == first).all()
    desk.undo_stack.undo()
    assert desk.current is None
    desk.undo_stack.redo()
    assert (desk.pixels == first).all()


def test_each_detector_has_its_mask():
    desk = MaskDesk()
    desk.show_detector("A", (40, 60))
    desk.paint(np.ones((5, 5), bool), (-2, -2), True, "corner")
    assert desk.pixels.sum() == 9, "what lies beyond the image is left out"
    desk.show_detector("B", (40, 60))
    assert desk.current is None
    desk.undo_stack.undo()
    desk.show_detector("A", (40, 60))
    assert desk.current is None, "undo knows whose mask it was"


def test_a_step_that_changes_nothing_is_no_step():
    desk = MaskDesk()
    desk.show_detector("A", (40, 60))
    desk.paint(np.ones((5, 5), bool), (0, 0), False, "unmask nothing")
    assert desk.undo_stack.count() == 0


def test_a_rectangle_is_painted_shown_predicted_without_and_undone(opened, panel, drag):
    panel.tools["rectangle"].click()
    drag(opened, (100, 150), (140, 180))
    found = masked(opened)
    rows, columns = ({place[i] for place in found} for i in (0, 1))
    assert min(rows) == pytest.approx(150, abs=1) and max(rows) == pytest.approx(179, abs=1)
    assert min(columns) == pytest.approx(100, abs=1) and max(columns) == pytest.approx(139, abs=1)
    assert opened.session.picture.levels[0].codes[165, 120] == PAINTED
    assert not opened.session.frame.valid[165, 120] and opened.session.frame.data[165, 120] == 0
    opened.qtbot.waitUntil(lambda: len(opened.predictor.seen) == 2)
    assert not opened.predictor.seen[-1].valid[165, 120]
    panel.buttons["Undo"].click()
    assert masked(opened) == set()
    assert opened.session.frame.valid[165, 120] and opened.session.prediction is not None


def test_the_mask_is_kept_from_frame_to_frame(opened, panel):
    panel.numbers.setText("100, 200, 10")
    panel.numbers.returnPressed.emit()
    opened.settle()
    opened.step(1)
    assert opened.session.index == 1 and not opened.session.frame.valid[200, 100]


def test_alt_unmasks_with_the_brush_and_shift_still_zooms(opened, panel, drag):
    panel.numbers.setText("0, 0, 400, 300")
    panel.numbers.returnPressed.emit()
    opened.settle()
    panel.tools["brush"].click()
    panel.brush.setValue(11)
    drag(opened, (100, 200), (200, 200), Qt.KeyboardModifier.AltModifier)
    found = masked(opened)
    assert (200, 150) not in found and (190, 150) in found
    before = len(found)
    drag(opened, (100, 100), (200, 200), Qt.KeyboardModifier.ShiftModifier)
    assert len(masked(opened)) == before


def test_a_polygon_is_closed_by_return_and_forgotten_by_escape(opened, panel):
    painter, image = opened.window.image_tools.painter, opened.window.image
    panel.tools["polygon"].click()
    for place in ((10, 10), (60, 10), (60, 60)):
        painter.click(QPointF(*place), False, False)
    opened.window.activateWindow()
    image.setFocus()
    opened.qtbot.keyClick(image, Qt.Key.Key_Return)
    found = masked(opened)
    assert (20, 50) in found and (50, 20) not in found
    painter.click(QPointF(100, 100), False, False)
    opened.qtbot.keyClick(image, Qt.Key.Key_Escape)
    assert painter.tool == "none" and masked(opened) == found


def test_counts_beyond_a_threshold_are_masked(opened, panel):
    panel.threshold.setValue(1000)
    panel.apply_threshold.click()
    assert masked(opened) == {(50, 60)}
    panel.side.setCurrentIndex(1)
    panel.threshold.setValue(12)
    panel.apply_threshold.click()
    assert len(masked(opened)) > 100
    panel.buttons["Clear"].click()
    assert masked(opened) == set()


def test_nonsense_in_numbers_ends_in_a_sentence(opened, panel):
    panel.numbers.setText("here")
    panel.numbers.returnPressed.emit()
    assert "circle (x, y, radius)" in opened.window.messages.text


@pytest.mark.parametrize("name", ["mask.h5", "mask.npy", "mask.tif"])
def test_masks_are_saved_and_loaded(opened, panel, tmp_path, name):
    panel.numbers.setText("100, 200, 10")
    panel.numbers.returnPressed.emit()
    before = masked(opened)
    panel.save(str(tmp_path / name))
    opened.qtbot.waitUntil(lambda: name in opened.window.status.deed.text())
    panel.buttons["Clear"].click()
    panel.load(str(tmp_path / name))
    opened.qtbot.waitUntil(lambda: opened.session.masks.current is not None)
    assert masked(opened) == before


def test_a_mask_of_another_size_or_no_mask_ends_in_a_sentence(opened, panel, tmp_path):
    np.save(tmp_path / "small.npy", np.ones((3, 4), bool))
    panel.load(str(tmp_path / "small.npy"))
    opened.qtbot.waitUntil(lambda: "4 × 3 px" in opened.window.messages.text)
    (tmp_path / "bad.h5").write_text("no")
    panel.load(str(tmp_path / "bad.h5"))
    opened.qtbot.waitUntil(lambda: "bad.h5" in opened.window.messages.text)
    assert masked(opened) == set()


def test_hiding_the_panel_puts_the_tool_away(opened, panel, drag):
    panel.tools["brush"].click()
    opened.window.actions_by_name["mask"].trigger()
    assert opened.window.image_tools.painter.tool == "none"
    drag(opened, (100, 100), (150, 150))
    assert masked(opened) == set()


def test_every_control_says_what_it_is(opened, panel):
    for button in (*panel.tools.values(), *panel.buttons.values()):
        assert button.toolTip() and button.accessibleName()
    for widget in (panel.brush, panel.side, panel.threshold, panel.numbers):
        assert widget.toolTip() and widget.accessibleName()
