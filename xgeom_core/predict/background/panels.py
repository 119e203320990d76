"""Modules of a detector, as the gaps between them show them, and their gains.

Modules differ in gain by a percent or so. Over a frame of a hundred counts a pixel that is far more than
counting noise, and the waves that would have to imitate it cost the fit most of what it knows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

# Modules told apart at the most; what is left over shares the place of "none".
PANELS = 64
_LEAST_SHARE = 0.002


def panel_numbers(usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the module of each pixel, from connected regions between gaps.

    Parameters
    ----------
    usable : ndarray of bool, shape (slow, fast)
        False in gaps, and in whatever else the file's mask leaves out.

    Returns
    -------
    ndarray of int64, shape (slow, fast)
        0 to PANELS - 1, or -1 where a pixel belongs to no module of a notable size; -1 everywhere if
        there is one module only.
    """
    label, count = ndimage.label(usable)
    size = np.bincount(label.ravel(), minlength=count + 1)
    size[0] = 0
    large = np.flatnonzero(size > _LEAST_SHARE * usable.size)
    number = np.full(count + 1, -1, dtype=np.int64)
    if len(large) > 1:
        order = large[np.argsort(-size[large], kind="stable")][:PANELS]
        number[order] = np.arange(len(order))
    return np.asarray(number[label])


def panel_shares(
    cell: NDArray[np.int64], panel: NDArray[np.int64], place: NDArray[np.int64], cells: int
) -> sparse.csr_array:
    """Share of each cell's pixels that lie on each module.

    Parameters
    ----------
    cell, panel : ndarray of int, shape (pixels,)
        Cell and module of each pixel used.
    place : ndarray of int, shape (n,)
        The cells that are wanted.
    cells : int
        Number of cells, wanted or not.

    Returns
    -------
    csr_array, shape (n, PANELS)
    """
    row = np.full(cells, -1, dtype=np.int64)
    row[place] = np.arange(len(place))
    at = row[cell]
    total = np.bincount(at[at >= 0], minlength=len(place))
    keep = (at >= 0) & (panel >= 0)
    key = np.bincount(at[keep] * PANELS + panel[keep], minlength=len(place) * PANELS)
    flat = np.flatnonzero(key)
    rows, columns = np.divmod(flat, PANELS)
    starts = np.searchsorted(rows, np.arange(len(place) + 1)).astype(np.int32)
    values = key[flat] / total[rows]
    return sparse.csr_array((values, columns.astype(np.int32), starts), shape=(len(place), PANELS))
