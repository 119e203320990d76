"""Spots and lattice on the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.predict.report.explanation import SpotsShown
from xgeom_core.predict.report.reflections import Reflections
from xgeom_gui.image.lattice_overlay import FOUND, INDEXED, PREDICTED


@pytest.fixture
def explained(opened, nxmx_file, monkeypatch):
    """A frame whose answer is explained: three spots, two of them indexed, four reflections."""
    opened.open(nxmx_file)
    opened.qtbot.waitUntil(lambda: opened.session.best is not None)
    reflections = Reflections(
        np.array([50.0, 90.0, 130.0, 170.0]),
        np.array([60.0, 60.0, 60.0, 60.0]),
        np.array([[1, 2, 3], [0, -1, 4], [2, 0, 0], [5, 5, 5]]),
        np.array([4.0, 3.0, 2.5, 1.5]),
        np.zeros(4, dtype=np.int64),
    )
    spots = SpotsShown(
        np.array([50.3, 90.1, 20.0]),
        np.array([60.2, 59.8, 20.0]),
        np.array([True, True, False]),
        np.full((3, 2), np.nan),
        reflections,
    )

    class Explained:
        pass

    explanation = Explained()
    explanation.spots = spots
    session = opened.session
    answer = replace(session.prediction, explanation=explanation)
    monkeypatch.setattr(type(session), "prediction", property(lambda self: answer))
    return opened


def counts(overlay) -> dict[str, int]:
    return {color: len(item.getData()[0]) * item.isVisible() for color, item in overlay.marks.items()}


def test_the_overlay_shows_what_indexing_found_and_goes_away(explained) -> None:
    overlay, action = explained.window.image_tools.lattice, explained.window.actions_by_name["lattice"]
    assert counts(overlay) == {INDEXED: 0, FOUND: 0, PREDICTED: 0}
    action.trigger()
    assert counts(overlay) == {INDEXED: 2, FOUND: 1, PREDICTED: 4}
    assert overlay.words == "3 spots, 2 indexed, 4 reflections predicted"
    action.trigger()
    assert counts(overlay) == {INDEXED: 0, FOUND: 0, PREDICTED: 0}


def test_the_pointer_names_the_reflection_under_it(explained) -> None:
    overlay = explained.window.image_tools.lattice
    explained.window.actions_by_name["lattice"].trigger()
    explained.window.image.zoom_to((90.0, 60.0), 20)
    explained.session.set_cursor((90.4, 60.3))
    assert overlay.label.isVisible() and overlay.label.toPlainText() == "0 -1 4   3.00 Å"
    explained.session.set_cursor((110.0, 75.0))
    assert not overlay.label.isVisible()
