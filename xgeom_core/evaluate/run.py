"""Score a model on frames whose centers are known, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.evaluate.metrics import Scores, score
from xgeom_core.frame import Frame, pool
from xgeom_core.frames import FrameSource
from xgeom_core.geometry import FloatArray
from xgeom_core.models.settings import REFERENCE_PX
from xgeom_core.predict.predictor import Predictor

_THUMBNAIL_PX = 240
# A spot stands out of its neighborhood by so many standard deviations.
_SPOT_SIGMAS = 6.0
_NEIGHBORHOOD = 15


@dataclass(frozen=True, eq=False)
class Row:
    """One frame: the truth, what was said, and what may have made it hard.

    Parameters
    ----------
    path, index : str, int
        Which frame.
    truth : Estimate
    network, fit : Estimate or None
        The network's answer; the predictor's, where it was asked for and called "ok".
    status, reason : str
        The predictor's verdict.
    distance_mm : float
        NaN where unknown.
    dose : float
        Mean counts per usable native pixel.
    spots : int
        Roughly how many spots stand out.
    side_px : int
        Longer side of the frame.
    thumbnail : ndarray, shape (h, w)
        A small picture, for galleries.
    elapsed_s : float
        Time that the prediction took.
    """

    path: str
    index: int
    truth: Estimate
    network: Estimate | None
    fit: Estimate | None
    status: str
    reason: str
    distance_mm: float
    dose: float
    spots: int
    side_px: int
    thumbnail: FloatArray
    elapsed_s: float

    def error_px820(self, fit: bool = False) -> float:
        """Distance between predicted and true center in px of an 820-px frame; infinite without answer."""
        said = self.fit if fit else self.network
        if said is None:
            return float("inf")
        off = np.hypot(*(np.subtract(said.center_px, self.truth.center_px)))
        return float(off) * REFERENCE_PX / self.side_px

    def tilt_error_deg(self, fit: bool = False) -> float:
        """Larger error of pitch and yaw; NaN where no tilt is claimed or known."""
        said = self.fit if fit else self.network
        if said is None or said.tilt_deg is None or self.truth.tilt_deg is None:
            return float("nan")
        return float(np.abs(np.subtract(said.tilt_deg, self.truth.tilt_deg)).max())


@dataclass(frozen=True)
class Evaluation:
    """Scores of the network alone and, if asked for, of the whole predictor.

    Parameters
    ----------
    network : Scores
        The network on every frame, in px of the frames.
    fit : Scores or None
        The predictor's answer on the frames that it called "ok"; None if there are none.
    ok, frames : int
        How many frames the predictor called "ok", of how many; 0 of n without the fit.
    fitted : bool
        Whether the fit was asked for.
    side_px : int
        Longer side of the frames, to scale errors to other frames.
    rows : tuple of Row
        Frame by frame.
    faults : tuple of (int, Exception)
        Frames that could not be read or predicted, and why; they are not among the others.
    """

    network: Scores
    fit: Scores | None
    ok: int
    frames: int
    fitted: bool
    side_px: int
    rows: tuple[Row, ...] = ()
    faults: tuple[tuple[int, Exception], ...] = ()


def evaluate(
    predictor: Predictor,
    source: FrameSource,
    count: int | None = None,
    fit: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Predict every frame of a file and compare with the truth it states.

    Parameters
    ----------
    predictor : Predictor
    source : FrameSource
        Must know the truth of its frames.
    count : int, optional
        Only so many frames, from the first.
    fit : bool
        Whether to run the fit as well.
    tell : callable
        Called with the number of frames done.

    Raises
    ------
    UsageError
        If the file does not state true centers.
    Exception
        The fault of the first frame, if not one could be predicted.
    """
    total = len(source) if count is None else min(count, len(source))
    rows: list[Row] = []
    faults: list[tuple[int, Exception]] = []
    for index in range(total):
        try:
            rows.append(_row(predictor, source, index, fit))
        except UsageError:
            raise
        # One frame's fault must not lose the scores of the others.
        except Exception as error:
            faults.append((index, error))
        tell(index + 1)
    if not rows and faults:
        raise faults[0][1]
    believed = [row for row in rows if row.fit is not None]
    return Evaluation(
        scores([row.network for row in rows], [row.truth for row in rows]),
        scores([row.fit for row in believed], [row.truth for row in believed]) if believed else None,
        len(believed),
        len(rows),
        fit,
        max(source.shape),
        tuple(rows),
        tuple(faults),
    )


def _row(predictor: Predictor, source: FrameSource, index: int, fit: bool) -> Row:
    """Predict one frame."""
    truth = source.truth(index)
    if truth is None:
        raise UsageError(
            f"{source.path} does not state the true centers of its frames, so nothing can be "
            "scored; use a file such as 'xgeom simulate' writes."
        )
    frame = source.frame(index)
    prediction = predictor.predict(frame, fit=fit)
    answer = prediction.best if fit and prediction.status == "ok" else None
    return Row(
        source.path,
        index,
        truth,
        prediction.network,
        answer,
        prediction.status,
        prediction.reason,
        frame.metadata.distance_mm or float("nan"),
        _dose(frame),
        count_spots(frame),
        max(frame.shape),
        thumbnail(frame),
        prediction.elapsed_s,
    )


def scores(estimates: Sequence[Estimate | None], truths: Sequence[Estimate]) -> Scores:
    """Scores of estimates, in px of the frames; none counts as an answer infinitely far off."""
    far = (np.inf, np.inf)
    nothing = (np.nan, np.nan)
    return score(
        np.array([far if item is None else item.center_px for item in estimates]),
        np.array([truth.center_px for truth in truths]),
        np.array([nothing if item is None else item.tilt_deg or nothing for item in estimates]),
        np.array([truth.tilt_deg or nothing for truth in truths]),
    )


def _dose(frame: Frame) -> float:
    return float(frame.data[frame.valid].mean()) if frame.valid.any() else 0.0


def count_spots(frame: Frame) -> int:
    """Roughly how many spots stand out of their neighborhood; a measure of plenty, not a spot finder."""
    factor = max(1, max(frame.shape) // REFERENCE_PX)
    pooled = pool(frame, factor)
    root = np.sqrt(np.maximum(pooled.counts, 0.0))
    # The square root of counts has a standard deviation of 1/2 whatever the level.
    level = ndimage.uniform_filter(root, _NEIGHBORHOOD)
    high = (root - level > _SPOT_SIGMAS / 2) & pooled.full
    peaks = high & (root >= ndimage.maximum_filter(root, 5))
    return int(ndimage.label(peaks, np.ones((3, 3)))[1])


def thumbnail(frame: Frame) -> FloatArray:
    """A small picture of a frame on a logarithmic scale, spots kept; masked pixels at the lowest value."""
    factor = max(1, max(frame.shape) // _THUMBNAIL_PX)
    height, width = (size // factor * factor for size in frame.shape)
    shown = np.where(frame.valid, np.maximum(frame.data, 0.0), 0.0)[:height, :width]
    blocks = np.log1p(shown).reshape(height // factor, factor, width // factor, factor)
    picture: FloatArray = np.asarray(
        0.5 * (blocks.max(axis=(1, 3)) + blocks.mean(axis=(1, 3))), dtype=np.float64
    )
    return picture
