"""The window: opening, stepping, marks, table, read-out, messages."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QThread, QTimer, QUrl
from PySide6.QtGui import QDropEvent

from xgeom_core.errors import ModelError
from xgeom_core.geometry import Geometry
from xgeom_gui.image.color_maps import special_colors
from xgeom_gui.services.coding import HOT
from xgeom_gui.services.predictor import Experiment


def cells(window, row):
    model = window.centers.model
    return [model.data(model.index(row, column)) for column in range(model.columnCount())]


def test_an_empty_window_says_what_to_do(opened):
    assert opened.window.pages.currentIndex() == 0
    assert not opened.window.actions_by_name["predict"].isEnabled()


def test_a_file_opens_and_is_predicted(opened, nxmx_file):
    opened.open(nxmx_file)
    assert opened.session.frame.index == 0
    assert opened.window.status.answer.text() == "fit: center (210.25, 140.50) ± 0.05 px"
    assert "frames.h5" in opened.window.windowTitle()
    assert opened.window.pages.currentIndex() == 1


def test_stepping_shows_each_frames_answer(opened, nxmx_file):
    opened.open(nxmx_file)
    for index in (1, 2):
        opened.qtbot.keyClick(opened.window, Qt.Key.Key_Right)
        opened.settle()
        assert opened.session.index == index
        assert cells(opened.window, 2)[1] == f"{210.25 + index:.2f}"
    opened.step(-2)
    opened.step(-1)
    assert opened.session.index == 0, "there is no frame before the first"


def test_going_back_to_a_frame_does_not_predict_again(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.step(1)
    opened.step(-1)
    assert opened.session.prediction is not None
    assert [frame.index for frame in opened.predictor.seen] == [0, 1]


def test_reload_reads_and_predicts_again(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.session.reload()
    opened.settle()
    assert len(opened.predictor.seen) == 2


def test_answers_of_frames_no_longer_shown_are_dropped(opened, nxmx_file):
    opened.predictor.delay_s = 0.4
    opened.window.open(str(nxmx_file))
    opened.qtbot.waitUntil(lambda: len(opened.predictor.seen) == 1, timeout=10_000)
    for index in (1, 2, 3, 4):
        opened.session.show_index(index)
    opened.settle()
    assert opened.session.index == 4
    assert opened.session.best.center_px[0] == 214.25
    assert [frame.index for frame in opened.predictor.seen] == [0, 4], "frames passed over are not predicted"


def test_a_late_answer_does_not_displace_the_present_one(opened, nxmx_file):
    opened.open(nxmx_file)
    key, prediction = opened.session.prediction_key, opened.session.prediction
    opened.step(1)
    opened.session.set_prediction(key, prediction)
    assert opened.session.best.center_px[0] == 211.25


def test_slow_predictions_do_not_stall_the_window(opened, nxmx_file):
    opened.predictor.delay_s = 1.5
    ticks = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start()
    opened.window.open(str(nxmx_file))
    opened.settle()
    timer.stop()
    assert opened.session.prediction is not None
    stall = max(later - earlier for earlier, later in pairwise(ticks))
    assert stall < 0.4, f"the window stood still for {stall:.2f} s"


def test_the_marks_lie_at_their_centers_and_keep_their_size(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    assert set(image.marks) == {"header", "network", "fit"}
    for source, place in (("header", (205.0, 150.0)), ("network", (213.25, 136.5)), ("fit", (210.25, 140.5))):
        mark = image.marks[source]
        assert (mark.pos().x(), mark.pos().y()) == place
    sizes = []
    for reach in (20.0, 150.0):
        image.zoom_to((210.25, 140.5), reach)
        opened.qtbot.wait(20)
        transform = image.marks["fit"].deviceTransform(image.box.scene().views()[0].viewportTransform())
        sizes.append(transform.mapRect(image.marks["fit"].boundingRect()).width())
    assert sizes[0] == pytest.approx(sizes[1])


def test_a_screen_point_maps_to_the_pixel_drawn_there(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    image.zoom_to((60.5, 50.5), 10)
    opened.qtbot.wait(50)
    assert image.picture.factor == 1
    scene = image.box.mapViewToScene(QPointF(60.5, 50.5))
    view = image.box.scene().views()[0]
    color = view.grab().toImage().pixelColor(view.mapFromScene(scene))
    hot = special_colors(opened.session.display.color_map)[HOT]
    assert color.name() == hot, "the pixel at (50, 60) stands alone and is drawn as hot around (60.5, 50.5)"
    beside = image.box.mapViewToScene(QPointF(62.5, 50.5))
    assert view.grab().toImage().pixelColor(view.mapFromScene(beside)).lightness() > 60


def test_row_0_is_on_top_and_column_0_on_the_left(opened, nxmx_file):
    opened.open(nxmx_file)
    corner = opened.window.image.box.mapViewToScene(QPointF(0, 0))
    opposite = opened.window.image.box.mapViewToScene(QPointF(400, 300))
    assert corner.x() < opposite.x() and corner.y() < opposite.y()
    assert (opposite.x() - corner.x()) / 400 == pytest.approx((opposite.y() - corner.y()) / 300)


def test_the_ellipse_is_three_sigma_and_hides_when_too_small(opened, nxmx_file):
    opened.open(nxmx_file)
    (ellipse,) = opened.window.image.ellipses
    assert ellipse.rect().width() == pytest.approx(6 * 0.05)
    assert ellipse.rect().height() == pytest.approx(6 * 0.04)
    assert abs(ellipse.rotation()) == pytest.approx(90), "the long axis lies along y"
    assert not ellipse.isVisible()
    opened.window.image.zoom_to((210.25, 140.5), 2)
    opened.qtbot.waitUntil(ellipse.isVisible)


def test_the_legend_names_every_source(opened, nxmx_file):
    opened.open(nxmx_file)
    texts = opened.window.image.legend.texts
    assert {"Header", "Network", "Fit", "ellipse: 3σ"} <= set(texts)


def test_the_table_shows_values_and_differences(opened, nxmx_file):
    opened.open(nxmx_file)
    assert cells(opened.window, 1) == [
        "Network", "213.25", "136.50", "–", "–", "–", "–", "5.00", "0.854", "uncertain",
    ]  # fmt: skip
    assert cells(opened.window, 2) == [
        "Fit", "210.25", "140.50", "0.05", "+0.41", "−0.26", "0.03", "ref.", "ref.", "trusted",
    ]  # fmt: skip
    assert "lopsided" in opened.window.centers.notes.text()


def test_double_click_on_a_center_zooms_to_it(opened, nxmx_file):
    opened.open(nxmx_file)
    table = opened.window.centers.table
    table.doubleClicked.emit(opened.window.centers.model.index(0, 0))
    (x0, x1), (y0, y1) = opened.window.image.box.viewRange()
    assert (x0 + x1) / 2 == pytest.approx(205.0) and (y0 + y1) / 2 == pytest.approx(150.0)
    assert y1 - y0 < 100


def test_the_zoom_is_kept_from_frame_to_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.image.zoom_to((60, 50), 20)
    before = opened.window.image.box.viewRange()
    opened.step(1)
    assert opened.window.image.box.viewRange() == before
    opened.window.actions_by_name["reset_view"].trigger()
    assert opened.window.image.box.viewRange()[1][1] >= 300


def test_the_contrast_is_steady_from_frame_to_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    first = opened.session.display.levels(0)
    opened.step(1)
    assert opened.session.display.levels(0) is first


def test_the_readout_agrees_with_the_geometry(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.session.set_cursor((60.5, 50.5))
    geometry = Geometry((210.25, 140.5), 200.0, (0.1, 0.2), 1.0, 0.41, -0.26)
    text = opened.window.status.cursor_readout.text()
    assert "5000 counts" in text
    assert f"{geometry.resolution_A(60.5, 50.5):.2f} Å" in text
    opened.window.image.hovered.emit(None)
    assert opened.window.status.cursor_readout.text() == ""


def test_moving_the_pointer_over_the_image_reads_out_that_pixel(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    scene = image.box.mapViewToScene(QPointF(300.5, 200.5))
    image.box.scene().sigMouseMoved.emit(scene)
    assert opened.session.cursor == pytest.approx((300.5, 200.5))
    assert "saturated" in opened.window.status.cursor_readout.text()


def test_the_readout_follows_when_the_picture_moves_under_the_pointer(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    image._on_move(image.box.mapViewToScene(QPointF(300.5, 200.5)))
    assert opened.session.cursor == pytest.approx((300.5, 200.5))
    image.zoom_to((100.0, 80.0), 20)
    there = image.box.mapSceneToView(image._pointer)
    assert opened.session.cursor == pytest.approx((there.x(), there.y()))
    assert opened.session.cursor != pytest.approx((300.5, 200.5))


def test_without_metadata_the_tilt_is_unknown_until_it_is_typed_in(opened, bare_file):
    opened.open(bare_file)
    tilt = opened.window.tilt
    assert tilt.unknown.text() == "tilt unknown: distance and pixel size missing"
    assert not tilt.unknown.isHidden() and tilt.texts[0].isHidden()
    fields = opened.window.experiment.fields
    for name, text in (("distance_mm", "250"), ("pixel_mm", "0.1 x 0.2")):
        fields[name].setFocus()
        opened.qtbot.keyClicks(fields[name], text)
        opened.qtbot.keyClick(fields[name], Qt.Key.Key_Return)
        opened.settle()
    assert opened.session.experiment == Experiment(250.0, (0.1, 0.2), None)
    assert opened.predictor.seen[-1].metadata.pixel_mm == (0.1, 0.2)
    assert "pitch +0.41° ± 0.02°: the bottom edge leans away" in tilt.texts[0].text()
    assert "yaw −0.26° ± 0.03°: the right edge leans away" in tilt.texts[1].text()


def test_nonsense_in_a_field_is_refused_with_a_sentence(opened, bare_file):
    opened.open(bare_file)
    field = opened.window.experiment.fields["distance_mm"]
    opened.qtbot.keyClicks(field, "-3")
    opened.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "must be a positive number" in opened.window.messages.text
    assert opened.session.experiment == Experiment()


def test_the_glyphs_lean_as_the_words_say(opened, nxmx_file):
    opened.open(nxmx_file)
    pitch, yaw = (glyph.detector_line() for glyph in opened.window.tilt.glyphs)
    # The beam runs to the right: the end further right is further from the sample.
    assert pitch.p2().x() > pitch.p1().x(), "pitch +: the bottom (lower end) leans away"
    assert yaw.p2().x() > yaw.p1().x(), "yaw -: the right edge (lower end) leans away"


def test_datasets_of_a_file_can_be_chosen(opened, bare_file):
    opened.open(bare_file)
    assert len(opened.session.source.datasets) == 2
    other = next(d for d in opened.session.source.datasets if d != opened.session.source.dataset)
    opened.session.open_dataset(other)
    opened.settle()
    assert opened.session.source.dataset == other


def test_a_text_file_named_h5_ends_in_a_sentence_and_the_frame_stays(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    bad = tmp_path / "notes.h5"
    bad.write_text("These are no frames.")
    opened.open(bad)
    assert "notes.h5" in opened.window.messages.text
    assert opened.session.frame is not None and opened.session.source.path == str(nxmx_file)
    opened.step(1)
    assert opened.session.index == 1, "the file that was open still works"
    opened.window.messages.dismiss_button.click()
    assert opened.window.messages.text == ""


def test_a_model_that_cannot_be_used_ends_in_a_sentence(opened, nxmx_file):
    opened.predictor.error = ModelError("The model is of another age.")
    opened.open(nxmx_file)
    assert opened.window.messages.text == "The model is of another age."
    assert opened.session.prediction is None
    opened.predictor.error = None
    opened.window.actions_by_name["predict"].trigger()
    opened.settle()
    assert opened.session.prediction is not None, "asking again tries again"


def test_a_fault_of_the_predictor_does_not_take_the_window_down(opened, nxmx_file):
    opened.predictor.error = ZeroDivisionError("1/0")
    opened.open(nxmx_file)
    assert "please report it" in opened.window.messages.text


def test_prediction_can_be_left_to_the_user(opened, nxmx_file):
    opened.window.actions_by_name["automatic"].setChecked(False)
    opened.open(nxmx_file)
    opened.qtbot.wait(300)
    assert opened.predictor.seen == []
    opened.window.actions_by_name["predict"].trigger()
    opened.settle()
    assert opened.session.prediction is not None


def test_another_model_answers_for_the_open_frame_at_once(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.session.use_model("/runs/a/model.safetensors")
    opened.settle()
    opened.session.use_model("/runs/a/model.safetensors")
    opened.settle()
    assert opened.predictor.loaded == ["default", *["/runs/a/model.safetensors"] * 2]
    assert len(opened.predictor.seen) == 3


def test_log_scale_is_a_toggle_and_keeps_the_answer(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_L)
    opened.settle()
    assert opened.session.display.scale == "log" and opened.window.actions_by_name["log"].isChecked()
    assert len(opened.predictor.seen) == 1


def test_dropping_a_file_opens_it(opened, nxmx_file):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(nxmx_file))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    opened.window.dropEvent(event)
    opened.settle()
    assert opened.session.source.path == str(nxmx_file)


def test_right_drag_does_not_scale(opened, nxmx_file):
    opened.open(nxmx_file)
    before = opened.window.image.box.viewRange()
    viewport = opened.window.image.box.scene().views()[0].viewport()
    opened.qtbot.mousePress(viewport, Qt.MouseButton.RightButton, pos=QPoint(300, 300))
    opened.qtbot.mouseMove(viewport, QPoint(350, 380))
    opened.qtbot.mouseRelease(viewport, Qt.MouseButton.RightButton, pos=QPoint(350, 380))
    assert opened.window.image.box.viewRange() == before
    opened.window.image._menu.close()


def test_the_window_fits_a_small_laptop(opened, nxmx_file):
    opened.open(nxmx_file)
    smallest = opened.window.minimumSizeHint()
    assert smallest.width() <= 1366 and smallest.height() <= 768


def test_every_control_says_what_it_is(opened, nxmx_file):
    opened.open(nxmx_file)
    for field in opened.window.experiment.fields.values():
        assert field.toolTip() and field.accessibleName()


def test_no_thread_outlives_the_window(opened, nxmx_file):
    opened.open(nxmx_file)
    with opened.qtbot.waitSignal(opened.window.closed):
        opened.window.close()
    for thread in opened.controller.findChildren(QThread):
        assert not thread.isRunning()
