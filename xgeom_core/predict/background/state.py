"""Where a radial fit stands: its model, the cells used, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xgeom_core.geometry import Pooling
from xgeom_core.predict.background.cells import Cells, spread_blocks
from xgeom_core.predict.background.detector_model import radii
from xgeom_core.predict.background.likelihood import Equations
from xgeom_core.predict.background.masks import Mask
from xgeom_core.predict.background.model import Model
from xgeom_core.predict.background.polar import PolarGrid
from xgeom_core.predict.background.ring_positions import RingFit

FINE = 4


@dataclass(eq=False)
class RadialState:
    """Where a fit stands.

    Parameters
    ----------
    model : Model
    found : Equations
        At the model, over the cells used.
    cells : Cells
        Cells used.
    spots, dark, bright : ndarray of bool
        What was dropped: pixels of the pooled frame, and of the grid of all cells.
    inner_px : float
        Radius of the inner part left out.
    misfit : float
        Scatter of the residuals in units of their noise.
    dropped : float
        Share of the cells dropped as shadows or patches.
    block : int
        Side of a cell in pooled px.
    steps : int
    converged : bool
    sharp : bool
        Whether there are sharp rings.
    grid : PolarGrid or None
        Of the cells, where they are polar.
    rings : RingFit or None
        What the positions of sharp rings say.
    """

    model: Model
    cells: Cells
    spots: Mask
    found: Equations | None = None
    dark: Mask = field(default_factory=lambda: np.zeros((1, 1), dtype=bool))
    bright: Mask = field(default_factory=lambda: np.zeros((1, 1), dtype=bool))
    inner_px: float = 0.0
    misfit: float = 1.0
    dropped: float = 0.0
    block: int = FINE
    steps: int = 0
    converged: bool = False
    sharp: bool = False
    grid: PolarGrid | None = None
    rings: RingFit | None = None

    def on_pixels(self, where: Mask, shape: tuple[int, int], pooling: Pooling) -> Mask:
        """A mask of cells laid on the pixels of the pooled frame."""
        if self.grid is None:
            return np.asarray(spread_blocks(where, self.block, shape))
        factor, (x0, y0) = pooling.factor, pooling.offset
        x = ((np.arange(shape[1]) + 0.5) * factor + x0).astype(np.float32)
        y = ((np.arange(shape[0]) + 0.5) * factor + y0).astype(np.float32)[:, None]
        rho = radii(x, y, self.grid.theta, self.grid.detector)
        return np.asarray(where.ravel()[self.grid.index(rho, self.grid.angles(x, y))])
