"""The beam and detector models in the JSON of DIALS: every layout since the first, panels in lab vectors.

Vectors of a panel are local to the group that holds it, those of a group to its own parent:
``d_global = [f s n] d_local + origin`` with the parent's fast, slow and normal as columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.panels import Panel
from xgeom_core.formats.planes import Plane
from xgeom_core.geometry import FloatArray

Json = dict[str, Any]

_DEEPEST = 64
_MOST_PANELS = 100_000
_IDENTITY = {"fast_axis": [1.0, 0.0, 0.0], "slow_axis": [0.0, 1.0, 0.0], "origin": [0.0, 0.0, 0.0]}


@dataclass(frozen=True)
class Experiment:
    """One experiment: which beam and which detector of the file, where it stands, and its images' names."""

    number: int
    beam: Json
    detector: Json
    key: tuple[int, int]
    images: str = ""


def experiments(data: Any, path: str) -> list[Experiment]:
    """All experiments of a parsed JSON file.

    Known are experiment lists (``.expt``, ``experiments.json``), data blocks (``datablock.json``) and
    single image sets (``sweep.json``), the last two being what early versions of DIALS wrote.

    Raises
    ------
    UnreadableFileError
        If the JSON is something else or points at models it does not hold.
    """
    if isinstance(data, dict) and isinstance(data.get("experiment"), list):
        return _linked(data["experiment"], data, path)
    if isinstance(data, list) and any(isinstance(block, dict) and "imageset" in block for block in data):
        found: list[Experiment] = []
        for block in data:
            if isinstance(block, dict) and isinstance(block.get("imageset"), list):
                found += _linked(block["imageset"], block, path, first=len(found))
        if found:
            return found
    if isinstance(data, dict) and "detector" in data and "beam" in data:
        return [
            Experiment(0, _model(data["beam"], 0, "beam", path), _detector(data["detector"], path), (0, 0))
        ]
    raise UnreadableFileError(
        f"{path} is JSON but no list of experiments of DIALS: it needs the entries experiment, beam and "
        "detector."
    )


def _linked(items: list[Any], models: Json, path: str, first: int = 0) -> list[Experiment]:
    """Experiments that name their models by number (or hold them, in the oldest files)."""
    found = []
    for number, item in enumerate(items, start=first):
        if not isinstance(item, dict):
            raise UnreadableFileError(f"{path}: experiment {number} is {str(item)[:40]!r}, not an object.")
        keys = tuple(_key(item.get(name, 0), name, number, path) for name in ("beam", "detector"))
        beam = item["beam"] if isinstance(item.get("beam"), dict) else models.get("beam")
        detector = item["detector"] if isinstance(item.get("detector"), dict) else models.get("detector")
        found.append(
            Experiment(
                number,
                _model(beam, keys[0], "beam", path),
                _detector(detector, path, keys[1]),
                (keys[0], keys[1]),
                _images(item, models),
            )
        )
    if not found:
        raise UnreadableFileError(f"{path} is a list of experiments with nothing in it.")
    return found


def _images(item: Json, models: Json) -> str:
    """The template of an experiment's images, ``#`` for digits, or the name of the first; "" if not told."""
    sets, number = models.get("imageset"), item.get("imageset", 0)
    one = item if "template" in item or "images" in item else None
    if one is None and isinstance(sets, list) and isinstance(number, int) and 0 <= number < len(sets):
        one = sets[number] if isinstance(sets[number], dict) else None
    listed = (one or {}).get("images")
    first = listed[0] if isinstance(listed, list) and listed else ""
    name = (one or {}).get("template") or first
    return name if isinstance(name, str) else ""


def _key(value: Any, name: str, number: int, path: str) -> int:
    if isinstance(value, str):
        raise UnreadableFileError(
            f"{path}: the {name} of experiment {number} stands in another file ({value[:80]}); give that one."
        )
    if isinstance(value, dict):
        return -1 - number  # held by the experiment itself, so it is shared with no other
    index = planes.finite(value)
    if index is None or index != int(index):
        raise UnreadableFileError(f"{path}: experiment {number} has no {name} (its entry is {value!r}).")
    return int(index)


def _model(models: Any, index: int, name: str, path: str) -> Json:
    """One model of a list; a model that stands alone is itself."""
    if isinstance(models, dict):
        return models
    if isinstance(models, list) and 0 <= index < len(models) and isinstance(models[index], dict):
        return models[index]
    raise UnreadableFileError(f"{path} holds no {name} number {index}, though an experiment asks for it.")


