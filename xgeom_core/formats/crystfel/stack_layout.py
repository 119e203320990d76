"""How panels lie in an HDF5 dataset of frames: each (slow, fast), (modules, slow, fast), ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xgeom_core.formats.crystfel.canvas import Storage
from xgeom_core.formats.crystfel.data_places import PanelData
from xgeom_core.formats.crystfel.layout import Panels

_LEAST_COVERED = 0.5  # of a frame's pixels, by panels that belong to it


@dataclass(frozen=True)
class StackLayout:
    """A dataset whose frames the panels describe.

    Parameters
    ----------
    frames : int or None
        Length of the leading axis that counts frames; None where the dataset is one frame.
    frame : tuple of int
        Shape of one frame.
    storage : tuple of Storage
        One a panel, in the flattened frame.
    """

    frames: int | None
    frame: tuple[int, ...]
    storage: tuple[Storage, ...]


def stack_layout(shape: tuple[int, ...], panels: Panels, places: Sequence[PanelData]) -> StackLayout | None:
    """How the panels lie in a dataset of a shape; None if they do not fit it.

    A geometry written for modules below each other fits modules along an axis of their own, and the other
    way round.
    """
    dims = places[0].dims
    counted = "%" in dims or len(shape) > max(len(dims), 2)
    if dims.count("%") > 1 or ("%" in dims and dims[0] != "%") or len(shape) < 2:
        return None
    frames, frame = (shape[0], shape[1:]) if counted and len(shape) > 2 else (None, shape)
    covered, storage = 0, []
    rows = _rows(places)
    for number, place in enumerate(places):
        first, size = panels.first[number], panels.size[number]
        found = _stored(frame, [dim for dim in place.dims if dim != "%"], first, size, rows)
        if found is None:
            return None
        storage.append(found)
        covered += int(size.prod())
    if not _LEAST_COVERED * prod(frame) <= covered <= prod(frame):
        return None
    return StackLayout(frames, frame, tuple(storage))


def _rows(places: Sequence[PanelData]) -> int:
    """Modules that fixed axes tell apart."""
    numbers = [int(dim) for place in places for dim in place.dims if dim.isdigit()]
    return max(numbers, default=0) + 1


def _stored(
    frame: tuple[int, ...], dims: list[str], first: Sequence[float], size: Sequence[float], modules: int
) -> Storage | None:
    """Where a panel lies in a frame; None if it reaches beyond it."""
    if len(dims) == len(frame):
        lengths = dict(zip(dims, frame, strict=True))
        strides = [prod(frame[axis + 1 :]) for axis in range(len(frame))]
        fixed = [
            (int(dim), length, stride)
            for dim, length, stride in zip(dims, frame, strides, strict=True)
            if dim.isdigit()
        ]
        if any(number >= length for number, length, _ in fixed):
            return None
        start = sum(number * stride for number, _, stride in fixed)
        slow, fast = strides[dims.index("ss")], strides[dims.index("fs")]
        room = lengths["fs"], lengths["ss"]
    else:
        room, start = (frame[-1], prod(frame[:-1])), 0
        slow, fast = frame[-1], 1
        numbers = [int(dim) for dim in dims if dim.isdigit()]
        if len(numbers) == 1 and len(frame) == 2 and room[1] % modules == 0:
            room = (room[0], room[1] // modules)
            start = numbers[0] * room[1] * slow
        elif numbers:
            return None
    (fs, ss), (wide, tall) = (tuple(map(int, pair)) for pair in (first, size))
    if fs + wide > room[0] or ss + tall > room[1]:
        return None
    return Storage(start + ss * slow + fs * fast, fast, slow)
