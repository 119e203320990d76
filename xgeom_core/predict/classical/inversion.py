"""The point through which the image agrees best with its own inversion."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.answers import answer, nothing, scatter
from xgeom_core.predict.classical.canvas import Canvas, is_flat, make_canvas, masked_mean
from xgeom_core.predict.classical.mirror import self_mirror
from xgeom_core.predict.classical.registry import Start

NAME = "inversion"
WHEN = "works when opposite sides look alike and the beam is within the middle half of the panel"
# Band passes (fine and coarse width as shares of the side); the scatter of their answers is the error.
_BANDS = ((0.008, 0.12), (0.012, 0.3), (0.004, 0.06))
# A tilt of a degree or two turns rings into ellipses and moves their center by about this share of the side.
_SYSTEMATIC_SHARE = 0.004
_LEAST_OVERLAP = 0.12
_SAME_SHARE = 0.04
_LEAST_AGREEMENT = 0.1
_LEAST_SIGNIFICANCE = 12.0


def inversion(frame: Frame, start: Start = None) -> Estimate:
    """Center of inversion by Fourier transform; see `WHEN`. The start is not needed."""
    canvas = make_canvas(frame, side_px=256)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable to compare the frame with its inversion.")
    if is_flat(canvas):
        return nothing(NAME, frame, "The background is flat: every point turns it into itself.")
    found = [_in_band(canvas, fine * canvas.side, coarse * canvas.side) for fine, coarse in _BANDS]
    agreement, significance = max(row[1] for row in found), max(row[2] for row in found)
    # The most significant band answers; the others, as far as they see anything, tell the error.
    best = max(found, key=lambda row: row[2])
    doubt = ""
    if agreement < _LEAST_AGREEMENT or significance < _LEAST_SIGNIFICANCE:
        doubt = "No point turns the frame into itself: opposite sides do not look alike."
    far = [float(np.hypot(*(row[0] - best[0]))) for row in found]
    if not doubt and sum(value < _SAME_SHARE * canvas.side for value in far) < 2:
        doubt = "Coarse and fine structure turn into themselves about different points."
    native = np.array([canvas.native(row[0]) for row in found if row[2] > 0.5 * best[2]])
    center = canvas.native(best[0])
    own = np.hypot(0.15 * canvas.pooling.factor / max(best[1], 0.05), _SYSTEMATIC_SHARE * max(frame.shape))
    return answer(NAME, frame, center, scatter(native, np.array(center)) + own**2 * np.eye(2), doubt)


def _in_band(canvas: Canvas, fine: float, coarse: float) -> tuple[FloatArray, float, float]:
    """Center (canvas px), correlation and significance for one band pass."""
    image = masked_mean(canvas.image, canvas.known, fine) - masked_mean(canvas.image, canvas.known, coarse)
    overlap, covariance, variance = self_mirror(image, canvas.known, (0, 1))
    agreement = np.where(overlap > _LEAST_OVERLAP * canvas.known.sum(), covariance / variance, -1.0)
    agreement = np.clip(agreement, -0.999, 0.999)
    # Of two equal correlations the one over more independent pixels is worth more.
    significance = np.arctanh(agreement) * np.sqrt(overlap / (4.0 * np.pi * fine**2) / 2.0)
    row, column = np.unravel_index(int(np.argmax(significance)), significance.shape)
    place = _refined(agreement, int(row), int(column), max(2, round(1.5 * fine)))
    return (place + 1.0) / 2.0, float(agreement[row, column]), float(significance[row, column])


def _refined(surface: FloatArray, row: int, column: int, reach: int) -> FloatArray:
    """``(x, y)`` of the top of a paraboloid through the surroundings of a maximum."""
    # The most significant point need not be the best agreement: climb first.
    local = ndimage.maximum_filter(surface, size=3)
    for _ in range(4 * reach):
        if surface[row, column] >= local[row, column]:
            break
        part = surface[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        down, right = np.unravel_index(int(np.argmax(part)), part.shape)
        row, column = max(row - 1, 0) + int(down), max(column - 1, 0) + int(right)
    top, left = max(row - reach, 0), max(column - reach, 0)
    part = surface[top : row + reach + 1, left : column + reach + 1]
    y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float64)
    y, x = (y + top - row).ravel(), (x + left - column).ravel()
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    _, b, c, d, e, f = np.linalg.lstsq(terms, part.ravel(), rcond=None)[0]
    bend = np.array([[2 * d, e], [e, 2 * f]])
    here = np.array([float(column), float(row)])
    if d >= 0 or np.linalg.det(bend) <= 0:
        return here
    return here + np.clip(-np.linalg.solve(bend, [b, c]), -reach, reach)
