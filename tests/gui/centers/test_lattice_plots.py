"""What speaks for a lattice, drawn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from xgeom_core.geometry import Geometry
from xgeom_core.predict.report.explanation import SpotsShown
from xgeom_gui.centers.lattice_plots import LatticePlots


def explanation(indexed: np.ndarray) -> SimpleNamespace:
    """Spots along a line from the beam outwards, found half a pixel beside where they are predicted."""
    x = np.linspace(510.0, 990.0, len(indexed))
    y = np.full(len(indexed), 500.0)
    predicted = np.where(indexed[:, None], np.stack([x, y - 0.5], axis=1), np.nan)
    geometry = Geometry((500.0, 500.0), 100.0, (0.1, 0.1), 1.0)
    return SimpleNamespace(spots=SpotsShown(x, y, indexed, predicted), shape=(1000, 1000), geometry=geometry)


def test_residuals_are_enlarged_to_be_seen_and_shares_told_by_resolution(qtbot) -> None:
    plots = LatticePlots()
    qtbot.addWidget(plots)
    plots.show_explanation(explanation(np.arange(200) < 100))
    assert plots.words.text() == "100 of 200 spots indexed; residuals ×60"
    x, y = plots.residuals.listDataItems()[0].getData()
    assert len(x) == 200 and np.allclose(y[1::2] - y[::2], 30.0) and np.allclose(x[1::2], x[::2])
    (bars,) = [item for item in plots.shares.items() if hasattr(item, "opts") and "height" in item.opts]
    assert bars.opts["height"][0] == pytest.approx(100.0) and bars.opts["height"][-1] == pytest.approx(0.0)


def test_an_answer_without_a_lattice_has_none(qtbot) -> None:
    plots = LatticePlots()
    qtbot.addWidget(plots)
    plots.show_explanation(explanation(np.zeros(50, dtype=bool)))
    assert plots.isHidden()
