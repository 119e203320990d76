"""CBF files with known contents: the compressions as their descriptions have them, pixel by pixel."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

START = "###CBF: VERSION 1.5, CBFlib v0.7.8 - PILATUS detectors\n\ndata_image_1\n\n"
WIDTHS = {1: [0, 4, 5, 6, 7, 8, 16], 2: [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]}
ELEMENTS = {
    "i1": "signed 8-bit integer",
    "u1": "unsigned 8-bit integer",
    "i2": "signed 16-bit integer",
    "u2": "unsigned 16-bit integer",
    "i4": "signed 32-bit integer",
    "u4": "unsigned 32-bit integer",
    "i8": "signed 64-bit integer",
    "f4": "signed 32-bit real IEEE",
    "f8": "signed 64-bit real IEEE",
}

Image = NDArray[Any]


def byte_offsets(pixels: Image) -> bytes:
    """Compressed as x-CBF_BYTE_OFFSET (CBFlib manual, section 3.3.3)."""
    parts, last = [], 0
    for value in pixels.ravel().tolist():
        offset, last = value - last, value
        if -127 <= offset <= 127:
            parts.append(offset.to_bytes(1, "little", signed=True))
        elif -32767 <= offset <= 32767:
            parts.append(b"\x80" + offset.to_bytes(2, "little", signed=True))
        elif -(2**31) < offset < 2**31:
            parts.append(b"\x80\x00\x80" + offset.to_bytes(4, "little", signed=True))
        else:
            parts.append(b"\x80\x00\x80\x00\x00\x00\x80" + offset.to_bytes(8, "little", signed=True))
    return b"".join(parts)


def packed(pixels: Image, version: int, *, flat: bool = False, seed: int = 0) -> bytes:
    """Compressed as x-CBF_PACKED or x-CBF_PACKED_V2 (section 3.3.2), in blocks of any length that will do."""
    bits = 8 * pixels.dtype.itemsize
    offsets = [_signed(offset, bits) for offset in (_flat if flat else _from_neighbors)(pixels)]
    widths = [*WIDTHS[version], 65 if flat else bits]
    stream = at = 0
    todo, rng = offsets, random.Random(seed)
    while todo:
        power = rng.randrange(min(8, len(todo).bit_length()))
        block, todo = todo[: 1 << power], todo[1 << power :]
        code = next(code for code, width in enumerate(widths) if all(_fits(one, width) for one in block))
        stream |= (power | code << 3) << at
        at += 6 if version == 1 else 7
        for offset in block:
            stream |= (offset & ((1 << widths[code]) - 1)) << at
            at += widths[code]
    return pixels.size.to_bytes(8, "little") + bytes(24) + stream.to_bytes(at // 8 + 1, "little")


def _flat(pixels: Image) -> Iterator[int]:
    last = 0
    for value in pixels.ravel().tolist():
        yield value - last
        last = value


def _from_neighbors(pixels: Image) -> Iterator[int]:
    rows, bits = pixels.tolist(), 8 * pixels.dtype.itemsize
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            above = rows[y - 1]
            if y == 0:
                pool = [row[x - 1]] if x else [0]
            elif x == 0:
                pool = [above[0], above[1]]
            elif x == len(row) - 1:
                pool = [row[x - 1], above[x]]
            else:
                pool = [row[x - 1], above[x - 1], above[x], above[x + 1]]
            # The sum is one of the element's signed type, what is added to round it one of 32 bits.
            yield value - _signed(_signed(sum(pool), bits) + len(pool) // 2, 32) // len(pool)


def _signed(value: int, bits: int) -> int:
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def _fits(value: int, bits: int) -> bool:
    return value == 0 if bits == 0 else -(1 << bits - 1) <= value < 1 << bits - 1


def section(data: bytes, pixels: Image, conversion: str, **fields: str) -> bytes:
    """A binary section within its text field; fields replace its own."""
    slow, fast = pixels.shape[-2:]
    stated = {
        "Content-Type": f'application/octet-stream;\r\n     conversions="{conversion}"',
        "Content-Transfer-Encoding": "BINARY",
        "X-Binary-Size": str(len(data)),
        "X-Binary-ID": "1",
        "X-Binary-Element-Type": f'"{ELEMENTS[pixels.dtype.str[1:]]}"',
        "X-Binary-Element-Byte-Order": "LITTLE_ENDIAN",
        "Content-MD5": base64.b64encode(hashlib.md5(data).digest()).decode(),
        "X-Binary-Number-of-Elements": str(pixels.size),
        "X-Binary-Size-Fastest-Dimension": str(fast),
        "X-Binary-Size-Second-Dimension": str(slow),
        "X-Binary-Size-Padding": "4095",
    } | {name.replace("_", "-"): text for name, text in fields.items()}
    lines = "\r\n".join(f"{name}: {text}" for name, text in stated.items() if text)
    mark = "--CIF-BINARY-FORMAT-SECTION--"
    head = f"\r\n;\r\n{mark}\r\n{lines}\r\n\r\n".encode()
    return head + b"\x0c\x1a\x04\xd5" + data + bytes(4095) + f"\r\n{mark}--\r\n;\r\n".encode()


def cbf(pixels: Image, header: str = "", conversion: str = "x-CBF_BYTE_OFFSET", **fields: str) -> bytes:
    """A whole file of one image."""
    match conversion:
        case "x-CBF_PACKED":
            data = packed(pixels.view(f"{pixels.dtype.str[1:].replace('f', 'i')}"), 1)
        case "x-CBF_PACKED_V2":
            data = packed(pixels.view(f"{pixels.dtype.str[1:].replace('f', 'i')}"), 2)
        case "x-CBF_BYTE_OFFSET":
            data = byte_offsets(pixels.view(f"{pixels.dtype.str[1:].replace('f', 'i')}"))
        case _:
            data = pixels.tobytes()
    return (
        (START + header).encode("latin-1")
        + b"\n_array_data.data"
        + section(data, pixels, conversion, **fields)
    )


def axes_header(
    axes: str, settings: str, more: str = "", start: float = 0.0, direction: str = "increasing"
) -> str:
    """The text of a full header for 1475 x 1679 pixels of 0.172 x 0.1 mm along ELEMENT_X and ELEMENT_Y."""
    return f"""
loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
{axes}
loop_
_diffrn_scan_frame_axis.frame_id
_diffrn_scan_frame_axis.axis_id
_diffrn_scan_frame_axis.angle
_diffrn_scan_frame_axis.displacement
{settings}
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
ARRAY1 1 1475 1 {direction} ELEMENT_X
ARRAY1 2 1679 2 increasing ELEMENT_Y
loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
ELEMENT_X ELEMENT_X {start} 0.1720
ELEMENT_Y ELEMENT_Y 0.0 0.1000
_diffrn_radiation_wavelength.wavelength 0.6889
{more}
"""


def words(values: Image) -> str:
    """A vector as axes are written."""
    return " ".join(f"{value:.12f}" for value in values)
