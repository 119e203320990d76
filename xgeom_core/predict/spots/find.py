"""Spots: where sharp peaks stand out of the background of a frame, to a fraction of a pixel.

The background and its spread come from blocks of pixels, clipped so that spots do not count. A box
of the size of the frame's own spots is summed at every pixel; where the sum stands out, the largest
sum around is a spot, and its centroid is its position. Frames of ones and zeros are taken apart into
patches first, since merged spots have no peaks there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.predict.spots.blobs import find_blobs
from xgeom_core.predict.spots.local_background import Background, measure_background
from xgeom_core.predict.spots.measure import Measured, measure_spots
from xgeom_core.predict.spots.peaks import find_peaks, refined_size, typical_size
from xgeom_core.predict.spots.spot_list import Spots, no_spots

__all__ = ["Spots", "find_spots"]

_SMALLEST_SIDE = 8
# Beyond this change of the logarithm of the size the spots are looked for again.
_LARGEST_CHANGE = 0.35
# A hot pixel holds nearly all of its counts alone. Of spots smaller than a pixel a part does so too, but then
# at least half as many hold a little less.
_ALONE, _HOT, _HOT_EXCESS = 0.9, 0.95, 2.0
# Reflections are of all strengths: about as many have a signal to noise of up to `_CROWD` times a limit as
# `_BEYOND` times. Where the faintest are this much more numerous (and by more than a few) they are a crowd.
_CROWD, _BEYOND, _CROWDED, _SPARSE, _FEW = 1.25, (1.5, 2.0), 2.0, 1.25, 10
_CROWD_STEP = 1.05
_MAP_PIXELS = 2


def find_spots(frame: Frame, *, most: int = 8000) -> Spots:
    """Find the spots of a frame.

    Parameters
    ----------
    frame : Frame
        Native pixels. Masked and saturated pixels take no part; spots that touch one are left out.
    most : int
        The most spots to return.

    Returns
    -------
    Spots
        Strongest first (in a frame of two values, 0 and 1, which is taken for a map of spots: the best
        isolated first); empty where nothing stands out.
    """
    image = np.where(frame.valid, frame.data, np.float32(0.0)).astype(np.float32, copy=False)
    if min(image.shape) < _SMALLEST_SIDE or not np.isfinite(image).all():
        image = np.nan_to_num(image, posinf=0.0, neginf=0.0)
    background = measure_background(image, frame.valid)
    if background is None or min(image.shape) < _SMALLEST_SIDE:
        return no_spots(frame.shape)
    if background.binary:
        return _patches_of(image, frame.valid, background).take(slice(most))
    return replace(_peaks_of(image, frame.valid, background).take(slice(most)), known=frame.valid)


def _patches_of(image: NDArray[np.float32], valid: NDArray[np.bool_], background: Background) -> Spots:
    """Spots of a frame of two values, the most certain first."""
    blobs = find_blobs(image > background.level.min(), valid)
    # Patches of several pixels; photons of a weak background seldom fall side by side.
    is_map = len(blobs.single) > 0 and float(np.median(blobs.single.pixels)) >= _MAP_PIXELS
    if blobs.enough:
        # Whether there is a spot under merged ones cannot be told.
        return replace(blobs.single, known=valid & ~blobs.merged, is_map=is_map)
    pieces = _peaks_of(np.where(blobs.merged, image, background.level.min()), valid, background)
    return replace(blobs.with_pieces(pieces), known=valid, is_map=is_map)


def _peaks_of(image: NDArray[np.float32], valid: NDArray[np.bool_], background: Background) -> Spots:
    """Spots that have a peak, the strongest first."""
    rough = typical_size(image, background)
    peaks = find_peaks(image, background, rough)
    size = refined_size(image, background, peaks, rough)
    if abs(np.log(size / rough)) > _LARGEST_CHANGE:
        peaks = find_peaks(image, background, size)
    if len(peaks) == 0:
        return no_spots(image.shape)
    measured = measure_spots(image, valid, background, peaks, size)
    return _sift(measured, size, binary=background.binary)


def _sift(measured: Measured, size: float, *, binary: bool) -> Spots:
    """Whole spots, without hot pixels and without a spot found twice, the strongest first."""
    keep = measured.whole.copy()
    if not binary:
        alone = measured.peak_share > _ALONE
        strong = keep & alone & (measured.spots.snr > 8.0)
        hot = int((strong & (measured.peak_share > _HOT)).sum())
        if hot > _HOT_EXCESS * (int(strong.sum()) - hot):
            keep &= ~alone
    spots = measured.spots.take(keep)
    spots = spots.take(np.argsort(-spots.snr))
    twice = _twins(spots, max(1.2, 1.2 * size))
    spots = spots.take(np.flatnonzero(~twice))
    return spots if binary else spots.take(spots.snr >= _above_crowd(spots.snr))


def _above_crowd(snr: NDArray[np.float64]) -> float:
    """Signal to noise above a crowd of faint specks and tails of the noise; 0 where there is none."""

    def around(limit: float) -> tuple[int, int]:
        number = np.histogram(snr, limit * np.array([1.0, _CROWD, *_BEYOND]))[0]
        return int(number[0]), int(number[2])

    limit = float(snr.min(initial=np.inf))
    faint, clear = around(limit) if len(snr) else (0, 0)
    if faint <= _CROWDED * clear + _FEW:
        return 0.0
    while faint > _SPARSE * clear:
        limit *= _CROWD_STEP
        faint, clear = around(limit)
    # Spots that only grow fewer the stronger they are have no crowd below them.
    return limit if clear >= _FEW else 0.0


def _twins(spots: Spots, reach: float) -> NDArray[np.bool_]:
    """True for spots with a stronger one (earlier in order) within `reach` px."""
    twice = np.zeros(len(spots), dtype=bool)
    if len(spots) < 2:
        return twice
    order = np.argsort(spots.y, kind="stable")
    x, y = spots.x[order], spots.y[order]
    for step in range(1, 30):
        near = y[step:] - y[:-step] < reach
        if not near.any():
            break
        near &= (y[step:] - y[:-step]) ** 2 + (x[step:] - x[:-step]) ** 2 < reach**2
        twice[np.maximum(order[step:], order[:-step])[near]] = True
    return twice
