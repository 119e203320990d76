"""The unrolled frame: rings are straight about the true center, bent about a wrong one, and follow a drag."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.image.radial_profile import place_of
from xgeom_gui.services.cake import EMPTY, CakeRequest, unrolled

SHAPE = (500, 600)
FLAT = Geometry((310.0, 240.0), 100.0, (0.2, 0.2), 1.0)
TILTED = Geometry((310.0, 240.0), 100.0, (0.2, 0.2), 1.0, 4.0, -12.0)
D_A = 4.0


def ring(geometry):
    """A powder ring of spacing `D_A`, 3 px wide, on a flat background."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    two_theta = geometry.two_theta(x, y)
    bragg = 2 * np.arcsin(geometry.wavelength_A / (2 * D_A))
    data = (10 + 500 * np.exp(-(((two_theta - bragg) / 0.006) ** 2))).astype(np.float32)
    valid = np.ones(SHAPE, dtype=bool)
    valid[235:245] = False
    return Frame(np.where(valid, data, 0), valid, ~valid & False, Metadata())


def crest_px(frame, geometry, quick):
    """Radius of the ring at each azimuth."""
    counts, farthest = unrolled(frame, geometry.center_px, geometry, quick)
    seen = np.nanmax(np.where(np.isfinite(counts), counts, -1), axis=1) > 200
    assert seen.mean() > 0.8
    return (np.nanargmax(counts[seen], axis=1) + 0.5) * farthest / counts.shape[1]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("geometry", [FLAT, TILTED])
def test_a_ring_is_straight_about_the_true_center_and_lies_where_its_line_is_drawn(geometry, quick):
    crest = crest_px(ring(geometry), geometry, quick)
    assert crest.std() < 1.0
    assert np.median(crest) == pytest.approx(place_of(D_A, "px", geometry), abs=1.0)


def test_a_ring_is_bent_by_as_much_as_the_center_is_off():
    wrong = Geometry((322.0, 240.0), 100.0, (0.2, 0.2), 1.0)
    crest = crest_px(ring(FLAT), wrong, True)
    assert np.percentile(crest, 98) - np.percentile(crest, 2) == pytest.approx(24.0, abs=3.0)


def test_masked_pixels_and_what_is_beyond_the_detector_are_empty():
    cake = CakeRequest(ring(FLAT), FLAT.center_px, FLAT).make()
    assert 0.05 < (cake.codes == EMPTY).mean() < 0.6
    assert cake.codes.max() == 255


def test_the_strip_opens_by_its_key_and_follows_a_drag(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.window.image.setFocus()
    opened.qtbot.keyClick(opened.window.image, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    panel, session = opened.window.image_tools.cake, opened.session
    assert panel.isVisible()
    opened.qtbot.waitUntil(lambda: panel.cake is not None)
    before = panel.cake
    session.rings.choose(resolution=True)
    assert len(panel.lines.places) >= 3
    session.user_centers.drag(session.best, (180.0, 120.0))
    opened.qtbot.waitUntil(lambda: panel.cake is not before and "Mine (180.00, 120.00)" in panel.about.text())
    opened.qtbot.waitUntil(lambda: panel.cake.geometry.center_px == (180.0, 120.0))
