"""Hough transform: gradients vote along their lines, the strongest ring is then fitted by a circle."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.canvas import is_flat, make_canvas
from xgeom_core.predict.classical.gradients import Gradients, find_gradients
from xgeom_core.predict.classical.radial_symmetry import meeting_point
from xgeom_core.predict.classical.registry import Start

NAME = "circle"
WHEN = "works when one ring (water, ice, powder) stands out; needs no start, bears half the ring hidden"
SIGMA_PX = 2.5
_MOST_LINES = 3000
_LEAST_LINES = 80
# Cells of the accumulator reach this share of the side beyond the panel.
_MARGIN_SHARE = 0.3
# The least height of the highest cell over what scattered lines would give, in standard deviations.
_LEAST_PEAK = 8.0
_DIRECTIONS = 36
_FAR_SHARE = 0.25
_ROUNDS = 3
LEAST_AGREEING = 0.35
_LEAST_COVERED = 0.4


def circle(frame: Frame, start: Start = None) -> Estimate:
    """Center of the strongest ring by voting; see `WHEN`. The start is not needed."""
    canvas = make_canvas(frame)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable to look for a ring.")
    if is_flat(canvas):
        return nothing(NAME, frame, "The background is flat: there is no ring.")
    lines = strongest(find_gradients(canvas, SIGMA_PX), _MOST_LINES)
    if len(lines) < _LEAST_LINES:
        return nothing(NAME, frame, "No ring stands out: there are hardly any edges.")
    rough, height = vote(lines, canvas.shape)
    center, ring, covariance = rough, lines, np.eye(2)
    # Which edges lie on the ring depends on the center; a few rounds forget the vote's own error.
    for _ in range(_ROUNDS):
        ring = on_ring(lines, center, canvas.side)
        if len(ring) < _LEAST_LINES // 2:
            return nothing(NAME, frame, "No ring stands out: the edges do not line up on a circle.")
        center, covariance, _ = meeting_point(ring, center, canvas.side)
    doubt = ""
    if height < _LEAST_PEAK or agreeing(lines, center, canvas.side) < LEAST_AGREEING:
        doubt = "No ring stands out: the votes for a center are scattered."
    elif _covered(ring, center) < _LEAST_COVERED:
        doubt = "Too short an arc of the ring is on the panel."
    # Directions and places of the edges are two opinions; their difference is what the ring's shape does.
    drift = center - circle_through(ring)
    if not doubt and np.hypot(*drift) > 0.03 * canvas.side:
        doubt = "The strongest ring is no circle."
    covariance = covariance + np.outer(drift, drift) + np.eye(2) * _tilt_share(ring, center) ** 2
    return answer(NAME, frame, canvas.native(center), covariance * canvas.pooling.factor**2, doubt)


def circle_through(ring: Gradients) -> FloatArray:
    """Center of the circle nearest to the edges' places (least squares in ``x^2 + y^2``)."""
    origin = np.array([ring.x.mean(), ring.y.mean()])
    x, y = ring.x - origin[0], ring.y - origin[1]
    angle = np.arctan2(y, x)
    sector = ((angle / np.pi + 1.0) * 0.5 * _DIRECTIONS).astype(int) % _DIRECTIONS
    # Sectors count alike, however thick the ring's edge is there.
    weight = np.sqrt(1.0 / np.bincount(sector, minlength=_DIRECTIONS)[sector])
    terms = np.stack([x, y, np.ones_like(x)], axis=1) * weight[:, None]
    found = np.linalg.lstsq(terms, (x * x + y * y) * weight, rcond=None)[0]
    return np.asarray(origin + 0.5 * found[:2])


def _tilt_share(ring: Gradients, center: FloatArray) -> float:
    """A circle is no ellipse: what a tilt of a degree or so does to a ring's center, in canvas px."""
    return 0.01 * float(np.median(np.hypot(ring.x - center[0], ring.y - center[1])))


def strongest(lines: Gradients, most: int) -> Gradients:
    """The strongest gradients."""
    if len(lines) <= most:
        return lines
    return subset(lines, np.argpartition(lines.strength, -most)[-most:])


