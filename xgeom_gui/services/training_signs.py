"""What curves give away: where a network begins to learn its frames by heart. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_gui.services.series import FloatArray
from xgeom_gui.services.training_history import TrainingHistory

_LEAST_SCORES, _LEAST_AFTER = 6, 3
# The rise must stand out of the scatter of the scores, and be a visible part of what was learned.
_SCATTERS, _SHARE = 3.0, 0.03


@dataclass(frozen=True)
class Parting:
    """Where the curves part.

    Parameters
    ----------
    data : str
        The validation set.
    step : float
        Of its smallest loss; from here on only the training loss falls.
    rise : float
        How far its loss has risen since.
    """

    data: str
    step: float
    rise: float

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        return (
            f"Overfitting: since step {self.step:.0f} the loss on {self.data} has risen by {self.rise:.2g} "
            "while the training loss still falls. More or more varied frames would help more than more steps."
        )


def parting(history: TrainingHistory) -> Parting | None:
    """Where the loss of a validation set began to rise while the training loss still fell.

    Returns
    -------
    Parting or None
        Of the set that has risen most; None while there is no such set.
    """
    training = history.loss.points()
    found = [
        one
        for name, held in history.sets.items()
        if (one := _parting(name, training, held.loss.points())) is not None
    ]
    return max(found, key=lambda one: one.rise, default=None)


def _parting(name: str, training: FloatArray, scores: FloatArray) -> Parting | None:
    steps, losses = scores
    if len(losses) < _LEAST_SCORES:
        return None
    low = int(np.argmin(losses))
    if len(losses) - 1 - low < _LEAST_AFTER:
        return None
    rise = float(np.median(losses[-_LEAST_AFTER:]) - losses[low])
    # Second differences of a smooth curve vanish; what is left is scatter.
    scatter = 1.4826 * float(np.median(np.abs(np.diff(losses, 2)))) / 6.0**0.5
    if rise <= max(_SCATTERS * scatter, _SHARE * float(np.ptp(losses))):
        return None
    return Parting(name, float(steps[low]), rise) if _still_falls(training, float(steps[low])) else None


def _still_falls(training: FloatArray, step: float) -> bool:
    """Whether the training loss is lower at the end than around a step."""
    steps, losses = training
    if len(steps) < 2 * _LEAST_AFTER:
        return False
    reach = (steps[-1] - step) / 2
    around = losses[(steps >= step - reach) & (steps <= step + reach / 2)]
    late = losses[steps >= steps[-1] - reach]
    if not len(around) or not len(late):
        return False
    spread = np.std(late) / len(late) ** 0.5 + np.std(around) / len(around) ** 0.5
    return bool(np.mean(around) - np.mean(late) > 2 * spread)
