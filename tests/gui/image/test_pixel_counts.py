"""Counts in the pixels at high zoom, and marks that move rather than being made anew."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_gui.image.pixel_counts import counts_text


def test_counts_are_said_in_few_letters():
    data = np.array([[0.0, 7.0, 65535.0, 123456.0, 2.25, 9.0]], dtype=np.float32)
    valid = np.array([[True, True, True, True, True, False]])
    frame = Frame(data, valid, ~valid, Metadata())
    written = [counts_text(frame, x, 0) for x in range(6)]
    assert written == ["0", "7", "65535", "1.2e5", "2.2", "sat"]


def test_counts_appear_when_pixels_are_large_and_go_again(opened, nxmx_file):
    opened.open(nxmx_file)
    image = opened.window.image
    image.grab()
    assert image.counts.written == 0
    image.zoom_to((60.5, 50.5), 6.0)
    image.grab()
    assert image.counts.written >= 12 * 12
    image.reset_view()
    image.grab()
    assert image.counts.written == 0


def test_the_zoom_ends_where_pixels_fill_the_view(opened, nxmx_file):
    opened.open(nxmx_file)
    box = opened.window.image.box
    for _ in range(60):
        box.scaleBy((0.8, 0.8))
    assert min(box.viewRect().width(), box.viewRect().height()) == pytest.approx(6.0, abs=0.1)


def test_a_dragged_center_keeps_its_mark_and_its_row_of_the_legend(opened, nxmx_file):
    opened.open(nxmx_file)
    image, session = opened.window.image, opened.session
    origin = session.best
    session.user_centers.drag(origin, (100.0, 90.0))
    mark, rows = image.marks["manual"], list(image.legend._rows)
    session.user_centers.drag(origin, (120.5, 80.25))
    assert image.marks["manual"] is mark and (mark.x(), mark.y()) == (120.5, 80.25)
    assert image.legend._rows == rows and "120.50, 80.25" in " ".join(image.legend.texts)
    session.user_centers.drop()
    session.user_centers.reset()
    assert "manual" not in image.marks and "Mine" not in image.legend.texts
