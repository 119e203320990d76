"""EDF (ESRF and others): text headers in braces, one before each image; SI units, 1 is the fast axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, half_a_pixel, if_stated
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.numbers import numbers_with_units
from xgeom_core.formats.planes import image_size, rounded
from xgeom_core.formats.raw_images import open_raw
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import parts_of, unpacked_size
from xgeom_core.formats.tiff import mini_headers
from xgeom_core.metadata import Choice, Metadata

NAME = "EDF"
_START = re.compile(rb"\s{0,4}\{\s{0,4}(?:[A-Za-z_]\w{0,60}[ \t]*=|EDF_)")
_SIZED = re.compile(rb"\b(dim_1|dim_2|bytesize|datatype|headerid|edf_\w+)\s*=", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z_][\w~:-]{0,80})[ \t]*=[ \t]*([^;]{0,2000});?")
_STEP, _MOST_HEADER, _MOST_FRAMES = 4096, 2**20, 10**5
_PIXELS = {
    "signedbyte": "i1",
    "unsignedbyte": "u1",
    "signedshort": "i2",
    "unsignedshort": "u2",
    "signedinteger": "i4",
    "unsignedinteger": "u4",
    "signedlong": "i4",
    "unsignedlong": "u4",
    "signed64": "i8",
    "unsigned64": "u8",
    "float": "f4",
    "floatvalue": "f4",
    "floatieee32": "f4",
    "real": "f4",
    "double": "f8",
    "doublevalue": "f8",
    "doubleieee64": "f8",
}
_ROTATION = (
    "The header states DetectorRotation, whose signs are documented nowhere in public: the tilt is not read."
)

_Fields = Mapping[str, str]


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts with a header of EDF, which SMV's resembles."""
    return _START.match(head) is not None and b"HEADER_BYTES" not in head[:64] and bool(_SIZED.search(head))


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the first header states, its title included; an UnreadableFileError if the file is no EDF."""
    with parts_of(path) as part:
        fields, _ = _header_at(path, part, 0)
    size = _size(fields)
    stated = _header(fields, size)
    mini = mini_headers(fields.get("title", ""), "EDF title", size)
    return [replace(stated, metadata=replace(stated.metadata, title="")), *mini] if mini else [stated]


def _size(fields: _Fields) -> tuple[int, int] | None:
    return image_size([_number(fields, "dim_1"), _number(fields, "dim_2")])


def _number(fields: _Fields, key: str) -> float | None:
    found = _quantity(fields, key)
    return found[0] if found is not None else None


def _quantity(fields: _Fields, key: str) -> tuple[float, str] | None:
    """A number and its unit, which EDF joins by an underscore: ``1.5_m``."""
    found = numbers_with_units(fields.get(key, "").replace("_", " "))
    return found[0] if found else None


def _header(fields: _Fields, size: tuple[int, int] | None) -> Header:
    lengths = {key: _quantity(fields, key) for key in ("psize_1", "psize_2", "sampledistance", "wavelength")}
    pixel = (units.length_mm(*length) if (length := lengths[f"psize_{n}"]) else None for n in (1, 2))
    distance, wave, energy = lengths["sampledistance"], lengths["wavelength"], _quantity(fields, "energy")
    center = units.stated_center(_number(fields, "center_1"), _number(fields, "center_2"))
    choices = half_a_pixel(center)
    if center is not None and size is not None:
        choices += (Choice("counted from the last row", (center[0], size[1] - center[1])),)
    wavelength = units.wavelength_A(*wave, default="m") if wave else None
    turned = any(_number(fields, f"detectorrotation_{n}") for n in (1, 2, 3))
    metadata = Metadata(
        distance_mm=units.length_mm(*distance) if distance else None,
        wavelength_A=wavelength or (units.wavelength_A(*energy, default="kev") if energy else None),
        pixel_mm=units.both(*pixel),
        center_px=center,
        center_convention=if_stated(
            center, "EDF Center_1/2 (px), 1 fast, taken from the pixel corner: +-0.5 px"
        ),
        detector=fields.get("detectorname", ""),
        title=fields.get("title", ""),
        choices=choices,
    )
    native = {} if center is None else {"Center_1, Center_2": f"{rounded(center)} px"}
    return Header(metadata, (_ROTATION,) if turned else (), native, image_size=size)


def _header_at(path: Path, part: Callable[[int, int], bytes], at: int) -> tuple[_Fields, int]:
    """The fields of the header at a byte, their names in small letters, and where its data start."""
    block = b""
    while (end := block.find(b"}")) < 0:
        more = part(at + len(block), _STEP)
        block += more
        if not more or len(block) > _MOST_HEADER:
            raise UnreadableFileError(f"{path} is damaged: its header has no end.")
    if b"{" not in block[:end]:
        raise UnreadableFileError(f"{path} is damaged: a header of EDF was expected at byte {at}.")
    # A line break follows the brace; headers are filled up to a multiple of 512 bytes before it.
    data = at + end + 1
    after = block[end + 1 : end + 3] or part(data, 2)
    data += 2 if after.startswith(b"\r\n") else 1
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(block[block.index(b"{") : end].decode("latin-1")):
        fields.setdefault(name.lower(), value.strip())
    return fields, data


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the images that are as large as the first; an UnreadableFileError if one is truncated."""
    length, at = unpacked_size(Path(path)), 0
    first: tuple[np.dtype, tuple[int, int]] | None = None
    places: list[list[tuple[int, int]]] = []
    with parts_of(Path(path)) as part:
        # What is left at the end may be filling.
        while at < length and len(places) < _MOST_FRAMES and (not places or part(at, 64).strip(b"\0 \r\n")):
            fields, at = _header_at(Path(path), part, at)
            kind, size = _pixel(fields), _size(fields)
            packed = fields.get("compression", "none").lower() not in {"none", ""}
            if packed or "edf_binaryfilename" in fields:
                return open_fabio(path, NAME, headers, "edfimage")
            if kind is None or size is None:
                raise UnreadableFileError(
                    f"{path} cannot be read: image {len(places)} states no known Dim_1, Dim_2, DataType."
                )
            image, bytes_of_image = (kind, (size[1], size[0])), kind.itemsize * size[0] * size[1]
            first = first or image
            if image == first:
                places.append([(at, bytes_of_image)])
            at += max(bytes_of_image, int(_number(fields, "edf_binarysize") or _number(fields, "size") or 0))
    if first is None:
        raise UnreadableFileError(f"{path} is damaged: it holds no header.")
    return open_raw(path, NAME, headers, *first, places)