def subset(lines: Gradients, keep: np.ndarray) -> Gradients:
    """Some of the gradients."""
    return Gradients(lines.x[keep], lines.y[keep], lines.u[keep], lines.v[keep], lines.strength[keep])


def vote(lines: Gradients, shape: tuple[int, int]) -> tuple[FloatArray, float]:
    """The cell that most lines pass through.

    Returns
    -------
    center : ndarray, shape (2,)
        Canvas px.
    height : float
        Votes in the peak over their smooth surroundings, in standard deviations.
    """
    height, width = shape
    margin = int(_MARGIN_SHARE * max(shape))
    rows, columns = height + 2 * margin, width + 2 * margin
    reach = np.arange(-max(rows, columns), max(rows, columns), 1.0)
    x = (lines.x[:, None] + margin + lines.u[:, None] * reach).astype(np.int32)
    y = (lines.y[:, None] + margin + lines.v[:, None] * reach).astype(np.int32)
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    # Lines from afar are spread over more cells by the same error of direction. Weighing them up also
    # keeps the stop's small circle from winning.
    far = np.minimum(np.abs(reach) / (_FAR_SHARE * max(shape)), 1.0)
    weight = (_evened(lines)[:, None] * far)[inside]
    votes = np.bincount((y * columns + x)[inside], weights=weight, minlength=rows * columns)
    near = ndimage.gaussian_filter(votes.reshape(rows, columns), 3.0)
    wide = ndimage.gaussian_filter(near, max(shape) / 16.0)
    # Lines crossing by chance scatter as counts do; smoothing by s divides the variance by 4 pi s^2.
    score = (near - wide) / np.sqrt((wide + 0.1) / (4.0 * np.pi * 9.0))
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    center = np.array([column + 0.5 - margin, row + 0.5 - margin])
    return center, float(score[row, column])


def _evened(lines: Gradients) -> FloatArray:
    """Weights by which every direction has the same say: an arm's edge is many lines of one direction."""
    angle = np.arctan2(lines.v, lines.u)
    sector = np.minimum(((angle / np.pi + 1.0) * 0.5 * _DIRECTIONS).astype(int), _DIRECTIONS - 1)
    weight = 1.0 / np.maximum(np.bincount(sector, minlength=_DIRECTIONS)[sector], 1)
    weight = np.minimum(weight, 5.0 / len(lines))
    return np.asarray(weight / weight.mean())


def agreeing(lines: Gradients, center: FloatArray, side: float) -> float:
    """Share of the lines (every direction with the same say) that pass near a center."""
    weight = _evened(lines)
    miss = lines.u * (center[1] - lines.y) - lines.v * (center[0] - lines.x)
    return float(weight[np.abs(miss) < 0.05 * side].sum() / weight.sum())


def _covered(ring: Gradients, center: FloatArray) -> float:
    """Share of the circle on which the ring was seen."""
    angle = np.arctan2(ring.y - center[1], ring.x - center[0])
    return len(np.unique((angle * 36 / (2 * np.pi)).astype(int))) / 36.0


def on_ring(lines: Gradients, center: FloatArray, side: float) -> Gradients:
    """The gradients that point to the center and lie on the radius where they are strongest."""
    dx, dy = lines.x - center[0], lines.y - center[1]
    radius = np.hypot(dx, dy)
    aligned = np.abs(lines.u * dy - lines.v * dx) < np.maximum(0.12 * radius, 0.02 * side)
    aligned &= radius > 0.05 * side
    if not aligned.any():
        return subset(lines, np.nonzero(aligned)[0])
    # Per unit of circumference, or the longest circle would always win.
    width = 0.03 * side
    bins = (radius / width).astype(int)
    weight = np.where(aligned, lines.strength / np.maximum(radius, 1.0), 0.0)
    profile = np.convolve(np.bincount(bins, weights=weight), [1.0, 1.0, 1.0], mode="same")
    best = (int(np.argmax(profile)) + 0.5) * width
    return subset(lines, np.nonzero(aligned & (np.abs(radius - best) < 2.0 * width))[0])
