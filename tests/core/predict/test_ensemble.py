"""Simulated frames of several kinds, answered as a user's would be: how many, how well, how honestly.

A small fixed set, so that a loss is seen at once; benchmarks/answers.py counts thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from xgeom_core.predict import Prediction
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

# A wrong answer, or a bar that is too short, must show in a quick run as well.
pytestmark = pytest.mark.telling

KINDS = ("standard", "varied", "flat", "binary")
EACH, SEED, SIDE = 3, 77, 820


@dataclass(frozen=True, eq=False)
class Answered:
    """An answer beside the truth (x, y in px, pitch, yaw in degrees)."""

    name: str
    prediction: Prediction
    truth: np.ndarray

    @property
    def ok(self) -> bool:
        return self.prediction.status == "ok"

    @property
    def error(self) -> np.ndarray:
        """Shape (4,), or (2,) where no tilt is claimed."""
        best = self.prediction.best
        given = np.array([*best.center_px, *(best.tilt_deg or ())])
        return given - self.truth[: len(given)]

    @property
    def off_px(self) -> float:
        return float(np.hypot(*self.error[:2]))

    @property
    def pulls(self) -> np.ndarray:
        """Errors over their error bars."""
        covariance = self.prediction.best.covariance
        return self.error[: len(covariance)] / np.sqrt(np.diag(covariance))


@pytest.fixture(scope="module")
def answers(default_predictor, as_frame) -> list[Answered]:
    made = []
    for kind in KINDS:
        recipe = load_recipe(kind)
        for index in range(EACH):
            frame = simulate_frame(recipe, (SIDE, SIDE), SEED, index)
            true = frame.geometry
            truth = np.array([*true.center_px, true.pitch_deg, true.yaw_deg])
            made.append(Answered(f"{kind} {index}", default_predictor.predict(as_frame(frame)), truth))
    return made


def test_most_frames_are_answered_and_no_answer_is_wrong(answers) -> None:
    """Wrong is what is called ok and is off by more than a pixel and by more than four error bars."""
    good = [one for one in answers if one.ok]
    wrong = [one.name for one in good if one.off_px > 1.0 and np.abs(one.pulls[:2]).max() > 4.0]
    assert wrong == []
    assert len(good) >= 10, [one.name for one in answers if not one.ok]
    assert np.median([one.off_px for one in good]) < 0.1
    # What is doubted is of use as a start.
    assert max(one.off_px for one in answers) < 5.0


def test_error_bars_are_as_long_as_the_errors(answers) -> None:
    pulls = np.concatenate([one.pulls for one in answers if one.ok])
    assert len(pulls) > 30
    assert 0.7 < np.sqrt(np.mean(pulls**2)) < 1.5
    assert np.mean(np.abs(pulls) < 2.0) > 0.85
    assert np.abs(pulls).max() < 4.0
