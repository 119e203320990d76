"""Writing NXmx: one complete entry for frames and for a geometry alone, as DIALS and others want it.

This project's lab frame (x fast, y slow and down, z along the beam) and that of NeXus (y up, z along the
beam) differ by half a turn about z. Strings are of fixed length, as Dectris writes them: programs in C read
those most easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from xgeom_core.formats.hdf5 import fields
from xgeom_core.metadata import Metadata, Rotation

_NO_SENSOR_MM = 1e-6  # of silicon: nothing, but DIALS wants a sensor
_STILL = Rotation(0.0, 0.0, name="omega")
_HORIZONTAL = (1.0, 0.0, 0.0)


def write_entry(file: h5py.File, metadata: Metadata, size: tuple[int, int], frames: int) -> h5py.Group:
    """Write an entry without images: beam, detector with its chain, sample with its rotation, empty data.

    Parameters
    ----------
    metadata : Metadata
        What is unknown is left out, but for what DIALS cannot do without: a sensor, of no thickness
        then, and a rotation axis, which stands still.
    size : tuple of int
        Pixels ``(fast, slow)``.
    frames : int
        Number of frames.
    """
    entry = group_of(file, "entry", "NXentry")
    file.attrs["default"] = np.bytes_("entry")
    entry.attrs["default"] = np.bytes_("data")
    entry["definition"] = np.bytes_("NXmx")
    if metadata.title:
        entry["title"] = _words(metadata.title)
    group_of(entry, "data", "NXdata").attrs["signal"] = np.bytes_("data")
    instrument = group_of(entry, "instrument", "NXinstrument")
    detector = group_of(instrument, "detector", "NXdetector")
    write_fields(entry, detector, metadata)
    _write_sensor(detector, metadata)
    write_chain(detector, metadata, size)
    _write_sample(entry, metadata.rotation or _STILL, frames)
    return entry


def write_fields(entry: h5py.Group, detector: h5py.Group, metadata: Metadata) -> None:
    """The plain fields, for programs that look at nothing else."""
    for axis, number in zip("xy", (0, 1), strict=True):
        if metadata.center_px is not None:
            put(detector, f"beam_center_{axis}", metadata.center_px[number], "pixel")
        if metadata.pixel_mm is not None:
            put(detector, f"{axis}_pixel_size", metadata.pixel_mm[number] / 1e3, "m")
    if metadata.distance_mm is not None:
        put(detector, "distance", metadata.distance_mm / 1e3, "m")
        put(detector, "detector_distance", metadata.distance_mm / 1e3, "m")
    instrument = detector.parent
    beam = fields.subgroup(instrument, "beam") or group_of(instrument, "beam", "NXbeam")
    if metadata.wavelength_A is not None:
        put(beam, "incident_wavelength", metadata.wavelength_A, "angstrom")
    if metadata.polarization is not None:
        stokes = np.array([1.0, 2.0 * metadata.polarization - 1.0, 0.0, 0.0])
        put(beam, "incident_polarization_stokes", stokes)


def write_chain(detector: h5py.Group, metadata: Metadata, size: tuple[int, int]) -> None:
    """Distance, yaw about the fixed vertical, pitch, then the module: the tilt pivots on the beam.

    Nothing where center, distance or pixel size are unknown; no rotations where the tilt is.
    """
    center, distance, pixel = metadata.center_px, metadata.distance_mm, metadata.pixel_mm
    if center is None or distance is None or pixel is None:
        return
    chain = group_of(detector, "transformations", "NXtransformations")
    last = put_link(chain, "distance", distance, "mm", "translation", (0, 0, 1), ".")
    if metadata.tilt_deg is not None:
        pitch, yaw = metadata.tilt_deg
        last = put_link(chain, "yaw", yaw, "deg", "rotation", (0, -1, 0), last)
        last = put_link(chain, "pitch", pitch, "deg", "rotation", (-1, 0, 0), last)
    if "depends_on" in detector:
        del detector["depends_on"]
    detector["depends_on"] = np.bytes_(last)
    module = group_of(detector, "module", "NXdetector_module")
    module["data_origin"] = np.array([0, 0])
    module["data_size"] = np.array(size[::-1])
    corner = (center[0] * pixel[0], center[1] * pixel[1], 0.0)
    last = put_link(module, "module_offset", 0.0, "mm", "translation", (1, 0, 0), last, corner)
    put_link(module, "fast_pixel_direction", pixel[0], "mm", "translation", (-1, 0, 0), last)
    put_link(module, "slow_pixel_direction", pixel[1], "mm", "translation", (0, -1, 0), last)


def _write_sensor(detector: h5py.Group, metadata: Metadata) -> None:
    known = bool(metadata.sensor_material and metadata.sensor_mm)
    detector["sensor_material"] = np.bytes_(metadata.sensor_material if known else "Si")
    put(detector, "sensor_thickness", (metadata.sensor_mm if known else None) or _NO_SENSOR_MM, "mm")
    if metadata.saturation is not None:
        detector["saturation_value"] = metadata.saturation
    if metadata.detector:
        detector["description"] = _words(metadata.detector)


def _write_sample(entry: h5py.Group, rotation: Rotation, frames: int) -> None:
    sample = group_of(entry, "sample", "NXsample")
    chain = group_of(sample, "transformations", "NXtransformations")
    x, y, z = rotation.axis or _HORIZONTAL
    name = rotation.name or "omega"
    starts = rotation.start_deg + rotation.step_deg * np.arange(frames)
    axis = put_link(chain, name, starts, "deg", "rotation", (-x, -y, z), ".")
    if rotation.step_deg:
        put(chain, f"{name}_increment_set", rotation.step_deg, "deg")
        put(chain, f"{name}_end", starts + rotation.step_deg, "deg")
    sample["depends_on"] = np.bytes_(axis)


def group_of(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    """A new group of a NeXus class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = np.bytes_(nx_class)
    return group


def put(group: h5py.Group, name: str, value: Any, unit: str = "") -> None:
    """A number or several with their unit, in place of what is there."""
    if name in group:
        del group[name]
    group[name] = np.asarray(value, dtype=np.float64)
    if unit:
        group[name].attrs["units"] = np.bytes_(unit)


def put_link(
    group: h5py.Group,
    name: str,
    value: Any,
    unit: str,
    kind: str,
    vector: Sequence[float],
    depends_on: str,
    offset_mm: Sequence[float] = (0.0, 0.0, 0.0),
) -> str:
    """Write one link of a chain; its path."""
    put(group, name, value, unit)
    node = group[name]
    node.attrs["transformation_type"] = np.bytes_(kind)
    node.attrs["vector"] = np.asarray(vector, dtype=np.float64)
    node.attrs["offset"] = np.asarray(offset_mm, dtype=np.float64)
    node.attrs["offset_units"] = np.bytes_("mm")
    node.attrs["depends_on"] = np.bytes_(depends_on)
    return str(node.name)


def _words(text: str) -> np.bytes_:
    return np.bytes_(text.encode())
