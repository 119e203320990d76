"""Where spots may be: pixels around which the sum over a box as large as a spot stands out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.predict.spots.local_background import Background

IntArray = NDArray[np.int64]

# A box sum must exceed its background by this many standard deviations and this many quanta more:
# one chance spot in a whole 6-megapixel frame at 0.05 counts as well as at 500.
_SEED_SIGMA = 5.0
_SEED_QUANTA = 4.0
# Spots beyond this number would take longer to look at than they are worth.
_MOST_SEEDS = 400_000
_MOST_PEAKS = 12_000
_BRIGHT_SIGMA = 6.0
# Up to this width shifted copies are summed faster than a running mean goes.
_WIDE_BOX = 5


def typical_size(image: NDArray[np.float32], background: Background) -> float:
    """Standard deviation in px of the frame's bright spots, 0.3 to 4."""
    flat = np.flatnonzero(background.exceeds(image, _BRIGHT_SIGMA))
    if len(flat) < 5 or len(flat) > image.size // 4:
        return 0.7
    inside = np.zeros(image.shape, dtype=bool)
    inside.ravel()[flat] = True
    labels, count = ndimage.label(inside, structure=np.ones((3, 3), dtype=int))
    area = np.bincount(labels.ravel()[flat], minlength=count + 1)[1:]
    # A few very large patches are direct beam, streaks or merged spots; the median passes over them.
    # A pixel or two is a hot pixel or a spot's tip wherever most patches are larger.
    larger = area[area > 2]
    enough = 0.3 * count if background.binary else 10
    typical = np.median(larger) if len(larger) >= enough else np.median(area)
    reach = 1.0 if background.binary else 1.4
    return float(np.clip(np.sqrt(typical / np.pi) / reach / 1.2, 0.3, 4.0))


def refined_size(image: NDArray[np.float32], background: Background, peaks: IntArray, rough: float) -> float:
    """The same from the second moments of the strongest peaks; `rough` for binary or too few spots."""
    half = 8
    rows, columns = np.divmod(peaks, image.shape[1])
    inside = (rows >= half) & (columns >= half)
    inside &= (rows < image.shape[0] - half) & (columns < image.shape[1] - half)
    rows, columns = rows[inside], columns[inside]
    if background.binary or len(rows) < 10:
        return rough
    level = background.at(rows, columns)[0]
    around = np.stack([image[rows + dy, columns + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    strength = around.sum(axis=0) - 9.0 * level
    order = np.argsort(-strength)[: min(len(rows), 300)]
    rows, columns, level = rows[order], columns[order], level[order]
    offsets = np.arange(-half, half + 1)
    patch = (
        image[rows[:, None, None] + offsets[:, None], columns[:, None, None] + offsets] - level[:, None, None]
    )
    square = offsets[:, None] ** 2 + offsets**2
    size = rough
    for _ in range(4):
        window = max(1.5 * size, 1.2)
        weighted = patch * np.exp(-0.5 * square / window**2)
        total = weighted.sum(axis=(1, 2))
        good = total > 0
        if good.sum() < 10:
            return rough
        # A Gaussian of variance v under a window of variance w has variance v w / (v + w).
        seen = np.median((weighted * square).sum(axis=(1, 2))[good] / total[good]) / 2.0 - 1.0 / 12.0
        seen = float(np.clip(seen, 0.05, 0.95 * window**2))
        size = float(np.clip(np.sqrt(seen * window**2 / (window**2 - seen)), 0.3, 4.0))
    return size


def find_peaks(image: NDArray[np.float32], background: Background, size: float) -> IntArray:
    """Flat indices of pixels around which the box sum stands out and is the largest."""
    width = int(np.clip(2 * round(size * 1.2) + 1, 3, 9))
    total = _box_mean(image, width)
    stands_out = total > background.threshold(image.shape, _SEED_SIGMA / width, _SEED_QUANTA / width**2)
    if size < 1.2:
        stands_out |= background.exceeds(image, _BRIGHT_SIGMA)
    seeds = np.flatnonzero(stands_out)
    if len(seeds) > _MOST_SEEDS:
        rank = np.argpartition(-total.ravel()[seeds], _MOST_SEEDS)
        seeds = seeds[rank[:_MOST_SEEDS]]
    # Among equal sums the larger pixel wins, then the first pixel, so that no plateau counts twice.
    rows, columns = np.divmod(seeds, image.shape[1])
    inside = (rows > 0) & (columns > 0) & (rows < image.shape[0] - 1) & (columns < image.shape[1] - 1)
    seeds = seeds[inside]
    reach = 1 if size < 1.0 else 2
    best = np.ones(len(seeds), dtype=bool)
    box, pixel = total.ravel(), image.ravel()

    def value(at: IntArray) -> NDArray[np.float32]:
        return box[at] + pixel[at] * np.float32(1e-3)

    own = value(seeds)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dx or dy:
                near = value(np.clip(seeds + dy * image.shape[1] + dx, 0, image.size - 1))
                best &= (own > near) | ((own == near) & ((dy, dx) > (0, 0)))
    peaks = seeds[best]
    if len(peaks) > _MOST_PEAKS:
        peaks = peaks[np.argsort(-own[best])[:_MOST_PEAKS]]
    return np.asarray(peaks, dtype=np.int64)


def _box_mean(image: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Mean over a square box around each pixel; nothing beyond the edge."""
    if width > _WIDE_BOX:
        return np.asarray(ndimage.uniform_filter(image, width, mode="constant"))
    rows = image.copy()
    for d in range(1, width // 2 + 1):
        rows[d:] += image[:-d]
        rows[:-d] += image[d:]
    total = rows.copy()
    for d in range(1, width // 2 + 1):
        total[:, d:] += rows[:, :-d]
        total[:, :-d] += rows[:, d:]
    total *= np.float32(1.0 / width**2)
    return total
