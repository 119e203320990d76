"""One whole small file of every format: its header says all that the format can say, with known values.

`SAMPLES` serves every test that goes over all formats, and the fuzzer. A new format adds its `Sample` here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cbf_files import cbf
from electron_files import ELECTRON
from panel_files import write_panels
from small_files import SIDE, counting_images
from xgeom_core.frames import write_nxmx
from xgeom_core.metadata import Metadata

Fields = Mapping[str, Any]
SLOW, FAST = SIDE


@dataclass(frozen=True)
class Sample:
    """A file of one format.

    Parameters
    ----------
    key : str
        `Format.key`.
    name : str
        Usual name of such a file.
    write : callable
        ``write(path, changes)`` writes it; ``changes`` are fields of the header by the names that
        `Format.fields` gives them, None for a field that is left out.
    stated : mapping
        What the file states: attributes of Metadata and their values.
    others : mapping
        For fields of `Format.fields` the changes that state something else there; what else they change
        makes the field count, such as another one that would be believed before it.
    """

    key: str
    name: str
    write: Callable[[Path, Fields], None]
    stated: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Fields] = field(default_factory=dict)

    def __call__(self, folder: Path, changes: Fields | None = None) -> Path:
        """Write the file into a folder."""
        path = folder / self.name
        self.write(path, changes or {})
        return path


def image(kind: str = "<u2") -> np.ndarray:
    """Counts that say which row and column they are from."""
    return (counting_images(1)[0] % 4000).astype(kind)


def _with(fields: Fields, changes: Fields) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def _each(changes: Fields) -> dict[str, Fields]:
    """One change for each field."""
    return {name: {name: value} for name, value in changes.items()}


COMMON = {"center_px": (19.5, 23.5), "distance_mm": 200.0, "wavelength_A": 1.1}


# ------------------------------------------------------------------------------------------------ SMV

_SMV = {
    "DIM": 2,
    "BYTE_ORDER": "little_endian",
    "TYPE": "unsigned_short",
    "SIZE1": FAST,
    "SIZE2": SLOW,
    "PIXEL_SIZE": 0.1,
    "DISTANCE": 200.0,
    "WAVELENGTH": 1.1,
    "BEAM_CENTER_X": 2.35,
    "BEAM_CENTER_Y": 1.95,
    "DENZO_X_BEAM": 2.35,
    "DENZO_Y_BEAM": 1.95,
    "TWOTHETA": 0.0,
    "AXIS": "phi",
    "OSC_START": 10.0,
    "OSC_RANGE": 0.5,
    "CCD_IMAGE_SATURATION": 60000,
    "COMMENT": "silver behenate",
}
_DTREK = {
    "DIM": 2,
    "BYTE_ORDER": "little_endian",
    "Data_type": "unsigned short int",
    "SIZE1": FAST,
    "SIZE2": SLOW,
    "DETECTOR_NAMES": "CCD_",
    "SPATIAL_DISTORTION_INFO": "19.5 23.5 0.1 0.1",
    "SPATIAL_DISTORTION_VECTORS": "1 0 0 1",
    "DETECTOR_VECTORS": "1 0 0 0 -1 0",
    "DETECTOR_DESCRIPTION": "Saturn {724+}",
    "GONIO_UNITS": "deg deg deg mm mm mm",
    "GONIO_VALUES": "0 0 0 0 0 -200",
    "GONIO_VECTORS": "0 0 1 -1 0 0 0 1 0 1 0 0 0 1 0 0 0 1",
    "SOURCE_VECTORS": "0 0 1 0 1 0",
    "SOURCE_WAVELENGTH": "1 1.1",
    "SCAN_WAVELENGTH": 1.1,
    "SOURCE_POLARZ": "0.5 0 1 0",
    "SATURATED_VALUE": 60000,
    "ROTATION": "10 10.5 0.5 30 0 0",
    "COMMENT": "lysozyme",
}
_OF_DETECTOR = ("SPATIAL_", "DETECTOR_VECTORS", "DETECTOR_DESCRIPTION", "GONIO_")


def write_smv(path: Path, changes: Fields, fields: Fields = _SMV, data: np.ndarray | None = None) -> None:
    """SMV; in d*TREK's headers the detector's name stands before the fields about it."""
    named = {
        f"CCD_{name}" if name.startswith(_OF_DETECTOR) else name: value
        for name, value in _with(fields, changes).items()
    }
    lines = "".join(f"{name}={value};\n" for name, value in named.items())
    size = 512 * (1 + (len(lines) + 40) // 512)
    head = f"{{\nHEADER_BYTES={size:5d};\n{lines}}}\f\n"
    path.write_bytes(head.encode().ljust(size) + (image() if data is None else data).tobytes())


# ----------------------------------------------------------------------------------- TIFF and MarCCD


def write_tags(
    path: Path, texts: Mapping[int, str], head: bytes = b"", data: np.ndarray | None = None
) -> None:
    """A TIFF of one image whose directory stands at byte 8, ``head`` where its pixels do not begin yet."""
    pixels = image() if data is None else data
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    start = 4096
    tags: dict[int, Any] = {
        256: pixels.shape[1],
        257: pixels.shape[0],
        258: pixels.dtype.itemsize * 8,
        259: 1,
        262: 1,
        273: start,
        277: 1,
        278: pixels.shape[0],
        279: pixels.nbytes,
        339: kind,
        **texts,
    }
    block = bytearray(head.ljust(start, b"\0"))
    struct.pack_into("<2sHIH", block, 0, b"II", 42, 8, len(tags))
    end = b""
    for number, (tag, value) in enumerate(sorted(tags.items())):
        at = 10 + 12 * number
        if isinstance(value, str):
            text = value.encode() + b"\0" * 5
            struct.pack_into("<HHII", block, at, tag, 2, len(text), start + pixels.nbytes + len(end))
            end += text
        else:
            struct.pack_into("<HHII", block, at, tag, 4, 1, value)
    path.write_bytes(bytes(block) + pixels.tobytes() + end)


MINI = {
    "Detector": "PILATUS 300K, S/N 3-0118",
    "Pixel_size": "100e-6 m x 200e-6 m",
    "Silicon sensor, thickness": "0.001000 m",
    "Exposure_time": "1.0000000 s",
    "Count_cutoff": "60000 counts",
    "Wavelength": "1.1000 A",
    "Detector_distance": "0.20000 m",
    "Beam_xy": "(19.50, 23.50) pixels",
    "Detector_2theta": "0.0000 deg.",
    "Polarization": "0.990",
    "Start_angle": "10.0000 deg.",
    "Angle_increment": "0.5000 deg.",
    "Oscillation_axis": "OMEGA",
    "Comment": "alumina",
}
OTHER_MINI = {
    "Detector": "EIGER 1M",
    "Pixel_size": "172e-6 m x 172e-6 m",
    "Silicon sensor, thickness": "0.000450 m",
    "Count_cutoff": "61000 counts",
    "Wavelength": "1.2000 A",
    "Detector_distance": "0.21000 m",
    "Beam_xy": "(18.50, 23.50) pixels",
    "Detector_2theta": "10.0000 deg.",
    "Polarization": "0.900",
    "Start_angle": "11.0000 deg.",
    "Angle_increment": "1.0000 deg.",
    "Oscillation_axis": "PHI",
    "Comment": "other",
}
STATED_MINI = {
    **COMMON,
    "pixel_mm": (0.1, 0.2),
    "saturation": 60000.0,
    "detector": "PILATUS 300K",
    "sensor_material": "Si",
    "sensor_mm": 1.0,
    "polarization": 0.99,
    "title": "alumina",
}


def mini_lines(fields: Fields) -> str:
    """A mini-header, with CR LF."""
    return "".join(f"# {name} {value}\r\n" for name, value in fields.items())


def write_pilatus_tiff(path: Path, changes: Fields) -> None:
    """The fields of a mini-header in the description."""
    fields = _with({**MINI, "Model": "PILATUS 300K-W, S/N 3-0101"}, changes)
    model = fields.pop("Model")
    write_tags(path, {270: mini_lines(fields), 272: model}, data=image("<i4"))


def write_mini_cbf(path: Path, changes: Fields) -> None:
    """A mini-header alone."""
    text = f"_array_data.header_contents\r\n;\r\n{mini_lines(_with(MINI, changes))};\r\n"
    path.write_bytes(cbf(image("<i4"), text))


_IMGCIF = {
    "_axis.vector, _axis.offset": "-1.95 4.7 0",
    "_diffrn_scan_frame_axis.angle": 0.0,
    "_diffrn_scan_frame_axis.displacement": 200.0,
    "_array_structure_list_axis.displacement_increment": 0.1,
    "_array_structure_list.array_id": 1,
    "_diffrn_scan_axis.angle_increment": 0.5,
    "_diffrn_data_frame.center_fast": 19.0,
    "_diffrn_measurement.sample_detector_distance": 200.0,
    "_diffrn_radiation_wavelength.wavelength": 1.1,
    "_diffrn_radiation.polarizn_source_ratio": 0.8,
    "_array_intensities.overload": 60000,
    "_diffrn_detector.type": "MAR325",
}
_WITHOUT_AXES = {"_axis.vector, _axis.offset": None}


def _loop(table: str, items: str, *rows: str) -> str:
    return "loop_\n" + "".join(f"_{table}.{item}\n" for item in items.split()) + "\n".join(rows) + "\n"


def write_imgcif(path: Path, changes: Fields) -> None:
    """Axes (left out where the offset is None), the frame's own center, and what else a full header has."""
    told = {**_IMGCIF, **changes}
    offset, arrays = told["_axis.vector, _axis.offset"], told["_array_structure_list.array_id"]
    axes = [
        "SOURCE general source . 0 0 1 . . .",
        "GON_OMEGA rotation goniometer . 1 0 0 . . .",
        "DET_2THETA rotation detector . 0 1 0 . . .",
        "DET_Z translation detector DET_2THETA 0 0 -1 0 0 0",
        f"ELEMENT_X translation detector DET_Z 1 0 0 {offset}",
        "ELEMENT_Y translation detector ELEMENT_X 0 -1 0 0 0 0",
    ]
    rows = SLOW // arrays
    structure = [
        row
        for number in range(1, arrays + 1)
        for row in (
            f"ARRAY{number} 1 {FAST} 1 increasing ELEMENT_X",
            f"ARRAY{number} 2 {rows} 2 increasing ELEMENT_Y{number}",
        )
    ]
    step = told["_array_structure_list_axis.displacement_increment"]
    sides = [f"ELEMENT_X ELEMENT_X 0.0 {step}"]
    sides += [f"ELEMENT_Y{n + 1} ELEMENT_Y {0.2 * n * rows} 0.2" for n in range(arrays)]
    settings = (
        f"FRAME1 DET_2THETA {told['_diffrn_scan_frame_axis.angle']} 0.0",
        f"FRAME1 DET_Z 0.0 {told['_diffrn_scan_frame_axis.displacement']}",
        "FRAME1 GON_OMEGA 10.0 0.0",
    )
    vector = "vector[1] vector[2] vector[3] offset[1] offset[2] offset[3]"
    text = "" if offset is None else _loop("axis", f"id type equipment depends_on {vector}", *axes)
    text += _loop("diffrn_scan_frame_axis", "frame_id axis_id angle displacement", *settings)
    turn = f"GON_OMEGA 10.0 {told['_diffrn_scan_axis.angle_increment']}"
    text += _loop("diffrn_scan_axis", "axis_id angle_start angle_increment", turn)
    text += _loop(
        "array_structure_list", "array_id index dimension precedence direction axis_set_id", *structure
    )
    text += _loop(
        "array_structure_list_axis", "axis_set_id axis_id displacement displacement_increment", *sides
    )
    center = f"FRAME1 {told['_diffrn_data_frame.center_fast']} 23.0 pixels"
    text += _loop("diffrn_data_frame", "id center_fast center_slow center_units", center)
    plain = (
        "_diffrn_measurement.sample_detector_distance",
        "_diffrn_radiation_wavelength.wavelength",
        "_diffrn_radiation.polarizn_source_ratio",
        "_array_intensities.overload",
        "_diffrn_detector.type",
    )
    text += "".join(f"{name} {told[name]}\n" for name in plain)
    path.write_bytes(cbf(image("<i4"), text))


