"""The center that rings and profiles are drawn about."""

from __future__ import annotations

from dataclasses import dataclass

from xgeom_core.geometry import Geometry, Pooling
from xgeom_core.models.inputs import pooling_factor
from xgeom_gui.state.centers import Center
from xgeom_gui.state.session import Session

NETWORK_CANVAS_PX = 512
"""Side of the square of summed pixels from which the bundled networks see a frame."""


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
    """The current center; None without any."""
    current = session.current_center
    return Aim(current.center, current.geometry) if current.center is not None else None


def network_pooling(shape: tuple[int, int]) -> Pooling:
    """How the network's canvas is laid over a frame of ``(slow, fast)`` pixels: in its middle."""
    factor = pooling_factor(shape, NETWORK_CANVAS_PX)
    height, width = shape
    offset = ((width - NETWORK_CANVAS_PX * factor) // 2, (height - NETWORK_CANVAS_PX * factor) // 2)
    return Pooling(factor, offset)
