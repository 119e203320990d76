"""Transformation chains of NeXus: where a detector module stands, from its ``depends_on``.

Each link turns about its ``vector`` or moves along it by its value, and adds its ``offset``; what depends
on it is carried along, so that a position is ``A_n ... A_1 x`` with the detector's own link first.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5.storage import content
from xgeom_core.formats.nexus import fields as nexus
from xgeom_core.formats.panels import Panel
from xgeom_core.formats.planes import Plane, image_size
from xgeom_core.geometry import FloatArray

_LONGEST = 64
_MOST_MM = 1e6


class IncompleteChainError(Exception):
    """The chain cannot be followed; its message says why. Never reaches the user as such."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The sum of a chain: ``x -> rotation x + shift`` in mm.

    Parameters
    ----------
    paths : tuple of str
        The links, from the detector outwards.
    varying : tuple of str
        Those links that hold more than one value; the first is used.
    """

    rotation: FloatArray
    shift: FloatArray
    paths: tuple[str, ...]
    varying: tuple[str, ...]


def module_panel(module: h5py.Group, index: int) -> tuple[Panel, Chain]:
    """A detector module as a panel in the frame of NeXus (z along the beam, y up), and its chain.

    Raises
    ------
    IncompleteChainError
        If a direction, a unit or a link is missing.
    """
    fast, slow = _pixel_direction(module, "fast"), _pixel_direction(module, "slow")
    start = _start(module, fast)
    chain = follow(module.file, start)
    slow_start = _link(slow, nexus.text(nexus.attribute(slow, "depends_on")))
    slow_chain = chain if slow_start in ("", start) else follow(module.file, slow_start)
    first = _offset(fast, "fast_pixel_direction")
    if first is None:
        first = _offset(slow, "slow_pixel_direction")
    origin = chain.shift if first is None else chain.rotation @ first + chain.shift
    pixel = _pixel_mm(fast), _pixel_mm(slow)
    axes = chain.rotation @ _vector(fast), slow_chain.rotation @ _vector(slow)
    if abs(float(axes[0] @ axes[1])) > 1e-3:
        raise IncompleteChainError("its fast and slow directions are not at right angles")
    if np.abs(origin).max() > _MOST_MM:
        raise IncompleteChainError("it leads more than a kilometer away")
    sizes, starts = _pair(module, "data_size"), _pair(module, "data_origin")
    panel = Panel(index, Plane(origin, *axes, pixel), image_size(sizes), starts or (0.0, 0.0))
    return panel, chain


def follow(file: h5py.File, path: str) -> Chain:
    """The sum of the chain that starts at a path.

    Raises
    ------
    IncompleteChainError
        If a link is missing or damaged, or the chain runs in a circle.
    """
    rotation, shift = np.eye(3), np.zeros(3)
    paths: list[str] = []
    varying: list[str] = []
    while path not in ("", "."):
        if path in paths or len(paths) >= _LONGEST:
            raise IncompleteChainError(f"its chain runs in a circle at {path[-100:]}")
        node = nexus.child(file, path)
        if not isinstance(node, h5py.Dataset):
            raise IncompleteChainError(f"{path[-100:]} is missing")
        turn, move, varies = _one(node, path)
        rotation, shift = turn @ rotation, turn @ shift + move
        paths.append(path)
        varying += [path] if varies else []
        path = _link(node, nexus.text(nexus.attribute(node, "depends_on")))
    return Chain(rotation, shift, tuple(paths), tuple(varying))


def _one(node: h5py.Dataset, path: str) -> tuple[FloatArray, FloatArray, bool]:
    """Rotation and shift of one link, and whether it holds several values."""
    field = nexus.field_of(node)
    if field is None:
        raise IncompleteChainError(f"{path} holds no number")
    offset = _offset(node, path)
    move = np.zeros(3) if offset is None else offset
    kind = nexus.text(nexus.attribute(node, "transformation_type")).lower()
    # A link of value 0 needs no direction; Dectris leaves it out at times.
    axis = _vector(node) if field.first != 0 else np.zeros(3)
    if kind == "translation":
        factor = units.length_factor_mm(field.unit or "m")
        if factor is None or abs(field.first * factor) > _MOST_MM:
            raise IncompleteChainError(
                f"{path} is no length in a known unit ({field.first:g} {field.unit[:20]})"
            )
        return np.eye(3), move + axis * field.first * factor, field.varies
    if kind == "rotation":
        factor = units.angle_factor_deg(field.unit or "deg")
        if factor is None or abs(field.first) > 1e6:
            raise IncompleteChainError(
                f"{path} is no angle in a known unit ({field.first:g} {field.unit[:20]})"
            )
        return _turn(axis, np.radians(field.first * factor)), move, field.varies
    raise IncompleteChainError(f"{path} is neither a rotation nor a translation")


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation matrix about a unit vector (Rodrigues)."""
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))


