"""An endless row of frames: by number, by weight, and apart from the frames of files."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import FrameStream, simulate_frame

SHAPE = (32, 48)


def test_frames_depend_on_their_number_alone() -> None:
    recipes = [(load_recipe("standard"), 1.0), (load_recipe("flat"), 2.0)]
    one, other = FrameStream(recipes, SHAPE, 4), FrameStream(recipes, SHAPE, 4)
    in_order = list(islice(one.frames(first=2, step=3), 4))
    for index in (11, 2, 8, 5):
        again, made = other.frame(index), in_order[(index - 2) // 3]
        assert np.array_equal(again.counts, made.counts)
        assert again.geometry == made.geometry
    assert in_order[0].geometry != in_order[1].geometry


def test_kinds_come_by_weight() -> None:
    # Frames of the two kinds are told by their backgrounds: none, and some.
    recipes = [(load_recipe("binary"), 1.0), (load_recipe("standard"), 3.0)]
    stream = FrameStream(recipes, (16, 16), 0)
    share = np.mean([stream.frame(index).counts.max() > 1 for index in range(120)])
    assert share == pytest.approx(0.75, abs=0.13)
    only = FrameStream([(recipes[0][0], 0.0), (recipes[1][0], 1.0)], (16, 16), 0)
    assert all(only.frame(index).background > 0 for index in range(5))


def test_a_stream_shares_no_frame_with_a_file_of_the_same_seed() -> None:
    recipe = load_recipe("standard")
    stream = FrameStream([recipe], SHAPE, 4)
    centers = {simulate_frame(recipe, SHAPE, 4, index).geometry.center_px for index in range(20)}
    assert centers.isdisjoint(stream.frame(index).geometry.center_px for index in range(20))


@pytest.mark.parametrize("weights", [(), (0.0,), (1.0, -1.0)])
def test_weights_that_cannot_be(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        FrameStream([(load_recipe("flat"), weight) for weight in weights], SHAPE, 0)
