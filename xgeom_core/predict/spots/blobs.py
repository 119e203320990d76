"""Spots of frames that hold only ones and zeros: patches of ones, told from merged ones by their shape.

A patch that fills an ellipse no longer than those around it is one spot, and its centroid the position. What
is left are spots that have run together; only their larger parts can be guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.predict.spots.spot_list import Spots

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# A patch is one spot if it fills this share of the ellipse of its second moments, ...
_FILLED = 0.85
# ... is longer than the usual by no more than this factor, within these limits (two pixels are 2 long), ...
_LONGER, _LONG_LIMITS = 1.35, (1.75, 3.2)
_TELLING_AREA, _TWO_LONG = 4, 2.05
# ... and no larger than this many times the usual area; from the lower limit on it is in doubt.
_LARGER, _LARGE = 4.0, 3.0
# Parts of a patch that hang together by corners only count if they are larger than this.
_SCRAP_AREA = 2
# With so many single spots nobody needs guesses at the merged ones.
_ENOUGH = 60
_PIECE_SIGMA = 0.6
_EVERY_SIDE = np.ones((3, 3), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Blobs:
    """Patches of a frame.

    Parameters
    ----------
    single : Spots
        Patches that are one spot each, the most certain first.
    merged : ndarray of bool, shape (slow, fast)
        Pixels of the other patches.
    """

    single: Spots
    merged: BoolArray

    @property
    def enough(self) -> bool:
        """Whether the single spots alone will do."""
        return len(self.single) >= _ENOUGH or not self.merged.any()

    def with_pieces(self, pieces: Spots) -> Spots:
        """The single spots, then the pieces that the merged ones were broken into."""
        first, last = self.single, pieces
        # Ranks go on downwards where those of the single spots end.
        least = float(first.snr.min()) if len(first) else 1.0
        return Spots(
            np.concatenate([first.x, last.x]),
            np.concatenate([first.y, last.y]),
            np.concatenate([first.sigma_px, np.full(len(last), _PIECE_SIGMA)]),
            np.concatenate([first.counts, last.pixels.astype(np.float64)]),
            np.concatenate([first.snr, least * np.linspace(0.99, 0.5, len(last))]),
            np.concatenate([first.pixels, last.pixels]),
            first.shape,
        )


def find_blobs(on: BoolArray, valid: BoolArray) -> Blobs:
    """Take a map of ones apart.

    Parameters
    ----------
    on : ndarray of bool, shape (slow, fast)
        Where it is one.
    valid : ndarray of bool, shape (slow, fast)
        Patches that touch a pixel which is not, or the edge, are left out.
    """
    on = on & valid
    beside = _beside(valid)
    patches, labels = _moments(on, _EVERY_SIDE)
    good = _compact(patches) & ~_marked(labels, beside, len(patches.area))
    # What is no single spot may be two that have just met at a corner.
    rest = on & np.concatenate([[False], ~_compact(patches)])[labels]
    parts, part_labels = _moments(rest, None)
    fine = _compact(parts, _longest(patches)) & (parts.area > _SCRAP_AREA)
    fine &= ~_marked(part_labels, beside, len(parts.area))
    spots = _listed(patches.take(good), parts.take(fine), on.shape)
    return Blobs(spots, rest & ~np.concatenate([[False], fine])[part_labels])


def _listed(whole: _Patches, parts: _Patches, shape: tuple[int, int]) -> Spots:
    """Whole patches and parts, large ones first, but for those so large that they may be several spots."""
    both = whole.joined(parts)
    larger = both.area[both.area > 1]
    usual = float(np.median(larger)) if len(larger) else 1.0
    kept = np.flatnonzero(both.area <= _LARGER * usual)
    # Strong reflections lie nearest to the Ewald sphere, but the largest patches are merged ones.
    large = both.area[kept] > _LARGE * usual
    kept = kept[np.lexsort((np.where(large, both.area[kept], -both.area[kept]), large))]
    area = both.area[kept]
    return Spots(
        both.x[kept],
        both.y[kept],
        0.29 / area**0.25,
        area,
        # Certainty is what orders spots; its measure here is only a rank.
        np.sort(np.sqrt(20.0 * area))[::-1],
        area.astype(np.int64),
        shape,
    )


def _compact(patches: _Patches, longest: float | None = None) -> BoolArray:
    """Which patches have the shape of one spot."""
    limit = _longest(patches) if longest is None else longest
    small = patches.area < _TELLING_AREA
    return (patches.filled > _FILLED) & (patches.long < np.where(small, max(limit, _TWO_LONG), limit))


@dataclass(frozen=True, eq=False)
class _Patches:
    """Centroids in px, areas, shares of the ellipse filled, and ratios of length to width."""

    x: FloatArray
    y: FloatArray
    area: FloatArray
    filled: FloatArray
    long: FloatArray

    def take(self, which: BoolArray) -> _Patches:
        """The chosen ones."""
        return _Patches(*(column[which] for column in self._columns()))

    def joined(self, others: _Patches) -> _Patches:
        """These, then others."""
        pairs = zip(self._columns(), others._columns(), strict=True)
        return _Patches(*(np.concatenate(pair) for pair in pairs))

    def _columns(self) -> tuple[FloatArray, ...]:
        return self.x, self.y, self.area, self.filled, self.long


def _moments(on: BoolArray, neighbors: NDArray[np.int64] | None) -> tuple[_Patches, NDArray[np.int32]]:
    """Patches of ones and the map of their numbers, from 1."""
    labels, count = ndimage.label(on, structure=neighbors)
    place = np.flatnonzero(labels)
    label = labels.ravel()[place]
    rows, columns = np.divmod(place, labels.shape[1])

    def total(weights: NDArray[np.int64]) -> FloatArray:
        return np.asarray(np.bincount(label, weights, count + 1)[1:], dtype=np.float64)

    area = np.bincount(label, minlength=count + 1)[1:].astype(np.float64)
    x, y = total(columns) / area, total(rows) / area
    # A pixel is a square, not a point.
    xx = total(columns * columns) / area - x**2 + 1.0 / 12.0
    yy = total(rows * rows) / area - y**2 + 1.0 / 12.0
    xy = total(rows * columns) / area - x * y
    determinant = np.maximum(xx * yy - xy**2, 1e-6)
    middle = 0.5 * (xx + yy)
    apart = np.sqrt(np.maximum(middle**2 - determinant, 0.0))
    long = np.sqrt((middle + apart) / np.maximum(middle - apart, 1e-6))
    patches = _Patches(x + 0.5, y + 0.5, area, area / (4.0 * np.pi * np.sqrt(determinant)), long)
    return patches, labels


def _beside(valid: BoolArray) -> BoolArray:
    """Pixels beside one that is not valid, or at the edge of the frame."""
    beside = np.asarray(ndimage.binary_dilation(~valid))
    beside[0], beside[-1], beside[:, 0], beside[:, -1] = True, True, True, True
    return beside


def _marked(labels: NDArray[np.int32], where: BoolArray, count: int) -> BoolArray:
    """Patches with a pixel in some place."""
    marked = np.zeros(count + 1, dtype=bool)
    marked[labels[where]] = True
    return marked[1:]


def _longest(patches: _Patches) -> float:
    """The ratio of length to width beyond which a patch is taken for several spots in a row."""
    telling = patches.area >= _TELLING_AREA
    usual = float(np.median(patches.long[telling])) if telling.any() else 1.0
    return float(np.clip(_LONGER * usual, *_LONG_LIMITS))
