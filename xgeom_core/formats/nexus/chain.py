"""Transformation chains of NeXus: where a detector module stands, from its ``depends_on``.

Each link turns about its ``vector`` or moves along it by its value, and adds its ``offset``; what depends
on it is carried along, so that a position is ``A_n ... A_1 x`` with the detector's own link first.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.panels import Panel
from xgeom_core.formats.planes import Plane, image_size
from xgeom_core.geometry import FloatArray
from xgeom_core.system.text import visible

_LONGEST = 64
_MOST_MM = 1e6


class IncompleteChainError(Exception):
    """The chain cannot be followed; its message says why. Never reaches the user as such."""

    def __init__(self, why: str) -> None:
        # Names of links come from the file.
        super().__init__(visible(why))


@dataclass(frozen=True, eq=False)
class Link:
    """One link: ``x -> turn x + move`` in mm, and whether it holds several values, of which the first counts.

    Parameters
    ----------
    vector : ndarray, shape (3,) or None
        Unit vector of a rotation; None for a translation.
    """

    path: str
    turn: FloatArray
    move: FloatArray
    varies: bool
    vector: FloatArray | None


@dataclass(frozen=True, eq=False)
class Chain:
    """The sum of a chain: ``x -> rotation x + shift`` in mm.

    Parameters
    ----------
    paths : tuple of str
        The links, from the detector outwards.
    varying : tuple of str
        Those links that hold more than one value; the first is used.
    turns : bool
        Whether any link is a rotation, be it by 0.
    """

    rotation: FloatArray
    shift: FloatArray
    paths: tuple[str, ...]
    varying: tuple[str, ...]
    turns: bool


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
    slow_start = _next(slow)
    slow_chain = chain if slow_start in ("", start) else follow(module.file, slow_start)
    first = _offset(fast)
    if first is None:
        first = _offset(slow)
    origin = chain.shift if first is None else chain.rotation @ first + chain.shift
    axes = chain.rotation @ _vector(fast), slow_chain.rotation @ _vector(slow)
    if abs(float(axes[0] @ axes[1])) > 1e-3:
        raise IncompleteChainError("its fast and slow directions are not at right angles")
    if np.abs(origin).max() > _MOST_MM:
        raise IncompleteChainError("it leads more than a kilometer away")
    plane = Plane(origin, *axes, (_pixel_mm(fast), _pixel_mm(slow)))
    sizes, starts = _pair(module, "data_size"), _pair(module, "data_origin")
    return Panel(index, plane, image_size(sizes), starts or (0.0, 0.0)), chain


def follow(file: h5py.File, path: str) -> Chain:
    """The sum of the chain that starts at a path; errors as `links_of`."""
    rotation, shift = np.eye(3), np.zeros(3)
    found = list(links_of(file, path))
    for link in found:
        rotation, shift = link.turn @ rotation, link.turn @ shift + link.move
    return Chain(
        rotation,
        shift,
        tuple(link.path for link in found),
        tuple(link.path for link in found if link.varies),
        any(link.vector is not None for link in found),
    )


def links_of(file: h5py.File, path: str) -> Iterator[Link]:
    """The links of the chain that starts at a path, outwards.

    Raises
    ------
    IncompleteChainError
        If a link is missing or damaged, or the chain runs in a circle.
    """
    seen: set[str] = set()
    while path:
        if path in seen or len(seen) >= _LONGEST:
            raise IncompleteChainError(f"its chain runs in a circle at {path[-100:]}")
        node = fields.dataset(file, path)
        if node is None:
            raise IncompleteChainError(f"{path[-100:]} is missing")
        seen.add(path)
        yield _link(node, path)
        path = _next(node)


def depends_on(group: h5py.Group) -> str:
    """Where the chain of a detector or a sample starts, as an absolute path; "" where none is named."""
    return _absolute(str(group.name), fields.read_text(group, "depends_on"))


def _link(node: h5py.Dataset, path: str) -> Link:
    field = fields.field_of(node)
    if field is None:
        raise IncompleteChainError(f"{path} holds no number")
    offset = _offset(node)
    move = np.zeros(3) if offset is None else offset
    kind = _word(node, "transformation_type").lower()
    factors = {
        "translation": units.length_factor_mm(field.unit or "m"),
        "rotation": units.angle_factor_deg(field.unit or "deg"),
    }
    if kind not in factors:
        raise IncompleteChainError(f"{path} is neither a rotation nor a translation")
    factor = factors[kind]
    if factor is None or abs(field.first * factor) > _MOST_MM:
        what = "length" if kind == "translation" else "angle"
        raise IncompleteChainError(f"{path} is no {what} in a known unit ({field.first:g} {field.unit[:20]})")
    # A link of value 0 needs no direction; Dectris leaves it out at times.
    axis = _vector(node) if field.first != 0 else _direction(node)
    if kind == "translation":
        return Link(path, np.eye(3), move + axis * field.first * factor, field.varies, None)
    return Link(path, _turn(axis, np.radians(field.first * factor)), move, field.varies, axis)


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation matrix about a unit vector (Rodrigues)."""
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))