_EPICS = {
    "Wavelength(A)": 1.1,
    "DetectorDistance(mm)": 200.0,
    "PixelSizeX(um)": 100.0,
    "PixelSizeY(um)": 200.0,
    "BeamX": 19.5,
    "BeamY": 23.5,
    "CameraModel": "Varex 4343",
    "Temperature(K)": 1e38,
}


def write_epics_tiff(path: Path, changes: Fields) -> None:
    """Attributes as EPICS areaDetector writes them, one a tag."""
    fields = _with({**_EPICS, "ImageDescription": "lanthanum hexaboride"}, changes)
    title = fields.pop("ImageDescription")
    texts = {65010 + number: f"{name}:{value}" for number, (name, value) in enumerate(fields.items())}
    write_tags(path, {270: title, **texts})


_MARCCD = {
    "saturated_value": 60000,
    "xtal_to_detector": 200_000,
    "beam_x": 19_500,
    "beam_y": 23_500,
    "start_twotheta": 0,
    "start_omega": 3_000,
    "start_phi": 10_000,
    "rotation_axis": 4,
    "rotation_range": 500,
    "pixelsize_x": 79_000,
    "pixelsize_y": 80_000,
    "source_wavelength": 110_000,
}
_MARCCD_AT = {
    "saturated_value": 104,
    "xtal_to_detector": 640,
    "beam_x": 644,
    "beam_y": 648,
    "start_twotheta": 668,
    "start_omega": 672,
    "start_phi": 684,
    "rotation_axis": 732,
    "rotation_range": 736,
    "pixelsize_x": 772,
    "pixelsize_y": 776,
    "source_wavelength": 908,
}


