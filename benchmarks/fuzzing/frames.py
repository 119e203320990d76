"""Seeds of files of frames: one function a format in `MAKERS`, and the samples of the tests."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import logging
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from fabio import fabioimage
from fabio.bruker100image import Bruker100Image
from fabio.cbfimage import CbfImage
from fabio.esperantoimage import EsperantoImage
from fabio.fit2dmaskimage import Fit2dMaskImage
from fabio.numpyimage import NumpyImage
from fabio.OXDimage import OXDimage
from fabio.pnmimage import PnmImage
from numpy.typing import NDArray

from fuzzing.seeds import Seed, without_times

SHAPE = (48, 64)
STACK = np.random.default_rng(0).poisson(30, (3, *SHAPE)).astype(np.int32)
IMAGE = STACK[0]
SHORT = IMAGE.astype(np.uint16)
MINI = {
    "_array_data.header_convention": "PILATUS_1.2",
    "_array_data.header_contents": "\r\n".join(
        (
            *("# Detector: PILATUS3 2M, S/N 24-0118", "# Pixel_size 172e-6 m x 172e-6 m"),
            *(
                "# Silicon sensor, thickness 0.000450 m",
                "# Exposure_time 0.1 s",
                "# Count_cutoff 4000 counts",
            ),
            *("# Wavelength 0.9795 A", "# Detector_distance 0.2 m", "# Beam_xy (19.5, 23.5) pixels"),
            *("# Detector_2theta 0.0000 deg.", "# Start_angle 10.0 deg.", "# Angle_increment 0.1 deg."),
        )
    ),
}
_SECTION_START, _SECTION_END = b"\x0c\x1a\x04\xd5", b"\r\n--CIF-BINARY-FORMAT-SECTION----"


# Where fabio writes when and in which folder a file was made.
_MADE = re.compile(rb"((?:FILENAM|CREATED):)(.{72})|(TIME=)(.{24})")


def fabio_file(image: fabioimage.FabioImage) -> bytes:
    """What fabio writes of an image, at any time and in any folder."""
    logging.getLogger("fabio").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        image.write(f"{folder}/image")
        # Some formats add an ending of their own.
        (path,) = Path(folder).iterdir()
        data = path.read_bytes()
    return _MADE.sub(lambda found: (found[1] or found[3]) + b"x" * len(found[2] or found[4]), data)


def cbf() -> Seed:
    """Bytes of offsets, with the MD5 of what is packed."""
    data = fabio_file(CbfImage(IMAGE, MINI))
    start = data.index(_SECTION_START) + len(_SECTION_START)
    return Seed("CBF", "a_00001.cbf", data, "frames", (start, data.index(_SECTION_END, start)))


def cbf_gz() -> Seed:
    """All of it under the checksum of gzip."""
    data = gzip.compress(cbf().data, mtime=0)
    return Seed("CBF .gz", "a_00001.cbf.gz", data, "frames", (0, len(data)))


def cbf_bz2() -> Seed:
    """All of it under the checksum of bzip2."""
    data = bz2.compress(cbf().data)
    return Seed("CBF .bz2", "a_00001.cbf.bz2", data, "frames", (0, len(data)))


def cbf_packed() -> Seed:
    """Packed with the mean of the neighbors left out: blocks of one offset of 16 bits from the last pixel."""
    blocks = ((offset & 0xFFFF) << 6 | 6 << 3 for offset in np.diff(IMAGE.ravel(), prepend=0).tolist())
    stream = sum(block << 22 * number for number, block in enumerate(blocks))
    packed = (
        IMAGE.size.to_bytes(8, "little") + bytes(24) + stream.to_bytes(22 * IMAGE.size // 8 + 1, "little")
    )
    checksum = base64.b64encode(hashlib.md5(packed).digest()).decode()
    data = cbf().data
    head, rest = data.split(_SECTION_START)
    head = re.sub(rb'"x-CBF_BYTE_OFFSET"', b'"x-CBF_PACKED"; "flat"', head)
    head = re.sub(rb"(X-Binary-Size:) \d+", rb"\1 %d" % len(packed), head)
    head = re.sub(rb"(Content-MD5:) \S+", rb"\1 " + checksum.encode(), head)
    data = head + _SECTION_START + packed + rest[rest.index(_SECTION_END) :]
    start = len(head) + len(_SECTION_START)
    return Seed("CBF packed", "a_00001.cbf", data, "frames", (start, start + len(packed)))


def _hdf5(fill: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return without_times(buffer.getvalue())


def _nexus(file: h5py.File, images: Callable[[h5py.Group], None]) -> None:
    entry = file.create_group("entry")
    entry["definition"] = "NXmx"
    for name, kind in (
        *(("", "NXentry"), ("data", "NXdata"), ("instrument", "NXinstrument"), ("sample", "NXsample")),
        *(("instrument/detector", "NXdetector"), ("instrument/beam", "NXbeam")),
        *(
            ("instrument/detector/module", "NXdetector_module"),
            ("sample/transformations", "NXtransformations"),
        ),
        ("instrument/detector/transformations", "NXtransformations"),
    ):
        (entry.require_group(name) if name else entry).attrs["NX_class"] = kind
    images(entry["data"])
    detector = entry["instrument/detector"]
    fields: list[tuple[h5py.Group, str, Any, str]] = [
        *((detector, "beam_center_x", 19.5, "pixel"), (detector, "beam_center_y", 23.5, "pixel")),
        *((detector, "x_pixel_size", 7.5e-5, "m"), (detector, "y_pixel_size", 7.5e-5, "m")),
        *((detector, "distance", 0.2, "m"), (detector, "sensor_thickness", 4.5e-4, "m")),
        *((detector, "sensor_material", "Si", ""), (detector, "description", "Dectris Eiger2", "")),
        *((detector, "saturation_value", 4000, ""), (detector, "depends_on", "transformations/z", "")),
        *((entry["instrument/beam"], "incident_wavelength", 0.9795, "angstrom"),),
        *((entry["sample"], "depends_on", "transformations/omega", ""),),
    ]
    for group, name, value, unit in fields:
        group[name] = value
        if unit:
            group[name].attrs["units"] = unit
    detector["pixel_mask"] = np.zeros(SHAPE, np.uint32)
    _axis(detector["transformations"], "z", 200.0, "mm", "translation", (0, 0, 1))
    _axis(entry["sample/transformations"], "omega", [0.0, 0.1, 0.2], "deg", "rotation", (-1, 0, 0))
    module = detector["module"]
    module["data_origin"], module["data_size"] = [0, 0], list(SHAPE)
    for name, vector in (("fast_pixel_direction", (-1, 0, 0)), ("slow_pixel_direction", (0, -1, 0))):
        _axis(module, name, 7.5e-5, "m", "translation", vector, "../transformations/z")


def _axis(
    group: h5py.Group, name: str, value: Any, unit: str, kind: str, vector: Any, after: str = "."
) -> None:
    group[name] = value
    group[name].attrs.update(
        {"units": unit, "transformation_type": kind, "vector": np.array(vector, float), "depends_on": after}
    )


def _images(group: h5py.Group, name: str = "data", **how: Any) -> None:
    group.create_dataset(name, data=STACK, chunks=(1, *SHAPE) if how else None, **how)


def nxmx(key: str, **how: Any) -> Seed:
    """NXmx as Dectris and DIALS have it, packed in some way."""
    data = _hdf5(lambda file: _nexus(file, lambda group: _images(group, **how)))
    return Seed(f"NXmx {key}", f"nxmx_{key.replace(' ', '_')}.h5", data, "frames")


def nxmx_master() -> Seed:
    """A master of Dectris, whose images lie in another file."""
    images = _hdf5(lambda file: _images(file.require_group("entry/data"), **hdf5plugin.Bitshuffle()))

    def links(group: h5py.Group) -> None:
        group["data_000001"] = h5py.ExternalLink("run_data_000001.h5", "/entry/data/data")

    data = _hdf5(lambda file: _nexus(file, links))
    return Seed("NXmx master", "run_master.h5", data, "frames", beside={"run_data_000001.h5": images})


def nxmx_virtual() -> Seed:
    """A stack put together from others in the same file."""

    def fill(group: h5py.Group) -> None:
        for number, image in enumerate(STACK):
            group[f"part_{number}"] = image
        layout = h5py.VirtualLayout(STACK.shape, STACK.dtype)
        for number in range(len(STACK)):
            layout[number] = h5py.VirtualSource(".", f"/entry/data/part_{number}", SHAPE, STACK.dtype)
        group.create_virtual_dataset("data", layout)

    data = _hdf5(lambda file: _nexus(file, fill))
    return Seed("NXmx virtual", "virtual.h5", data, "frames")


def plain(key: str, image: NDArray[Any], **how: Any) -> Seed:
    """HDF5 without words; with fletcher32 its one chunk stands under a checksum."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        made = file.create_dataset("data", data=image, chunks=image.shape if how else None, **how)
        place = made.id.get_chunk_info(0) if how else None
    checked = (place.byte_offset, place.byte_offset + place.size) if place and "fletcher32" in how else None
    return Seed(f"HDF5 {key}", f"plain_{key}.h5", buffer.getvalue(), "frames", checked)


