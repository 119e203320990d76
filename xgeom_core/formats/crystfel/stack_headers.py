"""What a CrystFEL geometry file and the data file that it belongs to state together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.errors import FrameFileError
from xgeom_core.formats import values
from xgeom_core.formats.crystfel import geometry as geom_format
from xgeom_core.formats.crystfel.canvas import Canvas
from xgeom_core.formats.crystfel.data_places import DataPlaces, parse_places
from xgeom_core.formats.crystfel.geom_file import GeomFile, parse_geom
from xgeom_core.formats.crystfel.layout import Panels, lay_out, out_of_order, place
from xgeom_core.formats.hdf5 import plain
from xgeom_core.formats.header import Header
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Metadata

BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises on damaged files."""

_STATED_TILT_DEG = 1e-7


@dataclass(frozen=True, eq=False)
class StackGeometry:
    """A geometry file, read."""

    path: Path
    geom: GeomFile
    places: DataPlaces
    panels: Panels

    @property
    def names(self) -> list[str]:
        """Of its panels."""
        return [panel.name for panel in self.geom.panels]


def read_geom(path: Path) -> StackGeometry:
    """A geometry file with all that it says of data files.

    Raises
    ------
    XgeomError
        If it is no such file, or damaged.
    """
    text = read_text(path)
    geom = parse_geom(text, path)
    return StackGeometry(path, geom, parse_places(text, path), place(geom))


def scattered(geometry: StackGeometry) -> bool:
    """Whether the panels lie in the data otherwise than in space, so that they need putting together."""
    if len({panel.layer for panel in geometry.geom.panels}) > 1:
        return True
    index = lay_out(geometry.panels, geometry.path).index
    return len(geometry.geom.panels) > 1 and out_of_order(geometry.panels, index)


def with_length(file: h5py.File, geometry: StackGeometry) -> StackGeometry:
    """The geometry with a ``clen`` from the data file, where it stands there; mm unless it says m."""
    where = geometry.places.places.get("clen")
    value = _number(file, where[0]) if where is not None else None
    if where is None or value is None:
        return geometry
    factor = 1e3 if where[1] == "m" else 1.0
    warnings = tuple(note for note in geometry.geom.warnings if not note.startswith("clen "))
    geom = replace(geometry.geom, length_mm=value * factor, warnings=warnings)
    return replace(geometry, geom=geom, panels=place(geom))


def _number(file: h5py.File, name: str) -> float | None:
    """The first number of a dataset; None if there is none."""
    try:
        number = float(np.asarray(file[name][(0,) * file[name].ndim]))
    except BROKEN:
        return None
    return number if abs(number) < 1e12 else None


def _wavelength(file: h5py.File, geometry: StackGeometry) -> float | None:
    if geometry.geom.wavelength_A is not None:
        return geometry.geom.wavelength_A
    for key, (where, unit) in geometry.places.places.items():
        value = _number(file, where)
        if key == "clen" or value is None:
            continue
        if key == "electron_voltage":
            return values.wavelength_of_electron(value * (1e3 if unit == "kV" else 1.0))
        if key == "photon_energy":
            return units.wavelength_A(units.positive(value), unit or "eV")
        return units.wavelength_A(units.positive(value), unit or "m")
    return None


def stated_header(file: h5py.File, path: str, name: str, geometry: StackGeometry, canvas: Canvas) -> Header:
    """What both files state: the geometry file is believed before the data file."""
    try:
        beside_images = plain.open_plain(file, path, name).metadata
    except (FrameFileError, *BROKEN):
        beside_images = Metadata()
    geom, layout = geometry.geom, canvas.layout
    distance = geom_format.distance_of(geom, geom.panels[layout.index], layout, Hints())
    distance = units.positive(distance)
    known = distance or beside_images.distance_mm
    tilted = layout.geometry(known or 1.0)
    tilt = (tilted.pitch_deg, tilted.yaw_deg)
    most = [panel.most for panel in geometry.places.panels if panel.most is not None]
    metadata = replace(
        beside_images,
        distance_mm=known,
        distance_along="beam" if distance else beside_images.distance_along,
        wavelength_A=_wavelength(file, geometry) or beside_images.wavelength_A,
        pixel_mm=layout.pixel_mm,
        center_px=layout.center_px,
        tilt_deg=tilt if max(map(abs, tilt)) > _STATED_TILT_DEG else None,
        center_convention=geom_format.CONVENTION,
        saturation=min(most, default=None),
        panels=canvas.places if distance else (),
        choices=(),
        verdicts=(),
    )
    notes = [note for note in geom.warnings if not (known and note.startswith("clen "))]
    if layout.staggered:
        notes.append(f"The panels stand up to {layout.off_plane_mm:.2f} mm off a common plane.")
    return Header(metadata, tuple(notes), geom_format.native_of(geom, geom.panels[layout.index]))
