"""Detectors of several panels: which one is in the beam, and in which image its pixels are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xgeom_core.formats.planes import Plane, lab_axes
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import PanelPlace, Vector


@dataclass(frozen=True, eq=False)
class Panel:
    """One panel of a detector.

    Parameters
    ----------
    index : int
        Number in the file, from 0.
    plane : Plane
        In the lab frame of the file.
    image_size : tuple of int or None
        Pixels ``(fast, slow)`` of this panel.
    offset_px : tuple of float
        Where its first pixel stands in the image as stored, ``(x, y)``.
    """

    index: int
    plane: Plane
    image_size: tuple[int, int] | None
    offset_px: tuple[float, float] = (0.0, 0.0)


def panel_in_beam(panels: Sequence[Panel], beam: FloatArray) -> tuple[Panel, float]:
    """The panel that the beam hits, else the nearest one.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    beam : ndarray, shape (3,)
        Unit vector from source to sample.

    Returns
    -------
    panel : Panel
    miss_px : float
        0 where the beam hits the panel, else how far beside its edge it passes, in px.
    """
    origin, fast, slow = (
        np.array([getattr(panel.plane, name) for panel in panels]) for name in ("origin", "fast", "slow")
    )
    normal = np.cross(fast, slow)
    along = normal @ beam
    facing = np.abs(along) > 1e-6
    distance = np.sum(normal * origin, axis=1) / np.where(facing, along, 1.0)
    hit = distance[:, None] * beam - origin
    pixel = np.array([panel.plane.pixel_mm for panel in panels])
    size = np.array([panel.image_size or (np.inf, np.inf) for panel in panels])
    at = np.stack([np.sum(hit * fast, axis=1), np.sum(hit * slow, axis=1)], axis=1) / pixel
    beside = np.maximum(np.maximum(-at, at - size), 0.0)
    miss = np.where(facing & (distance > 0), np.hypot(beside[:, 0], beside[:, 1]), np.inf)
    best = int(np.argmin(miss))
    return panels[best], float(miss[best])


def assembled(panels: Sequence[Panel]) -> bool:
    """Whether the panels say where they stand in one common image."""
    return len(panels) == 1 or len({panel.offset_px for panel in panels}) == len(panels)


def in_image(panels: Sequence[Panel], panel: Panel, center_px: tuple[float, float]) -> tuple[float, float]:
    """A point of a panel in the pixels of the common image, or of the panel where there is none."""
    if not assembled(panels):
        return center_px
    return center_px[0] + panel.offset_px[0], center_px[1] + panel.offset_px[1]


def in_panel(panels: Sequence[Panel], panel: Panel, center_px: tuple[float, float]) -> tuple[float, float]:
    """The inverse of `in_image`."""
    if not assembled(panels):
        return center_px
    return center_px[0] - panel.offset_px[0], center_px[1] - panel.offset_px[1]


def common_size(panels: Sequence[Panel], panel: Panel) -> tuple[int, int] | None:
    """Pixels ``(fast, slow)`` of the image that holds all panels, or of the panel where there is none."""
    if len(panels) == 1 or not assembled(panels):
        return panel.image_size
    if any(one.image_size is None for one in panels):
        return None
    ends = np.array([np.add(one.offset_px, one.image_size or (0, 0)) for one in panels])
    return int(ends[:, 0].max()), int(ends[:, 1].max())


def note(panels: Sequence[Panel], panel: Panel) -> str:
    """In which pixels a center on this panel is counted, in words; "" for a single panel."""
    if len(panels) == 1:
        return ""
    if assembled(panels):
        return (
            f" The image is the one that holds all {len(panels)} panels; the beam is on number {panel.index}."
        )
    return (
        f" The pixels are those of panel {panel.index} of {len(panels)}, the one in or nearest to the beam."
    )


def miss_warning(panels: Sequence[Panel], panel: Panel, miss_px: float) -> tuple[str, ...]:
    """What to say where the beam hits none of several panels."""
    if len(panels) == 1 or not 0 < miss_px < np.inf:
        return ()
    return (
        f"The beam passes {miss_px:.1f} px beside the nearest panel ({panel.index}), whose plane is "
        "continued to meet it.",
    )


def places(
    panels: Sequence[Panel], names: Sequence[str], beam: FloatArray, facing: Panel
) -> tuple[PanelPlace, ...]:
    """All panels in this project's lab frame; none for a single one, or where sizes are unknown.

    Parameters
    ----------
    panels : sequence of Panel
        In the frame of the file.
    names : sequence of str
        What they are called.
    beam : ndarray, shape (3,)
        Unit vector from source to sample, in the same frame.
    facing : Panel
        The one in the beam, along whose fast axis x runs.
    """
    if len(panels) == 1 or any(panel.image_size is None for panel in panels):
        return ()
    turn = lab_axes(facing.plane, beam)
    return tuple(
        PanelPlace(
            name,
            (int(panel.offset_px[0]), int(panel.offset_px[1])),
            panel.image_size or (0, 0),
            *(_vector(turn @ at) for at in (panel.plane.origin, panel.plane.fast, panel.plane.slow)),
        )
        for name, panel in zip(names, panels, strict=True)
    )


def _vector(values: FloatArray) -> Vector:
    x, y, z = (float(value) + 0.0 for value in values)
    return x, y, z
