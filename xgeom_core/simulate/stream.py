"""Frames by number: the same recipe, shape, seed and number always give the same frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xgeom_core.simulate.recipe import Recipe
from xgeom_core.simulate.render import SimulatedFrame, render

# Keeps the numbers of a stream apart from those of files: nobody trains on the frames of a file that
# happens to have the same seed.
_STREAM = 0x73747265616D


def simulate_frame(recipe: Recipe, shape: tuple[int, int], seed: int, index: int) -> SimulatedFrame:
    """Frame number `index` of a data set.

    Parameters
    ----------
    recipe : Recipe
        What the frame may look like.
    shape : tuple of int
        ``(slow, fast)`` in pixels.
    seed, index : int
        Seed of the set and number of the frame in it, both 0 or more.

    Returns
    -------
    SimulatedFrame
        It depends on the four arguments alone: not on other frames, processes or threads.
    """
    return render(recipe, shape, np.random.default_rng([seed, index]))


class FrameStream:
    """An endless row of simulated frames of one or several kinds.

    Parameters
    ----------
    recipes : sequence of Recipe or of (Recipe, weight)
        The kinds; each frame is of one of them, drawn by weight (1 where none is given).
    shape : tuple of int
        ``(slow, fast)`` of each frame in pixels.
    seed : int
        Frame ``i`` depends on the arguments and ``i`` alone, whoever renders it, in any order. A
        stream and a file (`write_shards`) of the same seed share no frame.

    Raises
    ------
    ValueError
        If there is no recipe, or the weights are negative or all zero.
    """

    def __init__(
        self, recipes: Sequence[Recipe | tuple[Recipe, float]], shape: tuple[int, int], seed: int
    ) -> None:
        pairs = [pair if isinstance(pair, tuple) else (pair, 1.0) for pair in recipes]
        weights = np.array([weight for _, weight in pairs], dtype=np.float64)
        if not len(weights) or weights.min() < 0 or weights.sum() <= 0:
            raise ValueError("a stream needs recipes with weights of 0 or more, one of them above 0")
        self._recipes = [recipe for recipe, _ in pairs]
        self._shares = weights / weights.sum()
        self._shape = shape
        self._seed = int(np.random.SeedSequence([seed, _STREAM]).generate_state(1, np.uint64)[0])

    def frame(self, index: int) -> SimulatedFrame:
        """Frame number `index`, 0 or more."""
        which = np.random.default_rng([self._seed, index, 1]).choice(len(self._recipes), p=self._shares)
        return simulate_frame(self._recipes[int(which)], self._shape, self._seed, index)

    def frames(self, first: int = 0, step: int = 1) -> Iterator[SimulatedFrame]:
        """Every `step`-th frame from number `first`, without end."""
        index = first
        while True:
            yield self.frame(index)
            index += step
