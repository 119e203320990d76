"""What the headers of single-image formats say, in this project's units and pixels.

Each function takes a header as fabio gives it and the shape ``(slow, fast)`` of the image. How a
format states the beam center goes into ``Metadata.center_convention``; where that is ambiguous it says
so. Nothing is guessed: what is not stated plainly is None.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from xgeom_core import units
from xgeom_core.formats import header as text
from xgeom_core.formats import smv
from xgeom_core.formats.bruker import bruker
from xgeom_core.formats.cbf.mini import MiniHeader, from_fields, mini_header
from xgeom_core.formats.header import Header
from xgeom_core.formats.swing import swung
from xgeom_core.metadata import Metadata

_CCD_MAXIMUM = 65535.0  # where 16-bit CCD formats saturate unless they say otherwise


HeaderReader = Callable[[Mapping[str, Any], tuple[int, int]], Header]


def mini_cbf(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """The mini-header of Pilatus and Eiger CBF files."""
    return _dectris(mini_header(str(header.get("_array_data.header_contents", ""))), "CBF mini-header")


def dectris_tiff(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """The same fields in the description of a Pilatus TIFF."""
    return _dectris(from_fields({str(key): str(value) for key, value in header.items()}), "TIFF header")


def _dectris(mini: MiniHeader, where: str) -> Header:
    stated, notes = swung(
        Metadata(
            distance_mm=mini.distance_mm,
            wavelength_A=mini.wavelength_A,
            pixel_mm=mini.pixel_mm,
            center_px=mini.beam_px,
            center_convention=text.if_stated(
                mini.beam_px, f"{where} Beam_xy (px); origin not stated, taken as the pixel corner: +-0.5 px"
            ),
            saturation=mini.cutoff,
            detector=mini.detector,
        ),
        mini.two_theta_deg,
        1,
    )
    return Header(stated, notes)


def smv_fields(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """SMV (ADSC and relatives)."""
    return smv.header(header)


# Where MarCCD's header, MAR_BYTES of it from MAR_START in the file, holds what is read here.
MAR_START, MAR_BYTES = 1024, 3072
_MAR_FIELDS = {
    "saturated_value": 104,
    "xtal_to_detector": 640,
    "beam_x": 644,
    "beam_y": 648,
    "start_twotheta": 668,
    "start_xtal_to_detector": 696,
    "pixelsize_x": 772,
    "pixelsize_y": 776,
    "source_wavelength": 908,
}


def marccd_fields(start: bytes) -> dict[str, int] | None:
    """The fields of MarCCD's own header from the first bytes of a file; None if it has none."""
    block = start[MAR_START : MAR_START + MAR_BYTES]
    if len(block) < MAR_BYTES or block[4:7] != b"MMX":
        return None
    order = ">" if start.startswith(b"MM") else "<"
    return {name: struct.unpack_from(f"{order}i", block, at)[0] for name, at in _MAR_FIELDS.items()}


def marccd(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """MarCCD and Rayonix: whole numbers in thousandths (lengths in nm, wavelengths in 1e-5 Å)."""
    sizes = [units.length_mm(text.one(header, key), "nm") for key in ("pixelsize_x", "pixelsize_y")]
    beam = units.stated_center(text.one(header, "beam_x"), text.one(header, "beam_y"))
    center = (beam[0] / 1e3, beam[1] / 1e3) if beam is not None else None
    distance = units.positive(text.one(header, "xtal_to_detector")) or units.positive(
        text.one(header, "start_xtal_to_detector")
    )
    wavelength = units.positive(text.one(header, "source_wavelength"))
    swing = text.one(header, "start_twotheta")
    stated, notes = swung(
        Metadata(
            distance_mm=units.length_mm(distance, "um"),
            wavelength_A=wavelength * 1e-5 if wavelength is not None else None,
            pixel_mm=units.both(*sizes),
            center_px=center,
            center_convention=text.if_stated(
                center,
                "MarCCD beam_x/y (px), x taken as fast, from the pixel corner; not defined by the format: "
                "+-0.5 px",
            ),
            saturation=units.positive(text.one(header, "saturated_value")) or _CCD_MAXIMUM,
        ),
        swing / 1e3 if swing is not None else None,
        1,
    )
    return Header(stated, notes)


def edf(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """EDF as at the ESRF: SI units, the center in pixels; 1 is the fast axis."""
    fields = {str(key).lower(): value for key, value in header.items()}
    sizes = [units.length_mm(text.one(fields, key), "m") for key in ("psize_1", "psize_2")]
    center = units.stated_center(text.one(fields, "center_1"), text.one(fields, "center_2"))
    return Header(
        Metadata(
            distance_mm=units.length_mm(text.one(fields, "sampledistance"), "m"),
            wavelength_A=units.wavelength_A(text.one(fields, "wavelength"), "m"),
            pixel_mm=units.both(*sizes),
            center_px=center,
            center_convention=text.if_stated(
                center, "EDF Center_1/2 (px), 1 fast, taken from the pixel corner: +-0.5 px"
            ),
        )
    )


def silent(header: Mapping[str, Any], shape: tuple[int, int]) -> Header:
    """A format whose header is not read."""
    return Header()


READERS: Mapping[str, tuple[str, HeaderReader]] = {
    "CbfImage": ("CBF", mini_cbf),
    "PilatusImage": ("TIFF", dectris_tiff),
    "TifImage": ("TIFF", silent),
    "DtrekImage": ("SMV", smv_fields),
    "EdfImage": ("EDF", edf),
    "BrukerImage": ("Bruker", bruker),
    "Bruker100Image": ("Bruker", bruker),
}
"""Name of the layout and reader of the header for each of fabio's classes."""
