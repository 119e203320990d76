"""The geometry in a full imgCIF header: axes with vectors and settings, or the beam center of a frame.

The lab frame of imgCIF has z towards the source. Each axis turns about its vector or moves along it by its
setting and adds its offset; what depends on it is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.cbf.cif_text import Table
from xgeom_core.formats.planes import Plane
from xgeom_core.geometry import FloatArray

_LONGEST = 64


@dataclass(frozen=True, eq=False)
class ImgCif:
    """What the axes of a header state.

    Parameters
    ----------
    plane : Plane
        Its origin is where the first data point stands (see the reader for corner or center).
    beam : ndarray, shape (3,)
        Unit vector from source to sample.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``.
    axes : str
        Names of the axes along fast and slow, as shown to the user.
    arrays : int
        Number of panels; the first is the one given here.
    """

    plane: Plane
    beam: FloatArray
    image_size: tuple[int, int] | None
    axes: str
    arrays: int


def number(row: dict[str, str], *names: str) -> float | None:
    """The first of the items of a row that is a number (an uncertainty in brackets is dropped)."""
    for name in names:
        try:
            value = planes.finite(float(row.get(name, "").split("(")[0]))
        except ValueError:
            continue
        if value is not None:
            return value
    return None


def from_axes(found: dict[str, Table], what: str) -> ImgCif | None:
    """The detector that the axes state; None if the header has no axes of a detector surface.

    Raises
    ------
    UnreadableFileError
        If there are axes but they are damaged.
    """
    axes = {row["id"].lower(): row for row in found.get("axis", []) if "id" in row}
    surface = _surface(found)
    if not axes or surface is None:
        return None
    settings = _settings(found, axes)
    (fast, fast_start, fast_step, nx), (slow, slow_start, slow_step, ny) = surface

    def at(i: float, j: float) -> FloatArray:
        shown = {**settings, fast: fast_start + i * fast_step, slow: slow_start + j * slow_step}
        return _position(axes, shown, fast, slow, what)

    if max(abs(fast_start), abs(slow_start)) > 1e6:
        raise UnreadableFileError(f"{what}: the detector's axes start more than a kilometer away.")
    origin = at(0.0, 0.0)
    steps = at(1.0, 0.0) - origin, at(0.0, 1.0) - origin
    pixel = abs(fast_step), abs(slow_step)
    plane = Plane(
        planes.vector(origin, f"{what}, the first pixel"),
        planes.direction(steps[0] / pixel[0], f"{what}, fast axis"),
        planes.direction(steps[1] / pixel[1], f"{what}, slow axis"),
        pixel,
    )
    arrays = {row.get("array_id", "") for row in found.get("array_structure_list", [])}
    return ImgCif(plane, _beam(axes, what), planes.image_size([nx, ny]), f"{fast}, {slow}", len(arrays))


_Surface = tuple[str, float, float, float | None]  # axis, setting at the first data point, step, pixels


def _surface(found: dict[str, Table]) -> tuple[_Surface, _Surface] | None:
    """The axes along the fast (precedence 1) and the slow index of the first array."""
    by_set: dict[str, dict[str, str]] = {}
    for row in found.get("array_structure_list_axis", []):
        name = row.get("axis_set_id", row.get("axis_id"))
        if name is not None:
            by_set.setdefault(name.lower(), row)
    indices: dict[int, _Surface] = {}
    for row in found.get("array_structure_list", []):
        place = by_set.get(row.get("axis_set_id", "").lower())
        precedence = number(row, "precedence")
        if place is None or precedence not in (1.0, 2.0) or int(precedence) in indices:
            continue
        step = number(place, "displacement_increment")
        if step is None or not 1e-6 <= abs(step) <= 1e3:
            continue
        start = number(place, "displacement", "start") or 0.0
        count = number(row, "dimension")
        if row.get("direction", "").lower() == "decreasing" and count is not None and count < 1e7:
            start, step = start + (count - 1) * step, -step
        axis = place.get("axis_id", place.get("axis_set_id", "")).lower()
        indices[int(precedence)] = (axis, start, step, count)
    return (indices[1], indices[2]) if {1, 2} <= indices.keys() else None


def _settings(found: dict[str, Table], axes: dict[str, dict[str, str]]) -> dict[str, float]:
    """Angle in degrees or displacement in mm of each axis: of the frame, else at the start of the scan."""
    settings: dict[str, float] = {}
    for table, angle, displacement in (
        ("diffrn_scan_frame_axis", "angle", "displacement"),
        ("diffrn_scan_axis", "angle_start", "displacement_start"),
    ):
        for row in found.get(table, []):
            name = row.get("axis_id", "").lower()
            turns = axes.get(name, {}).get("type", "").lower() == "rotation"
            setting = number(row, angle if turns else displacement)
            if setting is not None:
                settings.setdefault(name, setting)
    return settings


def _position(
    axes: dict[str, dict[str, str]], settings: dict[str, float], fast: str, slow: str, what: str
) -> FloatArray:
    """Where a pixel stands: both surface axes, whichever depends on which, then all below them."""
    chains = {name: _chain(axes, name, what) for name in (fast, slow)}
    if slow in chains[fast]:
        return _follow(np.zeros(3), chains[fast], axes, settings, what)
    if fast in chains[slow]:
        return _follow(np.zeros(3), chains[slow], axes, settings, what)
    # Neither depends on the other: they move side by side over what they have in common.
    common = [name for name in chains[fast] if name in chains[slow]]
    own = sum(
        (
            _follow(np.zeros(3), [name for name in chain if name not in common], axes, settings, what)
            for chain in chains.values()
        ),
        np.zeros(3),
    )
    return _follow(own, common, axes, settings, what)


def _chain(axes: dict[str, dict[str, str]], name: str, what: str) -> list[str]:
    """An axis and all that it depends on, outwards."""
    chain: list[str] = []
    current: str | None = name
    while current is not None:
        if current in chain or len(chain) >= _LONGEST or current not in axes:
            raise UnreadableFileError(
                f"{what}: the chain of axis {name[:40]!r} is broken at {current[:40]!r}."
            )
        chain.append(current)
        outer = axes[current].get("depends_on")
        current = outer.lower() if outer is not None else None
    return chain


def _follow(
    point: FloatArray,
    chain: list[str],
    axes: dict[str, dict[str, str]],
    settings: dict[str, float],
    what: str,
) -> FloatArray:
    """Carry a point along a chain of axes, outwards."""
    for name in chain:
        row = axes[name]
        setting = settings.get(name, 0.0)
        if abs(setting) > 1e6:
            raise UnreadableFileError(f"{what}: axis {name[:40]!r} is set to {setting:g}.")
        kind = row.get("type", "general").lower()
        if kind == "rotation" and setting:
            point = _turn(_vector(row, name, what), np.radians(setting)) @ point
        elif kind == "translation" and setting:
            point = point + setting * _vector(row, name, what)
        offset = [number(row, f"offset[{i}]") or 0.0 for i in (1, 2, 3)]
        point = point + planes.vector(offset, f"{what}, offset of axis {name[:40]!r}")
    return point


def _vector(row: dict[str, str], name: str, what: str) -> FloatArray:
    return planes.direction(
        [number(row, f"vector[{i}]") or 0.0 for i in (1, 2, 3)], f"{what}, axis {name[:40]!r}"
    )


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))


def _beam(axes: dict[str, dict[str, str]], what: str) -> FloatArray:
    """From source to sample: against the axis of the source, else along -z."""
    for name, row in axes.items():
        if row.get("equipment", "").lower() == "source":
            return -_vector(row, name, what)
    return np.array([0.0, 0.0, -1.0])
