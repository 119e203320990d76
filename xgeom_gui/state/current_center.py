"""The one center that everything acts on: rings, profiles, loupe, copying, accepting, fitting, nudging."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.state.centers import Center
from xgeom_gui.state.user_centers import UserCenters


class CurrentCenter(QObject):
    """The answer, until the user chooses another center of the frame shown.

    What was chosen is forgotten with the frame, and undo brings back what was chosen before.

    Signals
    -------
    changed
        Another center is current, or it moved, or what is known of its geometry changed.
    """

    changed = Signal()

    def __init__(self, user_centers: UserCenters, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._user_centers = user_centers
        self._center: Center | None = None
        self._answer: Center | None = None
        self._geometry: Geometry | None = None

    @property
    def center(self) -> Center | None:
        """The center itself; None where the frame has none."""
        return self._center

    @property
    def source(self) -> str:
        """Who says so; "" without a center."""
        return self._center.estimate.source if self._center else ""

    @property
    def name(self) -> str:
        """What the user reads for it; "" without a center."""
        return self._center.name if self._center else ""

    @property
    def geometry(self) -> Geometry | None:
        """Its geometry; None while distance or pixel size is unknown, or where they cannot be."""
        return self._geometry

    @property
    def is_answer(self) -> bool:
        """Whether it is what is current before the user chooses anything."""
        return self._center is self._answer

    def choose(self, source: str) -> None:
        """Make the center of a source current; "" for the answer again."""
        is_answer = self._answer is not None and self._answer.estimate.source == source
        self._user_centers.choose("" if is_answer else source)

    def renew(self, centers: Sequence[Center], best: Estimate | None, metadata: Metadata) -> bool:
        """Find it among the centers of the frame; whether anything about it is new. For the session alone."""
        before = self._center, self._geometry
        known = {one.estimate.source: one for one in centers}
        # What the user accepted is the answer; before there is any, the user's own, else what is stated.
        said = self._user_centers.current
        first = (one.source for one in (said.accepted, best, said.manual) if one is not None)
        named = (known[source] for source in (*first, "truth", "header") if source in known)
        self._answer = next(named, next(iter(known.values()), None))
        self._center = known.get(self._user_centers.chosen, self._answer)
        try:
            self._geometry = self._center.geometry(metadata) if self._center else None
        except GeometryError:
            self._geometry = None
        return before != (self._center, self._geometry)