def _detector(models: Any, path: str, index: int = 0) -> Json:
    """A detector; a bare list of panels, as in the oldest files, becomes one."""
    if isinstance(models, list) and 0 <= index < len(models) and isinstance(models[index], list):
        return {"panels": models[index]}
    return _model(models, index, "detector", path)


def beam_direction(beam: Json, path: str) -> FloatArray:
    """Unit vector from source to sample (DIALS stores the opposite)."""
    return -planes.direction(beam.get("direction"), f"{path}: the beam's direction")


def panels(detector: Json, path: str) -> list[Panel]:
    """The panels of a detector in lab vectors, in the order of the file.

    Raises
    ------
    UnreadableFileError
        If the hierarchy is damaged, or a vector is no vector.
    """
    records = detector.get("panels")
    if not isinstance(records, list) or not records or len(records) > _MOST_PANELS:
        raise UnreadableFileError(f"{path}: a detector has no panels.")
    root = detector.get("hierarchy")
    if root is None:
        frames = {index: _identity() for index in range(len(records))}
    else:
        leaves = list(_leaves(root, _identity(), path, 0))
        frames = dict(leaves)
        if sorted(index for index, _ in leaves) != list(range(len(records))):
            raise UnreadableFileError(
                f"{path}: the detector's hierarchy does not name each of its {len(records)} panels once."
            )
    return [_panel(index, record, frames[index], path) for index, record in enumerate(records)]


_Frame = tuple[FloatArray, FloatArray]  # (axes as columns, origin)


def _identity() -> _Frame:
    return np.eye(3), np.zeros(3)


def _leaves(node: Any, parent: _Frame, path: str, depth: int) -> Iterator[tuple[int, _Frame]]:
    """Numbers of the panels under a group, each with the frame of the group that holds it."""
    if not isinstance(node, dict) or depth > _DEEPEST:
        raise UnreadableFileError(f"{path}: the detector's hierarchy is damaged or too deep.")
    frame = _within(node, parent, f"{path}: a group of the detector")
    children = node.get("children", [])
    if not isinstance(children, list):
        raise UnreadableFileError(f"{path}: the detector's hierarchy is damaged (children is no list).")
    for child in children:
        if isinstance(child, dict) and "panel" in child:
            index = planes.finite(child["panel"])
            if index is None:
                raise UnreadableFileError(f"{path}: the detector's hierarchy names panel {child['panel']!r}.")
            yield int(index), frame
        else:
            yield from _leaves(child, frame, path, depth + 1)


def _within(record: Json, parent: _Frame, what: str) -> _Frame:
    """The lab frame of a record whose three vectors are local to ``parent``."""
    fast = planes.direction(record.get("fast_axis", _IDENTITY["fast_axis"]), f"{what}, fast_axis")
    slow = planes.direction(record.get("slow_axis", _IDENTITY["slow_axis"]), f"{what}, slow_axis")
    origin = planes.vector(record.get("origin", _IDENTITY["origin"]), f"{what}, origin")
    if abs(float(fast @ slow)) > 1e-3:
        raise UnreadableFileError(f"{what}: fast_axis and slow_axis are not at right angles.")
    axes, start = parent
    local = np.stack([fast, slow, np.cross(fast, slow)], axis=1)
    return axes @ local, axes @ origin + start


def _panel(index: int, record: Any, parent: _Frame, path: str) -> Panel:
    what = f"{path}: panel {index}"
    if not isinstance(record, dict):
        raise UnreadableFileError(f"{what} is {str(record)[:40]!r}, not an object.")
    missing = [name for name in ("fast_axis", "slow_axis", "origin", "pixel_size") if name not in record]
    if missing:
        raise UnreadableFileError(f"{what} lacks {missing[0]}.")
    axes, origin = _within(record, parent, what)
    pixel = planes.pixel_size(record["pixel_size"], f"{what}, pixel_size")
    offset = planes.vector(record.get("raw_image_offset", [0, 0]), f"{what}, raw_image_offset", 2)
    fast, slow = (planes.direction(axes[:, column], f"{what}, axes") for column in (0, 1))
    plane = Plane(planes.vector(origin, f"{what}, origin"), fast, slow, pixel)
    size = planes.image_size(record.get("image_size"))
    return Panel(index, plane, size, (float(offset[0]), float(offset[1])))
