"""The direct beam in plain sight: a bright peak from which the counts fall off in every direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.symmetry.features import Canvas, box_mean, make_canvas
from xgeom_core.predict.symmetry.witness import Witness

IntArray = NDArray[np.intp]

SOURCE = "direct beam"
_CANDIDATES, _APART_PX, _AROUND_PX = 3, 9, 21
_SECTORS, _RINGS_PX = 8, np.array([0.0, 2.0, 4.0, 8.0, 14.0, 22.0])
# Without a halo half of the steps outwards fall. A beam has a halo, or it outshines all there is (an image
# of the attenuated beam alone): two sets of limits for how many steps fall, the excess over the next peak
# (log10), and the ratio of the axes.
_LIMITS = ((0.85, 0.3, 0.55), (0.5, 1.5, 0.7))
_MOST_DRIFT, _WIDEST_SHARE = 0.2, 0.12
# Shares of the peak above which counts weigh; how far their centroids scatter is the error.
_LEVELS = (0.5, 0.3, 0.15, 0.08)
_FLOOR_PX, _WIDTH_SHARE = 0.1, 0.04


def find_direct_beam(frame: Frame, canvas: Canvas | None = None) -> Witness | None:
    """The beam itself, where no stop holds it back; None where nothing looks like one.

    Parameters
    ----------
    frame : Frame
        Native pixels.
    canvas : Canvas, optional
        The same frame pooled, where it is at hand.

    Returns
    -------
    Witness or None
        Diagnostics: ``excess``, log10 of the peak's counts over those of the next one; ``even``, share of the
        steps outwards, in eight sectors, in which the counts fall; ``fall``, natural logarithm of the
        counts near the peak over those at its halo's end; ``drift``, scatter of the centroids above several
        levels over the width; ``width`` of the peak over the longer side; ``round``, its short over its
        long axis; ``flat``, share of it that is clipped.
    """
    canvas = make_canvas(frame) if canvas is None else canvas
    if canvas is None:
        return None
    rows, columns, heights = _peaks(canvas)
    for order, (row, column) in enumerate(zip(rows, columns, strict=True)):
        others = float(np.delete(heights, order).max(initial=0.0))
        excess = float(np.log10(heights[order] / max(others, 1e-3 * heights[order])))
        even, fall = _outwards(canvas, int(row), int(column))
        passed = [limit for limit in _LIMITS if even >= limit[0] and excess >= limit[1]]
        place = canvas.pooling.to_native((column + 0.5, row + 0.5))
        found = _centroid(frame, np.array(place), canvas.pooling.factor) if passed else None
        if found is None:
            continue
        center, scatter, width, axes, flat = found
        drift = float(np.sqrt(np.trace(scatter)) / max(width, 1.0))
        if axes < passed[0][2] or drift > _MOST_DRIFT or width > _WIDEST_SHARE * max(frame.shape):
            continue
        diagnostics = {"excess": excess, "even": even, "fall": fall, "drift": drift}
        diagnostics |= {"width": width / max(frame.shape), "round": axes, "flat": flat}
        covariance = scatter + ((_WIDTH_SHARE * width) ** 2 + _FLOOR_PX**2) * np.eye(2)
        return Witness(SOURCE, (float(center[0]), float(center[1])), covariance, diagnostics)
    return None


def _peaks(canvas: Canvas) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows, columns and heights over the surroundings of the brightest places, brightest first."""
    height = ndimage.uniform_filter(canvas.counts, 3, mode="constant")
    height -= box_mean(canvas.counts, canvas.known, _AROUND_PX)
    # Saturated blocks are unknown, and brighter than all that is known.
    height[canvas.saturated] = 1.01 * max(float(height.max()), float(canvas.counts.max()))
    rows, columns = np.nonzero((height == ndimage.maximum_filter(height, size=_APART_PX)) & (height > 0))
    order = np.argsort(-height[rows, columns], kind="stable")
    # Of a saturated patch the middle.
    patches, number = ndimage.label(canvas.saturated)
    if number:
        middles = np.array(ndimage.center_of_mass(canvas.saturated, patches, np.arange(1, number + 1)))
        sizes = ndimage.sum_labels(canvas.saturated, patches, np.arange(1, number + 1))
        order = order[~canvas.saturated[rows[order], columns[order]]]
        rows, columns = (
            np.concatenate([middles[np.argsort(-sizes), k].round(), item[order]]).astype(np.intp)
            for k, item in enumerate((rows, columns))
        )
        order = np.arange(len(rows))
    order = order[:_CANDIDATES]
    return rows[order], columns[order], height[rows[order], columns[order]]