def write_marccd(path: Path, changes: Fields, data: np.ndarray | None = None) -> None:
    """A TIFF with MarCCD's header at byte 1024."""
    fields = _with({**_MARCCD, "filetitle": "thaumatin"}, changes)
    pixels = image() if data is None else data
    head = bytearray(4096)
    struct.pack_into("<I16s", head, 1024, 2, b"MMX")
    struct.pack_into("<III", head, 1024 + 80, pixels.shape[1], pixels.shape[0], 2)
    for name, at in _MARCCD_AT.items():
        struct.pack_into("<i", head, 1024 + at, fields[name])
    struct.pack_into("<128s", head, 2048, fields["filetitle"].encode())
    write_tags(path, {}, bytes(head), pixels)


# ---------------------------------------------------------------------------------------- image plates

_MAR345 = {
    "PIXEL": "LENGTH 100  HEIGHT 200",
    "WAVELENGTH": 1.1,
    "DISTANCE": 200.0,
    "PHI": "START 10.000  END 10.500  OSC 1",
    "TWOTHETA": 0.0,
    "CENTER": "X 19.500  Y 23.500",
    "GENERATOR": "SEALED TUBE  kV 40.0  mA 50.0",
    "MONOCHROMATOR": "GRAPHITE  POLAR 0.200",
    "REMARK": "insulin",
    "DETECTOR": "mar345",
}


def mar345_noise() -> np.ndarray:
    """Noise, since fabio packs nothing else well."""
    return np.random.default_rng(1).integers(0, 4000, SIDE).astype("<i4")


