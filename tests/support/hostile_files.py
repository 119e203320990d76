"""Files made to bring a reader down, each with a word of the sentence that it must get instead."""

from __future__ import annotations

import bz2
import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np

SHAPE = (48, 40)
_ZEROS = bytes(2**24)


def _edf(folder: Path, name: str, *fields: str) -> Path:
    header = "{\n" + "".join(f"{field} ;\n" for field in ("ByteOrder = LowByteFirst", *fields))
    path = folder / name
    path.write_bytes(header.ljust(510).encode() + b"}\n" + bytes(2 * 48 * 40))
    return path


def edf_dimension(folder: Path) -> Path:
    """Names dimension number 2147483648, up to which fabio counts."""
    return _edf(folder, "dimension.edf", "DataType = UnsignedShort", "Dim_2147483648 = 40", "Dim_2 = 48")


def edf_huge(folder: Path) -> Path:
    return _edf(folder, "huge.edf", "DataType = UnsignedShort", "Dim_1 = 1000000", "Dim_2 = 1000000")


def edf_elsewhere(folder: Path) -> Path:
    """Keeps its image in a link that leads out of its folder."""
    (folder / "image.bin").symlink_to("/etc/passwd")
    fields = ("DataType = UnsignedByte", "Dim_1 = 16", "Dim_2 = 16", "EDF_BinaryFileName = image.bin")
    return _edf(folder, "elsewhere.edf", *fields)


def _tiff(sides: tuple[int, int], following: int) -> bytes:
    """A TIFF of one directory, which names another as the next."""
    slow, fast = sides
    tags = [
        (256, fast),
        (257, slow),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 122),
        (278, slow),
        (279, min(2 * slow * fast, 2**32 - 1)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    return head + entries + struct.pack("<I", following) + bytes(8)


def tiff_circle(folder: Path) -> Path:
    """Its directory names itself as the next."""
    path = folder / "circle.tif"
    path.write_bytes(_tiff(SHAPE, 8) + bytes(2 * 48 * 40))
    return path


def tiff_huge(folder: Path) -> Path:
    path = folder / "huge.tif"
    path.write_bytes(_tiff((10**6, 10**6), 0))
    return path


def tiff_bomb(folder: Path) -> Path:
    """Two kilobytes that unpack to two gigabytes."""
    path = folder / "bomb.tif.bz2"
    path.write_bytes(bz2.compress(_tiff(SHAPE, 0)) + bz2.compress(_ZEROS) * 128)
    return path


def _cbf(path: Path) -> bytes:
    image = (np.arange(48 * 40, dtype=np.int32).reshape(SHAPE) * 7) % 1000
    fabio.cbfimage.CbfImage(data=image).write(str(path))
    return path.read_bytes()


def cbf_checksum(folder: Path) -> Path:
    """One bit of the image data is another than its checksum says."""
    path = folder / "checksum.cbf"
    content = bytearray(_cbf(path))
    content[content.find(b"\x0c\x1a\x04\xd5") + 300] ^= 4
    path.write_bytes(content)
    return path


def cbf_huge(folder: Path) -> Path:
    path = folder / "huge.cbf"
    path.write_bytes(_cbf(path).replace(b"Fastest-Dimension: 40", b"Fastest-Dimension: 4000000000"))
    return path


def cbf_bomb(folder: Path) -> Path:
    """A beginning of a CBF, then a gigabyte of nothing in a megabyte."""
    path = folder / "bomb.cbf.gz"
    path.write_bytes(gzip.compress(b"###CBF: VERSION 1.5\r\n") + gzip.compress(_ZEROS) * 64)
    return path


def hdf5_huge(folder: Path) -> Path:
    path = folder / "huge.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (10**6, 10**6), "u4", chunks=(1000, 1000))
    return path


def _external(folder: Path, name: str, target: str) -> Path:
    path = folder / name
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (16, 16), "u1", external=[(target, 0, 256)])
    return path


def hdf5_elsewhere(folder: Path) -> Path:
    """Its pixels are the bytes of another file."""
    return _external(folder, "elsewhere.h5", "/etc/passwd")


def hdf5_pipe(folder: Path) -> Path:
    """Its pixels come out of a pipe, which never gives any."""
    pipe = folder / "pixels.pipe"
    os.mkfifo(pipe)
    return _external(folder, "pipe.h5", str(pipe))


def _virtual(file: h5py.File, name: str, sources: list[tuple[str, str]]) -> None:
    layout = h5py.VirtualLayout((len(sources), *SHAPE), "u2")
    for number, (target, dataset) in enumerate(sources):
        layout[number] = h5py.VirtualSource(target, dataset, (len(sources), *SHAPE), "u2")[number]
    file.create_virtual_dataset(name, layout)


def hdf5_itself(folder: Path) -> Path:
    """A virtual dataset made of itself."""
    path = folder / "itself.h5"
    with h5py.File(path, "w") as file:
        _virtual(file, "data", [(path.name, "/data")] * 3)
    return path


def hdf5_each_other(folder: Path) -> Path:
    """Two files, each made of the other."""
    one, two = folder / "one.h5", folder / "two.h5"
    for path, other in ((one, two), (two, one)):
        with h5py.File(path, "w") as file:
            _virtual(file, "data", [(other.name, "/data")] * 3)
    return one


def hdf5_crash(folder: Path) -> Path:
    """Made of itself behind more sources than are looked into: its frames crash the HDF5 library."""
    path = folder / "crash.h5"
    with h5py.File(path, "w") as file:
        for number in range(70):
            file[f"parts/{number}"] = np.full((71, *SHAPE), number, np.uint16)
        _virtual(file, "data", [*((".", f"/parts/{number}") for number in range(70)), (".", "/data")])
    return path


def hdf5_names(folder: Path) -> Path:
    """Names and links that are no text."""
    path = folder / "names.h5"
    with h5py.File(path, "w") as file:
        file.id.links.create_soft(b"entry\xff", b"\xfe\xff")
        h5py.h5g.create(file.id, b"\xc3\x28group")
    return path


def pipe(folder: Path) -> Path:
    path = folder / "pipe.cbf"
    os.mkfifo(path)
    return path


def device(folder: Path) -> Path:
    path = folder / "zero.tif"
    path.symlink_to("/dev/zero")
    return path


HOSTILE: dict[Callable[[Path], Path], str] = {
    edf_dimension: "Dim_",
    edf_huge: "400 million",
    edf_elsewhere: "same folder",
    tiff_circle: "loop",
    tiff_huge: "400 million",
    tiff_bomb: "far more time|GiB",
    cbf_checksum: "checksum",
    cbf_huge: "400 million",
    cbf_bomb: "within its header",
    hdf5_huge: "400 million",
    hdf5_elsewhere: "own folder",
    hdf5_pipe: "own folder",
    hdf5_itself: "made of itself",
    hdf5_each_other: "made of itself",
    hdf5_names: "damaged",
    pipe: "regular file",
    device: "regular file",
}
"""Files that cannot be opened, and a word of why."""

CRASHING_FRAME = 70
"""Of `hdf5_crash`; the others are well."""
