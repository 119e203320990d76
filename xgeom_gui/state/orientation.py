"""How the frame lies on the screen, turned and mirrored: the view only, pixels keep their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_QUARTERS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a rectangle down: first mirrored, then turned.

    Parameters
    ----------
    turns : int
        Quarter turns to the right (clockwise), 0 to 3.
    mirrored : bool
        Whether left and right were swapped before.
    """

    turns: int = 0
    mirrored: bool = False

    @property
    def upright(self) -> bool:
        """Fast runs right and slow down."""
        return self == Orientation()

    @property
    def matrix(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where fast and slow point on the screen, each as (right, down)."""
        right, down = _QUARTERS[self.turns], _QUARTERS[(self.turns + 1) % 4]
        return ((-right[0], -right[1]) if self.mirrored else right), down

    def turned(self, quarters: int) -> Orientation:
        """What is on the screen, turned so many quarters to the right."""
        return Orientation((self.turns + quarters) % 4, self.mirrored)

    def flipped(self, *, left_right: bool) -> Orientation:
        """What is on the screen with left and right, or top and bottom, swapped."""
        swapped = Orientation(-self.turns % 4, not self.mirrored)
        return swapped if left_right else swapped.turned(2)

    def on_screen(self, fast: float, slow: float) -> tuple[float, float]:
        """A step along fast and slow as a step (right, down) on the screen."""
        (fx, fy), (sx, sy) = self.matrix
        return fx * fast + sx * slow, fy * fast + sy * slow

    def on_frame(self, right: float, down: float) -> tuple[float, float]:
        """A step on the screen as a step along fast and slow."""
        (fx, fy), (sx, sy) = self.matrix
        # The matrix is orthogonal: its transpose leads back.
        return fx * right + fy * down, sx * right + sy * down

    def state(self) -> dict[str, Any]:
        """As plain values for a session file."""
        return {"turns": self.turns, "mirrored": self.mirrored}

    @classmethod
    def restored(cls, state: Any) -> Orientation:
        """What `state` gave; upright where that makes no sense."""
        if not isinstance(state, Mapping) or state.get("turns") not in range(4):
            return cls()
        return cls(int(state["turns"]), bool(state.get("mirrored", False)))
