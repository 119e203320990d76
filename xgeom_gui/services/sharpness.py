"""The thread that scores how sharp the rings are about centers, while they are being moved."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_gui.services.latest import LatestThread

if TYPE_CHECKING:
    from xgeom_core.predict.radial_score import RingImage

_log = logging.getLogger(__name__)
_KEPT = 64


@dataclass(frozen=True, eq=False)
class SharpnessRequest:
    """Centers of a frame to score."""

    frame: Frame
    estimates: tuple[Estimate, ...]


class SharpnessThread(LatestThread):
    """Scores centers off the window's thread; a request not begun is dropped for a newer one.

    Signals
    -------
    done : Frame, dict
        Scores from 0 to 1 by source.
    """

    done = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame: Frame | None = None
        self._image: RingImage | None = None
        self._known: dict[tuple[Any, ...], float] = {}

    def handle(self, request: SharpnessRequest) -> None:
        """Score the centers of one request; runs in the thread."""
        try:
            scores = self._scores(request)
        # A score is a help only: without it the window works as before.
        except Exception:
            _log.exception("scoring centers")
            scores = {}
        self.done.emit(request.frame, scores)

    def finish(self) -> None:
        """Let go of the frame."""
        self._frame = self._image = None

    def _scores(self, request: SharpnessRequest) -> Mapping[str, float]:
        from xgeom_core.predict.radial_score import ring_image, sharpness  # noqa: PLC0415 - scipy is slow to import

        if request.frame is not self._frame:
            self._frame, self._image = request.frame, ring_image(request.frame)
            self._known.clear()
        if self._image is None:
            return {}
        if len(self._known) > _KEPT:
            self._known.clear()
        scores = {}
        for one in request.estimates:
            place = (one.center_px, one.tilt_deg)
            if place not in self._known:
                self._known[place] = sharpness(self._image, one.center_px, one.tilt_deg)
            scores[one.source] = self._known[place]
        return scores
