"""Means over the steps since the last report."""

from __future__ import annotations

import time


class Tally:
    """Means since the last report."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._losses: list[float] = []
        self._misses: list[float] = []
        self.frames = 0

    def add(self, loss: float, center_px: float, frames: int) -> None:
        """One step."""
        self._losses.append(loss)
        self._misses.append(center_px)
        self.frames += frames

    @property
    def seconds(self) -> float:
        """Seconds since the last report."""
        return max(time.monotonic() - self._start, 1e-6)

    @property
    def loss(self) -> float:
        """Mean loss."""
        return sum(self._losses) / len(self._losses)

    @property
    def center_px(self) -> float:
        """Mean error of the center, px of 820."""
        return sum(self._misses) / len(self._misses)


class Pace:
    """How fast a run goes on the whole, so that the time left can be told.

    Parameters
    ----------
    first : int
        Steps done when it begins.
    """

    def __init__(self, first: int) -> None:
        self._first, self._start = first, time.monotonic()

    def seconds_left(self, step: int, steps: int) -> float | None:
        """Seconds that the rest takes; None as long as nothing can be said."""
        done = step - self._first
        return (steps - step) * (time.monotonic() - self._start) / done if done > 0 else None
