"""Pixel size, distance and beam center of a detector from its plain fields, whatever their units.

NeXus wants a unit beside every length, and Dectris counts centers in px. Where a unit is missing, that one
is taken that makes sense of the pixel size, for all lengths of the detector alike; what the format itself
would have is among the choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import h5py

from xgeom_core import units
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.hdf5.fields import Field
from xgeom_core.formats.header import Header, half_a_pixel
from xgeom_core.formats.judging import is_usual
from xgeom_core.formats.planes import rounded
from xgeom_core.metadata import Choice, Metadata, Point, Quantity, Verdict

Size = tuple[int, int]
_Read = tuple[str, Point | None, Point]  # unit, center in px, size of a pixel in this unit

_UNITS = ("m", "mm", "um")  # where none is stated: as NeXus has it, and what programs write instead
_CONVENTION = (
    "NXmx beam_center_x/y ({unit}); origin undefined by the standard, taken as the pixel corner: +-0.5 px"
)
_CENTER = "beam_center_x/y"
_DECTRIS = ("", "m")  # missing units that go with a center in px
_CORNER_PX = 1.0  # a center nearer to the corner is no number of pixels


def plain_fields(detector: h5py.Group, pixel_mm: Point | None, size: Size | None) -> Header:
    """What pixel size, distance and beam_center_x/y of a detector state.

    Parameters
    ----------
    pixel_mm : tuple of float or None
        Stands in where the detector states no pixel size.
    size : tuple of int or None
        Pixels ``(fast, slow)`` of the image: a center of unclear unit is sought on it.
    """
    notes: list[str] = []
    sizes = [
        _field(detector, notes, f"{axis}_pixel_size", f"detectorSpecific/{axis}_pixel_size") for axis in "xy"
    ]
    unit = _missing_unit(sizes)
    pixel = units.both(*(sense_of(one, lambda mm: is_usual("pixel size", mm), unit) for one in sizes))
    distance = _field(detector, notes, "detector_distance", "distance")
    far = sense_of(distance, lambda mm: is_usual("distance", mm), unit)
    found = _unit_doubts(Metadata(distance_mm=far, pixel_mm=pixel or pixel_mm), sizes, distance, notes)
    center = [_field(detector, notes, f"beam_center_{axis}") for axis in "xy"]
    native = {
        name: f"{rounded([field.first])} {field.unit}".strip()
        for name, field in zip(
            ("beam_center_x", "beam_center_y", "distance"), (*center, distance), strict=True
        )
        if field is not None
    }
    if center[0] is not None and center[1] is not None:
        found = _with_center(found, (center[0], center[1]), unit, size, notes)
    return Header(found, tuple(notes), native, image_size=size)


def sense_of(field: Field | None, usual: Callable[[float], bool], first: str = "") -> float | None:
    """A field as a length in mm; without a unit in ``first``, m, mm or µm, whichever makes sense."""
    if field is None:
        return None
    if field.unit:
        return fields.length_mm(field)
    lengths = [fields.length_mm(field, unit) for unit in (first, *_UNITS) if unit]
    return next((length for length in lengths if length is not None and usual(length)), lengths[0])


def _field(detector: h5py.Group, notes: list[str], *names: str) -> Field | None:
    """A field; what is odd about it is noted."""
    found = fields.read_field(detector, *names)
    if found is None:
        return None
    if found.varies:
        notes.append(f"{names[0]} varies over the frames; its first value is used.")
    if found.unit and not units.is_pixels(found.unit) and units.length_factor_mm(found.unit) is None:
        notes.append(f"The unit {found.unit!r} of {names[0]} is unknown; the field is not used.")
        return None
    return found


def _missing_unit(sizes: Sequence[Field | None]) -> str:
    """The unit that makes sense of a pixel size without one; "" where it has one or there is none."""
    for unit in _UNITS:
        lengths = [fields.length_mm(size, unit) for size in sizes if size is not None and not size.unit]
        if len(lengths) == len(sizes) and all(one and is_usual("pixel size", one) for one in lengths):
            return unit
    return ""


def _unit_doubts(
    found: Metadata, sizes: Sequence[Field | None], distance: Field | None, notes: list[str]
) -> Metadata:
    """The metadata with a choice and doubts where lengths without a unit are not read in m."""
    pixel, far = units.both(*(fields.length_mm(size) for size in sizes)), fields.length_mm(distance)
    as_stated = Choice(
        "lengths without a unit in m, as NeXus has them",
        distance_mm=far if far != found.distance_mm else None,
        pixel_mm=pixel if pixel != found.pixel_mm else None,
    )
    doubtful: list[Quantity] = ["distance"] if as_stated.distance_mm else []
    doubtful += ["pixel size"] if as_stated.pixel_mm else []
    if not doubtful:
        return found
    named = {"pixel": pixel and found.pixel_mm and found.pixel_mm[0], "distance": found.distance_mm}
    words = ", ".join(f"{name} {value:g} mm" for name, value in named.items() if value)
    reason = f"The detector's lengths have no unit and are read as makes sense: {words}."
    notes.append(reason)
    verdicts = tuple(Verdict(quantity, "doubtful", reason) for quantity in doubtful)
    return replace(found, choices=(as_stated,), verdicts=verdicts)


def _with_center(
    found: Metadata, stated: tuple[Field, Field], unit: str, size: Size | None, notes: list[str]
) -> Metadata:
    """The metadata with the center read in the most sensible unit, and the other readings as choices."""
    x, y = stated[0].first, stated[1].first
    named = next((field.unit for field in stated if not units.is_pixels(field.unit)), "")
    in_px: _Read = ("px", units.stated_center(x, y), (1.0, 1.0))
    length = _as_length(stated, unit or "m", found.pixel_mm)
    # Dectris counts in px and says so by "pixel" or by nothing.
    first, second = (length, in_px) if named or unit not in _DECTRIS else (in_px, length)
    if in_px[1] is None:
        return found  # both 0 is how files say that nobody has set it
    if first[1] is None:
        notes.append(f"{_CENTER} is stated in {named or unit!r}, which cannot be turned into pixels.")
        return found
    better = second[1] is not None and _on_image(second[1], size) and not _on_image(first[1], size)
    best, other = (second, first) if better else (first, second)
    center = best[1] or first[1]
    found = replace(found, center_px=center, center_convention=_CONVENTION.format(unit=best[0]))
    choices: tuple[Choice, ...] = ()
    if other[1] is not None and (better or (unit not in _DECTRIS and not any(one.unit for one in stated))):
        choices = (Choice(f"{_CENTER} in {other[0]}", other[1]),)
        where = f"({center[0]:.2f}, {center[1]:.2f}) px"
        reason = f"{_CENTER} is read in {best[0]}, which puts it at {where}; it may be in {other[0]}."
        notes.append(reason)
        found = replace(found, verdicts=(*found.verdicts, Verdict("center", "doubtful", reason)))
    if not _on_image(center, size):
        fast, slow = best[2]
        swapped = center[1] * slow / fast, center[0] * fast / slow
        choices += (Choice("x along the slow axis, y along the fast axis", swapped),)
    return replace(found, choices=(*choices, *half_a_pixel(center), *found.choices))


def _as_length(stated: tuple[Field, Field], unit: str, pixel_mm: Point | None) -> _Read:
    """A center that is stated as lengths; None where it cannot be turned into px."""
    found = []
    for field, pixel in zip(stated, pixel_mm or (0.0, 0.0), strict=True):
        factor = units.length_factor_mm(field.unit or unit)
        if field.unit and units.is_pixels(field.unit):
            found.append(field.first)
        elif factor is not None and pixel > 0:
            found.append(field.first * factor / pixel)
    name = next((field.unit for field in stated if not units.is_pixels(field.unit)), unit)
    return name, (found[0], found[1]) if len(found) == 2 else None, pixel_mm or (1.0, 1.0)


def _on_image(center: Point, size: Size | None) -> bool:
    """Whether a center lies on the image, and not in the very corner, as lengths taken for px do."""
    inside = size is None or all(0 <= at <= side for at, side in zip(center, size, strict=True))
    return inside and max(center) > _CORNER_PX
