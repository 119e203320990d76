"""The header of Bruker frames, which may be of a swung detector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xgeom_core import units
from xgeom_core.formats import header as text
from xgeom_core.formats.header import Header
from xgeom_core.formats.numbers import numbers
from xgeom_core.metadata import Metadata

_LARGEST_SWING_DEG = 80.0


def bruker(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """Bruker frames: the center of the unswung detector from the lower left, distances in cm.

    A detector swung by two-theta turns about the sample, so the stated center stays the foot of the
    normal and the stated distance the one along it. The beam then meets the detector elsewhere, at
    ``foot - distance * tan(yaw)`` with ``yaw = -two-theta``; that point and the distance along the beam
    are what is returned.
    """
    distances, angles = text.many(header, "DISTANC"), text.many(header, "ANGLES")
    normal_mm = units.positive(distances[-1] * 10.0) if distances else None
    detector = str(header.get("DETTYPE", "")).split()
    pixel = _bruker_pixel(detector, shape)
    two_theta = (angles[0] + 180.0) % 360.0 - 180.0 if angles else 0.0
    known = Metadata(
        wavelength_A=units.positive(next(iter(text.many(header, "WAVELEN")), None)),
        pixel_mm=pixel,
        saturation=units.positive(next(iter(text.many(header, "CCDPARM")[4:]), None)),
        detector=detector[0] if detector else "",
    )
    if abs(two_theta) > _LARGEST_SWING_DEG:
        return Header(
            known,
            (f"The header states a swing of {two_theta:g} degrees; its center and distance are not used.",),
        )
    yaw = 0.0 - two_theta
    center = _bruker_center(text.many(header, "CENTER"), shape, yaw, normal_mm, pixel)
    return Header(
        replace(
            known,
            distance_mm=normal_mm / math.cos(math.radians(yaw)) if normal_mm is not None else None,
            center_px=center,
            tilt_deg=(0.0, yaw) if center is not None else None,
            center_convention=text.if_stated(
                center,
                "Bruker CENTER (px from the lower left, at two-theta 0), turned over and moved by the "
                "swing; origin not stated: +-0.5 px",
            ),
        )
    )


def _bruker_center(
    stated: list[float],
    shape: tuple[int, int],
    yaw_deg: float,
    normal_mm: float | None,
    pixel_mm: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Where the beam meets the swung detector; None if the header does not tell."""
    lower_left = units.stated_center(*text.two(stated[:2]))
    if lower_left is None:
        return None
    x, y = lower_left[0], shape[0] - lower_left[1]
    if yaw_deg == 0.0:
        return x, y
    if normal_mm is None or pixel_mm is None:
        return None
    return x - normal_mm * math.tan(math.radians(yaw_deg)) / pixel_mm[0], y


def _bruker_pixel(detector: list[str], shape: tuple[int, int]) -> tuple[float, float] | None:
    """DETTYPE states pixels per cm for an image of 512 pixels along its longer side."""
    per_cm = numbers(detector[1])[:1] if len(detector) > 1 else []
    if not per_cm or per_cm[0] <= 0:
        return None
    size = 10.0 / per_cm[0] * 512.0 / max(shape)
    return size, size
