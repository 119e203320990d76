"""Where the data of CrystFEL's panels lie: axes, masks, bad regions, places of distance and energy.

From the same text as `geom_file`, which has the panels' positions; rules of crystfel_geometry(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import values
from xgeom_core.formats.crystfel.geom_file import assignments, split_name

_DIM = re.compile(r"dim(\d)")
_MASK = re.compile(r"mask(\d?)_?(data|file|goodbits|badbits|good|bad)?")
_OLD_MASK = {"": "data", "good": "goodbits", "bad": "badbits"}
_PLACES = ("clen", "photon_energy", "wavelength", "electron_voltage")
_SIDES = ("min_x", "max_x", "min_y", "max_y", "min_fs", "max_fs", "min_ss", "max_ss")
_TRUE = ("1", "true")


@dataclass(frozen=True)
class MaskPlace:
    """A mask of bad pixels.

    Parameters
    ----------
    data, file : str
        Dataset, and the file if it is another one.
    good, bad : int
        A pixel counts if all bits of ``good`` and none of ``bad`` are set.
    """

    data: str
    file: str = ""
    good: int = 0
    bad: int = 0


@dataclass(frozen=True)
class PanelData:
    """Where one panel's data lie.

    Parameters
    ----------
    name, data : str
        The panel, and its dataset; "" where the file does not name one.
    dims : tuple of str
        What each axis counts: ``"%"`` (frames), ``"ss"``, ``"fs"`` or a number; empty where not stated.
    masks : tuple of MaskPlace
    most : float or None
        ``max_adu``: counts at which the panel is saturated.
    ignored : bool
        ``no_index``.
    """

    name: str
    data: str
    dims: tuple[str, ...]
    masks: tuple[MaskPlace, ...]
    most: float | None
    ignored: bool


@dataclass(frozen=True)
class BadRegion:
    """Pixels that do not count: of a panel in the data array (inclusive), or of the lab in pixel widths."""

    panel: str
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(frozen=True)
class DataPlaces:
    """Everything of a geometry file that is about the data files.

    Parameters
    ----------
    panels : tuple of PanelData
        In the order of the file.
    bad : tuple of BadRegion
    places : dict
        For ``clen``, ``photon_energy``, ``wavelength`` and ``electron_voltage`` that stand in the data files,
        the dataset and the unit ("" if none is stated).
    """

    panels: tuple[PanelData, ...]
    bad: tuple[BadRegion, ...]
    places: dict[str, tuple[str, str]]


def parse_places(text: str, path: Path) -> DataPlaces:
    """Where the data lie, from the text of a geometry file that `parse_geom` accepts.

    Raises
    ------
    UnreadableFileError
        If a mask's bits or the axes make no sense.
    """
    top: dict[str, str] = {}
    panels: dict[str, dict[str, str]] = {}
    bad: dict[str, dict[str, str]] = {}
    for _, name, value in assignments(text):
        where = split_name(name)
        if where is not None:
            panels.setdefault(where[0], dict(top))[where[1]] = value
        elif "/" not in name:
            top[name] = value
        elif name.startswith("bad"):
            region, _, key = name.partition("/")
            bad.setdefault(region, {})[key] = value
    places = {}
    for key in _PLACES:
        place, _, unit = top.get(key, "").partition(" ")
        if place.startswith("/"):
            places[key] = (place, unit.strip())
    found = tuple(_panel(name, given, path) for name, given in panels.items())
    return DataPlaces(found, tuple(filter(None, map(_region, bad.values()))), places)


def _panel(name: str, given: dict[str, str], path: Path) -> PanelData:
    dims = {int(found[1]): value for key, value in given.items() if (found := _DIM.fullmatch(key))}
    if dims and sorted(dims) != list(range(len(dims))):
        raise UnreadableFileError(
            f"{path} leaves out one of the axes dim0 to dim{max(dims)} of {name[:60]!r}."
        )
    ordered = tuple(dims[number] for number in sorted(dims))
    if dims and (ordered.count("ss") != 1 or ordered.count("fs") != 1):
        raise UnreadableFileError(f"{path} has no axis ss or fs among those of panel {name[:60]!r}.")
    return PanelData(
        name,
        given.get("data", ""),
        ordered,
        _masks(given, path),
        values.number(given.get("max_adu")),
        given.get("no_index", "").lower() in _TRUE,
    )


def _masks(given: dict[str, str], path: Path) -> tuple[MaskPlace, ...]:
    parts: dict[str, dict[str, str]] = {}
    for key, value in given.items():
        found = _MASK.fullmatch(key)
        if found:
            what = found[2] or ""
            parts.setdefault(found[1] or "0", {})[_OLD_MASK.get(what, what)] = value
    masks = []
    for _, part in sorted(parts.items()):
        if part.get("data"):
            bits = (_bits(part.get(f"{kind}bits", "0"), path) for kind in ("good", "bad"))
            masks.append(MaskPlace(part["data"], part.get("file", ""), *bits))
    return tuple(masks)


def _bits(text: str, path: Path) -> int:
    try:
        bits = int(text[:20], 0)
    except ValueError:
        bits = -1
    if not 0 <= bits < 2**64:
        raise UnreadableFileError(
            f"{path} gives the bits of a mask as {text[:40]!r}; such as 0xff was expected."
        )
    return bits


def _region(given: dict[str, str]) -> BadRegion | None:
    """A bad region; None if it is not complete."""
    sides = {side: values.number(given.get(side)) for side in _SIDES}
    for first, second, panel in (("fs", "ss", given.get("panel", "")), ("x", "y", "")):
        low = sides[f"min_{first}"], sides[f"min_{second}"]
        high = sides[f"max_{first}"], sides[f"max_{second}"]
        if None not in (*low, *high) and (first == "x" or panel):
            return BadRegion(panel, (low[0] or 0.0, low[1] or 0.0), (high[0] or 0.0, high[1] or 0.0))
    return None