def training() -> Seed:
    """The layout that `xgeom simulate` writes."""
    labels = {"beam_center_fast": 19.5, "beam_center_slow": 23.5, "pitch_deg": 1.0, "yaw_deg": -2.0}
    geom = {"detdist": 200.0, "wavelen": 1.0, "pixsize": 0.172, "xdim": SHAPE[1], "ydim": SHAPE[0]}

    def fill(file: h5py.File) -> None:
        file["images"] = STACK
        for table, columns in (("labels", labels), ("geom", geom)):
            file[table] = np.tile(np.array(list(columns.values()), np.float32), (len(STACK), 1))
            file[table].attrs["names"] = np.array(list(columns), dtype=h5py.string_dtype())

    return Seed("training HDF5", "train.h5", _hdf5(fill), "frames")


def _by_fabio(key: str, name: str, image: Callable[[], fabioimage.FabioImage]) -> Callable[[], Seed]:
    return lambda: Seed(key, name, fabio_file(image()), "frames")


MAKERS: tuple[Callable[[], Seed], ...] = (
    *(cbf, cbf_packed, cbf_gz, cbf_bz2),
    _by_fabio("Bruker, underflows", "a.sfrm", lambda: Bruker100Image(IMAGE)),
    _by_fabio("Oxford, packed", "a.img", lambda: OXDimage(IMAGE)),
    _by_fabio("Esperanto, packed", "a.esperanto", lambda: EsperantoImage(np.tile(IMAGE, (6, 4))[:256, :256])),
    _by_fabio("PNM", "a.pgm", lambda: PnmImage(SHORT)),
    _by_fabio("NumPy", "a.npy", lambda: NumpyImage(SHORT)),
    _by_fabio("Fit2D mask", "a.msk", lambda: Fit2dMaskImage((IMAGE > 30).astype(np.uint8))),
    lambda: nxmx("plain"),
    lambda: nxmx("bitshuffle", **hdf5plugin.Bitshuffle()),
    lambda: nxmx("gzip", compression="gzip", shuffle=True),
    *(nxmx_master, nxmx_virtual),
    lambda: plain("2D", IMAGE),
    lambda: plain("3D", STACK.astype(np.float32)),
    lambda: plain("fletcher32", IMAGE, fletcher32=True),
    training,
)


def frame_seeds() -> list[Seed]:
    """One seed of each, and of each sample of the tests."""
    # Late, since benchmarks run without the tests' path.
    sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "support"))
    from sample_files import SAMPLES  # noqa: PLC0415

    found = [make() for make in MAKERS]
    for key, sample in SAMPLES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = sample(Path(folder))
            data = without_times(path.read_bytes()) if h5py.is_hdf5(path) else path.read_bytes()
            beside = {one.name: one.read_bytes() for one in Path(folder).iterdir() if one != path}
            found.append(Seed(key, path.name, data, "frames", beside=beside))
    return found
