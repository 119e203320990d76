"""NXmx, NXsas and Dectris files (HDF5) as a format: what they state, read once for frames and comparisons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.format import Format
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5.fields import BROKEN
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import readings
from xgeom_core.formats.nexus import layout
from xgeom_core.formats.nexus.header import headers_of
from xgeom_core.formats.nexus.images import open_nxmx
from xgeom_core.formats.nexus.moving import write_file
from xgeom_core.formats.reading import Hints, Reading

NAME = "NXmx"
_LACKING = "neither a transformation chain nor beam_center_x and beam_center_y in a group of class NXdetector"


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is HDF5 with an NXdetector, or something laid out like one, in it."""
    if not head.startswith(hdf5.MAGIC):
        return False
    try:
        with h5py.File(path, "r", locking=False) as file:
            return bool(layout.detectors(file))
    except BROKEN:
        return False


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the file states of the detector of its images; errors as `read`."""
    return next(iter(_all(path, hints).values()), [])


def read(path: Path, hints: Hints) -> list[Reading]:
    """The geometry of each detector in the file: as judged, and the other parts that state another center.

    Raises
    ------
    UnreadableFileError
        If the file is no HDF5 or damaged.
    MissingDatasetError
        If it states no beam center.
    """
    detectors = _all(path, hints)
    found: list[Reading] = []
    problem = MissingDatasetError(f"{path} states no beam center: it has no group of class NXdetector.")
    for name, parts in detectors.items():
        here = f"{name}, " if len(detectors) > 1 else ""
        try:
            for one in readings(NAME, path, parts, hints, _LACKING):
                found.append(replace(one, where=f"{here}{one.where}".removesuffix(", ")))
        except MissingDatasetError as error:
            problem = error
    if not found:
        raise problem
    return found


def _all(path: Path, hints: Hints) -> dict[str, list[Header]]:
    """Headers of each detector by its name, that of the images first."""
    with hdf5.told(str(path)), hdf5.open_file(str(path)) as file:
        entry = layout.find_entry(file)
        first = layout.detector_of(entry, "") if entry is not None else None
        pairs = sorted(layout.detectors(file), key=lambda pair: pair[1] != first)
        return {
            str(detector.name): headers_of(
                entry, detector, layout.image_size(entry, detector) or hints.image_size, hints.pixel_mm
            )
            for entry, detector in pairs
        }


FORMAT = Format(
    name=NAME,
    key="nxmx",
    suffixes=(".nxs", "_master.h5", ".h5"),
    recognizes=recognizes,
    read=read,
    write=None,
    convention=(
        "The transformation chain states the place of the first pixel in mm; beam_center_x/y states the "
        "beam in px. The standard does not say whether pixels count from corner or center of the first one: "
        "the corner is taken."
    ),
    write_file=write_file,
    open_frames=hdf5.opener(open_nxmx),
    fields=(
        FieldNote(
            "beam_center_x", "center_px", "px, or a length with its unit; from the corner, +0.5 is offered"
        ),
        FieldNote(
            "beam_center_y", "center_px", "px, or a length with its unit; from the corner, +0.5 is offered"
        ),
        FieldNote("x_pixel_size", "pixel_mm", "m unless a unit is stated"),
        FieldNote("y_pixel_size", "pixel_mm", "m unless a unit is stated"),
        FieldNote("distance", "distance_mm", "m unless a unit is stated; also detector_distance"),
        FieldNote("depends_on", "tilt_deg", "chain of transformations: center, distance, tilt, panels"),
        FieldNote(
            "goniometer/two_theta", "tilt_deg", "degrees; positive is a positive yaw; moves the center"
        ),
        FieldNote("sensor_material", "sensor_material", "Si, CdTe, ..."),
        FieldNote("sensor_thickness", "sensor_mm", "m unless a unit is stated"),
        FieldNote("saturation_value", "saturation", "counts; also countrate_correction_count_cutoff"),
        FieldNote("description", "detector", "words"),
        FieldNote(
            "incident_wavelength", "wavelength_A", "Å unless a unit is stated; also monochromators, energies"
        ),
        FieldNote("incident_polarization_stokes", "polarization", "Stokes parameters; (1 + Q/I) / 2"),
        FieldNote(
            "omega", "rotation", "degrees, of the sample's chain or goniometer; omega_increment, omega_end"
        ),
        FieldNote("title", "title", "words; also experiment_description and the sample's name"),
    ),
)
