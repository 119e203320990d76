"""Small files of electron cameras with known contents, written by code.

`ELECTRON` has for each format its key, the usual name, the writer, what a whole file states, and for every
field of its header a change that states something else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from mrcfile import dtypes
from numpy.typing import NDArray

from small_files import counting_images

Fields = Mapping[str, Any]
WAVELENGTH_200KV = 0.0250793404505
COUNT = 3


def stack(count: int = COUNT, shape: tuple[int, int] = (48, 64)) -> NDArray[Any]:
    """Counts that say which frame, row and column they are from."""
    return (counting_images(count, shape) % 4000).astype(np.uint16)


# ------------------------------------------------------------------------------------------------ MRC

_FEI = {
    "HT": 200_000.0,
    "Camera length": 1.2,
    "Pixel size X": 2e7,
    "Alpha tilt": (10.0, 10.5),
    "label": "gold",
}


def write_mrc(
    path: Path, changes: Fields, data: NDArray[Any] | None = None, mode: int = 6, order: str = "<"
) -> None:
    """A stack with FEI's extended header; a ``label`` alone where ``HT`` is left out."""
    fields = {name: value for name, value in {**_FEI, **changes}.items() if value is not None}
    pixels = stack() if data is None else data
    header = np.zeros((), dtypes.HEADER_DTYPE.newbyteorder(order))
    header["nz"], header["ny"], header["nx"] = pixels.shape
    header["mode"], header["map"], header["nlabl"] = mode, b"MAP ", 1
    header["label"][0] = fields.get("label", "").encode()
    sections = b""
    if "HT" in fields:
        layout = dtypes.get_ext_header_dtype(b"FEI1", byte_order=order)
        records = np.zeros(len(pixels), layout)
        for name in ("HT", "Camera length", "Pixel size X"):
            records[name] = fields.get(name, 0.0)
        records["Pixel size Y"], records["Projection mode"] = fields.get("Pixel size X", 0.0), 1
        first, second = fields["Alpha tilt"]
        records["Alpha tilt"] = first + (second - first) * np.arange(len(pixels))
        sections = records.tobytes()
        header["exttyp"] = b"FEI1"
    header["nsymbt"] = len(sections)
    if mode == 101:
        pixels = (pixels[..., 0::2] | pixels[..., 1::2] << 4).astype("u1")
    path.write_bytes(header.tobytes() + sections + pixels.astype(pixels.dtype.newbyteorder(order)).tobytes())


# --------------------------------------------------------------------------------------------- Merlin


def merlin_header(
    number: int, stored: tuple[int, int], pixel: str, layout: str = "   1x1", chips: int = 1, depth: Any = 12
) -> bytes:
    """The header of one frame, as long as Merlin makes it."""
    size = 384 if chips == 1 else 768
    text = (
        f"MQ1,{number:06d},{size:05d},{chips:02d},{stored[1]:04d},{stored[0]:04d},{pixel},{layout},0F,"
        "2020-05-18 16:51:49.971626,0.000555,0,0,0,1.200000E+2,5.110000E+2,3RX,175,511,"
        f"MQ1A,2020-05-18T14:51:49.971626178Z,555000ns,{depth},"
    )
    return text.encode().ljust(size, b"\0")


