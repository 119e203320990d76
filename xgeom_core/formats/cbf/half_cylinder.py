"""The PILATUS 12M of Diamond's I23: 24 flat banks on half a cylinder, of which headers say nothing.

The numbers are those of the detector's drawing as dxtbx has them: banks of 195 rows, 17 rows apart in the
image, on a radius of 250 mm, each turned by 8.344 degrees against the last; ``Detector_distance`` is how far
the whole is moved away along the beam.
"""

from __future__ import annotations

import math
from dataclasses import replace

from xgeom_core.formats.header import Header
from xgeom_core.metadata import PanelPlace, Point, Verdict

_NAME = "PILATUS 12M"
_SIZE_PX = (2463, 5071)
_BANKS, _ROWS, _ROWS_APART = 24, 195, 212
_PIXEL_MM, _RADIUS_MM = 0.172, 250.0
_FIRST_DEG, _STEP_DEG = -98.2485, 8.344  # about the fast axis
_IN_BEAM = 12  # the bank that the beam meets, a little off its middle
_CORNER_MM = (-184.9, -16.8)  # of a bank's first pixel, from where the cylinder's radius meets it
_IDEAL_PX = (1075.0, 2594.0)  # where the beam is if it passes through the cylinder's axis
_SAID = (
    f"The detector is a half cylinder of {_BANKS} flat banks, radius {_RADIUS_MM:g} mm, and no single plane: "
    "center and distance are those of the bank in the beam, and no one tilt describes it."
)


def is_bent(header: Header) -> bool:
    """Whether a mini-header is that of the half cylinder."""
    return header.metadata.detector == _NAME and header.image_size in {None, _SIZE_PX}


def bent(header: Header) -> Header:
    """The header with all banks, and the distance from the sample instead of that of the stage."""
    stated = header.metadata
    moved_mm = stated.distance_mm or 0.0
    center = stated.center_px or _IDEAL_PX
    panels = tuple(_bank(number, center, moved_mm) for number in range(_BANKS))
    metadata = replace(
        stated,
        distance_mm=_RADIUS_MM / math.cos(math.radians(_turn_deg(_IN_BEAM))) + moved_mm,
        tilt_deg=None,
        panels=panels,
        verdicts=(*stated.verdicts, Verdict("tilt", "doubtful", _SAID)),
    )
    return replace(header, metadata=metadata, notes=(*header.notes, _SAID))


def _turn_deg(number: int) -> float:
    return _FIRST_DEG + number * _STEP_DEG


def _bank(number: int, center: Point, moved_mm: float) -> PanelPlace:
    angle = math.radians(_turn_deg(number))
    slow = (0.0, math.cos(angle), -math.sin(angle))
    outwards = (0.0, math.sin(angle), math.cos(angle))
    shift = (_IDEAL_PX[0] - center[0]) * _PIXEL_MM, (_IDEAL_PX[1] - center[1]) * _PIXEL_MM
    return PanelPlace(
        f"bank {number}",
        (0, number * _ROWS_APART),
        (_SIZE_PX[0], _ROWS),
        (
            _CORNER_MM[0] + shift[0],
            _RADIUS_MM * outwards[1] + _CORNER_MM[1] * slow[1] + shift[1],
            _RADIUS_MM * outwards[2] + _CORNER_MM[1] * slow[2] + moved_mm,
        ),
        (1.0, 0.0, 0.0),
        slow,
    )
