"""A geometry as NXmx: a small file of its own, or a moved copy of a file that holds no images."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np

from xgeom_core.errors import FrameFileError, UsageError
from xgeom_core.formats import planes
from xgeom_core.formats.format import Writing
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.nexus.chain import IncompleteChainError, module_panel
from xgeom_core.formats.nexus.header import BEAM
from xgeom_core.formats.nexus.layout import modules_of
from xgeom_core.formats.nexus.writing import (
    group_of,
    put_link,
    write_chain,
    write_entry,
    write_fields,
)
from xgeom_core.formats.panels import in_panel, panel_in_beam
from xgeom_core.formats.planes import RigidMove
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.system.safe_files import replacing

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
                    write_entry(file, _metadata(writing.geometry), writing.image_size, 1)
            else:
                _copy(writing.template, partial)
                with h5py.File(partial, "r+") as file:
                    _move(file, writing)
    except fields.BROKEN as error:
        raise FrameFileError(
            f"{path} cannot be written ({str(error)[:100]}): choose another place or template."
        ) from error


def _metadata(geometry: Geometry) -> Metadata:
    return Metadata(
        geometry.distance_mm,
        geometry.wavelength_A,
        geometry.pixel_mm,
        geometry.center_px,
        (geometry.pitch_deg, geometry.yaw_deg),
    )


def _copy(template: Path, partial: Path) -> None:
    if not template.is_file():
        raise UsageError(f"{template} is not there; give an NXmx file as the template.")
    if template.stat().st_size > _LARGEST_TEMPLATE:
        raise UsageError(
            f"{template} holds images ({template.stat().st_size / 2**20:.0f} MiB); give a master file "
            "without them, or no template."
        )
    shutil.copyfile(template, partial)


def _move(file: h5py.File, writing: Writing) -> None:
    """Move the detector of a copy as a whole: two links more at the outer end of its chain."""
    detector, entry = fields.subgroup(file, _DETECTOR), fields.subgroup(file, "entry")
    if detector is None or entry is None:
        raise UsageError(f"{writing.template} has no {_DETECTOR}; give an NXmx file as the template.")
    modules = modules_of(detector)
    try:
        both = [module_panel(module, index) for index, module in enumerate(modules)]
    except IncompleteChainError:
        both = []
    wanted = writing.geometry
    write_fields(entry, detector, _metadata(wanted))
    if not both:
        for name in ("transformations", "module"):
            if name in detector:
                del detector[name]
        write_chain(detector, _metadata(wanted), writing.image_size)
        return
    panels = [panel for panel, _ in both]
    panel, _ = panel_in_beam(panels, BEAM)
    for have, want in zip(panel.plane.pixel_mm, wanted.pixel_mm, strict=True):
        if abs(have - want) > _PIXEL_TOLERANCE * want:
            raise UsageError(
                f"{writing.template} has pixels of {have:g} mm, the geometry to be written has {want:g} mm: "
                "give a template of the same detector."
            )
    move = planes.move_to(panel.plane, BEAM, wanted, in_panel(panels, panel, wanted.center_px))
    outer = _write_move(detector, move)
    for end in sorted({chain.paths[-1] for _, chain in both if chain.paths}):
        file[end].attrs["depends_on"] = np.bytes_(outer)
    for module, (_, chain) in zip(modules, both, strict=True):
        for name in ("fast_pixel_direction", "slow_pixel_direction"):
            if not chain.paths:  # the module stood in the lab frame itself
                module[name].attrs["depends_on"] = np.bytes_(outer)


def _write_move(detector: h5py.Group, move: RigidMove) -> str:
    """Write a move as a translation and a rotation that depends on it; the path of the rotation."""
    from scipy.spatial.transform import Rotation  # noqa: PLC0415 - slow to import, and reading needs it not

    chain = fields.subgroup(detector, "transformations")
    if chain is None:
        chain = group_of(detector, "transformations", "NXtransformations")
    # A copy of a copy has such links already, and the chain still runs through them.
    count = sum(name.startswith("xgeom_rotation") for name in chain)
    suffix = f"_{count + 1}" if count else ""
    shift = tuple(float(value) for value in move.shift)
    moved = put_link(chain, f"xgeom_translation{suffix}", 0.0, "mm", "translation", (1, 0, 0), ".", shift)
    turn = Rotation.from_matrix(move.rotation).as_rotvec(degrees=True)
    angle = float(np.linalg.norm(turn))
    axis = turn / angle if angle > 0 else np.array([0.0, 0.0, 1.0])
    return put_link(chain, f"xgeom_rotation{suffix}", angle, "deg", "rotation", tuple(axis.tolist()), moved)
