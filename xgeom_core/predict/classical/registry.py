"""What a classical method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.predict.classical.answers import nothing

Start = tuple[float, float] | None


@dataclass(frozen=True)
class Method:
    """A way to find the beam center without a network.

    Parameters
    ----------
    name : str
        As given to ``xgeom predict --method``.
    when : str
        One line: when it works.
    run : callable
        ``run(frame, start)``, start being a rough native center or None.
    """

    name: str
    when: str
    run: Callable[[Frame, Start], Estimate]

    def __call__(self, frame: Frame, start: Start = None) -> Estimate:
        """Estimate the center of a frame; "uncertain" with a reason on frames it cannot read."""
        try:
            with np.errstate(all="ignore"):
                return self.run(frame, start)
        except (GeometryError, np.linalg.LinAlgError, ArithmeticError, ValueError):
            # Frames can be degenerate in more ways than each method can foresee.
            return nothing(self.name, frame, "The method broke down on this frame.")