def write_mar345(path: Path, changes: Fields) -> None:
    """Sixteen numbers, lines of 64 characters, counts beyond 16 bits, packed pixels."""
    from fabio.compression import compPCK

    fields = _with({**_MAR345, "pixels": mar345_noise()}, changes)
    pixels = fields.pop("pixels")
    high = np.flatnonzero(pixels > 65535)
    numbers = [1234, FAST, len(high), 1, 1, FAST * SLOW, 100, 200, 1_100_000, 200_000, *[0] * 6]
    lines = ["mar research", *(f"{name:<15}{value}" for name, value in fields.items())]
    text = "".join(f"{line:<63}\n" for line in (*lines, "END OF HEADER"))
    head = (struct.pack("<16i", *numbers).ljust(128, b"\0") + text.encode()).ljust(4096)
    records = np.stack([high + 1, pixels.ravel()[high]], axis=1).astype("<i4").tobytes()
    low = np.where(pixels > 65535, 0, pixels).astype("<i4")
    path.write_bytes(head + records.ljust(-len(records) % 64 + len(records), b"\0") + compPCK(low))


_RAXIS_AT = {
    "Wavelength": 292,
    "Distance": 344,
    "Phi start": 524,
    "Phi end": 528,
    "Beam x": 540,
    "Beam y": 544,
    "2Theta": 556,
    "Pixel x": 776,
    "Pixel y": 780,
    "Ratio": 800,
}
_RAXIS = dict(zip(_RAXIS_AT, (1.1, 200.0, 10.0, 10.5, 19.5, 23.5, 0.0, 0.1, 0.2, 8.0), strict=True))


def write_raxis(path: Path, changes: Fields) -> None:
    """Numbers at their places, most significant byte first."""
    head = bytearray(FAST * 2 * 20)
    head[:10] = b"R-AXIS4   "
    struct.pack_into(">2i", head, 768, FAST, SLOW)
    for name, value in _with(_RAXIS, changes).items():
        struct.pack_into(">f", head, _RAXIS_AT[name], value)
    path.write_bytes(bytes(head) + image(">u2").tobytes())


# -------------------------------------------------------------------------------------- diffractometers

_BRUKER = {
    "FORMAT": 100,
    "VERSION": 18,
    "HDRBLKS": 15,
    "TITLE": "corundum",
    "NOVERFL": "-1 0 0",
    "START": 10.0,
    "INCREME": 0.5,
    "ANGLES": "0.0 0.0 0.0 54.7",
    "NPIXELB": "2 1",
    "NROWS": f"{SLOW} 1",
    "NCOLS": f"{FAST} 1",
    "CENTER": f"19.5 {SLOW - 23.5} 19.5 {SLOW - 23.5}",
    "DISTANC": "19.9 20.0",
    "WAVELEN": "1.1 1.1 1.1",
    "AXIS": 3,
    "DETTYPE": f"CMOS-PHOTON {10 / 0.1 * 512 / SLOW:.9f} 1.0 0",
    "CCDPARM": "15.5 36.6 259.9 0.0 60000.0",
    "NEXP": "1 0 0 0 1",
}


def write_bruker(path: Path, changes: Fields) -> None:
    """Records of 80 characters, filled up to 15 blocks, two bytes a pixel."""
    records = "".join(f"{name:<7}:{value!s:<72}" for name, value in _with(_BRUKER, changes).items())
    filled = records + f"{'CFR':<7}:{'':<72}"
    path.write_bytes(filled.ljust(15 * 512, ".").encode() + image().tobytes())


# The least size that Esperanto allows.
_ESPERANTO = {
    "IMAGE": {"lnx": 256, "lny": 256, "lbx": 1, "lby": 1, "spixelformat": '"4BYTE_LONG"'},
    "SPECIAL_CCD_2": {"a": 0, "b": 0, "c": 1, "d": 1, "loverflowthreshold": 60000},
    "PIXELSIZE": {"drealpixelsizex": 0.1, "drealpixelsizey": 0.2},
    "STARTANGLESINDEG": {"dom_s": 10.0, "dth_s": 5.0, "dka_s": 0.0, "dph_s": 0.0},
    "GONIOMODEL_1": {
        **{"dbeam2indeg": 0.0, "dbeam3indeg": 0.0},
        **{"detectorrotindeg_x": 0.0, "detectorrotindeg_y": 0.0, "detectorrotindeg_z": 0.0},
        **{"dxorigininpix": 119.5, "dyorigininpix": 123.5, "dalphaindeg": 50.0, "dbetaindeg": 0.0},
        "ddistanceinmm": 200.0,
    },
    "WAVELENGTH": {"dalpha1": 1.1, "dalpha2": 1.1, "dalpha12": 1.1, "dbeta1": 1.0},
}


def write_esperanto(path: Path, changes: Fields) -> None:
    """Twenty-five lines of 256 characters, four bytes a pixel."""
    lines = [b"ESPERANTO FORMAT   1 CONSISTING OF   25 LINES OF   256 BYTES EACH"]
    for key, fields in _ESPERANTO.items():
        values = " ".join(str(changes.get(name, value)) for name, value in fields.items())
        lines.append(f"{key} {values}".encode())
    lines += [b""] * (25 - len(lines))
    head = b"".join(line.ljust(254) + b"\r\n" for line in lines)
    path.write_bytes(head[:-2] + b"\r\x1a" + (np.arange(256 * 256, dtype="<i4") % 4000).tobytes())


