"""Groups, numbers, units and text in HDF5 files, read so that damage gives None and never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5.storage import content
from xgeom_core.geometry import FloatArray

# Everything that h5py is known to raise on damaged files.
BROKEN = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)

_MOST_VALUES = 10**6  # a field of more values is no header field
_MOST_MEMBERS = 1000


@dataclass(frozen=True, eq=False)
class Field:
    """The finite numbers of a field, and its unit as spelled there ("" if none is stated)."""

    numbers: FloatArray
    unit: str = ""

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


def child(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """A group or dataset below a group, or None if it is absent, damaged or in a file that is gone."""
    try:
        found = group.get(name)
    except BROKEN:
        return None
    return found if isinstance(found, h5py.Group | h5py.Dataset) else None


def subgroup(group: h5py.Group, name: str) -> h5py.Group | None:
    """The group of that name, or None."""
    found = child(group, name)
    return found if isinstance(found, h5py.Group) else None


def dataset(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """The dataset of that name, or None."""
    found = child(group, name)
    return found if isinstance(found, h5py.Dataset) else None


def subgroups(group: h5py.Group) -> Iterator[h5py.Group]:
    """The groups directly below a group, in the order of their names."""
    try:
        names = sorted(islice(group, _MOST_MEMBERS))
    except BROKEN:
        return
    for name in names:
        found = subgroup(group, name)
        if found is not None:
            yield found


def groups_of_class(parent: h5py.Group, *nx_class: str) -> list[h5py.Group]:
    """The groups directly below a group that are of a NeXus class, in the order of their names."""
    return [group for group in subgroups(parent) if text(attribute(group, "NX_class")) in nx_class]


def read_text(group: h5py.Group, *names: str) -> str:
    """The first of the datasets that holds words."""
    for name in names:
        node = dataset(group, name)
        try:
            words = (
                text(content(node)) if node is not None and node.size and node.size <= _MOST_VALUES else ""
            )
        except BROKEN:
            words = ""
        if words:
            return words
    return ""


def read_field(group: h5py.Group, *names: str) -> Field | None:
    """The first of the datasets that holds finite numbers."""
    for name in names:
        node = dataset(group, name)
        field = field_of(node) if node is not None else None
        if field is not None:
            return field
    return None


def field_of(node: h5py.Dataset) -> Field | None:
    """The finite numbers of a dataset and its unit; None if there are none or they cannot be read."""
    try:
        if node.dtype.kind not in "iuf" or not node.size or node.size > _MOST_VALUES:
            return None
        unit = text(attribute(node, "units")) or text(attribute(node, "unit"))
        return field_from(content(node), unit)
    except BROKEN:
        return None


def field_from(value: Any, unit: str = "") -> Field | None:
    """The finite numbers of a value; None if it holds none."""
    try:
        stated = np.asarray(value)
        numbers = stated.astype(np.float64).ravel() if stated.dtype.kind in "iuf" else np.zeros(0)
    except BROKEN:
        return None
    finite = numbers[np.isfinite(numbers)]
    finite = finite[np.abs(finite) < 1e12]
    return Field(finite, unit) if finite.size else None


def number(node: h5py.HLObject, name: str) -> float | None:
    """The first number of an attribute; None if there is none."""
    found = field_from(attribute(node, name))
    return found.first if found is not None else None


def length_mm(field: Field | None, default: str = "m") -> float | None:
    """The first number of a field as a length in mm; None if it is not positive or its unit no length."""
    return units.length_mm(field.first, field.unit, default) if field is not None else None
