"""Writing a geometry as NXmx: a small file of its own, or a moved copy of a file that holds no images.

This project's lab frame (x fast, y slow and down, z along the beam) and that of NeXus (y up, z along the
beam) differ by half a turn about z.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np

from xgeom_core.errors import FrameFileError, UsageError
from xgeom_core.formats import planes
from xgeom_core.formats.format import Writing
from xgeom_core.formats.nexus import fields as nexus
from xgeom_core.formats.nexus.chain import IncompleteChainError, module_panel
from xgeom_core.formats.panels import in_panel, panel_in_beam
from xgeom_core.formats.planes import RigidMove
from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.system.safe_files import replacing

_BEAM = np.array([0.0, 0.0, 1.0])
_DETECTOR = "/entry/instrument/detector"
_LARGEST_TEMPLATE = 256 * 2**20
_PIXEL_TOLERANCE = 1e-3


def write_file(writing: Writing, path: Path) -> None:
    """Write a geometry as HDF5 at a path that does not exist yet.

    Raises
    ------
    UsageError
        If the path exists, or the template does not fit.
    FrameFileError
        If the file cannot be written or the template cannot be read.
    """
    if path.exists():
        raise UsageError(f"{path} exists; a geometry is written to a new file only.")
    try:
        with replacing(path) as partial:
            if writing.template is None:
                with h5py.File(partial, "w") as file:
                    _fresh(file, writing)
            else:
                _copy(writing.template, partial)
                with h5py.File(partial, "r+") as file:
                    _move(file, writing)
    except nexus.BROKEN as error:
        raise FrameFileError(
            f"{path} cannot be written ({str(error)[:100]}): choose another place or template."
        ) from error


def _copy(template: Path, partial: Path) -> None:
    if not template.is_file():
        raise UsageError(f"{template} is not there; give an NXmx file as the template.")
    if template.stat().st_size > _LARGEST_TEMPLATE:
        raise UsageError(
            f"{template} holds images ({template.stat().st_size / 2**20:.0f} MiB); give a master file "
            "without them, or no template."
        )
    shutil.copyfile(template, partial)


def _fresh(file: h5py.File, writing: Writing) -> None:
    # Strings of fixed length, as Dectris writes them: programs in C read those most easily.
    entry = _group(file, "entry", "NXentry")
    file.attrs["default"] = np.bytes_("entry")
    entry["definition"] = np.bytes_("NXmx")
    instrument = _group(entry, "instrument", "NXinstrument")
    detector = _group(instrument, "detector", "NXdetector")
    _write_fields(entry, detector, writing.geometry)
    _write_chain(detector, writing)


def _write_fields(entry: h5py.Group, detector: h5py.Group, geometry: Geometry) -> None:
    """The plain fields, for programs that look at nothing else."""
    for axis, center, pixel in zip("xy", geometry.center_px, geometry.pixel_mm, strict=True):
        _number(detector, f"beam_center_{axis}", center, "pixel")
        _number(detector, f"{axis}_pixel_size", pixel / 1e3, "m")
    _number(detector, "distance", geometry.distance_mm / 1e3, "m")
    _number(detector, "detector_distance", geometry.distance_mm / 1e3, "m")
    if geometry.wavelength_A is not None:
        instrument = detector.parent
        beam = nexus.child(instrument, "beam")
        if not isinstance(beam, h5py.Group):
            beam = _group(instrument, "beam", "NXbeam")
        _number(beam, "incident_wavelength", geometry.wavelength_A, "angstrom")


def _write_chain(detector: h5py.Group, writing: Writing) -> None:
    """Distance, yaw about the fixed vertical, pitch, then the module: the tilt pivots on the beam."""
    geometry = writing.geometry
    chain = _group(detector, "transformations", "NXtransformations")
    z = _link(chain, "distance", geometry.distance_mm, "mm", "translation", (0, 0, 1), ".")
    yaw = _link(chain, "yaw", geometry.yaw_deg, "deg", "rotation", (0, -1, 0), z)
    pitch = _link(chain, "pitch", geometry.pitch_deg, "deg", "rotation", (-1, 0, 0), yaw)
    if "depends_on" in detector:
        del detector["depends_on"]
    detector["depends_on"] = np.bytes_(pitch)
    module = _group(detector, "module", "NXdetector_module")
    module["data_origin"] = np.array([0, 0])
    module["data_size"] = np.array(writing.image_size[::-1])
    across = [center * pixel for center, pixel in zip(geometry.center_px, geometry.pixel_mm, strict=True)]
    corner = _link(
        module, "module_offset", 0.0, "mm", "translation", (1, 0, 0), pitch, (across[0], across[1], 0)
    )
    fast, slow = geometry.pixel_mm
    _link(module, "fast_pixel_direction", fast, "mm", "translation", (-1, 0, 0), corner)
    _link(module, "slow_pixel_direction", slow, "mm", "translation", (0, -1, 0), corner)


def _move(file: h5py.File, writing: Writing) -> None:
    """Move the detector of a copy as a whole: two links more at the outer end of its chain."""
    detector = nexus.child(file, _DETECTOR)
    entry = nexus.child(file, "entry")
    if not isinstance(detector, h5py.Group) or not isinstance(entry, h5py.Group):
        raise UsageError(f"{writing.template} has no {_DETECTOR}; give an NXmx file as the template.")
    modules = nexus.groups_of_class(detector, "NXdetector_module")
    try:
        both = [module_panel(module, index) for index, module in enumerate(modules)]
    except IncompleteChainError:
        both = []
    if not both:
        for name in ("transformations", "module"):
            if name in detector:
                del detector[name]
        _write_fields(entry, detector, writing.geometry)
        _write_chain(detector, writing)
        return
    panels = [panel for panel, _ in both]
    panel, _ = panel_in_beam(panels, _BEAM)
    for have, want in zip(panel.plane.pixel_mm, writing.geometry.pixel_mm, strict=True):
        if abs(have - want) > _PIXEL_TOLERANCE * want:
            raise UsageError(
                f"{writing.template} has pixels of {have:g} mm, the geometry to be written has {want:g} mm: "
                "give a template of the same detector."
            )
    wanted = writing.geometry
    move = planes.move_to(panel.plane, _BEAM, wanted, in_panel(panels, panel, wanted.center_px))
    _write_fields(entry, detector, wanted)
    outer = _write_move(detector, move)
    for end in sorted({chain.paths[-1] for _, chain in both if chain.paths}):
        file[end].attrs["depends_on"] = np.bytes_(outer)
    for module, (_, chain) in zip(modules, both, strict=True):
        for name in ("fast_pixel_direction", "slow_pixel_direction"):
            if not chain.paths:  # the module stood in the lab frame itself
                module[name].attrs["depends_on"] = np.bytes_(outer)


def _write_move(detector: h5py.Group, move: RigidMove) -> str:
    """Write a move as a translation and a rotation that depends on it; the path of the rotation."""
    chain = nexus.child(detector, "transformations")
    if not isinstance(chain, h5py.Group):
        chain = _group(detector, "transformations", "NXtransformations")
    # A copy of a copy has such links already, and the chain still runs through them.
    count = sum(name.startswith("xgeom_rotation") for name in chain)
    suffix = f"_{count + 1}" if count else ""
    shift = tuple(float(value) for value in move.shift)
    moved = _link(chain, f"xgeom_translation{suffix}", 0.0, "mm", "translation", (1, 0, 0), ".", shift)
    axis, angle = _axis_angle(move.rotation)
    return _link(chain, f"xgeom_rotation{suffix}", angle, "deg", "rotation", tuple(axis.tolist()), moved)


def _axis_angle(rotation: FloatArray) -> tuple[FloatArray, float]:
    """Unit axis and angle in degrees of a rotation matrix."""
    twice = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    sine = float(np.linalg.norm(twice)) / 2.0
    cosine = (float(np.trace(rotation)) - 1.0) / 2.0
    if sine > 1e-9:
        return twice / (2.0 * sine), float(np.degrees(np.arctan2(sine, cosine)))
    if cosine > 0:
        return np.array([0.0, 0.0, 1.0]), 0.0
    # Half a turn: the axis is the longest column of R + 1.
    columns = rotation + np.eye(3)
    axis = columns[:, int(np.argmax(np.linalg.norm(columns, axis=0)))]
    return axis / np.linalg.norm(axis), 180.0


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = np.bytes_(nx_class)
    return group


def _number(group: h5py.Group, name: str, value: float, unit: str) -> None:
    if name in group:
        del group[name]
    group[name] = float(value)
    group[name].attrs["units"] = np.bytes_(unit)


def _link(
    group: h5py.Group,
    name: str,
    value: float,
    unit: str,
    kind: str,
    vector: tuple[float, ...],
    depends_on: str,
    offset_mm: tuple[float, ...] = (0.0, 0.0, 0.0),
) -> str:
    """Write one link of the chain; its path."""
    _number(group, name, value, unit)
    node = group[name]
    node.attrs["transformation_type"] = np.bytes_(kind)
    node.attrs["vector"] = np.asarray(vector, dtype=np.float64)
    node.attrs["offset"] = np.asarray(offset_mm, dtype=np.float64)
    node.attrs["offset_units"] = np.bytes_("mm")
    node.attrs["depends_on"] = np.bytes_(depends_on)
    return str(node.name)
