"""What a fit used and dropped, for the picture that one looks at when one doubts the answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.cells import make_cells
from xgeom_core.predict.background.detector_model import radii
from xgeom_core.predict.background.fit import RadialFitter
from xgeom_core.predict.background.masks import BRIGHT, INNER, MASKED, SHADOW, SPOT, USED
from xgeom_core.predict.background.state import RadialState

_BLOCK = 2


def kinds_image(fitter: RadialFitter, state: RadialState) -> NDArray[np.int8]:
    """What became of each pooled pixel, shape of the pooled frame; codes as in `masks.KINDS`."""
    shape = fitter.pooled.counts.shape
    kinds = np.full(shape, USED, dtype=np.int8)
    for code, where in ((SHADOW, state.dark), (BRIGHT, state.bright)):
        kinds[state.on_pixels(where, shape, fitter.pooled.pooling)] = code
    factor, (x0, y0) = fitter.factor, fitter.pooled.pooling.offset
    x = ((np.arange(shape[1]) + 0.5) * factor + x0).astype(np.float32)
    y = ((np.arange(shape[0]) + 0.5) * factor + y0).astype(np.float32)[:, None]
    rho = radii(x, y, state.model.theta[:4], fitter.detector)
    kinds[state.spots & fitter.usable] = SPOT
    kinds[rho <= np.float32(state.inner_px)] = INNER
    kinds[~fitter.usable] = MASKED
    return kinds


def profile_at(fitter: RadialFitter, state: RadialState, theta: FloatArray) -> FloatArray:
    """Mean counts of a native px against the radius about a geometry, shape (n, 2)."""
    cells = make_cells(fitter.pooled, fitter.usable & ~state.spots, _BLOCK)
    rho = radii(cells.x, cells.y, theta[:4], fitter.detector)
    step = float(_BLOCK * fitter.factor)
    ring = (rho / step).astype(np.int64)
    pixels = np.bincount(ring, weights=cells.pixels)
    counts = np.bincount(ring, weights=cells.counts - fitter.pooled.dark * cells.pixels)
    seen = pixels > 0
    radius = (np.nonzero(seen)[0] + 0.5) * step
    return np.column_stack([radius, counts[seen] / pixels[seen] / fitter.factor**2])
