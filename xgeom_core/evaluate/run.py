"""Score a model on a file of frames whose centers are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.evaluate.metrics import Scores, score
from xgeom_core.files import FrameSource
from xgeom_core.predict.predictor import Predictor


@dataclass(frozen=True)
class Evaluation:
    """Scores of the network alone and, if asked for, of the whole predictor.

    Parameters
    ----------
    network : Scores
        The network on every frame.
    fit : Scores or None
        The predictor's answer on the frames that it called "ok"; None if there are none.
    ok, frames : int
        How many frames the predictor called "ok", of how many; 0 of n without the fit.
    fitted : bool
        Whether the fit was asked for.
    side_px : int
        Longer side of the frames, to scale errors to other frames.
    """

    network: Scores
    fit: Scores | None
    ok: int
    frames: int
    fitted: bool
    side_px: int


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
    """
    total = len(source) if count is None else min(count, len(source))
    truths, networks, answers = [], [], []
    for index in range(total):
        truth = source.truth(index)
        if truth is None:
            raise UsageError(
                f"{source.path} does not state the true centers of its frames, so nothing can be "
                "scored; use a file such as 'xgeom simulate' writes."
            )
        prediction = predictor.predict(source.frame(index), fit=fit)
        truths.append(truth)
        networks.append(prediction.network)
        answers.append(prediction.best if fit and prediction.status == "ok" else None)
        tell(index + 1)
    believed = [i for i, answer in enumerate(answers) if answer is not None]
    return Evaluation(
        _scores(networks, truths),
        _scores([answers[i] for i in believed], [truths[i] for i in believed]) if believed else None,
        len(believed),
        total,
        fit,
        max(source.shape),
    )


def _scores(estimates: list[Estimate | None], truths: list[Estimate]) -> Scores:
    # A frame without any answer counts as an answer infinitely far off, not as no frame.
    far = (np.inf, np.inf)
    nothing = (np.nan, np.nan)
    return score(
        np.array([far if item is None else item.center_px for item in estimates]),
        np.array([truth.center_px for truth in truths]),
        np.array([nothing if item is None else item.tilt_deg or nothing for item in estimates]),
        np.array([truth.tilt_deg or nothing for truth in truths]),
    )