def write_rod(path: Path, changes: Fields) -> None:
    """CrysAlis's own frames: text, binary sections of known sizes, here without compression."""
    fields = {name: value for group in _ESPERANTO.values() for name, value in group.items()} | dict(changes)
    sections = {"NG": 512, "NS": 768, "NK": 1024, "NS2": 512, "NH": 2048}
    text = (
        f"OD SAPPHIRE  3.0\r\nCOMPRESSION=NO ( 1.0)\r\nNX={FAST:4d} NY={SLOW:4d} OI={0:7d} OL={0:7d} \r\n"
        f"NHEADER={5120:7d} NG={512:7d} NS={768:7d} NK={1024:7d} NS={512:7d} NH={2048:7d}\r\n"
        f"NSUPPLEMENT={0:7d}\r\nTIME=Mon Jan 01 00:00:00 2024\r\n"
    )
    head = bytearray(text.encode().ljust(256, b"\x1a") + bytes(5120 - 256))
    special, goniometer = 256 + sections["NG"], 256 + sections["NG"] + sections["NS"]
    struct.pack_into("<2H", head, 256, 1, 1)
    struct.pack_into("<i", head, special + 472, fields["loverflowthreshold"])
    struct.pack_into("<2d", head, special + 568, fields["drealpixelsizex"], fields["drealpixelsizey"])
    # One step is a millionth of a degree.
    angles = [round(fields[name] * 1e6) for name in ("dom_s", "dth_s", "dka_s", "dph_s")]
    struct.pack_into("<4i", head, goniometer + 284, *angles)
    struct.pack_into("<4d", head, goniometer + 368, *[np.radians(1e-6)] * 4)
    waves = [fields[name] for name in ("dalpha1", "dalpha2", "dalpha12", "dbeta1")]
    struct.pack_into("<4d", head, goniometer + 568, *waves)
    tilts = [fields[f"detectorrotindeg_{axis}"] for axis in "xyz"]
    struct.pack_into("<3d", head, goniometer + 640, *tilts)
    struct.pack_into("<2d", head, goniometer + 664, fields["dxorigininpix"], fields["dyorigininpix"])
    struct.pack_into("<d", head, goniometer + 712, fields["ddistanceinmm"])
    path.write_bytes(bytes(head) + image("<i4").tobytes())


_KAPPACCD = {
    "Data type": "u16",
    "X dimension": FAST,
    "Y dimension": SLOW,
    "Number of readouts": 1,
    "Detector ID": "KCD-7",
    "Kappa-support angle": 50.0,
    "Phi start": 10.0,
    "Phi scan range": 0.5,
    "Omega start": 0.0,
    "Theta start": 0.0,
    "Dx start": 200.0,
    "pixel X-size (um)": 100.0,
    "pixel Y-size (um)": 200.0,
    "Alpha1": 1.1,
    "Alpha2": 1.1,
    "Alpha1/Alpha2 ratio": 2.0,
}


def write_kappaccd(path: Path, changes: Fields) -> None:
    """Lines of text, the pixels at the end of the file."""
    lines = "".join(f"{name} = {value}\n" for name, value in _with(_KAPPACCD, changes).items())
    path.write_bytes(f"No\n{lines}".encode() + b"\xff" * 200 + b"\n" + image().tobytes())


# ------------------------------------------------------------------------------------ EDF, SPE and GE

_EDF = {
    "HeaderID": "EH:000001:000000:000000",
    "Image": 1,
    "ByteOrder": "LowByteFirst",
    "DataType": "UnsignedShort",
    "Dim_1": FAST,
    "Dim_2": SLOW,
    "Size": 2 * FAST * SLOW,
    "Center_1": 19.5,
    "Center_2": 23.5,
    "SampleDistance": 0.2,
    "WaveLength": 1.1e-10,
    "PSize_1": 1e-4,
    "PSize_2": 2e-4,
    "DetectorName": "Frelon",
    "title": "glassy carbon",
}


