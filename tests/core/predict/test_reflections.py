"""Reflections that a lattice predicts: on the spots, with the indices of the conventional cell."""

from __future__ import annotations

import numpy as np

from xgeom_core import example_file, open_frames
from xgeom_core.predict.predictor import Predictor


def test_reflections_lie_on_the_indexed_spots_and_have_the_spacings_of_their_indices() -> None:
    with open_frames(example_file()) as source:
        answer = Predictor.load().predict(source.frame(0), explain=True)
    spots, cell = answer.explanation.spots, answer.crystal.cell
    found = spots.reflections
    assert answer.crystal.bravais == "tP" and np.allclose(cell[3:], 90.0)
    places = np.stack([spots.x, spots.y], axis=1)[spots.indexed]
    away = np.hypot(*(places[:, None] - np.stack([found.x, found.y], axis=1)).transpose(2, 0, 1)).min(axis=1)
    # Those nearest the Ewald sphere, 95% of them, are shown; and so far to the edge as 95% of them lie.
    assert len(away) > 500 and np.count_nonzero(away < 3.0) > 0.88 * len(away)
    assert len(found) < 2 * len(away)
    spacing = 1.0 / np.linalg.norm(found.hkl / np.array(cell[:3]), axis=1)
    assert np.allclose(spacing, found.d_A, rtol=2e-3)
