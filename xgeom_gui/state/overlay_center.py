"""The center that rings and profiles are drawn about."""

from __future__ import annotations

from dataclasses import dataclass

from xgeom_core.errors import GeometryError
from xgeom_core.geometry import Geometry, Pooling
from xgeom_core.models.inputs import pooling_factor
from xgeom_gui.state.centers import Center, centers_of, reference_of
from xgeom_gui.state.session import Session

NETWORK_CANVAS_PX = 512
"""Side of the square of summed pixels from which the bundled networks see a frame."""

_FALLBACK = ("truth", "header")


@dataclass(frozen=True)
class Aim:
    """A center with all that is known of its experiment.

    Parameters
    ----------
    center : Center
    geometry : Geometry or None
        None while distance or pixel size is unknown.
    """

    center: Center
    geometry: Geometry | None

    @property
    def center_px(self) -> tuple[float, float]:
        """Native ``(x, y)``."""
        return self.center.estimate.center_px


def aim_of(session: Session) -> Aim | None:
    """The user's own center of the frame shown, else the reference, else what its file says, else any.

    None without any center.
    """
    centers = {center.estimate.source: center for center in centers_of(session)}
    if not centers:
        return None
    # What the user holds in the hand comes first: rings and profiles follow it.
    first = (session.corrections.preferred, reference_of(session))
    names = (*(one.source for one in first if one is not None), *_FALLBACK)
    center = next((centers[name] for name in names if name in centers), next(iter(centers.values())))
    try:
        return Aim(center, center.geometry(session.metadata))
    except GeometryError:
        return Aim(center, None)


def network_pooling(shape: tuple[int, int]) -> Pooling:
    """How the network's canvas is laid over a frame of ``(slow, fast)`` pixels: in its middle."""
    factor = pooling_factor(shape, NETWORK_CANVAS_PX)
    height, width = shape
    offset = ((width - NETWORK_CANVAS_PX * factor) // 2, (height - NETWORK_CANVAS_PX * factor) // 2)
    return Pooling(factor, offset)
