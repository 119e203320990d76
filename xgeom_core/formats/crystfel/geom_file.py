"""The text of a CrystFEL geometry file: panels, defaults, units, vectors. What it means is elsewhere.

Written from the manual page crystfel_geometry(5): a ``name = value`` a line, ``;`` starts a comment,
``panel/name = value`` belongs to one panel, anything else is a default for the panels *first mentioned*
later. Names that start with ``bad``, ``group`` and ``rigid_group`` are no panels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import values

_RESERVED = ("bad", "group", "rigid_group")
_TERM = re.compile(r"([+-]?)((?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,5})?)?([xyz])")
_VECTOR = re.compile(rf"(?:{_TERM.pattern})+")
# What is kept of a panel. ``clen`` is said of the detector as a whole and is no default for panels.
_KEPT = {"min_fs", "max_fs", "min_ss", "max_ss", "corner_x", "corner_y", "fs", "ss", "res", "coffset", "data"}
_DIMENSION = re.compile(r"dim\d")
_MOST_VECTOR = 1e3
_MOST_PANELS = 10_000


@dataclass(frozen=True)
class Panel:
    """One panel as stated.

    Parameters
    ----------
    name : str
        Its name in the file.
    first, last : tuple of float
        ``(min_fs, min_ss)`` and ``(max_fs, max_ss)`` in the data array, both inclusive.
    corner : tuple of float
        Lab ``(x, y)`` of the outer corner of the first pixel, in pixel widths.
    fast, slow : tuple of float
        Vectors fs and ss, in pixel widths.
    per_m : float
        ``res``: pixel widths per meter.
    offset_mm : float
        ``coffset``, along the beam.
    length_mm : float or None
        Its own ``clen`` (before version 0.11); None where the whole detector has one.
    layer : tuple
        Where its data lie: data sets and fixed dimensions; equal for panels of one array.
    """

    name: str
    first: tuple[float, float]
    last: tuple[float, float]
    corner: tuple[float, float]
    fast: tuple[float, float, float]
    slow: tuple[float, float, float]
    per_m: float
    offset_mm: float
    length_mm: float | None
    layer: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class GeomFile:
    """A geometry file.

    Parameters
    ----------
    panels : tuple of Panel
        In the order of the file, at least one.
    length_mm : float or None
        ``clen``; None where it is a place in the data files.
    shift_mm : tuple of float
        ``detector_shift_x/y``; 0 where it is a place in the data files.
    wavelength_A : float or None
        From ``wavelength``, ``photon_energy`` or ``electron_voltage``.
    stated : dict
        Top-level values as text, for showing.
    warnings : tuple of str
        What is not as expected.
    """

    panels: tuple[Panel, ...]
    length_mm: float | None
    shift_mm: tuple[float, float]
    wavelength_A: float | None
    stated: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def assignments(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number from 1, name and value of every ``name = value`` of a geometry file."""
    for line_number, line in enumerate(text.split("\n"), 1):
        name, equals, value = line.split(";", 1)[0].partition("=")
        if equals:
            yield line_number, name.strip(), value.strip()


def split_name(name: str) -> tuple[str, str] | None:
    """Panel and key of ``panel/key``; None for top-level names and for bad regions."""
    panel, slash, key = name.partition("/")
    if not slash or not panel or panel.startswith(_RESERVED):
        return None
    return panel, key


def parse_geom(text: str, path: Path) -> GeomFile:
    """A geometry file from its text.

    Raises
    ------
    UnreadableFileError
        If a value is not what it should be.
    MissingDatasetError
        If there is no panel, or a panel lacks what it needs.
    """
    top: dict[str, str] = {}
    panels: dict[str, dict[str, str]] = {}
    for _, name, value in assignments(text):
        where = split_name(name)
        if where is not None:
            if where[0] not in panels:
                panels[where[0]] = {key: text for key, text in top.items() if _of_panel(key)}
                if len(panels) > _MOST_PANELS:
                    raise UnreadableFileError(f"{path} describes more than {_MOST_PANELS} panels: not read.")
            if _of_panel(where[1]) or where[1] == "clen":
                panels[where[0]][where[1]] = value
        elif "/" not in name and not name.startswith(_RESERVED):
            top[name] = value
    if not panels:
        raise MissingDatasetError(f"{path} describes no panel (no line like 'p0/corner_x = ...').")
    warnings: list[str] = []
    length_mm = length_of(top.get("clen"), path, "clen", warnings) if "clen" in top else None
    shift = [length_of(top.get(f"detector_shift_{axis}"), path, "detector_shift", warnings) for axis in "xy"]
    return GeomFile(
        tuple(_panel(name, given, path) for name, given in panels.items()),
        length_mm,
        (shift[0] or 0.0, shift[1] or 0.0),
        _wavelength(top),
        {key: top[key] for key in ("clen", "photon_energy", "wavelength", "electron_voltage") if key in top},
        tuple(dict.fromkeys(warnings)),
    )


