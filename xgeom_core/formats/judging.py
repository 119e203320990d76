"""Headers judged: is what a file states plausible, doubtful, a placeholder or impossible?

One place for all formats. Readers state what the file says and offer the other ways to read it; here the
headers of one file become one, and of several readings the most sensible is the one that is used. Whatever
differs from the format's own rule is said in a note, and the format's own reading stays among the choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from xgeom_core import units
from xgeom_core.formats.header import Header
from xgeom_core.metadata import Choice, Metadata, Point, Quantity, Sense, Verdict

Size = tuple[int, int]

_SAME_PX = 0.05  # centers of two headers of one file that differ by less are one
_AT_THE_MIDDLE_PX = 0.01
_SWUNG_DEG = 5.0  # beyond, the beam may well miss the detector


@dataclass(frozen=True)
class _Range:
    """Where values of a quantity lie: usually, and at all; how a slip of the unit shifts them."""

    quantity: Quantity
    field: str
    unit: str
    usual: tuple[float, float]
    possible: tuple[float, float]
    slips: tuple[tuple[str, Callable[[float], float | None]], ...]


def _times(factor: float) -> Callable[[float], float | None]:
    return lambda value: units.tidy(value * factor)


_LENGTH_SLIPS = (
    ("mm, not m", _times(1e-3)),
    ("m, not mm", _times(1e3)),
    ("µm, not m", _times(1e-6)),
    ("µm, not mm", _times(1e-3)),
)
# Usual: from microscopes' pixels to image plates; from electron diffraction at 1 MeV to cold neutrons.
_RANGES = (
    _Range("pixel size", "pixel_mm", "mm", (0.0005, 2.0), (1e-6, 1e3), _LENGTH_SLIPS),
    _Range("distance", "distance_mm", "mm", (1.0, 1e5), (1e-3, 1e6), _LENGTH_SLIPS),
    _Range(
        "wavelength",
        "wavelength_A",
        "Å",
        (0.005, 40.0),
        (1e-6, 1e6),
        (
            ("an energy in eV", lambda value: units.energy_to_A(value / 1e3)),
            ("nm, not Å", _times(10.0)),
            ("m, not Å", _times(1e10)),
            ("Å, not m", _times(1e-10)),
        ),
    ),
)
# What detectors' software writes where nobody has set a value, as it stands in this project's units.
_UNSET_DISTANCE_MM, _UNSET_WAVELENGTHS_A = 1000.0, (1.54, 1.0)


def judged(headers: Sequence[Header], size: Size | None = None) -> Header:
    """What the headers of one file state together, judged.

    Parameters
    ----------
    headers : sequence of Header
        The parts of the file that state something, the most trusted first; may be empty.
    size : tuple of int, optional
        Pixels ``(fast, slow)`` of the image, where it is known better than from the headers.

    Returns
    -------
    Header
        With a verdict for every stated quantity; placeholders and impossible values are None.
    """
    if not headers:
        return Header(image_size=size)
    whole = _merged(headers, size)
    metadata, notes = whole.metadata, list(whole.notes)
    for step in (_without_placeholders, _with_sane_units, _with_sane_center):
        metadata, said = step(metadata, whole.image_size)
        notes += said
    return replace(whole, metadata=_all_judged(metadata), notes=tuple(dict.fromkeys(notes)))


def _merged(headers: Sequence[Header], size: Size | None) -> Header:
    """The first header with a center, what it is silent about taken from the others."""
    first = next((header for header in headers if header.metadata.center_px is not None), headers[0])
    others = [header for header in headers if header is not first]
    metadata = first.metadata
    for other in (header.metadata for header in others):
        silent = {
            name: getattr(other, name)
            for name, value in vars(metadata).items()
            if value in (None, "", ()) and name not in _NOT_FILLED
        }
        metadata = replace(metadata, **silent)
    choices = metadata.choices
    for header in others:
        stated = header.metadata
        if stated.center_px is not None and not same_center(stated.center_px, metadata.center_px):
            name = header.where or "another header of the file"
            choices += (Choice(name, stated.center_px, stated.tilt_deg, stated.distance_mm),)
    return Header(
        replace(metadata, choices=choices),
        tuple(chain.from_iterable(header.notes for header in (first, *others))),
        first.native,
        first.where,
        size or next((header.image_size for header in headers if header.image_size), None),
    )


def is_usual(quantity: Quantity, value: float) -> bool:
    """Whether a length in mm or a wavelength in Å is one that experiments have."""
    return any(known.quantity == quantity and _within(value, known.usual) for known in _RANGES)


def same_center(one: Point, other: Point | None) -> bool:
    """Whether two centers in px are one and the same but for rounding."""
    return other is not None and max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= _SAME_PX


_Step = tuple[Metadata, list[str]]
_NOT_FILLED = frozenset({"center_px", "tilt_deg", "center_convention", "choices"})


def _without_placeholders(stated: Metadata, size: Size | None) -> _Step:
    """A distance of exactly 1 m or a wavelength of exactly 1.54 Å, beside other unset fields."""
    unset = {
        "distance": stated.distance_mm == _UNSET_DISTANCE_MM and not _judged_already(stated, "distance"),
        "wavelength": stated.wavelength_A in _UNSET_WAVELENGTHS_A,
        "center": stated.center_px is None,
    }
    if sum(unset.values()) < 2 or not (unset["distance"] or unset["wavelength"]):
        return stated, []
    verdicts, notes, result = [], [], stated
    if unset["distance"]:
        reason = "A distance of exactly 1 m stands where nobody has set it: it is not used."
        verdicts.append(Verdict("distance", "placeholder", reason))
        result = replace(result, distance_mm=None)
    if unset["wavelength"] and (unset["distance"] or stated.distance_mm is None):
        reason = f"A wavelength of exactly {stated.wavelength_A:g} Å stands where nobody has set it: "
        verdicts.append(Verdict("wavelength", "placeholder", f"{reason}it is not used."))
        result = replace(result, wavelength_A=None)
    notes += [verdict.reason for verdict in verdicts]
    as_stated = Choice(
        "distance and wavelength as stated",
        distance_mm=stated.distance_mm if result.distance_mm is None else None,
        wavelength_A=stated.wavelength_A if result.wavelength_A is None else None,
    )
    choices = (*result.choices, as_stated) if verdicts else result.choices
    return replace(result, choices=choices, verdicts=(*result.verdicts, *verdicts)), notes


def _with_sane_units(stated: Metadata, size: Size | None) -> _Step:
    """Lengths and wavelengths in the unit that makes sense of them."""
    notes: list[str] = []
    for known in _RANGES:
        value = getattr(stated, known.field)
        if value is None or _judged_already(stated, known.quantity):
            continue
        numbers = value if isinstance(value, tuple) else (value,)
        if all(_within(number, known.usual) for number in numbers):
            continue
        words = f"The {known.quantity} of {numbers[0]:g} {known.unit}"
        name, slip = _slip(known, numbers)
        if slip is not None:
            sense: Sense = "doubtful"
            reason = f"{words} makes sense as {name}: {slip[0]:g} {known.unit} is used."
        elif all(_within(number, known.possible) for number in numbers):
            continue
        else:
            sense, reason = "impossible", f"{words} cannot be: it is not used."
        used: Any = None if slip is None else (slip if isinstance(value, tuple) else slip[0])
        as_stated = replace(Choice(f"{known.quantity} as stated"), **{known.field: value})
        choices = (*stated.choices, as_stated) if slip is not None else stated.choices
        verdicts = (*stated.verdicts, Verdict(known.quantity, sense, reason))
        stated = replace(stated, choices=choices, verdicts=verdicts)
        stated = replace(stated, **{known.field: used})
        notes.append(reason)
    return stated, notes


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _slip(known: _Range, numbers: tuple[float, ...]) -> tuple[str, tuple[float, ...] | None]:
    """The first other unit that makes all the numbers usual ones, and the numbers in it."""
    for name, convert in known.slips:
        read = [convert(number) for number in numbers]
        sane = tuple(one for one in read if one is not None and _within(one, known.usual))
        if len(sane) == len(numbers):
            return name, sane
    return "", None


def _with_sane_center(stated: Metadata, size: Size | None) -> _Step:
    """The center as stated, unless another reading alone puts it where a beam may be."""
    center = stated.center_px
    if center is None or size is None or _judged_already(stated, "center"):
        return stated, []
    where = f"({center[0]:.2f}, {center[1]:.2f}) px on {size[0]} x {size[1]}"
    if _far(center, (size[0] / 2.0, size[1] / 2.0)) <= _AT_THE_MIDDLE_PX:
        reason = "The stated center is exactly the middle of the image, which is written where nobody set it."
        return _doubtful(stated, reason), []
    if _inside(center, size) or max(map(abs, stated.tilt_deg or (0.0,))) > _SWUNG_DEG:
        return stated, []
    sensible = [one for one in stated.choices if one.center_px is not None and _inside(one.center_px, size)]
    if not sensible:
        return _doubtful(stated, f"The stated center {where} lies outside the image."), []
    best = sensible[0]
    if _inside(center, size, margin=1.0):
        reason = (
            f"The stated center {where} lies outside the image; read as “{sensible[0].name}” it does not."
        )
        return _doubtful(stated, reason), [reason]
    best = sensible[0]
    reason = f"The stated center {where} lies far outside the image: it is read as “{best.name}”."
    usual = Choice("as the format has it", center, stated.tilt_deg)
    others = tuple(one for one in stated.choices if one is not best)
    read = replace(stated.read_as(best), choices=(usual, *others), center_convention=best.name)
    return _doubtful(read, reason), [reason]


def _doubtful(stated: Metadata, reason: str) -> Metadata:
    return replace(stated, verdicts=(*stated.verdicts, Verdict("center", "doubtful", reason)))


def _far(one: Point, other: Point) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _inside(center: Point, size: Size, margin: float = 0.0) -> bool:
    """Whether a center lies on the image, or within so many image sizes of it."""
    return all(-margin * n <= at <= n + margin * n for at, n in zip(center, size, strict=True))


def _judged_already(stated: Metadata, quantity: Quantity) -> bool:
    return any(verdict.quantity == quantity for verdict in stated.verdicts)


def _all_judged(stated: Metadata) -> Metadata:
    """What nothing speaks against is plausible."""
    values: dict[Quantity, object] = {
        "center": stated.center_px,
        "tilt": stated.tilt_deg,
        "distance": stated.distance_mm,
        "wavelength": stated.wavelength_A,
        "pixel size": stated.pixel_mm,
    }
    plain = tuple(
        Verdict(quantity, "plausible")
        for quantity, value in values.items()
        if value is not None and not _judged_already(stated, quantity)
    )
    return replace(stated, verdicts=(*stated.verdicts, *plain))