def _outwards(canvas: Canvas, row: int, column: int) -> tuple[float, float]:
    """Share of the steps outwards in which the counts fall, and by how much in all (natural logarithm)."""
    reach, rings = int(_RINGS_PX[-1]), len(_RINGS_PX) - 1
    window = tuple(slice(max(at - reach, 0), at + reach + 1) for at in (row, column))
    known, counts = canvas.known[window], canvas.counts[window]
    down, right = np.ogrid[
        window[0].start - row : window[0].start - row + known.shape[0],
        window[1].start - column : window[1].start - column + known.shape[1],
    ]
    ring = np.digitize(np.hypot(down, right), _RINGS_PX) - 1
    sector = ((np.arctan2(down, right) / (2.0 * np.pi) + 1.0) * _SECTORS).astype(np.intp) % _SECTORS
    use = known & (ring < rings)
    cell, size = (sector * rings + ring)[use], _SECTORS * rings
    number = np.bincount(cell, minlength=size).reshape(_SECTORS, rings)
    level = np.bincount(cell, counts[use], minlength=size).reshape(_SECTORS, rings) / np.maximum(number, 1)
    seen = number > 0
    # The peak itself is one patch for all sectors.
    saturated = bool(canvas.saturated[row, column])
    level[:, 0] = np.inf if saturated else level[:, 0].max()
    seen[:, 0] = saturated or seen[:, 0].any()
    steps = seen[:, 1:] & seen[:, :-1]
    if steps.sum() < 2 * _SECTORS:
        return 0.0, 0.0
    near, far = (float(level[seen[:, k], k].mean()) if seen[:, k].any() else 0.0 for k in (1, rings - 1))
    fall = float(np.clip(np.log(near / far), -9.0, 9.0)) if near > 0 and far > 0 else 0.0
    return float((level[:, 1:] < level[:, :-1])[steps].mean()), fall


def _centroid(
    frame: Frame, center: FloatArray, factor: int
) -> tuple[FloatArray, FloatArray, float, float, float] | None:
    """Centroid, its scatter, full width, axis ratio and clipped share of a peak, in native px."""
    reach = max(4 * factor, 8)
    for _ in range(3):
        top, left = (max(int(at) - reach, 0) for at in center[::-1])
        window = (
            slice(top, max(int(center[1]) + reach + 1, top + 1)),
            slice(left, max(int(center[0]) + reach + 1, left + 1)),
        )
        valid, saturated = frame.valid[window] & np.isfinite(frame.data[window]), frame.saturated[window]
        image = np.where(valid, frame.data[window], 0.0).astype(np.float64)
        y, x = (
            np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
            + np.array([top + 0.5, left + 0.5])[:, None, None]
        )
        rim = valid & (np.hypot(x - center[0], y - center[1]) > 0.8 * reach)
        if valid.sum() + saturated.sum() < 20 or not rim.any():
            return None
        image = np.where(saturated, image.max(), image) - float(np.median(image[rim]))
        # A hot pixel is no peak: the median of three by three is as high as a peak is at its top.
        peak = float(ndimage.median_filter(image, size=3).max())
        if not peak > 0:
            return None
        image = np.minimum(np.where(valid | saturated, image, 0.0), peak)
        points = np.array([_above(image, x, y, level * peak) for level in _LEVELS])
        center = points[:-1].mean(axis=0)
        width = 2.0 * float(np.sqrt((image > 0.5 * peak).sum() / np.pi))
        if 0.25 * reach < width < 0.5 * reach:
            break
        reach = int(np.clip(3.0 * width, 6, 0.25 * max(frame.shape) + 6))
    off, part = points - center, image > 0.3 * peak
    axes = (
        np.linalg.eigvalsh(np.cov(np.stack([x[part], y[part]])) + 1e-3 * np.eye(2))
        if part.sum() > 2
        else (0, 1)
    )
    flat = float((image[part] > 0.995 * peak).mean())
    return center, off.T @ off / len(off), width, float(np.sqrt(axes[0] / axes[1])), flat


def _above(image: FloatArray, x: FloatArray, y: FloatArray, level: float) -> FloatArray:
    """Centroid of what rises above a level, of the patch that holds the most of it."""
    weight = np.clip(image - level, 0.0, None)
    patches, number = ndimage.label(weight > 0)
    if number > 1:
        sums = ndimage.sum_labels(weight, patches, np.arange(1, number + 1))
        weight = np.where(patches == int(np.argmax(sums)) + 1, weight, 0.0)
    return np.array([float((weight * x).sum()), float((weight * y).sum())]) / max(float(weight.sum()), 1e-12)
