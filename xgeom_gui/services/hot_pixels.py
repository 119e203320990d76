"""Pixels that stand alone: far above every neighbor, as no spot of a real beam is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOT_RATIO = 30.0
"""A hot pixel counts at least so many times more than each of its neighbors."""

_LEAST_COUNTS, _LEAST_NEIGHBORS, _MOST_CANDIDATES = 100.0, 3, 20_000
_AROUND = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))


def find_hot(counts: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Hot pixels.

    Parameters
    ----------
    counts, valid : ndarray, shape (slow, fast)
        As in `xgeom_core.frame.Frame`.

    Returns
    -------
    ndarray, shape (n, 2)
        Their ``(slow, fast)`` indices.

    Notes
    -----
    A suspicion, not a verdict: it colors the picture and leaves the frame as it is.
    """
    sample = counts[::8, ::8]
    threshold = max(_LEAST_COUNTS, float(np.percentile(sample, 99.9)))
    flat = np.flatnonzero(counts.ravel() > threshold)
    if flat.size > _MOST_CANDIDATES:
        # Only the brightest can stand out among so many bright ones.
        brightest = np.argpartition(counts.ravel()[flat], -_MOST_CANDIDATES)[-_MOST_CANDIDATES:]
        flat = np.sort(flat[brightest])
    rows, columns = np.unravel_index(flat, counts.shape)
    height, width = counts.shape
    highest = np.zeros(flat.size, dtype=np.float32)
    known = np.zeros(flat.size, dtype=np.intp)
    for dy, dx in _AROUND:
        y, x = rows + dy, columns + dx
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = np.where(inside, y, 0), np.where(inside, x, 0)
        good = inside & valid[y, x]
        known += good
        np.maximum(highest, np.where(good, counts[y, x], 0), out=highest)
    value = counts[rows, columns]
    hot = valid[rows, columns] & (known >= _LEAST_NEIGHBORS) & (value >= HOT_RATIO * np.maximum(highest, 1.0))
    return np.stack([rows[hot], columns[hot]], axis=1)