def _pixel(fields: _Fields) -> np.dtype | None:
    name = _PIXELS.get(fields.get("datatype", "").lower())
    order = ">" if "high" in fields.get("byteorder", "").lower() else "<"
    return np.dtype(order + name) if name is not None else None


FORMAT = Format(
    name=NAME,
    key="edf",
    suffixes=(".edf", ".edf.gz"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "Center_1 and Center_2 are not set"),
    write=None,
    convention=(
        "Center_1, Center_2: the beam on the detector in px, 1 along the fast axis, from the first pixel's "
        "corner. Lengths are in meters unless a unit follows; titles may hold fields of a mini-header."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("Center_1", "center_px", "px along the fast axis, taken from the first pixel's corner"),
        FieldNote("Center_2", "center_px", "px along the slow axis, taken from the first pixel's corner"),
        FieldNote("SampleDistance", "distance_mm", "m unless a unit follows (1.5_m)"),
        FieldNote("WaveLength", "wavelength_A", "m unless a unit follows"),
        FieldNote("energy", "wavelength_A", "keV, where no wavelength is stated"),
        FieldNote("PSize_1", "pixel_mm", "m, fast"),
        FieldNote("PSize_2", "pixel_mm", "m, slow"),
        FieldNote("DetectorName", "detector", "as it stands"),
        FieldNote("title", "title", "as it stands; its '# Pixel_size ...' and the like as in a mini-header"),
    ),
)
