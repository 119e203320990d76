"""Mar345 image plates: 16 whole numbers, then lines of text; packed pixels."""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.limits import check_size
from xgeom_core.formats.numbers import numbers
from xgeom_core.formats.pck import unpack
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung_header
from xgeom_core.formats.text import read_head, read_part
from xgeom_core.metadata import Metadata, Rotation, Verdict

NAME = "Mar345"
_HEADER_BYTES, _MARK = 4096, 1234
_COPPER_A = 1.54179
_CONVENTION = (
    "Mar345 CENTER (px), X taken as fast, from the pixel corner; not defined by the format: +-0.5 px"
)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with the mark of the byte order, and the maker's name follows."""
    return b"mar research" in head[:256] and _order(head) != ""


def _order(head: bytes) -> str:
    return next((o for o in "<>" if head[:4] == struct.pack(f"{o}i", _MARK)), "")


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the lines state; an UnreadableFileError if the file is no image of a Mar345."""
    head = read_head(path, _HEADER_BYTES)
    if not recognizes(path, head) or len(head) < _HEADER_BYTES:
        raise UnreadableFileError(f"{path} is no whole image of a Mar345: its header is missing.")
    side, _, _, _, pixels = struct.unpack_from(f"{_order(head)}5i", head, 4)
    size = image_size([side, pixels // side]) if side > 0 else None
    lines = head[head.index(b"mar research") :].decode("latin-1").splitlines()
    fields = {words[0]: words[1:] for line in lines if (words := line.split())}
    return [_header(fields, size)]


def _header(fields: dict[str, list[str]], size: tuple[int, int] | None) -> Header:
    def number(key: str, name: str = "") -> float | None:
        """What follows a word in the line of a key."""
        words = fields.get(key, [])
        text = words[words.index(name) + 1 :][:1] if name in words else words[:1] if not name else []
        found = numbers(text[0]) if text else []
        return found[0] if found else None

    beam = units.stated_center(number("CENTER", "X"), number("CENTER", "Y"))
    polarization, wavelength = number("MONOCHROMATOR", "POLAR"), units.positive(number("WAVELENGTH"))
    verdicts: tuple[Verdict, ...] = ()
    if wavelength == _COPPER_A and "SYNCHROTRON" in fields.get("GENERATOR", []):
        reason = "The wavelength is that of a copper anode, which is the program's default, at a synchrotron."
        verdicts = (Verdict("wavelength", "doubtful", reason),)
    found = swung_header(
        Metadata(
            distance_mm=units.positive(number("DISTANCE")),
            wavelength_A=wavelength,
            pixel_mm=units.both(
                *(units.length_mm(number("PIXEL", name), "um") for name in ("LENGTH", "HEIGHT"))
            ),
            center_px=beam,
            center_convention=_CONVENTION,
            detector=" ".join(fields.get("DETECTOR", [])),
            polarization=(1 + polarization) / 2 if polarization and abs(polarization) <= 1 else None,
            rotation=_rotation(number("PHI", "START"), number("PHI", "END")),
            title=" ".join(word for word in fields.get("REMARK", []) if word != "None"),
            verdicts=verdicts,
        ),
        number("TWOTHETA"),
        1,
        "horizontal",  # as the maker's CCDs; DIALS reads none that is swung
        "CENTER",
        size,
    )
    return replace(found, notes=(*found.notes, *(one.reason for one in verdicts)))


def _rotation(start: float | None, end: float | None) -> Rotation | None:
    return Rotation(start, end - start, name="phi") if start is not None and end is not None else None


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a file; an UnreadableFileError if it is damaged or not packed."""
    (stated,) = headers(Path(path), Hints())
    fast, slow = stated.image_size or (0, 0)
    check_size(path, (fast, slow))

    @cache  # the only image, unpacked to see whether it is whole
    def read(index: int) -> NDArray[np.uint32]:
        # A packed pixel takes four bytes at most, and its block's beginning one.
        data = read_part(Path(path), 0, _HEADER_BYTES + 6 * fast * slow)
        image = unpack(data[_HEADER_BYTES:])
        if image is None or image.shape != (slow, fast):
            raise UnreadableFileError(f"{path} is damaged: its {fast} x {slow} pixels cannot be unpacked.")
        _put_high(image.reshape(-1), data)
        return image

    read(0)
    return ImageSource(path, NAME, headers, read, (slow, fast))


def _put_high(pixels: NDArray[np.uint32], data: bytes) -> None:
    """Put counts beyond 16 bits in, which stand before the packed pixels: place from 1, and value."""
    order = _order(data)
    count = max(0, struct.unpack_from(f"{order}i", data, 8)[0])
    known = np.frombuffer(data[_HEADER_BYTES : _HEADER_BYTES + 8 * count], f"{order}i4")
    places, values = known[: len(known) // 2 * 2].reshape(-1, 2).T
    sane = (places > 0) & (places <= len(pixels)) & (values >= 0)
    pixels[places[sane] - 1] = values[sane]


FORMAT = Format(
    name=NAME,
    key="mar345",
    suffixes=(".mar1200", ".mar1600", ".mar1800", ".mar2000", ".mar2300", ".mar2400", ".mar3000", ".mar3450"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "CENTER is not set"),
    write=None,
    convention=(
        "CENTER X, Y: the beam on the detector in px, X taken as the fast axis. The format does not define "
        "the origin; it is taken as the first pixel's corner."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("CENTER", "center_px", "px (X fast, Y slow), taken from the first pixel's corner"),
        FieldNote("DISTANCE", "distance_mm", "mm, along the normal"),
        FieldNote("TWOTHETA", "tilt_deg", "degrees; positive is a positive pitch; moves the center"),
        FieldNote("WAVELENGTH", "wavelength_A", "Å"),
        FieldNote("PIXEL", "pixel_mm", "µm: LENGTH fast, HEIGHT slow"),
        FieldNote("PHI", "rotation", "degrees: START, END"),
        FieldNote("MONOCHROMATOR", "polarization", "POLAR, from -1 to 1; 0 is unset"),
        FieldNote("DETECTOR", "detector", "as it stands"),
        FieldNote("REMARK", "title", "as it stands"),
    ),
)
