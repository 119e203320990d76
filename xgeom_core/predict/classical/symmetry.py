"""The symmetry methods that stand alone, with a reason where they find nothing."""

from __future__ import annotations

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.registry import Start
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.symmetry import find_friedel, find_inversion

FRIEDEL = "friedel"
WHEN_PAIRS = "works on many spots at low angle or wide rocking, with the beam well inside the panel"
INVERSION = "inversion"
WHEN_ALIKE = "works when opposite sides look alike and the beam is within the middle half of the panel"


def friedel(frame: Frame, start: Start = None) -> Estimate:
    """The midpoint that most pairs of spots share; see `WHEN_PAIRS`. The start is not needed."""
    found = find_friedel(find_spots(frame))
    if found is None:
        return nothing(
            FRIEDEL, frame, "No one midpoint is shared by clearly more pairs of spots than by chance."
        )
    return answer(FRIEDEL, frame, found.center_px, found.covariance)


def inversion(frame: Frame, start: Start = None) -> Estimate:
    """Center of 180-degree symmetry; see `WHEN_ALIKE`. The start is not needed."""
    found = find_inversion(frame)
    if found is None:
        return nothing(
            INVERSION, frame, "No point turns the frame into itself: opposite sides do not look alike."
        )
    return answer(INVERSION, frame, found.center_px, found.covariance)