def write_edf(path: Path, changes: Fields, data: np.ndarray | None = None) -> None:
    """A header filled up to a multiple of 512 bytes, then the pixels; for each image of a stack."""
    lines = "".join(f"{name} = {value} ;\n" for name, value in _with(_EDF, changes).items())
    size = 512 * (1 + (len(lines) + 4) // 512)
    head = f"{{\n{lines}".ljust(size - 2) + "}\n"
    stack = np.atleast_3d(image()).transpose(2, 0, 1) if data is None else data
    path.write_bytes(b"".join(head.encode() + frame.tobytes() for frame in stack))


def write_spe(path: Path, changes: Fields, data: np.ndarray | None = None) -> None:
    """Version 2."""
    stack = image()[None] if data is None else data
    head = bytearray(4100)
    struct.pack_into("<H", head, 42, stack.shape[2])
    struct.pack_into("<H", head, 108, 3)
    struct.pack_into("<80s", head, 200, str(changes.get("Comments", "ceria")).encode())
    struct.pack_into("<H", head, 656, stack.shape[1])
    struct.pack_into("<i", head, 1446, len(stack))
    struct.pack_into("<I", head, 2996, 0x01234567)
    path.write_bytes(bytes(head) + stack.tobytes())


def write_ge(path: Path, changes: Fields) -> None:
    """With a header; two images."""
    head = bytearray(8192)
    struct.pack_into("<10sHIHIHHHH", head, 0, b"ADEPT", 1, 8192, 0, 0, 2, SLOW, FAST, 16)
    path.write_bytes(bytes(head) + image().tobytes() + image()[::-1].tobytes())


# ----------------------------------------------------------------------------------------------- HDF5

_DETECTOR = "instrument/detector"
_NXMX: dict[str, tuple[str, Any, str]] = {
    "beam_center_x": (f"{_DETECTOR}/beam_center_x", 19.5, "pixel"),
    "beam_center_y": (f"{_DETECTOR}/beam_center_y", 4.7, "mm"),
    "x_pixel_size": (f"{_DETECTOR}/x_pixel_size", 1e-4, "m"),
    "y_pixel_size": (f"{_DETECTOR}/y_pixel_size", 200.0, "um"),
    "distance": (f"{_DETECTOR}/distance", 0.2, ""),
    "goniometer/two_theta": (f"{_DETECTOR}/goniometer/two_theta", 0.0, "deg"),
    "sensor_material": (f"{_DETECTOR}/sensor_material", "Silicon", ""),
    "sensor_thickness": (f"{_DETECTOR}/sensor_thickness", 4.5e-4, "m"),
    "saturation_value": (f"{_DETECTOR}/saturation_value", 60000, ""),
    "description": (f"{_DETECTOR}/description", b"EIGER", ""),
    "incident_wavelength": ("instrument/beam/incident_wavelength", 1.1, "angstrom"),
    "incident_polarization_stokes": (
        "instrument/beam/incident_polarization_stokes",
        np.array([2.0, 1.8, 0.0, 0.0]),
        "",
    ),
    "omega": ("sample/goniometer/omega", np.array([10.0, 10.5]), "deg"),
    "title": ("title", "silver behenate", ""),
}


def write_nxmx_fields(path: Path, changes: Fields) -> None:
    """NXmx without a transformation chain, two images."""
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["data/data"] = np.stack([image(), image()])
        for name, (place, value, unit) in _NXMX.items():
            entry[place] = changes.get(name, value)
            if unit:
                entry[place].attrs["units"] = unit


def write_nxmx_chain(path: Path, changes: Fields) -> None:
    """NXmx as this program writes it; the pitch in the chain that ``depends_on`` names may differ."""
    tilt = (changes.get("depends_on", 2.0), -3.0)
    stated = Metadata(200.0, 1.1, (0.1, 0.2), (19.5, 23.5), tilt, saturation=60000.0, detector="EIGER")
    stated = replace(stated, sensor_material="CdTe", sensor_mm=0.75, polarization=0.95, title="ceria")
    write_nxmx(path, image()[None], stated)


def write_plain_hdf5(path: Path, changes: Fields) -> None:
    """A dataset with attributes, one axis more than a stack has."""
    attributes = {"beam_center_x": 19.5, "beam_center_y": 23.5, "distance_m": 0.2, "pixel_m": 1e-4}
    with h5py.File(path, "w") as file:
        file["images"] = np.stack([image()] * 6).reshape(3, 2, SLOW, FAST)
        file["images"].attrs.update({**attributes, "wavelength_A": 1.1, **changes})


def write_cansas(path: Path, changes: Fields) -> None:
    """Intensities on a grid of Q."""
    x, y = changes.get("Qx, Qy", (19.5, 23.5))
    with h5py.File(path, "w") as file:
        group = file.create_group("sasentry01/sasdata")
        file["sasentry01"].attrs["NX_class"], group.attrs["NX_class"] = "SASentry", "SASdata"
        file["sasentry01/title"] = "micelles"
        group["I"], (rows, columns) = image("f8"), np.indices((SLOW, FAST)) + 0.5
        group["Qx"], group["Qy"] = (columns - x) * 0.01, (y - rows) * 0.02


_TENTH_AND_FIFTH = {"pixel_mm": (0.1, 0.2), "saturation": 60000.0}

SAMPLES: dict[str, Sample] = {
    "smv": Sample(
        "smv",
        "a.img",
        write_smv,
        {**COMMON, "pixel_mm": (0.1, 0.1), "saturation": 60000.0, "title": "silver behenate"},
        _each(
            {
                "BEAM_CENTER_X": 2.05,
                "BEAM_CENTER_Y": 1.05,
                "DENZO_X_BEAM": 3.05,
                "DENZO_Y_BEAM": 3.05,
                "DISTANCE": 210,
                "TWOTHETA": 10,
                "WAVELENGTH": 1.2,
                "PIXEL_SIZE": 0.11,
                "OSC_START": 11,
                "OSC_RANGE": 1,
                "AXIS": "omega",
                "CCD_IMAGE_SATURATION": 61000,
                "COMMENT": "other",
            }
        ),
    ),
    "d*TREK": Sample(
        "smv",
        "b.img",
        lambda path, changes: write_smv(path, changes, _DTREK),
        {
            **COMMON,
            "pixel_mm": (0.1, 0.1),
            "tilt_deg": (0.0, 0.0),
            "saturation": 60000.0,
            "polarization": 0.5,
        },
        _each(
            {
                "SPATIAL_DISTORTION_INFO": "18.5 23.5 0.1 0.1",
                "DETECTOR_VECTORS": "0.9998477 0 -0.0174524 0 -1 0",
                "GONIO_VALUES": "0 5 0 0 0 -200",
                "SOURCE_VECTORS": "0.0174524 0 0.9998477 0 1 0",
                "SCAN_WAVELENGTH": 1.2,
                "SATURATED_VALUE": 61000,
                "DETECTOR_DESCRIPTION": "Mercury",
                "SOURCE_POLARZ": "0.9 0 1 0",
                "ROTATION": "10 11 1 30 0 0",
            }
        ),
    ),
    "cbf": Sample("cbf", "a_00001.cbf", write_mini_cbf, STATED_MINI, _each(OTHER_MINI)),
    "imgcif": Sample(
        "cbf",
        "b_00001.cbf",
        write_imgcif,
        {
            **COMMON,
            "pixel_mm": (0.1, 0.2),
            "saturation": 60000.0,
            "polarization": 0.9,
            "detector": "MAR325",
        },
        {
            **_each(
                {
                    "_axis.vector, _axis.offset": "-1.85 4.7 0",
                    "_diffrn_scan_frame_axis.angle": 5.0,
                    "_diffrn_scan_frame_axis.displacement": 210.0,
                    "_array_structure_list_axis.displacement_increment": 0.11,
                    "_array_structure_list.array_id": 2,
                    "_diffrn_scan_axis.angle_increment": 1.0,
                    "_diffrn_radiation_wavelength.wavelength": 1.2,
                    "_diffrn_radiation.polarizn_source_ratio": 0.6,
                    "_array_intensities.overload": 61000,
                    "_diffrn_detector.type": "ADSC",
                }
            ),
            "_diffrn_data_frame.center_fast": {**_WITHOUT_AXES, "_diffrn_data_frame.center_fast": 18.0},
            "_diffrn_measurement.sample_detector_distance": {
                **_WITHOUT_AXES,
                "_diffrn_measurement.sample_detector_distance": 210.0,
            },
        },
    ),
    "pilatus tiff": Sample(
        "tiff",
        "a.tif",
        write_pilatus_tiff,
        STATED_MINI,
        {**_each(OTHER_MINI), "Model": {"Detector": None, "Model": "PILATUS 1M"}},
    ),
    "epics tiff": Sample(
        "tiff",
        "b.tif",
        write_epics_tiff,
        {**COMMON, "pixel_mm": (0.1, 0.2), "detector": "Varex 4343", "title": "lanthanum hexaboride"},
        {
            **_each(
                {
                    "Wavelength(A)": 1.2,
                    "DetectorDistance(mm)": 210,
                    "PixelSizeX(um)": 172,
                    "BeamX": 18.5,
                    "CameraModel": "Pilatus",
                    "ImageDescription": "other",
                }
            ),
            "Energy(eV)": {"Wavelength(A)": None, "Energy(eV)": 12000},
        },
    ),
    "marccd": Sample(
        "marccd",
        "a_001.mccd",
        write_marccd,
        {**COMMON, "pixel_mm": (0.079, 0.08), "saturation": 60000.0, "title": "thaumatin"},
        _each(
            {
                "beam_x": 18_500,
                "beam_y": 22_500,
                "xtal_to_detector": 210_000,
                "start_twotheta": 10_000,
                "source_wavelength": 120_000,
                "pixelsize_x": 70_000,
                "pixelsize_y": 70_000,
                "saturated_value": 61000,
                "rotation_axis": 1,
                "rotation_range": 1_000,
                "start_phi": 11_000,
                "filetitle": "other",
            }
        ),
    ),
    "mar345": Sample(
        "mar345",
        "a.mar3450",
        write_mar345,
        {**COMMON, "pixel_mm": (0.1, 0.2), "detector": "mar345", "polarization": 0.6, "title": "insulin"},
        _each(
            {
                "CENTER": "X 18.500  Y 23.500",
                "DISTANCE": 210.0,
                "TWOTHETA": 10.0,
                "WAVELENGTH": 1.2,
                "PIXEL": "LENGTH 150  HEIGHT 150",
                "PHI": "START 11.000  END 12.000  OSC 1",
                "MONOCHROMATOR": "GRAPHITE  POLAR 0.900",
                "DETECTOR": "mar555",
                "REMARK": "other",
            }
        ),
    ),
    "raxis": Sample(
        "raxis",
        "a.osc",
        write_raxis,
        {**COMMON, "pixel_mm": (0.1, 0.2)},
        _each(
            {
                "Beam x": 18.5,
                "Beam y": 22.5,
                "Distance": 210.0,
                "2Theta": 10.0,
                "Wavelength": 1.2,
                "Pixel x": 0.15,
                "Pixel y": 0.15,
                "Phi start": 9.0,
                "Phi end": 11.0,
            }
        ),
    ),
    "bruker": Sample(
        "bruker",
        "a.sfrm",
        write_bruker,
        {
            **COMMON,
            "pixel_mm": (0.1, 0.1),
            "saturation": 60000.0,
            "detector": "CMOS-PHOTON",
            "title": "corundum",
        },
        _each(
            {
                "CENTER": "18.5 24.5",
                "DISTANC": "20.9 21.0",
                "ANGLES": "10.0 0.0 0.0 54.7",
                "WAVELEN": "1.2 1.2 1.2",
                "DETTYPE": "CMOS-PHOTON 500.0 1.0 0",
                "CCDPARM": "15.5 36.6 259.9 0.0 61000.0",
                "START": 11.0,
                "INCREME": 1.0,
                "AXIS": 2,
                "TITLE": "other",
            }
        ),
    ),
    "esperanto": Sample(
        "crysalis", "a.esperanto", write_esperanto, {"wavelength_A": 1.1, **_TENTH_AND_FIFTH}
    ),
    "crysalis": Sample(
        "crysalis",
        "c.img",
        write_rod,
        {"wavelength_A": 1.1, **_TENTH_AND_FIFTH},
        _each(
            {
                "dxorigininpix": 100.0,
                "dyorigininpix": 100.0,
                "ddistanceinmm": 210.0,
                "dth_s": 10.0,
                "detectorrotindeg_x": 10.0,
                "detectorrotindeg_y": 1.0,
                "dalpha12": 1.2,
                "drealpixelsizex": 0.172,
                "drealpixelsizey": 0.172,
                "loverflowthreshold": 61000,
            }
        ),
    ),
    "kappaccd": Sample(
        "kappaccd",
        "a.kcd",
        write_kappaccd,
        {"distance_mm": 200.0, "wavelength_A": 1.1, "pixel_mm": (0.1, 0.2), "detector": "KCD-7"},
        _each(
            {
                "Dx start": 210.0,
                "Theta start": 5.0,
                "Alpha1": 1.2,
                "pixel X-size (um)": 110.0,
                "pixel Y-size (um)": 110.0,
                "Phi start": 11.0,
                "Phi scan range": 1.0,
                "Detector ID": "KCD-8",
            }
        ),
    ),
    "edf": Sample(
        "edf",
        "a.edf",
        write_edf,
        {**COMMON, "pixel_mm": (0.1, 0.2), "detector": "Frelon", "title": "glassy carbon"},
        {
            **_each(
                {
                    "Center_1": 18.5,
                    "Center_2": 22.5,
                    "SampleDistance": 0.21,
                    "WaveLength": 1.2e-10,
                    "PSize_1": 1.5e-4,
                    "PSize_2": 1.5e-4,
                    "DetectorName": "Pilatus",
                    "title": "other",
                }
            ),
            "energy": {"WaveLength": None, "energy": 12.0},
        },
    ),
    "spe": Sample("spe", "a.spe", write_spe, {"title": "ceria"}, _each({"Comments": "other"})),
    "ge": Sample("ge", "a.ge2", write_ge),
    "nxmx fields": Sample(
        "nxmx",
        "a_master.h5",
        write_nxmx_fields,
        {
            **COMMON,
            **_TENTH_AND_FIFTH,
            "detector": "EIGER",
            "sensor_material": "Si",
            "sensor_mm": 0.45,
            "polarization": 0.95,
            "title": "silver behenate",
        },
        _each(
            {
                "beam_center_x": 18.5,
                "beam_center_y": 4.5,
                "x_pixel_size": 1.5e-4,
                "y_pixel_size": 150.0,
                "distance": 0.21,
                "goniometer/two_theta": 10.0,
                "sensor_material": "CdTe",
                "sensor_thickness": 3.2e-4,
                "saturation_value": 61000,
                "description": b"PILATUS",
                "incident_wavelength": 1.2,
                "incident_polarization_stokes": np.array([1.0, 0.0, 0.0, 0.0]),
                "omega": np.array([10.0, 11.0]),
                "title": "other",
            }
        ),
    ),
    "nxmx chain": Sample(
        "nxmx",
        "b.nxs",
        write_nxmx_chain,
        {
            **COMMON,
            **_TENTH_AND_FIFTH,
            "tilt_deg": (2.0, -3.0),
            "detector": "EIGER",
            "sensor_material": "CdTe",
            "sensor_mm": 0.75,
            "polarization": 0.95,
            "title": "ceria",
        },
        _each({"depends_on": 4.0}),
    ),
    "hdf5": Sample(
        "hdf5",
        "a.h5",
        write_plain_hdf5,
        {**COMMON, "pixel_mm": (0.1, 0.1)},
        _each(
            {
                "beam_center_x": 18.5,
                "beam_center_y": 22.5,
                "distance_m": 0.21,
                "pixel_m": 2e-4,
                "wavelength_A": 1.2,
            }
        ),
    ),
    "cansas": Sample(
        "hdf5",
        "b.h5",
        write_cansas,
        {"center_px": (19.5, 23.5), "title": "micelles"},
        _each({"Qx, Qy": (18.5, 23.5)}),
    ),
}
SAMPLES |= {name: Sample(*entry) for name, entry in ELECTRON.items()}
SAMPLES["panels"] = Sample(
    "crystfel-stack",
    "p.cxi",
    write_panels,
    {"distance_mm": 120.0, "pixel_mm": (0.2, 0.2), "saturation": 60000.0},
    _each(
        {
            "corner_x": 3.25,
            "fs": 0.01,
            "res": 4000.0,
            "clen": 0.13,
            "photon_energy": 8000.0,
            "max_adu": 61000.0,
        }
    ),
)
