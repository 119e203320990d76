"""Reads what runs leave in their folders, off the window's thread: predictions, comparison, ranking."""

from __future__ import annotations

import csv
import logging
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.system.records import UNPARSABLE, parse_json
from xgeom_core.system.safe_files import read_bytes
from xgeom_core.system.text import shortened
from xgeom_gui.services.latest import LatestThread
from xgeom_gui.services.series import FloatArray

if TYPE_CHECKING:
    from xgeom_core.jobs.compare import Comparison

_log = logging.getLogger(__name__)
PREDICTIONS = "predictions.json"
_AXES = ("cx", "cy", "pitch", "yaw")
_MOST_BYTES = 1 << 25

Wish = Literal["predictions", "comparison", "ranking"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Frames of one validation set.

    Parameters
    ----------
    actual, predicted : ndarray, shape (N, 4)
        Center x and y in px of an 820-px frame, pitch and yaw in degrees; NaN where unknown.
    """

    actual: FloatArray
    predicted: FloatArray


@dataclass(frozen=True)
class RunRequest:
    """What to read.

    Parameters
    ----------
    wish : str
    folders : tuple of Path
        Run folders; for a ranking the folder of the sweep.
    titles : tuple of str
        What the runs are called.
    rank_by : str
        What a sweep ranks by: "center", "tilt" or "both".
    """

    wish: Wish
    folders: tuple[Path, ...]
    titles: tuple[str, ...] = ()
    rank_by: str = "both"


@dataclass(frozen=True)
class RankedTrial:
    """One variant of a sweep.

    Parameters
    ----------
    number : int
    score : float
        Error over that of the constant predictor: 1 means nothing learned; NaN while there is none.
    values : dict of str to str
        What was varied.
    words : str
        Why there is no score.
    model : Path or None
        Its model, once it has one.
    """

    number: int
    score: float
    values: Mapping[str, str]
    words: str = ""
    model: Path | None = None


class RunReader(LatestThread):
    """Answers the newest request of each wish.

    Signals
    -------
    predictions_read : RunRequest, dict of str to Predictions
    comparison_read : RunRequest, Comparison
    ranking_read : RunRequest, tuple of RankedTrial
    failed : RunRequest, str
        A sentence for the user.
    """

    predictions_read = Signal(object, object)
    comparison_read = Signal(object, object)
    ranking_read = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def kind(self, request: RunRequest) -> Hashable:
        """Wishes of different kinds do not displace each other."""
        return request.wish

    def handle(self, request: RunRequest) -> None:
        """Read one thing; runs in the thread."""
        try:
            match request.wish:
                case "predictions":
                    self.predictions_read.emit(request, read_predictions(request.folders[0]))
                case "comparison":
                    self.comparison_read.emit(request, _compare(request.folders))
                case "ranking":
                    self.ranking_read.emit(request, read_ranking(request.folders[0], request.rank_by))
        except XgeomError as error:
            self.failed.emit(request, str(error))
        except OSError as error:
            self.failed.emit(request, f"{error.filename} cannot be read: {error.strerror or error}.")
        # A damaged file must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("reading %s", request)
            self.failed.emit(request, f"{request.folders[0]} cannot be understood ({error!r}).")


def read_predictions(folder: Path) -> dict[str, Predictions]:
    """The newest predictions of a run on its validation sets; none before the first validation."""
    path = folder / PREDICTIONS
    if not path.exists():
        return {}
    try:
        sets = parse_json(read_bytes(path, _MOST_BYTES, follow=False))["sets"]
        return {
            name: Predictions(*(_table(entry[what]) for what in ("actual", "predicted")))
            for name, entry in sets.items()
        }
    except (OSError, *UNPARSABLE, KeyError, TypeError, AttributeError):
        raise TrainingError(f"{path} is damaged; the next validation writes it anew.") from None


def _table(entry: Any) -> FloatArray:
    """Numbers by frame and quantity, from one list for each quantity."""
    return np.array([entry[name] for name in _AXES], dtype=np.float64).reshape(len(_AXES), -1).T


def _compare(folders: tuple[Path, ...]) -> Comparison:
    from xgeom_core.jobs.compare import compare  # noqa: PLC0415 - reads configurations: pydantic takes time

    return compare(folders)


def read_ranking(folder: Path, rank_by: str) -> tuple[RankedTrial, ...]:
    """The trials of a sweep, the best first; those that are not done come last."""
    scores = _scores(folder / "ranking.csv")
    trials = []
    for run_dir in sorted(folder.glob("trial-*")):
        number = int(run_dir.name[6:]) if re.fullmatch(r"trial-[0-9]{1,9}", run_dir.name) else -1
        if number < 0:
            continue
        score, words = scores.get(number, math.nan), ""
        if not math.isfinite(score):
            score, words = _score_of(run_dir, rank_by)
        model = run_dir / "model.safetensors"
        there = model if model.exists() else None
        trials.append(RankedTrial(number, score, _values(run_dir / "values.json"), words, there))
    return tuple(sorted(trials, key=lambda trial: (math.isnan(trial.score), trial.score, trial.number)))


def _scores(path: Path) -> dict[int, float]:
    """Scores that the sweep wrote at its end."""
    try:
        text = read_bytes(path, _MOST_BYTES, follow=False).decode("utf-8")
        return {int(row["trial"]): float(row["score"]) for row in csv.DictReader(text.splitlines())}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}


def _score_of(run_dir: Path, rank_by: str) -> tuple[float, str]:
    from xgeom_core.training.sweep import score_of  # noqa: PLC0415 - scipy takes time

    score, words = score_of(run_dir, rank_by)
    going = words == "the run ended without a word"
    return score, "running" if going else words


def _values(path: Path) -> dict[str, str]:
    try:
        values = parse_json(read_bytes(path, _MOST_BYTES, follow=False))
    except (OSError, *UNPARSABLE):
        return {}
    if not isinstance(values, dict):
        return {}
    return {
        key: f"{value:.4g}" if isinstance(value, float) else shortened(str(value))
        for key, value in values.items()
    }
