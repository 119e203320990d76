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


def predict_in_parallel(
    frames: Iterable[Frame | str], jobs: int, model: str = "default", **options: Any
) -> Iterator[tuple[Frame | str, Prediction | str]]:
    """Predictions in the order of the frames.

    Parameters
    ----------
    frames : iterable of Frame or str
        What is a sentence already, about a frame that could not be read, is passed on.
    jobs : int
        Processes; each has one thread of its own and its own copy of the model.
    model : str
        Bundled model or model file.
    options
        As for `xgeom_core.predict.predictor.Predictor.predict`.

    Yields
    ------
    (Frame or str, Prediction or str)
        What was given, and what came of it. A frame that brings its process down has the status "failed".

    Raises
    ------
    XgeomError
        If the model cannot be used or no process can be started.
    """
    processes = [PredictProcess({"OMP_NUM_THREADS": "1"} if jobs > 1 else None) for _ in range(jobs)]
    idle: SimpleQueue[RemotePredictor] = SimpleQueue()
    try:
        for process in processes:
            idle.put(process(model))
        with ThreadPoolExecutor(jobs, "xgeom-predict") as pool:
            yield from _in_order(frames, pool, jobs + _AHEAD, idle, options)
    finally:
        for process in processes:
            process.close()


def _in_order(
    frames: Iterable[Frame | str],
    pool: ThreadPoolExecutor,
    most: int,
    idle: SimpleQueue[RemotePredictor],
    options: dict[str, Any],
) -> Iterator[tuple[Frame | str, Prediction | str]]:
    waiting: deque[tuple[Frame | str, Future[Prediction | str]]] = deque()
    for frame in frames:
        waiting.append((frame, pool.submit(_answered, frame, idle, options)))
        if len(waiting) >= most:
            given, future = waiting.popleft()
            yield given, future.result()
    while waiting:
        given, future = waiting.popleft()
        yield given, future.result()


def _answered(
    frame: Frame | str, idle: SimpleQueue[RemotePredictor], options: dict[str, Any]
) -> Prediction | str:
    if isinstance(frame, str):
        return frame
    predictor = idle.get()
    try:
        return predictor.predict(frame, **options)
    except (XgeomError, RuntimeError) as error:
        return Prediction.failed(
            (frame.path, frame.dataset, frame.index), f"{error}", frame.metadata.estimate()
        )
    finally:
        idle.put(predictor)
