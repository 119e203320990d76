"""Frames answered by several processes at once, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.service.client import PredictProcess, RemotePredictor

# Frames that wait for a process, beside those at work: enough to keep all busy, few enough for any memory.
_AHEAD = 1
Given = Frame | Prediction
"""A frame, or what is said already in place of one that could not be read."""


def predict_in_parallel(
    frames: Iterable[Given], jobs: int, model: str = "default", **options: Any
) -> Iterator[tuple[Given, Prediction]]:
    """Predictions in the order of the frames.

    Parameters
    ----------
    frames : iterable of Frame or Prediction
        Predictions are passed on.
    jobs : int
        Processes; each has one thread and its own copy of the model.
    model : str
        Bundled model or model file.
    options
        As for `xgeom_core.predict.predictor.Predictor.predict`.

    Yields
    ------
    (Frame or Prediction, Prediction)
        What was given, and what came of it. A frame that brings its process down has the status "failed".

    Raises
    ------
    XgeomError
        If the model cannot be used or no process can be started.
    """
    processes = [PredictProcess({"OMP_NUM_THREADS": "1"}) for _ in range(jobs)]
    idle: SimpleQueue[RemotePredictor] = SimpleQueue()
    pool = ThreadPoolExecutor(jobs, "xgeom-predict")
    try:
        # Loading a model takes a while, so all load at once.
        for predictor in pool.map(lambda process: process(model), processes):
            idle.put(predictor)
        yield from _in_order(frames, pool, jobs + _AHEAD, idle, options)
    finally:
        # Whoever has had enough of the answers does not wait for those under way.
        for process in processes:
            process.abort()
        pool.shutdown(wait=True, cancel_futures=True)
        for process in processes:
            process.close()


def _in_order(
    frames: Iterable[Given],
    pool: ThreadPoolExecutor,
    most: int,
    idle: SimpleQueue[RemotePredictor],
    options: dict[str, Any],
) -> Iterator[tuple[Given, Prediction]]:
    waiting: deque[tuple[Given, Future[Prediction]]] = deque()
    for given in frames:
        waiting.append((given, pool.submit(_answered, given, idle, options)))
        if len(waiting) >= most:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def _answered(given: Given, idle: SimpleQueue[RemotePredictor], options: dict[str, Any]) -> Prediction:
    if isinstance(given, Prediction):
        return given
    predictor = idle.get()
    try:
        return predictor.predict(given, **options)
    except (XgeomError, RuntimeError) as error:
        place = (given.path, given.dataset, given.index)
        return Prediction.failed(place, str(error), given.metadata.estimate(), given.warnings)
    finally:
        idle.put(predictor)
