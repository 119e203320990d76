"""``predictions.json``: what the model says of the validation frames, beside the truth."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.models.settings import REFERENCE_PX, TILT_UNIT_DEG
from xgeom_core.system.safe_files import write_text
from xgeom_core.training.failure_messages import cannot_be_written
from xgeom_core.training.validation import Validated, ValidationSet

PREDICTIONS = "predictions.json"
_MOST_FRAMES = 200
_NAMES = ("cx", "cy", "pitch", "yaw")
_SCALE = np.array([REFERENCE_PX, REFERENCE_PX, TILT_UNIT_DEG, TILT_UNIT_DEG])
# Networks count centers from the middle of the frame.
_ORIGIN = np.array([REFERENCE_PX / 2, REFERENCE_PX / 2, 0.0, 0.0])


def rows_of(held: ValidationSet, result: Validated) -> dict[str, dict[str, list[float | None]]]:
    """Truth and prediction of at most 200 frames of a set, evenly chosen.

    Returns
    -------
    dict
        ``actual`` and ``predicted``, each with ``cx`` and ``cy`` (px of an 820-px frame, from the outer
        corner of its first pixel) and ``pitch`` and ``yaw`` (degrees); None where the truth is unknown.
    """
    count = len(held.frames.labels)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_FRAMES)).round().astype(int))
    truth: FloatArray = held.frames.labels.double().numpy()[chosen] * _SCALE + _ORIGIN
    predicted: FloatArray = result.outputs[:, :4].double().numpy()[chosen] * _SCALE + _ORIGIN
    return {"actual": _columns(truth), "predicted": _columns(predicted)}


def write_predictions(run_dir: Path, step: int, sets: dict[str, Any]) -> None:
    """Write the file whole or not at all.

    Raises
    ------
    TrainingError
        If it cannot be written.
    """
    path = run_dir / PREDICTIONS
    try:
        write_text(path, json.dumps({"step": step, "sets": sets}))
    except OSError as error:
        raise cannot_be_written(path, error) from None


def _columns(values: FloatArray) -> dict[str, list[float | None]]:
    return {name: [_number(value) for value in values[:, i]] for i, name in enumerate(_NAMES)}


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
