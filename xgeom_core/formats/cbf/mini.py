"""The mini-header that Dectris detectors write: lines such as ``# Beam_xy (1261.61, 1306.96) pixels``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xgeom_core import units
from xgeom_core.formats.numbers import first_length, first_wavelength, numbers, numbers_with_units

# No real line is longer; a damaged file may have no line breaks at all.
_LONGEST_LINE = 500
# Numbers beyond are damage, not measurement.
_LARGEST_PX, _LONGEST_MM, _LARGEST_PIXEL_MM = 1e7, 1e6, 1e3


@dataclass(frozen=True)
class MiniHeader:
    """What a mini-header states; None or "" where it states nothing usable.

    Parameters
    ----------
    beam_px : tuple of float, optional
        ``Beam_xy`` (fast, slow) in px; converted by the pixel size where the header says mm.
    beam_text : str
        ``Beam_xy`` as it stands there.
    beam_in_mm : bool
        Whether it was stated in mm.
    pixel_mm : tuple of float, optional
        (fast, slow).
    distance_mm, wavelength_A, two_theta_deg, cutoff : float, optional
        Detector distance and swing, wavelength, and the highest count that is meant.
    distance_text, two_theta_text, detector : str
        As they stand there.
    """

    beam_px: tuple[float, float] | None
    beam_text: str
    beam_in_mm: bool
    pixel_mm: tuple[float, float] | None
    distance_mm: float | None
    wavelength_A: float | None
    two_theta_deg: float | None
    cutoff: float | None
    distance_text: str
    two_theta_text: str
    detector: str


def mini_header(text: str) -> MiniHeader:
    """Read the lines of a mini-header; others are passed over."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"\s*#?\s*([A-Za-z]\w*)\s*[:=]?\s+(\S.*)", line[:_LONGEST_LINE])
        if match:
            fields.setdefault(match.group(1), match.group(2).strip())
    return from_fields(fields)


def from_fields(fields: Mapping[str, str]) -> MiniHeader:
    """The same for fields that are taken apart already, as in a Pilatus TIFF."""
    sizes = [units.length_mm(*found) for found in numbers_with_units(fields.get("Pixel_size", ""))]
    pixel_mm = units.both(*sizes) if len(sizes) == 2 else None
    if pixel_mm is not None and max(pixel_mm) > _LARGEST_PIXEL_MM:
        pixel_mm = None
    distance_mm = first_length(fields.get("Detector_distance", ""))
    beam_text = fields.get("Beam_xy", "")
    stated = numbers(beam_text)
    beam = units.stated_center(*stated) if len(stated) == 2 else None
    in_mm = beam is not None and pixel_mm is not None and "mm" in beam_text
    if beam is not None and pixel_mm is not None and in_mm:
        beam = beam[0] / pixel_mm[0], beam[1] / pixel_mm[1]
    if beam is not None and not max(map(abs, beam)) < _LARGEST_PX:
        beam = None
    swing, cutoff = numbers(fields.get("Detector_2theta", "")), numbers(fields.get("Count_cutoff", ""))
    return MiniHeader(
        beam,
        beam_text,
        in_mm,
        pixel_mm,
        distance_mm if distance_mm is not None and distance_mm < _LONGEST_MM else None,
        first_wavelength(fields.get("Wavelength", "")),
        swing[0] if swing else None,
        units.positive(cutoff[0]) if cutoff else None,
        fields.get("Detector_distance", ""),
        fields.get("Detector_2theta", ""),
        fields.get("Detector", "").split(",")[0].strip(),
    )