def pack_raw(image: NDArray[Any], depth: int) -> bytes:
    """A row-major image as a Medipix sends it, bit by bit: the plain description, not the reader's way."""
    flat = image.ravel()
    if depth == 24:
        return pack_raw(image >> 12, 12) + pack_raw(image & 0xFFF, 12)
    per_word, bits = {1: (64, 1), 6: (8, 8), 12: (4, 16)}[depth]
    words = [0] * (flat.size // per_word)
    for place in range(per_word):
        words = [
            word | value << (bits * place)
            for word, value in zip(words, flat[place::per_word].tolist(), strict=True)
        ]
    return struct.pack(f">{len(words)}Q", *words)


def quad_rows(image: NDArray[Any]) -> NDArray[Any]:
    """An image of 512 x 512 as four chips send it: rows of [4 | 3 | 2 | 1], the lower two turned."""
    first, second = image[:256, :256], image[:256, 256:]
    third, fourth = np.rot90(image[256:, :256], 2), np.rot90(image[256:, 256:], 2)
    return np.concatenate([fourth, third, second, first], axis=1)


def write_merlin(path: Path, changes: Fields) -> None:
    """Three frames of 16 bits, and the acquisition's text beside them."""
    fields = {"MQ1A": 12, "Chip Type": "Medipix 3RX", **changes}
    data = stack().astype(">u2")
    parts = [
        merlin_header(n + 1, one.shape, "U16", depth=fields["MQ1A"]) + one.tobytes()
        for n, one in enumerate(data)
    ]
    path.write_bytes(b"".join(parts))
    aside = f"HDR,\t\nChip Type (Medipix 3.0, Medipix 3.1, Medipix 3RX):\t{fields['Chip Type']}\nEnd\t\n"
    path.with_suffix(".hdr").write_text(aside)


# ---------------------------------------------------------------------------------------------- TVIPS


def write_tvips(path: Path, changes: Fields, counts: tuple[int, ...] = (2, 1), version: int = 2) -> None:
    """A series of as many files as there are counts of frames; ``path`` ends in ``_000``."""
    fields = {"IHT": 200, "IPixelSize": 31200, "TEM_Mag": 1200, **changes}
    data = stack(sum(counts)).astype("<u2")
    own = 64 if version == 2 else 12
    numbers = (256, version, data.shape[2], data.shape[1], 16, 0, 0, 2, 2)
    head = struct.pack("<13i", *numbers, fields["IPixelSize"], fields["IHT"], 0, own)
    number = 0
    for part, count in enumerate(counts):
        content = head.ljust(256, b"\0") if part == 0 else b""
        for image in data[number : number + count]:
            frame = struct.pack("<4If2I", number, 0, 0, 0, 0.0, fields["TEM_Mag"] or 0, 2)
            content += frame[:own].ljust(own, b"\0") + image.tobytes()
        path.with_name(f"{path.stem[:-3]}{part:03d}.tvips").write_bytes(content)
        number += count


# --------------------------------------------------------------------------------- HyperSpy and EMD

# The beam at (30.25, 20.5) px, 0.02 1/Å a pixel.
_HYPERSPY = {
    "beam_energy": 200.0,
    "camera_length": 1000.0,
    "scale": 0.02,
    "offset": -0.595,
    "units": "$A^{-1}$",
    "microscope": "Titan",
    "title": "gold",
}


def write_hyperspy(path: Path, changes: Fields, data: NDArray[Any] | None = None) -> None:
    """One signal of diffraction patterns scanned over (3, 1) places."""
    fields = {name: value for name, value in {**_HYPERSPY, **changes}.items() if value is not None}
    pixels = stack()[:, None] if data is None else data
    with h5py.File(path, "w") as file:
        file.attrs["file_format"] = "HyperSpy"
        group = file.create_group("Experiments/gold")
        group["data"] = pixels
        offsets = {pixels.ndim - 1: fields.get("offset", 0.0), pixels.ndim - 2: -0.4}
        for number, size in enumerate(pixels.shape):
            axis = group.create_group(f"axis-{number}")
            axis.attrs.update({"size": size, "scale": 1.0, "offset": 0.0, "units": "nm"})
            if number in offsets and "scale" in fields:
                axis.attrs.update(
                    {"scale": fields["scale"], "offset": offsets[number], "units": fields["units"]}
                )
        microscope = group.create_group("metadata/Acquisition_instrument/TEM")
        for name in ("beam_energy", "camera_length", "microscope"):
            if name in fields:
                microscope.attrs[name] = fields[name]
        group.create_group("metadata/General").attrs["title"] = fields.get("title", "")


_EMD = {"accelerating_voltage": 200_000.0, "camera_length": 1.0, "dim": -0.595, "name": "TEAM 0.5"}


def write_emd(path: Path, changes: Fields) -> None:
    """Berkeley's format, version 0.2: patterns scanned over (3, 1) places."""
    fields = {**_EMD, **changes}
    pixels = stack()[:, None]
    with h5py.File(path, "w") as file:
        file.attrs.update({"version_major": 0, "version_minor": 2})
        group = file.create_group("data/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = pixels
        for number, (size, first, step, unit) in enumerate(
            (
                (3, 0, 1, "[n_m]"),
                (1, 0, 1, "[n_m]"),
                (48, -0.4, 0.02, "[1/Å]"),
                (64, fields["dim"], 0.02, "[1/Å]"),
            )
        ):
            group[f"dim{number + 1}"] = first + step * np.arange(size)
            group[f"dim{number + 1}"].attrs["units"] = unit
        microscope = file.create_group("microscope")
        for name in ("accelerating_voltage", "camera_length", "name"):
            microscope.attrs[name] = fields[name]


_VELOX = {"AccelerationVoltage": 200_000, "CameraLength": 1.0, "PixelSize": 2e8}


def write_velox(path: Path, changes: Fields) -> None:
    """Velox's format: frames by the last axis, JSON as bytes."""
    fields = {**_VELOX, **changes}
    facts = {
        "Optics": {name: str(fields[name]) for name in ("AccelerationVoltage", "CameraLength")},
        "BinaryResult": {
            "Detector": "BM-Ceta",
            "PixelSize": {"width": str(fields["PixelSize"]), "height": str(fields["PixelSize"])},
            "PixelUnitX": "1/m",
            "Offset": {"x": str(-5.95e9), "y": str(-4e9)},
        },
    }
    with h5py.File(path, "w") as file:
        group = file.create_group("Data/Image/0123abcd")
        group["Data"] = np.moveaxis(stack(), 0, -1)
        column = np.frombuffer(json.dumps(facts).encode().ljust(4000, b"\0"), np.uint8)
        group["Metadata"] = np.repeat(column[:, None], COUNT, axis=1)


# Pixels of 0.02 1/Å at one meter.
_CALIBRATED = {
    "wavelength_A": WAVELENGTH_200KV,
    "distance_mm": 1000.0,
    "pixel_mm": (0.02 * WAVELENGTH_200KV * 1000,) * 2,
    "center_px": (30.25, 20.5),
}


def _each(changes: Fields) -> dict[str, Fields]:
    return {name: {name: value} for name, value in changes.items()}


ELECTRON: dict[str, tuple[str, str, Callable[[Path, Fields], None], Fields, Mapping[str, Fields]]] = {
    "mrc": (
        "mrc",
        "a.mrc",
        write_mrc,
        {
            "wavelength_A": WAVELENGTH_200KV,
            "distance_mm": 1200.0,
            "pixel_mm": (2e-3 * WAVELENGTH_200KV * 1200,) * 2,
            "title": "gold",
        },
        _each(
            {
                "HT": 300_000.0,
                "Camera length": 1.3,
                "Pixel size X": 3e7,
                "Alpha tilt": (10.0, 11.0),
                "label": "silver",
            }
        ),
    ),
    "merlin": (
        "merlin",
        "a.mib",
        write_merlin,
        {"pixel_mm": (0.055, 0.055), "saturation": 4095.0, "detector": "Merlin Medipix 3RX"},
        _each({"MQ1A": 6, "Chip Type": "Medipix 3.1"}),
    ),
    "tvips": (
        "tvips",
        "a_000.tvips",
        write_tvips,
        {"wavelength_A": WAVELENGTH_200KV, "pixel_mm": (0.0312, 0.0312)},
        _each({"IHT": 300, "IPixelSize": 15600, "TEM_Mag": 1300}),
    ),
    "hyperspy": (
        "hyperspy",
        "a.hspy",
        write_hyperspy,
        {**_CALIBRATED, "detector": "Titan", "title": "gold"},
        _each(
            {
                "beam_energy": 300.0,
                "camera_length": 1100.0,
                "scale": 0.03,
                "offset": -0.4,
                "microscope": "Talos",
                "title": "silver",
            }
        ),
    ),
    "emd": (
        "emd",
        "a.emd",
        write_emd,
        {**_CALIBRATED, "detector": "TEAM 0.5"},
        _each({"accelerating_voltage": 300.0, "camera_length": 1.1, "dim": -0.4, "name": "Talos"}),
    ),
    "velox": (
        "emd",
        "b.emd",
        write_velox,
        {**_CALIBRATED, "detector": "BM-Ceta"},
        _each({"AccelerationVoltage": 300_000, "CameraLength": 1.1, "PixelSize": 3e8}),
    ),
}
