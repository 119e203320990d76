"""Every center of the frame shown, from whatever source, as tables and overlays need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.look.marker_styles import SourceStyle, style_of
from xgeom_gui.state.external_geometries import Compared

if TYPE_CHECKING:
    from xgeom_gui.state.session import Session

NAMES = {
    "truth": "Known",
    "header": "Header",
    "network": "Network",
    "start": "Start",
    "second": "Second model",
    "background": "Background",
    "lattice": "Lattice",
    "fit": "Fit",
    "combined": "Combined",
    "accepted": "Accepted",
    "manual": "Mine",
}


@dataclass(frozen=True)
class Center:
    """One source's center on the frame shown.

    Parameters
    ----------
    estimate : Estimate
        Where it is; its source is unique among the centers of a frame.
    style : SourceStyle
        How it is marked.
    hidden : bool
        Whether its mark is left away.
    compared : Compared or None
        What another program's file says, where the center comes from one.
    """

    estimate: Estimate
    style: SourceStyle
    hidden: bool = False
    compared: Compared | None = None

    @property
    def name(self) -> str:
        """What the user reads for the source."""
        return NAMES.get(self.estimate.source, self.estimate.source)

    def metadata(self, frame: Metadata) -> Metadata:
        """Distance, pixel size and wavelength that go with the center: the file's own, else the frame's."""
        if self.compared is None:
            return frame
        reading = self.compared.reading
        return frame.overridden(reading.distance_mm, reading.pixel_mm, reading.wavelength_A)

    def geometry(self, frame: Metadata) -> Geometry | None:
        """The whole geometry; None while distance or pixel size is unknown.

        Raises
        ------
        GeometryError
            If what the file states cannot be.
        """
        return self.metadata(frame).geometry(self.estimate.center_px, self.estimate.tilt_deg)


def centers_of(session: Session) -> tuple[Center, ...]:
    """What frame, predictor and other programs' files say of the frame shown."""
    if session.frame is None:
        return ()
    comparison = session.comparison
    own = tuple(
        Center(estimate, style_of(estimate.source), comparison.is_hidden(estimate.source))
        for estimate in session.estimates
    )
    others = tuple(
        Center(one.estimate, one.style, comparison.is_hidden(one.name), one)
        for one in comparison.shown(session.index, image_size(session))
    )
    return own + others


def reference_of(session: Session) -> Estimate | None:
    """The center that differences refer to: the one the user chose while it is there, else the best."""
    wanted = session.comparison.reference
    chosen = (center.estimate for center in centers_of(session) if center.estimate.source == wanted)
    return next(chosen, session.best)


def image_size(session: Session) -> tuple[int, int] | None:
    """Pixels ``(fast, slow)`` of the frame shown."""
    return session.frame.shape[::-1] if session.frame is not None else None
