"""Smooth fields on a coarse grid of the image, to be interpolated between its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xgeom_core.geometry import FloatArray, Geometry

# Cells along the longer side of the image: smooth fields curve by parts in 10^4 over one of them.
_CELLS = 104


@dataclass(frozen=True, eq=False)
class CoarseGrid:
    """Nodes every ``step`` pixels, from 0 to the far edge or a little beyond.

    Parameters
    ----------
    step : int
        Pixels between nodes.
    lab : ndarray, shape (n, m, 3)
        Positions of the nodes in mm, rows along the slow axis.
    geometry : Geometry
        The detector.
    """

    step: int
    lab: FloatArray
    geometry: Geometry

    @cached_property
    def r(self) -> FloatArray:
        """Distances from the sample in mm, shape (n, m)."""
        return np.asarray(np.sqrt(np.einsum("...i,...i->...", self.lab, self.lab)))

    @cached_property
    def rays(self) -> FloatArray:
        """Unit vectors from the sample, shape (n, m, 3)."""
        return np.asarray(self.lab / self.r[..., None])

    @cached_property
    def cos_psi(self) -> FloatArray:
        """Cosine of the angle between rays and the detector's normal, shape (n, m)."""
        return np.asarray(self.rays @ self.geometry.axes()[2])


def coarse_grid(geometry: Geometry, shape: tuple[int, int]) -> CoarseGrid:
    """The coarse grid of an image of shape ``(slow, fast)``."""
    step = max(1, -(-max(shape) // _CELLS))
    y, x = (np.arange(-(-length // step) + 1, dtype=np.float64) * step for length in shape)
    return CoarseGrid(step, geometry.to_lab(x, y[:, None]), geometry)