def length_of(text: str | None, path: Path, what: str, warnings: list[str]) -> float | None:
    """A length in mm from a literal number (m without a unit); None for a place in the data files."""
    if text is None:
        return None
    found, _, unit = text.partition(" ")
    value = values.number(found)
    if value is None:
        if not found.startswith("/") and values.number(found.lower()[:1]) is not None:
            raise UnreadableFileError(f"{path} gives {what} as {text[:40]!r}; a length was expected.")
        warnings.append(f"{what} stands in the data files ({text[:80]}), so it is not known here.")
        return None
    scale = {"": 1e3, "m": 1e3, "mm": 1.0}.get(unit.strip())
    if scale is None:
        raise UnreadableFileError(f"{path} gives {what} in {unit.strip()[:20]!r}; m or mm was expected.")
    return values.bounded(value * scale, values.MOST_MM, path, what)


def vector_of(text: str, path: Path, what: str) -> tuple[float, float, float]:
    """A vector from an expression such as ``"-0.004x +0.9999y"``."""
    compact = "".join(text.split())
    if len(compact) > 400 or not _VECTOR.fullmatch(compact):
        raise UnreadableFileError(
            f"{path} gives {what} as {text[:60]!r}; such as '+0.999x -0.01y' was expected."
        )
    found = {"x": 0.0, "y": 0.0, "z": 0.0}
    for sign, size, axis in _TERM.findall(compact):
        amount = values.bounded(float(size or 1.0), _MOST_VECTOR, path, what)
        found[axis] += -amount if sign == "-" else amount
    return found["x"], found["y"], found["z"]


def _panel(name: str, given: dict[str, str], path: Path) -> Panel:
    shown = repr(name[:60])

    def value(key: str, default: float | None = None) -> float:
        if key not in given and default is not None:
            return default
        if key not in given:
            raise MissingDatasetError(f"{path} does not state {key} of panel {shown}, which CrystFEL needs.")
        found = values.number(given[key])
        if found is None:
            raise UnreadableFileError(
                f"{path} gives {key} of panel {shown} as {given[key][:40]!r}; a number was expected."
            )
        return values.bounded(found, 1e9, path, f"{key} of panel {shown}")

    def direction(key: str) -> tuple[float, float, float]:
        if key not in given:
            raise MissingDatasetError(f"{path} does not state {key} of panel {shown}, which CrystFEL needs.")
        return vector_of(given[key], path, f"{key} of panel {shown}")

    per_m = value("res")
    if not 1.0 <= per_m <= 1e9:
        raise UnreadableFileError(
            f"{path} gives res = {per_m:g}; a positive number of pixels per meter was expected."
        )
    first, last = (value("min_fs"), value("min_ss")), (value("max_fs"), value("max_ss"))
    for low, high in zip(first, last, strict=True):
        if not 0 <= low <= high <= values.MOST_PX:
            raise UnreadableFileError(f"{path} has panel {shown} reach from {low:g} to {high:g} in the data.")
    return Panel(
        name,
        first,
        last,
        (_pixels(value("corner_x"), path), _pixels(value("corner_y"), path)),
        direction("fs"),
        direction("ss"),
        per_m,
        values.bounded(value("coffset", 0.0) * 1e3, values.MOST_MM, path, "coffset"),
        length_of(given.get("clen"), path, "clen", []),
        tuple(sorted((key, text) for key, text in given.items() if _places(key, text))),
    )


def _pixels(value: float, path: Path) -> float:
    return values.bounded(value, values.MOST_PX, path, "a corner in px")


def _of_panel(key: str) -> bool:
    return key in _KEPT or _DIMENSION.fullmatch(key) is not None


def _places(key: str, text: str) -> bool:
    """Whether an entry tells in which array, or in which layer of it, a panel's data lie."""
    return key == "data" or (_DIMENSION.fullmatch(key) is not None and text.isdigit())


def _wavelength(top: dict[str, str]) -> float | None:
    """The wavelength in Å where it is stated as a number."""
    for key, units in _WAVE_UNITS.items():
        found, _, unit = top.get(key, "").partition(" ")
        kind = units.get(unit.strip())
        value = values.number(found)
        if kind is None or value is None:
            continue
        name, factor = kind
        if name == "length":
            return values.sane_wavelength(value * factor)
        if name == "photon":
            return values.wavelength_of_photon(value * factor)
        return values.wavelength_of_electron(value * factor)
    return None


_WAVE_UNITS = {
    "wavelength": {"m": ("length", 1e10), "A": ("length", 1.0)},
    "photon_energy": {"": ("photon", 1.0), "eV": ("photon", 1.0), "keV": ("photon", 1e3)},
    "electron_voltage": {"V": ("electron", 1.0), "kV": ("electron", 1e3)},
}
