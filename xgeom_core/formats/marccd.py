"""MarCCD and Rayonix: a TIFF with a header of its own, whose whole numbers count thousandths."""

from __future__ import annotations

import struct
from pathlib import Path

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung_header
from xgeom_core.formats.text import read_head
from xgeom_core.formats.tiff import open_tiff
from xgeom_core.formats.tiff_tags import is_tiff
from xgeom_core.metadata import Metadata, Rotation

NAME = "MarCCD"
_START, _BYTES = 1024, 3072
_NUMBERS = {
    "nfast": 80,
    "nslow": 84,
    "saturated_value": 104,
    "xtal_to_detector": 640,
    "beam_x": 644,
    "beam_y": 648,
    "start_twotheta": 668,
    "start_omega": 672,
    "start_phi": 684,
    "start_xtal_to_detector": 696,
    "rotation_axis": 732,
    "rotation_range": 736,
    "pixelsize_x": 772,
    "pixelsize_y": 776,
    "source_wavelength": 908,
}
_TITLE, _TITLE_BYTES = 1024, 128
_AXES = {1: "omega", 4: "phi"}  # which of twotheta, omega, chi, kappa, phi, ... turns
_CCD_MAXIMUM = 65535.0  # where 16-bit CCD formats saturate unless they say otherwise
_CONVENTION = (
    "MarCCD beam_x/y (px), x taken as fast, from the pixel corner; not defined by the format: +-0.5 px"
)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether MarCCD's own header stands in a TIFF."""
    return is_tiff(head) and head[_START + 4 : _START + 7] == b"MMX"


def headers(path: Path, hints: Hints) -> list[Header]:
    """What MarCCD's own header states; an UnreadableFileError if there is none."""
    head = read_head(path, _START + _BYTES)
    if not recognizes(path, head) or len(head) < _START + _BYTES:
        raise UnreadableFileError(f"{path} is no whole MarCCD image: its header of 4096 bytes is missing.")
    order = ">" if head.startswith(b"MM") else "<"
    block = head[_START:]
    fields = {name: struct.unpack_from(f"{order}i", block, at)[0] for name, at in _NUMBERS.items()}
    title = block[_TITLE : _TITLE + _TITLE_BYTES].split(b"\0", 1)[0].decode("latin-1").strip()
    return [_header(fields, title if title.isprintable() else "")]


def _header(fields: dict[str, int], title: str) -> Header:
    pixel = (units.length_mm(fields[key], "nm") for key in ("pixelsize_x", "pixelsize_y"))
    beam = units.stated_center(fields["beam_x"] / 1e3, fields["beam_y"] / 1e3)
    distance = next(
        (fields[k] for k in ("xtal_to_detector", "start_xtal_to_detector") if fields[k] > 0), None
    )
    axis, step = _AXES.get(fields["rotation_axis"]), fields["rotation_range"] / 1e3
    return swung_header(
        Metadata(
            distance_mm=units.length_mm(distance, "um"),
            wavelength_A=units.tidy(fields["source_wavelength"] * 1e-5),
            pixel_mm=units.both(*pixel),
            center_px=beam,
            center_convention=_CONVENTION,
            saturation=units.positive(fields["saturated_value"]) or _CCD_MAXIMUM,
            rotation=Rotation(fields[f"start_{axis}"] / 1e3, step, name=axis) if axis and step else None,
            title=title,
        ),
        fields["start_twotheta"] / 1e3,
        1,
        "horizontal",  # as DIALS turns Rayonix detectors
        "beam_x, beam_y",
        image_size([fields["nfast"], fields["nslow"]]),
    )


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a file; errors as of `xgeom_core.formats.tiff.open_frames`."""
    return open_tiff(path, NAME, headers)


FORMAT = Format(
    name=NAME,
    key="marccd",
    suffixes=(".mccd", ".marccd"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "beam_x and beam_y are not set"),
    write=None,
    convention=(
        "beam_x, beam_y: the beam on the detector in thousandths of a pixel, x taken as the fast axis. The "
        "format does not define the origin; it is taken as the first pixel's corner."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote(
            "beam_x", "center_px", "1/1000 px along the fast axis, taken from the first pixel's corner"
        ),
        FieldNote(
            "beam_y", "center_px", "1/1000 px along the slow axis, taken from the first pixel's corner"
        ),
        FieldNote("xtal_to_detector", "distance_mm", "µm, along the normal; start_xtal_to_detector where 0"),
        FieldNote(
            "start_twotheta",
            "tilt_deg",
            "1/1000 degrees; positive is a positive pitch, as DIALS has it; moves the center",
        ),
        FieldNote("source_wavelength", "wavelength_A", "fm"),
        FieldNote("pixelsize_x", "pixel_mm", "nm, fast"),
        FieldNote("pixelsize_y", "pixel_mm", "nm, slow"),
        FieldNote("saturated_value", "saturation", "counts; 65535 where silent"),
        FieldNote("rotation_axis", "rotation", "1: omega, 4: phi"),
        FieldNote("rotation_range", "rotation", "1/1000 degrees a frame"),
        FieldNote("start_phi", "rotation", "1/1000 degrees, where phi turns; start_omega where omega does"),
        FieldNote("filetitle", "title", "as it stands"),
    ),
)
