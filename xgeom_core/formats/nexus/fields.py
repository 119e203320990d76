"""Numbers, units and text in NeXus files, read so that damage gives None and never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5.storage import content
from xgeom_core.geometry import FloatArray

# Everything that h5py is known to raise on damaged files.
BROKEN = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)

_MOST_VALUES = 10**6  # a field of more values is no header field


@dataclass(frozen=True, eq=False)
class Field:
    """The finite numbers of a field, and its unit as spelled there ("" if none is stated)."""

    numbers: FloatArray
    unit: str

    @property
    def first(self) -> float:
        """The first number."""
        return float(self.numbers[0])

    @property
    def varies(self) -> bool:
        """Whether the field holds different numbers, as for the frames of a scan."""
        return bool(np.ptp(self.numbers) > 1e-9 * max(1.0, float(np.abs(self.numbers).max())))


def text(value: Any) -> str:
    """A string, bytes or an array of one of them as text; "" for anything else."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\x00 \t\r\n") if isinstance(value, str) else ""


def attribute(node: h5py.HLObject, name: str) -> Any:
    """An attribute, or None if it is absent or damaged."""
    try:
        return node.attrs.get(name)
    except BROKEN:
        return None


def unit_of(node: h5py.HLObject, name: str = "units") -> str:
    """The unit of a field as it is spelled there; "" if none is stated."""
    return text(attribute(node, name))


def child(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """A group or field below a group, or None if it is absent, damaged or in a file that is gone."""
    try:
        found = group.get(name)
    except BROKEN:
        return None
    return found if isinstance(found, h5py.Group | h5py.Dataset) else None


def groups_of_class(parent: h5py.Group, nx_class: str) -> list[h5py.Group]:
    """The groups directly below a group that are of a NeXus class, in the order of their names."""
    try:
        names: Iterable[str] = sorted(parent)[:1000]
    except BROKEN:
        return []
    found = (child(parent, name) for name in names)
    return [
        group
        for group in found
        if isinstance(group, h5py.Group) and text(attribute(group, "NX_class")) == nx_class
    ]


def read_field(group: h5py.Group, *names: str) -> Field | None:
    """The first of the fields that holds finite numbers."""
    for name in names:
        node = child(group, name)
        field = field_of(node) if isinstance(node, h5py.Dataset) else None
        if field is not None:
            return field
    return None


def field_of(node: h5py.Dataset) -> Field | None:
    """The finite numbers of a field and its unit; None if there are none or they cannot be read."""
    try:
        if node.dtype.kind not in "iuf" or not node.size or node.size > _MOST_VALUES:
            return None
        numbers = np.asarray(content(node)).astype(np.float64).ravel()
    except BROKEN:
        return None
    finite = numbers[np.isfinite(numbers)]
    finite = finite[np.abs(finite) < 1e12]
    return Field(finite, unit_of(node) or unit_of(node, "unit")) if finite.size else None


def length_mm(field: Field | None, default: str = "m") -> float | None:
    """The first number of a field as a length in mm; None if its unit is none of length."""
    factor = units.length_factor_mm(field.unit or default) if field is not None else None
    # Twelve digits: scaling must not make up the last ones.
    return float(f"{field.first * factor:.12g}") if field is not None and factor is not None else None


def wavelength_A(entry: h5py.Group, detector: h5py.Group) -> float | None:
    """Wavelength in Å from the beam, the monochromator or a photon energy."""
    places = (
        (entry, "instrument/beam/incident_wavelength", "angstrom"),
        (entry, "sample/beam/incident_wavelength", "angstrom"),
        (entry, "instrument/monochromator/wavelength", "angstrom"),
        (detector, "detectorSpecific/photon_energy", "ev"),
        (detector, "photon_energy", "ev"),
        (entry, "instrument/beam/incident_energy", "ev"),
    )
    for group, name, default in places:
        field = read_field(group, name)
        if field is None:
            continue
        wavelength = units.wavelength_A(field.first, field.unit, default)
        if wavelength is not None:
            return wavelength
    return None
