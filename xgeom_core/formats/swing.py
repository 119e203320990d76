"""A detector swung about the sample by two-theta: where the beam meets it, and the other ways to read it.

Turned about the sample, a flat detector keeps the foot of the normal on it and its distance along that
normal; the beam meets it elsewhere. Headers state the center of the unswung detector nearly always, and the
distance along the normal; which way a positive angle turns differs between beamlines.
"""

from __future__ import annotations

import math
from dataclasses import replace

from xgeom_core.metadata import Choice, Metadata, Point

_SMALLEST_DEG = 0.05  # less is how well an arm stands, not a swing
_LARGEST_DEG = 80.0


def swung(stated: Metadata, two_theta_deg: float | None, yaw_sign: int) -> tuple[Metadata, tuple[str, ...]]:
    """A header's metadata with its swing taken into account.

    Parameters
    ----------
    stated : Metadata
        With the center of the unswung detector and the distance along its normal, as the header has them.
    two_theta_deg : float or None
        The swing as stated; None where the header is silent.
    yaw_sign : {1, -1}
        Sign of the yaw (positive: the right edge towards the sample) of a positive swing in this format.

    Returns
    -------
    metadata : Metadata
        Center where the beam meets the detector, distance along the beam, tilt ``(0, yaw)``; the other sign,
        a swing about the horizontal axis and a center that needs no move among the choices. A swing of zero
        leaves the tilt unknown: small misalignments are not what such a field states.
    notes : tuple of str
        What the user should know.
    """
    if two_theta_deg is None:
        return stated, ()
    if abs(two_theta_deg) > _LARGEST_DEG:
        note = (
            f"The header states a swing of {two_theta_deg:g} degrees; its center and distance are not used."
        )
        return replace(stated, center_px=None, distance_mm=None, center_convention="", choices=()), (note,)
    if abs(two_theta_deg) < _SMALLEST_DEG:
        return stated, ()
    usual, other = _turned(stated, 0.0, yaw_sign * two_theta_deg), []
    for pitch, yaw, name in (
        (0.0, -yaw_sign * two_theta_deg, "swung to the other side"),
        (two_theta_deg, 0.0, "swung about the horizontal axis, lower edge away from the sample"),
        (-two_theta_deg, 0.0, "swung about the horizontal axis, lower edge towards the sample"),
    ):
        found = _turned(stated, pitch, yaw)
        if found.center_px is not None:
            other.append(_choice(name, found))
    if stated.center_px is not None:
        name = "the center is that of the swung detector already"
        other.append(_choice(name, replace(usual, center_px=stated.center_px)))
    note = (
        f"The detector is swung by {two_theta_deg:g} degrees in two-theta: the center of the unswung "
        "detector was moved accordingly. Which way a swing turns differs between beamlines."
    )
    return replace(usual, choices=(*other, *stated.choices), distance_along="normal"), (note,)


def _choice(name: str, found: Metadata) -> Choice:
    return Choice(name, found.center_px, tilt_deg=found.tilt_deg, distance_mm=found.distance_mm)


def _turned(stated: Metadata, pitch_deg: float, yaw_deg: float) -> Metadata:
    """Pitch or yaw about the sample, never both; the center is None where distance or pixel are unknown.

    The foot of the normal lies at ``center + D tan(yaw) / px`` and ``center - D tan(pitch) / py`` with D
    along the normal (one of the angles being zero).
    """
    pitch, yaw = math.radians(pitch_deg), math.radians(yaw_deg)
    distance = None
    if stated.distance_mm is not None:
        distance = stated.distance_mm / (math.cos(pitch) * math.cos(yaw))
    center: Point | None = None
    if stated.center_px is not None and stated.pixel_mm is not None and stated.distance_mm is not None:
        center = (
            stated.center_px[0] - stated.distance_mm * math.tan(yaw) / stated.pixel_mm[0],
            stated.center_px[1] + stated.distance_mm * math.tan(pitch) / stated.pixel_mm[1],
        )
    return replace(
        stated,
        center_px=center,
        tilt_deg=(pitch_deg, yaw_deg),
        distance_mm=distance,
        center_convention=stated.center_convention if center is not None else "",
    )
