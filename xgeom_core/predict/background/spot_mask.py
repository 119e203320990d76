"""Bragg spots that somebody else has found, as a mask of pooled pixels."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import PooledFrame
from xgeom_core.predict.background.masks import Mask, widened


class SpotList(Protocol):
    """What is needed of spots: places (native px, corner origin) and areas in px."""

    @property
    def x(self) -> NDArray[Any]:
        """Along the fast axis."""

    @property
    def y(self) -> NDArray[Any]:
        """Along the slow axis."""

    @property
    def pixels(self) -> NDArray[Any]:
        """Area in native px."""


def spot_mask(spots: SpotList, pooled: PooledFrame) -> Mask:
    """Pooled pixels that spots touch, with a rim.

    Parameters
    ----------
    spots : Spots
    pooled : PooledFrame

    Returns
    -------
    ndarray of bool, shape of the pooled frame
    """
    height, width = pooled.counts.shape
    mask = np.zeros((height, width), dtype=bool)
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    column = ((np.asarray(spots.x) - x0) / factor).astype(np.int64)
    row = ((np.asarray(spots.y) - y0) / factor).astype(np.int64)
    reach = np.sqrt(np.asarray(spots.pixels) / np.pi) / factor
    inside = (row >= 0) & (column >= 0) & (row < height) & (column < width)
    mask[row[inside], column[inside]] = True
    out = widened(mask)
    for times in range(1, 4):
        large = inside & (reach > times)
        if large.any():
            grown = np.zeros_like(mask)
            grown[row[large], column[large]] = True
            for _ in range(times + 1):
                grown = widened(grown)
            out |= grown
    return out
