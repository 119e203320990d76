"""A mask that the user has painted. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame

_revisions = count(1)


@dataclass(frozen=True, eq=False)
class PaintedMask:
    """Pixels that the user does not trust; never changed, only replaced.

    Parameters
    ----------
    pixels : ndarray of bool, shape (slow, fast)
        True where masked.
    revision : int
        Different for every mask, for keys of what was made with it.
    """

    pixels: NDArray[np.bool_]
    revision: int = field(default_factory=lambda: next(_revisions))

    @property
    def empty(self) -> bool:
        """Whether nothing is masked."""
        return not self.pixels.any()


def without(frame: Frame, mask: PaintedMask | None) -> Frame:
    """The frame with these pixels masked as well; the same frame if the mask belongs to another detector."""
    if mask is None or mask.pixels.shape != frame.shape:
        return frame
    data = frame.data.copy()
    data[mask.pixels] = 0
    kept = ~mask.pixels
    return replace(frame, data=data, valid=frame.valid & kept, saturated=frame.saturated & kept)
