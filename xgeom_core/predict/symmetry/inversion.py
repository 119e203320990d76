"""180-degree symmetry: the point through which a frame agrees best with its own inversion."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.statistics import robust_sigma
from xgeom_core.predict.symmetry.features import BoolArray, Features, find_features, make_canvas
from xgeom_core.predict.symmetry.match import TURN, match, tilt_shift
from xgeom_core.predict.symmetry.witness import Witness

SOURCE = "180-degree symmetry"
# A center of which less than this share of the panel has its counterpart on the panel is not looked for.
_LEAST_OVERLAP = 0.08
_APART_SHARE = 0.04
# A point that is worse in any of these is as good as any other.
_LEAST_AGREEMENT, _LEAST_EVEN, _MOST_SECOND = 0.55, 0.5, 0.6


def find_inversion(frame: Frame, features: Features | None = None) -> Witness | None:
    """The center of 180-degree symmetry of local contrast; no start is needed.

    Parameters
    ----------
    frame : Frame
        Native pixels.
    features : Features, optional
        Those of the same frame, where they are at hand.

    Returns
    -------
    Witness or None
        Diagnostics: ``height`` of the best point among all points, in standard deviations of their scores
        (natural logarithm); ``second``, score of the best point elsewhere over that of this one;
        ``agreement``, correlation of what lies opposite; ``even``, share of sectors and annuli that agree;
        ``moved``, from the highest score to the best fit, over the size of what is seen; ``overlap``, share
        of the panel whose counterpart is on it; ``textured``, share of the panel with contrast above noise.
    """
    features = features_of(frame) if features is None else features
    top = None if features is None else highest(features)
    if features is None or top is None:
        return None
    start, height, second, overlap = top
    found = match(features, start, [TURN], tilt_shift(frame.metadata, features))
    if found is None or second > _MOST_SECOND:
        return None
    if found.agreement < _LEAST_AGREEMENT or found.even < _LEAST_EVEN:
        return None
    diagnostics = {"height": float(np.log(max(height, 1.0))), "second": second, "agreement": found.agreement}
    diagnostics |= {"even": found.even, "moved": found.moved, "overlap": overlap}
    diagnostics |= {"textured": float(np.mean(np.abs(features.contrast[features.known]) > 0.2))}
    center = features.pooling.to_native((float(found.center[0]), float(found.center[1])))
    return Witness(SOURCE, center, found.covariance * features.pooling.factor**2, diagnostics)


def features_of(frame: Frame) -> Features | None:
    """`find_features` of a frame as it is."""
    canvas = make_canvas(frame)
    return None if canvas is None else find_features(canvas)


def highest(features: Features) -> tuple[FloatArray, float, float, float] | None:
    """The point of best inversion.

    Returns
    -------
    start : ndarray, shape (2,)
        ``(x, y)`` in pooled px, to half a pixel.
    height, second : float
        Its score in standard deviations of all scores; the next best one's over it.
    overlap : float
        Share of the known pixels whose counterpart is known.
    """
    overlap, covariance, variance = self_inverse(features.contrast, features.known)
    total = float(features.known.sum())
    enough = overlap > _LEAST_OVERLAP * total
    # Of two equal correlations the one over more independent pixels is worth more.
    score = np.arctanh(np.clip(covariance / variance, -0.99, 0.99)) * np.sqrt(overlap) * enough
    size = 2 * max(2, round(_APART_SHARE * max(features.known.shape))) + 1
    rows, columns = np.nonzero((score == ndimage.maximum_filter(score, size=size)) & (score > 0))
    if not len(rows):
        return None
    order = np.argsort(-score[rows, columns], kind="stable")[:2]
    heights = score[rows[order], columns[order]]
    spread = robust_sigma(score[enough][:: max(1, int(enough.sum()) // 20000)])
    row, column = int(rows[order[0]]), int(columns[order[0]])
    return (
        np.array([column + 1.0, row + 1.0]) / 2.0,
        float(heights[0] / max(spread, 1e-3 * heights[0])),
        float(heights[1] / heights[0]) if len(heights) > 1 else 0.0,
        float(overlap[row, column] / total),
    )


def self_inverse(data: FloatArray, known: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Overlap, covariance and variance of an image with its inversion through every point.

    Returns
    -------
    overlap, covariance, variance : ndarray, shape (2 * slow - 1, 2 * fast - 1)
        Sums over the pairs of known points. Index ``t`` is the inversion through the corner-origin
        coordinate ``(t + 1) / 2``.

    Notes
    -----
    ``sum_x a(x) b(t - x)`` is a convolution. With the mask m the mean over a pairing is
    ``(f m * m) / (m * m)``, the same for the image and for its inversion (Padfield 2012 treats the
    case of two images).
    """
    lengths = [fft.next_fast_len(2 * side - 1, real=True) for side in data.shape]
    mask = known.astype(np.float64)
    # Around zero, so that differences of large sums do not eat the digits.
    values = (data - data[known].mean()) * mask
    of_values, of_mask, of_squares = (fft.rfftn(item, lengths) for item in (values, mask, values * values))
    products = (of_mask * of_mask, of_values * of_mask, of_values * of_values, of_squares * of_mask)
    overlap, total, cross, squares = (
        np.asarray(fft.irfftn(item, lengths))[: 2 * data.shape[0] - 1, : 2 * data.shape[1] - 1]
        for item in products
    )
    overlap = np.maximum(overlap, 1.0)
    mean_square = total * total / overlap
    return overlap, cross - mean_square, np.maximum(squares - mean_square, 1e-9)
