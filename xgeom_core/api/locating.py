"""`locate` and `locate_each`: the beam center and the tilt of frames, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xgeom_core.api.answer import Answer
from xgeom_core.api.frames_given import Stated, each_frame
from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.frame import Frame
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.predictor import Predictor
from xgeom_core.predict.service.pool import Given, predict_in_parallel

Cell = tuple[float, float, float, float, float, float]


def locate(
    image: Any,
    *,
    distance_mm: float | None = None,
    pixel_mm: float | tuple[float, float] | None = None,
    wavelength_A: float | None = None,
    center_px: tuple[float, float] | None = None,
    tilt_deg: tuple[float, float] | None = None,
    mask: ArrayLike | None = None,
    cell: Cell | None = None,
    frame: int = 0,
    model: str = "default",
) -> Answer:
    """Where the beam hits the detector, and how the detector is tilted.

    Parameters
    ----------
    image : array, path or Frame
        Counts ``(slow, fast)``, where NaN marks bad pixels; a file (``"FILE.h5::/dataset"`` names a
        dataset); or a `Frame`.
    distance_mm, pixel_mm, wavelength_A : float, optional
        Distance along the beam, pixel size (a pair ``(fast, slow)`` where pixels are not square) and
        wavelength; each replaces what the file states. Without distance and pixel size there is no tilt,
        without the wavelength no indexing.
    center_px, tilt_deg : tuple of float, optional
        What is known roughly, in place of the header's: a witness, not the answer.
    mask : array_like of bool, optional
        True where a pixel must not be used.
    cell : tuple of six float, optional
        Unit cell (Å, degrees), if it is known: then few spots suffice.
    frame : int
        Which frame of a file with several, from 0.
    model : str
        Bundled model or model file.

    Returns
    -------
    Answer
        Its ``status`` says whether it can be used.

    Raises
    ------
    FrameFileError
        If the file cannot be read.
    UsageError
        If the arguments do not fit together.
    """
    stated = Stated(distance_mm, pixel_mm, wavelength_A, center_px, tilt_deg, mask)
    whole = isinstance(image, np.ndarray) and image.ndim == 2
    found = next(each_frame(image, None if whole else [frame]), None)
    if found is None:
        raise UsageError("There is no frame to look at.")
    if isinstance(found, str):
        raise UnreadableFileError(found)
    seen = stated.of(found)
    return Answer.of(_predictor(model).predict(seen, cell=cell, explain=True), seen)


def locate_each(
    images: Any,
    *,
    distance_mm: float | None = None,
    pixel_mm: float | tuple[float, float] | None = None,
    wavelength_A: float | None = None,
    center_px: tuple[float, float] | None = None,
    tilt_deg: tuple[float, float] | None = None,
    mask: ArrayLike | None = None,
    cell: Cell | None = None,
    frames: Iterable[int] | None = None,
    model: str = "default",
    jobs: int = 1,
) -> Iterator[Answer]:
    """Answers for many frames, one after another, in order.

    Parameters
    ----------
    images : array, path, Frame, or an iterable of these
        A stack ``(frames, slow, fast)``, a file of many frames, a folder, a template of a series such as
        ``"run_####.cbf"``, or any number of these.
    frames : iterable of int, optional
        Which frames of each file or stack, from 0.
    jobs : int
        Processes that work at the same time; no more than a few frames are ever held.
    distance_mm, pixel_mm, wavelength_A, center_px, tilt_deg, mask, cell, model
        As for `locate`.

    Yields
    ------
    Answer
        For every frame: one that cannot be read or answered has the status "failed" and a reason.

    Raises
    ------
    UsageError
        If the arguments do not fit together.
    """
    if jobs < 1:
        raise UsageError(f"jobs is the number of processes, 1 or more, not {jobs}.")
    stated = Stated(distance_mm, pixel_mm, wavelength_A, center_px, tilt_deg, mask)
    chosen = None if frames is None else list(frames)
    given = (_said(item) if isinstance(item, str) else stated.of(item) for item in each_frame(images, chosen))
    if jobs == 1:
        pairs = _one_by_one(given, model, cell)
    else:
        pairs = predict_in_parallel(given, jobs, model, cell=cell)
    for seen, prediction in pairs:
        yield Answer.of(prediction, seen) if isinstance(seen, Frame) else Answer(prediction)


def _said(sentence: str) -> Prediction:
    """In place of a frame that could not be read."""
    return Prediction.failed(("", "", 0), sentence)


def _one_by_one(given: Iterable[Given], model: str, cell: Cell | None) -> Iterator[tuple[Given, Prediction]]:
    predictor = _predictor(model)
    for seen in given:
        yield seen, seen if isinstance(seen, Prediction) else predictor.predict(seen, cell=cell)


@cache
def _predictor(model: str) -> Predictor:
    return Predictor.load(model)