def _pixel_direction(module: h5py.Group, which: str) -> h5py.Dataset:
    node = fields.dataset(module, f"{which}_pixel_direction")
    if node is None:
        raise IncompleteChainError(f"{which}_pixel_direction is missing")
    return node


def _pixel_mm(node: h5py.Dataset) -> float:
    length = fields.length_mm(fields.field_of(node))
    if length is None or not 1e-6 <= length <= 1e3:
        raise IncompleteChainError("its pixel directions do not hold the size of a pixel")
    return length


def _start(module: h5py.Group, fast: h5py.Dataset) -> str:
    """Where the chain of a module starts.

    Some files of Eiger detectors end the chain at the pixel directions though an offset follows.
    """
    offset = fields.dataset(module, "module_offset")
    return _next(fast) or (str(offset.name) if offset is not None else depends_on(module.parent))


def _next(node: h5py.Dataset) -> str:
    """The link that this one depends on, as an absolute path; "" for the last."""
    return _absolute(posixpath.dirname(str(node.name)), _word(node, "depends_on"))


def _absolute(group: str, target: str) -> str:
    """``depends_on`` may be relative to the group it stands in."""
    return "" if target in ("", ".") else posixpath.normpath(posixpath.join(group, target))


def _word(node: h5py.HLObject, name: str) -> str:
    return fields.text(fields.attribute(node, name))


def _vector(node: h5py.Dataset) -> FloatArray:
    found = _direction(node)
    if not found.any():
        raise IncompleteChainError(f"{node.name} has no vector")
    return found


def _direction(node: h5py.Dataset) -> FloatArray:
    """The unit vector of a link; zeros where it has none."""
    found = _three(node, "vector")
    length = float(np.linalg.norm(found)) if found is not None else 0.0
    return np.zeros(3) if found is None or length < 1e-6 else found / length


def _offset(node: h5py.Dataset) -> FloatArray | None:
    """The offset of a link in mm, None where it has none."""
    found = _three(node, "offset")
    if found is None or not found.any():
        return found
    factor = units.length_factor_mm(_word(node, "offset_units") or _word(node, "units") or "m")
    if factor is None:
        raise IncompleteChainError(f"the offset of {node.name} has no unit of length")
    return np.asarray(found * factor)


def _three(node: h5py.Dataset, name: str) -> FloatArray | None:
    """Three numbers of an attribute; None if there are not three of sensible size."""
    found = fields.field_from(fields.attribute(node, name))
    if found is None or found.numbers.shape != (3,) or np.abs(found.numbers).max() >= _MOST_MM:
        return None
    return found.numbers


def _pair(module: h5py.Group, name: str) -> tuple[float, float] | None:
    """The last two numbers of a field, which are (slow, fast), as (fast, slow)."""
    field = fields.read_field(module, name)
    return (float(field.numbers[-1]), float(field.numbers[-2])) if field and field.numbers.size >= 2 else None
