"""pyFAI's PONI files, versions 1, 2, 2.1 and 3.

Facts: pyFAI's documentation (conventions, geometry) and its detectors' ``orientation``. ``Poni1`` (slow)
and ``Poni2`` (fast) are the foot of the normal from the sample, in m, in the detector's frame; the image
is laid into that frame by the orientation: 3 (default) as it is, 4 left and right exchanged, 2 top and
bottom exchanged, 1 both.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from xgeom_core.errors import GeometryError, MissingDatasetError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import values
from xgeom_core.formats.beam_axes import beam_of, from_beam
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.pyfai.poni_file import Poni, parse_poni
from xgeom_core.formats.reading import Hints, Reading, flip_choices
from xgeom_core.formats.text import read_text
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Choice

CONVENTION = (
    "A PONI file states the foot of the normal from the sample (Poni1 slow, Poni2 fast, m), not the beam "
    "center; both are computed from the outer corner of the detector's first pixel. "
    "The image lies in the detector as its orientation says (3 unless stated)."
)
# Orientation: sign of the image's (fast, slow) axis in the detector.
_SIGNS = {0: (1, 1), 1: (-1, -1), 2: (1, -1), 3: (1, 1), 4: (-1, 1)}
_LINE = re.compile(rb"^[ \t]*(poni1|poni2|rot1|rot2|distance)[ \t]*:", re.MULTILINE | re.IGNORECASE)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether at least four of the keys of a PONI file begin lines."""
    return len({key.lower() for key in _LINE.findall(head)}) >= 4


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one geometry of a PONI file (the last, where several were appended)."""
    poni = parse_poni(read_text(path), path)
    pixel_mm = poni.pixel_mm or hints.pixel_mm
    if pixel_mm is None:
        name = poni.stated.get("Detector", "none")
        raise MissingDatasetError(
            f"{path} states no pixel size (its detector is {name!r}): state the pixel size (--pixel-um)."
        )
    pixel_mm = values.pixel_known(path, "pyFAI", pixel_mm, hints)
    size = poni.shape or hints.image_size
    signs = _SIGNS[poni.orientation or 3]
    if signs != (1, 1) and size is None:
        raise MissingDatasetError(
            f"{path} has orientation {poni.orientation}, which counts from the far edge of the detector, but "
            "does not state its size: open the frame that it belongs to, or state the image size."
        )
    with values.located(path):
        geometry = _geometry(poni, pixel_mm, signs, size, hints.wavelength_A)
        center = values.center(*geometry.center_px, path)
        tilt = (geometry.pitch_deg, geometry.yaw_deg)
        choices: tuple[Choice, ...] = ()
        if poni.orientation is None and size is not None:
            choices = flip_choices("as the file says (orientation 3)", center, tilt, size[1])
    notes = list(poni.warnings)
    if poni.orientation is None:
        notes.append(
            "The file does not state the image's orientation; pyFAI's own (3) is taken. Programs that show "
            "images upside down (Dioptas, Fit2D) calibrate the flipped image: x the same, y = height - y, "
            "and the pitch of opposite sign."
        )
    return [
        Reading(
            Estimate(FORMAT.name, center, tilt, warnings=tuple(notes), convention=CONVENTION),
            str(path),
            distance_mm=values.length(geometry.distance_mm, path, "the distance"),
            pixel_mm=pixel_mm,
            wavelength_A=geometry.wavelength_A,
            image_size=size,
            native=poni.stated,
            choices=choices,
        )
    ]


def _geometry(
    poni: Poni,
    pixel_mm: tuple[float, float],
    signs: tuple[int, int],
    size: tuple[int, int] | None,
    wavelength_A: float | None,
) -> Geometry:
    """See :func:`from_beam`; the image starts at the detector's far edge where it runs backwards."""
    starts = [
        (size[axis] * pixel_mm[axis] if size is not None and signs[axis] < 0 else 0.0) - foot
        for axis, foot in enumerate((poni.poni2, poni.poni1))
    ]
    beam = beam_in_detector(poni.rot1, poni.rot2)
    start_mm = (starts[0], starts[1], poni.distance)
    return from_beam(start_mm, signs, beam, pixel_mm, poni.wavelength_A or wavelength_A)


def beam_in_detector(rot1: float, rot2: float) -> tuple[float, float, float]:
    """The beam along the detector's (fast, slow, normal); rot3 turns about the beam and does not matter."""
    return -math.sin(rot1) * math.cos(rot2), math.sin(rot2), math.cos(rot1) * math.cos(rot2)


def write_poni(writing: Writing) -> str:
    """A PONI file, version 2.1; with a template its detector, orientation and rot3 are kept."""
    geometry = writing.geometry
    if writing.template is None:
        lines = _lines(geometry, (1, 1), writing.image_size)
        config = {
            "pixel1": float(f"{geometry.pixel_mm[1] / 1e3:.12g}"),
            "pixel2": float(f"{geometry.pixel_mm[0] / 1e3:.12g}"),
            "max_shape": [writing.image_size[1], writing.image_size[0]],
            "orientation": 3,
        }
        head = ["# PONI file, written by xgeom", "poni_version: 2.1", "Detector: Detector"]
        body = [f"{key}: {value}" for key, value in lines.items()]
        return "\n".join([*head, f"Detector_config: {json.dumps(config)}", *body]) + "\n"
    text = read_text(writing.template)
    poni = parse_poni(text, writing.template)
    for ours, theirs in zip(geometry.pixel_mm, poni.pixel_mm or geometry.pixel_mm, strict=True):
        if abs(ours / theirs - 1.0) > 1e-3:
            raise GeometryError(
                f"{writing.template} describes pixels of {theirs:.5g} mm, the geometry to be written has "
                f"{ours:.5g} mm: they are not of the same detector."
            )
    size = poni.shape or writing.image_size
    return _replaced(text, _lines(geometry, _SIGNS[poni.orientation or 3], size, poni.rot3))


def _lines(
    geometry: Geometry, signs: tuple[int, int], size: tuple[int, int], rot3: float = 0.0
) -> dict[str, str]:
    """Keys and values of a geometry for an image that lies so in the detector."""
    foot = geometry.foot_px()
    along_fast, along_slow, along = beam_of(geometry)
    foot_m = [
        (foot[axis] if signs[axis] > 0 else size[axis] - foot[axis]) * geometry.pixel_mm[axis] / 1e3
        for axis in (0, 1)
    ]
    stated = {
        "Distance": geometry.normal_distance_mm() / 1e3,
        "Poni1": foot_m[1],
        "Poni2": foot_m[0],
        "Rot1": math.atan2(-signs[0] * along_fast, along),
        "Rot2": math.asin(max(-1.0, min(1.0, signs[1] * along_slow))),
        "Rot3": rot3,
    }
    if geometry.wavelength_A is not None:
        stated["Wavelength"] = geometry.wavelength_A * 1e-10
    return {key: repr(float(value)) for key, value in stated.items()}


def _replaced(text: str, new: dict[str, str]) -> str:
    """The text with the last line of each key replaced; what is missing is added at the end."""
    lines = text.rstrip("\n").split("\n")
    for key, value in new.items():
        at = [
            number
            for number, line in enumerate(lines)
            if line.partition(":")[0].strip().lower() == key.lower() and ":" in line
        ]
        if at:
            lines[at[-1]] = f"{key}: {value}"
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines) + "\n"


FORMAT = Format("pyFAI", "pyfai", (".poni",), recognizes, read, write_poni, CONVENTION)
