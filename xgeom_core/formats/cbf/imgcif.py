"""The detector in a full imgCIF header: axes with vectors and settings.

The lab frame of imgCIF has z towards the source. Each axis turns about its vector or moves along it by its
setting and adds its offset; what depends on it is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.cbf.cif import Table
from xgeom_core.formats.panels import Panel
from xgeom_core.formats.planes import Plane
from xgeom_core.geometry import FloatArray

_LONGEST_CHAIN = 64
_MOST_PANELS = 2048
_MOST_PIXELS = 1e7

Row = dict[str, str]


@dataclass(frozen=True, eq=False)
class ImgCif:
    """What the axes of a header state.

    Parameters
    ----------
    panels : tuple of Panel
        The origins are where the first data points stand (see the reader for corner or center). Panels of
        arrays of their own are one below the other in the image.
    names : tuple of str
        Of the panels.
    beam : ndarray, shape (3,)
        Unit vector from source to sample.
    axes : str
        Names of the first panel's axes along fast and slow, as shown to the user.
    spindle : tuple or None
        Name, unit vector, angle at the start and step in degrees of the axis that turns the sample.
    """

    panels: tuple[Panel, ...]
    names: tuple[str, ...]
    beam: FloatArray
    axes: str
    spindle: tuple[str, FloatArray, float, float] | None


def number(row: Row, *names: str) -> float | None:
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
    axes = _Axes(found, what)
    surfaces = _surfaces(found, what)
    if not axes.rows or not surfaces:
        return None
    panels = tuple(
        Panel(index, _plane(axes, surface, what), surface.image_size, surface.offset_px)
        for index, surface in enumerate(surfaces)
    )
    fast, slow = surfaces[0].sides
    return ImgCif(
        panels,
        tuple(surface.name for surface in surfaces),
        axes.beam(),
        f"{fast.axis}, {slow.axis}",
        axes.spindle(found),
    )


# ------------------------------------------------------------------------------------------- surfaces


@dataclass(frozen=True)
class _Side:
    """Along one index of an array: the axis, its setting at the first data point, the step, the pixels."""

    axis: str
    start: float
    step: float
    count: float | None


@dataclass(frozen=True)
class _Surface:
    """An array, or a section of one, on a panel."""

    name: str
    sides: tuple[_Side, _Side]
    offset_px: tuple[float, float]

    @property
    def image_size(self) -> tuple[int, int] | None:
        return planes.image_size([side.count for side in self.sides])


def _surfaces(found: dict[str, Table], what: str) -> list[_Surface]:
    """Those arrays and sections whose fast (precedence 1) and slow index have an axis."""
    places: dict[str, Row] = {}
    for row in found.get("array_structure_list_axis", []):
        name = row.get("axis_set_id", row.get("axis_id"))
        if name is not None:
            places.setdefault(name.lower(), row)
    sides: dict[tuple[str, str], dict[float, tuple[_Side, str]]] = {}
    for row in found.get("array_structure_list", []):
        side, precedence = _side(row, places), number(row, "precedence")
        if side is not None and precedence in (1.0, 2.0):
            key = row.get("array_id", ""), row.get("array_section_id", "")
            sides.setdefault(key, {}).setdefault(precedence, (side, row.get("index", "")))
    surfaces: list[_Surface] = []
    rows_above = 0.0
    several_arrays = len({array for array, _ in sides}) > 1
    for (array, section), both in sides.items():
        if len(both) < 2:
            continue
        (fast, fast_index), (slow, slow_index) = both[1.0], both[2.0]
        offset = (0.0, rows_above)
        if section:
            starts = {
                row.get("index", ""): (number(row, "start") or 1.0) - 1.0
                for row in found.get("array_structure_list_section", [])
                if row.get("id") == section
            }
            offset = starts.get(fast_index, 0.0), rows_above + starts.get(slow_index, 0.0)
        elif several_arrays:
            rows_above += slow.count or 0.0
        surfaces.append(_Surface(section or array, (fast, slow), offset))
    if len(surfaces) > _MOST_PANELS or any(max(map(abs, one.offset_px)) > _MOST_PIXELS for one in surfaces):
        raise UnreadableFileError(f"{what}: it states {len(surfaces)} panels, or one beyond any image.")
    return surfaces


def _side(row: Row, places: dict[str, Row]) -> _Side | None:
    place = places.get(row.get("axis_set_id", "").lower())
    step = number(place, "displacement_increment") if place is not None else None
    if place is None or step is None or not 1e-6 <= abs(step) <= 1e3:
        return None
    start = number(place, "displacement", "start") or 0.0
    count = number(row, "dimension")
    if row.get("direction", "").lower() == "decreasing" and count is not None and count < _MOST_PIXELS:
        start, step = start + (count - 1) * step, -step
    return _Side(place.get("axis_id", place.get("axis_set_id", "")).lower(), start, step, count)


def _plane(axes: _Axes, surface: _Surface, what: str) -> Plane:
    fast, slow = surface.sides
    if max(abs(fast.start), abs(slow.start)) > 1e6:
        raise UnreadableFileError(f"{what}: the detector's axes start more than a kilometer away.")

    def at(i: float, j: float) -> FloatArray:
        shown = {fast.axis: fast.start + i * fast.step, slow.axis: slow.start + j * slow.step}
        return axes.position(fast.axis, slow.axis, shown)

    origin = at(0.0, 0.0)
    pixel = abs(fast.step), abs(slow.step)
    return Plane(
        planes.vector(origin, f"{what}, the first pixel"),
        planes.direction((at(1.0, 0.0) - origin) / pixel[0], f"{what}, fast axis"),
        planes.direction((at(0.0, 1.0) - origin) / pixel[1], f"{what}, slow axis"),
        pixel,
    )


# ----------------------------------------------------------------------------------------------- axes


class _Axes:
    """The axes of a header and what they are set to."""

    def __init__(self, found: dict[str, Table], what: str) -> None:
        self.rows = {row["id"].lower(): row for row in found.get("axis", []) if "id" in row}
        self._what = what
        self._settings: dict[str, float] = {}
        for table, angle, displacement in (
            ("diffrn_scan_frame_axis", "angle", "displacement"),
            ("diffrn_scan_axis", "angle_start", "displacement_start"),
        ):
            for row in found.get(table, []):
                name = row.get("axis_id", "").lower()
                setting = number(row, angle if self._turns(name) else displacement)
                if setting is not None:
                    self._settings.setdefault(name, setting)

    def position(self, fast: str, slow: str, shown: dict[str, float]) -> FloatArray:
        """Where a pixel stands: both surface axes, whichever depends on which, then all below them."""
        chains = {name: self._chain(name) for name in (fast, slow)}
        zero = np.zeros(3)
        if slow in chains[fast]:
            return self._follow(zero, chains[fast], shown)
        if fast in chains[slow]:
            return self._follow(zero, chains[slow], shown)
        # Neither depends on the other: they move side by side over what they have in common.
        common = [name for name in chains[fast] if name in chains[slow]]
        own = [[name for name in chain if name not in common] for chain in chains.values()]
        return self._follow(sum((self._follow(zero, chain, shown) for chain in own), zero), common, shown)

    def beam(self) -> FloatArray:
        """From source to sample: against the axis of the source, else along -z."""
        for name, row in self.rows.items():
            if row.get("equipment", "").lower() == "source":
                return -self._vector(name)
        return np.array([0.0, 0.0, -1.0])

    def spindle(self, found: dict[str, Table]) -> tuple[str, FloatArray, float, float] | None:
        """The axis of the goniometer that a scan steps, as it stands in the lab."""
        for row in found.get("diffrn_scan_axis", []):
            name, step = row.get("axis_id", "").lower(), number(row, "angle_increment")
            start = number(row, "angle_start")
            axis = self.rows.get(name, {})
            if not step or start is None or axis.get("equipment", "").lower() != "goniometer":
                continue
            direction = self._vector(name)
            for outer in self._chain(name)[1:]:
                if self._turns(outer):
                    direction = self._turn(outer, self._settings.get(outer, 0.0)) @ direction
            return axis["id"], direction, self._settings.get(name, start), step
        return None

    def _turns(self, name: str) -> bool:
        return self.rows.get(name, {}).get("type", "").lower() == "rotation"

    def _chain(self, name: str) -> list[str]:
        """An axis and all that it depends on, outwards."""
        chain: list[str] = []
        current: str | None = name
        while current is not None:
            if current in chain or len(chain) >= _LONGEST_CHAIN or current not in self.rows:
                raise UnreadableFileError(
                    f"{self._what}: the chain of axis {name[:40]!r} is broken at {current[:40]!r}."
                )
            chain.append(current)
            outer = self.rows[current].get("depends_on")
            current = outer.lower() if outer is not None else None
        return chain

    def _follow(self, point: FloatArray, chain: list[str], shown: dict[str, float]) -> FloatArray:
        """Carry a point along a chain of axes, outwards."""
        for name in chain:
            row, setting = self.rows[name], shown.get(name, self._settings.get(name, 0.0))
            if abs(setting) > 1e6:
                raise UnreadableFileError(f"{self._what}: axis {name[:40]!r} is set to {setting:g}.")
            if self._turns(name) and setting:
                point = self._turn(name, setting) @ point
            elif row.get("type", "").lower() == "translation" and setting:
                point = point + setting * self._vector(name)
            offset = [number(row, f"offset[{i}]") or 0.0 for i in (1, 2, 3)]
            point = point + planes.vector(offset, f"{self._what}, offset of axis {name[:40]!r}")
        return point

    def _vector(self, name: str) -> FloatArray:
        row = self.rows[name]
        return planes.direction(
            [number(row, f"vector[{i}]") or 0.0 for i in (1, 2, 3)], f"{self._what}, axis {name[:40]!r}"
        )

    def _turn(self, name: str, angle_deg: float) -> FloatArray:
        axis, angle = self._vector(name), np.radians(angle_deg)
        cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))
