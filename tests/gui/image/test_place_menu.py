"""The right-click menu about the place under the pointer, and Å between two points."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from xgeom_core.geometry import Geometry
from xgeom_gui.services.profiles import spacing_between_A

PLACE = (120.5, 60.5)


def open_over(opened, place):
    image = opened.window.image
    scene = image.box.mapViewToScene(QPointF(*place))
    point = image.canvas.viewport().mapToGlobal(image.canvas.mapFromScene(scene))
    image.box.menu_wanted.emit(point)
    menu = image.menu
    texts = {action.text().replace("&", ""): action for action in menu.actions()}
    menu.hide()
    return texts


@pytest.fixture
def texts(opened, nxmx_file):
    opened.open(nxmx_file)
    return open_over(opened, PLACE)


def test_the_menu_names_place_counts_and_resolution(opened, texts):
    title = next(iter(texts))
    counts = opened.session.frame.data[60, 120]
    assert "fast 120" in title and f"{counts:.0f} counts" in title and "Å" in title
    texts[title].trigger()
    assert QApplication.clipboard().text() == title


def test_a_pixel_and_a_ring_are_masked_and_come_back(opened, texts):
    texts["Mask this pixel"].trigger()
    mask = opened.session.masks.current.pixels
    row, column = np.argwhere(mask)[0]
    assert mask.sum() == 1 and abs(row - 60) <= 1 and abs(column - 120) <= 1
    opened.session.masks.undo_stack.undo()
    assert opened.session.masks.current is None
    texts["Mask this ring"].trigger()
    ring = opened.session.masks.current.pixels
    geometry = opened.session.current_center.geometry
    rows, columns = np.nonzero(ring)
    angle = geometry.two_theta(columns + 0.5, rows + 0.5)
    assert ring.sum() > 1000 and np.ptp(angle) * geometry.distance_mm / geometry.pixel_mm[0] < 9.0


def test_a_line_begins_at_the_place_and_says_its_length_in_three_units(opened, texts):
    texts["Measure from here"].trigger()
    panel = opened.window.image_tools.line_profile
    opened.qtbot.waitUntil(panel.isVisible)
    assert panel.line[0] == pytest.approx(PLACE, abs=2.0)
    opened.qtbot.waitUntil(lambda: "px" in panel.note.text())
    assert "mm" in panel.note.text() and "Å" in panel.note.text()


def test_the_menu_zooms_to_the_place(opened, texts):
    texts["Zoom to here"].trigger()
    middle = opened.window.image.box.viewRect().center()
    assert (middle.x(), middle.y()) == pytest.approx(PLACE, abs=2.0)


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (3.0, -20.0)])
def test_from_the_beam_to_a_spot_the_spacing_is_its_resolution(tilt):
    geometry = Geometry((300.0, 200.0), 100.0, (0.1, 0.2), 1.2, *tilt)
    found = spacing_between_A(geometry, (300.0, 200.0), (520.0, 90.0))
    assert found == pytest.approx(float(geometry.resolution_A(520.0, 90.0)), rel=1e-9)
    assert spacing_between_A(geometry, (10.0, 10.0), (10.0, 10.0)) is None