def _pixel_direction(module: h5py.Group, which: str) -> h5py.Dataset:
    node = nexus.child(module, f"{which}_pixel_direction")
    if not isinstance(node, h5py.Dataset):
        raise IncompleteChainError(f"{which}_pixel_direction is missing")
    return node


def _pixel_mm(node: h5py.Dataset) -> float:
    length = nexus.length_mm(nexus.field_of(node))
    if length is None or not 1e-6 <= length <= 1e3:
        raise IncompleteChainError("its pixel directions do not hold the size of a pixel")
    return length


def _start(module: h5py.Group, fast: h5py.Dataset) -> str:
    """Where the chain of a module starts.

    Some files of Eiger detectors end the chain at the pixel directions though an offset follows.
    """
    start = nexus.text(nexus.attribute(fast, "depends_on"))
    if start not in ("", "."):
        return _link(fast, start)
    offset = nexus.child(module, "module_offset")
    if isinstance(offset, h5py.Dataset):
        return str(offset.name)
    detector = nexus.child(module.parent, "depends_on")
    value = content(detector) if isinstance(detector, h5py.Dataset) and detector.size == 1 else ""
    return (
        posixpath.normpath(posixpath.join(str(module.parent.name), nexus.text(value) or ".")) if value else ""
    )


def _link(node: h5py.Dataset, target: str) -> str:
    """An absolute path; ``depends_on`` may be relative to the group it stands in."""
    if target in ("", "."):
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(str(node.name)), target))


def _vector(node: h5py.Dataset) -> FloatArray:
    found = _three(node, "vector")
    length = float(np.linalg.norm(found)) if found is not None else 0.0
    if found is None or length < 1e-6:
        raise IncompleteChainError(f"{node.name} has no vector")
    return np.asarray(found / length)


def _offset(node: h5py.Dataset, path: str) -> FloatArray | None:
    """The offset of a link in mm, None where it has none."""
    found = _three(node, "offset")
    if found is None or not found.any():
        return None if found is None else np.zeros(3)
    unit = nexus.unit_of(node, "offset_units") or nexus.unit_of(node)
    factor = units.length_factor_mm(unit or "m")
    if factor is None:
        raise IncompleteChainError(f"the offset of {path} has no unit of length")
    return np.asarray(found * factor)


def _three(node: h5py.Dataset, name: str) -> FloatArray | None:
    value = np.asarray(nexus.attribute(node, name))
    if value.dtype.kind not in "iuf":
        return None
    found = value.astype(np.float64).ravel()
    return (
        found if found.shape == (3,) and np.isfinite(found).all() and np.abs(found).max() < _MOST_MM else None
    )


def _pair(module: h5py.Group, name: str) -> tuple[float, float] | None:
    """The last two numbers of a field, which are (slow, fast), as (fast, slow)."""
    field = nexus.read_field(module, name)
    return (float(field.numbers[-1]), float(field.numbers[-2])) if field and field.numbers.size >= 2 else None
