"""The spots of one frame, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spots:
    """Spots of one frame, the strongest first.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centroids (fast, slow) in native px, corner origin.
    sigma_px : ndarray, shape (n,)
        Standard error of each coordinate of the centroid, in px.
    counts : ndarray, shape (n,)
        Counts above the background.
    snr : ndarray, shape (n,)
        Counts divided by their standard deviation.
    pixels : ndarray of int, shape (n,)
        Number of pixels that stand out.
    shape : tuple of int
        ``(slow, fast)`` of the frame.
    known : ndarray of bool, shape (slow, fast), optional
        Pixels on which a spot could have been seen; all where None.
    is_map : bool
        Whether the frame holds two values and its ones form patches: a map of spots, in which nothing counts
        photons. (A frame of few photons holds two values as well, but its ones stand alone.)
    """

    x: FloatArray
    y: FloatArray
    sigma_px: FloatArray
    counts: FloatArray
    snr: FloatArray
    pixels: IntArray
    shape: tuple[int, int]
    known: NDArray[np.bool_] | None = None
    is_map: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: NDArray[np.bool_] | IntArray | slice) -> Spots:
        """The chosen spots (a mask, indices or a slice)."""
        return Spots(
            self.x[which],
            self.y[which],
            self.sigma_px[which],
            self.counts[which],
            self.snr[which],
            self.pixels[which],
            self.shape,
            self.known,
            self.is_map,
        )


def no_spots(shape: tuple[int, int]) -> Spots:
    """An empty list for a frame of a shape."""
    empty = np.zeros(0)
    return Spots(empty, empty, empty, empty, empty, np.zeros(0, dtype=np.int64), shape)
