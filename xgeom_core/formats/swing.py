"""A detector swung about the sample by two-theta: where the beam meets it, and the other ways to read it.

Turned about the sample, a flat detector keeps the foot of the normal on it and its distance along that
normal; the beam meets it elsewhere. Headers state the center of the unswung detector nearly always, and the
distance along the normal; which way a positive angle turns differs between beamlines.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from xgeom_core.formats.header import Header, half_a_pixel, if_stated
from xgeom_core.formats.planes import rounded
from xgeom_core.metadata import Choice, Metadata, Point

Axis = Literal["vertical", "horizontal"]

_SMALLEST_DEG = 0.05  # less is how well an arm stands, not a swing
_LARGEST_DEG = 80.0
_DIRECTIONS = {
    (0, 1): "about the vertical axis, right edge towards the sample",
    (0, -1): "about the vertical axis, right edge away from the sample",
    (1, 0): "about the horizontal axis, lower edge away from the sample",
    (-1, 0): "about the horizontal axis, lower edge towards the sample",
}


def swung(
    stated: Metadata,
    two_theta_deg: float | None,
    sign: int,
    axis: Axis = "vertical",
) -> tuple[Metadata, tuple[str, ...]]:
    """A header's metadata with its swing taken into account.

    Parameters
    ----------
    stated : Metadata
        With the center of the unswung detector and the distance along its normal, as the header has them.
    two_theta_deg : float or None
        The swing as stated; None where the header is silent.
    sign : {1, -1}
        What a positive swing is in this format: the sign of the yaw (positive: the right edge towards the
        sample) about a vertical axis, of the pitch (positive: the lower edge away from it) about a
        horizontal one.
    axis : {"vertical", "horizontal"}
        What the detector turns about, which is the slow or the fast axis of the image.

    Returns
    -------
    metadata : Metadata
        Center where the beam meets the detector, distance along the beam, the tilt; the three other
        directions and a center that needs no move among the choices. A swing of zero leaves the tilt
        unknown: small misalignments are not what such a field states.
    notes : tuple of str
        What the user should know.
    """
    if two_theta_deg is None or not math.isfinite(two_theta_deg):
        return stated, ()
    if abs(two_theta_deg) > _LARGEST_DEG:
        note = (
            f"The header states a swing of {two_theta_deg:g} degrees; its center and distance are not used."
        )
        return replace(stated, center_px=None, distance_mm=None, center_convention="", choices=()), (note,)
    if abs(two_theta_deg) < _SMALLEST_DEG:
        return stated, ()
    # Adding 0.0 turns -0.0 into 0.0.
    turns = {
        words: (p * two_theta_deg + 0.0, y * two_theta_deg + 0.0) for (p, y), words in _DIRECTIONS.items()
    }
    used = turns.pop(_DIRECTIONS[(0, sign) if axis == "vertical" else (sign, 0)])
    usual, other = _turned(stated, used), []
    for words, turn in turns.items():
        found = _turned(stated, turn)
        if found.center_px is not None:
            other.append(_choice(f"swung {_signed(words, two_theta_deg)}", found))
    if stated.center_px is not None:
        name = "the center is that of the swung detector already"
        other.append(_choice(name, replace(usual, center_px=stated.center_px)))
    # Other readings of the center are of the unswung detector too.
    for choice in stated.choices:
        hit = _hit(replace(stated, center_px=choice.center_px), used)
        if hit is not None:
            other.append(replace(choice, center_px=hit, tilt_deg=used))
        elif choice.center_px is None:
            other.append(choice)
    note = (
        f"The detector is swung by {two_theta_deg:g} degrees in two-theta: the center of the unswung "
        "detector was moved accordingly. Which way a swing turns differs between beamlines."
    )
    return replace(usual, choices=tuple(other), distance_along="normal"), (note,)


def swung_header(
    stated: Metadata,
    two_theta_deg: float | None,
    sign: int,
    axis: Axis = "vertical",
    beam: str = "beam",
    image_size: tuple[int, int] | None = None,
) -> Header:
    """The header of a detector that may be swung (see :func:`swung`), whose pixels' corner is not defined.

    ``beam`` is what the format calls the center.
    """
    center = stated.center_px
    known = replace(
        stated,
        center_convention=if_stated(center, stated.center_convention),
        choices=(*half_a_pixel(center), *stated.choices),
    )
    found, notes = swung(known, two_theta_deg, sign, axis)
    native = {} if center is None else {beam: f"{rounded(center)} px"}
    return Header(found, notes, native, image_size=image_size)


def _signed(words: str, angle: float) -> str:
    """The words for a turn by a positive angle, put right for a negative one."""
    if angle > 0:
        return words
    there, back = "towards the sample", "away from the sample"
    return words.replace(there, "\0").replace(back, there).replace("\0", back)


def _choice(name: str, found: Metadata) -> Choice:
    return Choice(name, found.center_px, tilt_deg=found.tilt_deg, distance_mm=found.distance_mm)


def _turned(stated: Metadata, tilt_deg: Point) -> Metadata:
    """Pitch or yaw about the sample, never both; the center is None where distance or pixel are unknown."""
    distance = None
    if stated.distance_mm is not None:
        distance = stated.distance_mm / math.prod(math.cos(math.radians(angle)) for angle in tilt_deg)
    center = _hit(stated, tilt_deg)
    return replace(
        stated,
        center_px=center,
        tilt_deg=tilt_deg,
        distance_mm=distance,
        center_convention=stated.center_convention if center is not None else "",
    )


def _hit(stated: Metadata, tilt_deg: Point) -> Point | None:
    """Where the beam meets a detector turned about the sample.

    The foot of the normal lies at ``center + D tan(yaw) / px`` and ``center - D tan(pitch) / py`` with D
    along the normal (one of the angles being zero).
    """
    if stated.center_px is None or stated.pixel_mm is None or stated.distance_mm is None:
        return None
    pitch, yaw = (math.tan(math.radians(angle)) for angle in tilt_deg)
    hit = (
        stated.center_px[0] - stated.distance_mm * yaw / stated.pixel_mm[0],
        stated.center_px[1] + stated.distance_mm * pitch / stated.pixel_mm[1],
    )
    return hit if all(map(math.isfinite, hit)) else None
