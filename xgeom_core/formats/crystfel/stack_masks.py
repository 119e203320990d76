"""Masks of frames of many panels, laid out as these: stated by the geometry file, or beside the data."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xgeom_core.formats.crystfel.data_places import DataPlaces, MaskPlace, PanelData
from xgeom_core.formats.masking import BoolImage

_BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError)
_BESIDE = ("mask", "pixel_mask")


def mask_places(file: h5py.File, dataset: str, panels: Sequence[PanelData]) -> tuple[MaskPlace, ...]:
    """The masks that the geometry states; where it states none, the one that lies beside the images."""
    stated = tuple(dict.fromkeys(mask for panel in panels for mask in panel.masks))
    if stated:
        return stated
    folder = dataset.rpartition("/")[0]
    found = (f"{folder}/{name}" for name in _BESIDE)
    return tuple(MaskPlace(name, bad=2**64 - 1) for name in found if name in file)[:1]


class Masks:
    """Bad pixels of any frame.

    Parameters
    ----------
    file : h5py.File
        The open file of frames.
    geometry : Path
        The geometry file; names of other files count from its folder.
    places : tuple of MaskPlace
    frame : tuple of int
        Shape of a frame as stored.
    """

    def __init__(
        self, file: h5py.File, geometry: Path, places: tuple[MaskPlace, ...], frame: tuple[int, ...]
    ) -> None:
        self._file, self._geometry, self._frame = file, geometry, frame
        self._places, self._kept = places, {}  # type: tuple[MaskPlace, ...], dict[MaskPlace, BoolImage]
        self.notes: list[str] = []
        """What could not be used."""

    def bad(self, index: int) -> BoolImage | None:
        """Flattened: True where a pixel of a frame does not count; None where all do."""
        whole: BoolImage | None = None
        for place in self._places:
            bad = self._kept.get(place)
            if bad is None:
                bad = self._read(place, index)
            if bad is not None:
                whole = bad if whole is None else whole | bad
        return whole

    def _read(self, place: MaskPlace, index: int) -> BoolImage | None:
        try:
            if place.file:
                with h5py.File(self._path(place.file), "r", locking=False) as other:
                    bits, whole = self._bits(other[place.data], index)
            else:
                bits, whole = self._bits(self._file[place.data], index)
        except _BROKEN:
            note = f"The mask {place.data}{f' of {place.file}' if place.file else ''} cannot be used."
            if note not in self.notes:
                self.notes.append(note)
            return None
        good, bad = (np.uint64(bits_of) for bits_of in (place.good, place.bad))
        found: BoolImage = ((bits & bad) != 0) | ((bits & good) != good)
        if whole:
            self._kept[place] = found
        return found

    def _bits(self, dataset: Any, index: int) -> tuple[NDArray[np.uint64], bool]:
        """The mask of a frame, flattened, and whether it is that of all frames."""
        size = prod(self._frame)
        whole = dataset.size == size
        if not whole and prod(dataset.shape[1:]) != size:
            raise ValueError("a mask of another size")
        stored = np.asarray(dataset[()] if whole else dataset[index]).ravel()
        return stored.astype(np.int64).astype(np.uint64), whole

    def _path(self, name: str) -> Path:
        beside = self._geometry.parent / name
        return beside if beside.is_file() else Path(name)


def bad_regions(
    places: DataPlaces, panel: NDArray[np.int32], stored: NDArray[np.int64], at: tuple[Any, Any]
) -> BoolImage:
    """True where the geometry's bad regions and ignored panels are on the canvas.

    Parameters
    ----------
    panel : ndarray, shape (slow, fast)
        Number of the panel of each pixel.
    stored : ndarray, shape (slow, fast, 2)
        ``(fs, ss)`` of each pixel in the data array.
    at : tuple of ndarray
        ``(x, y)`` of each pixel's center in pixel widths from the beam, broadcast to the canvas.
    """
    bad = np.zeros(panel.shape, dtype=bool)
    names = [one.name for one in places.panels]
    for number, one in enumerate(places.panels):
        if one.ignored:
            bad |= panel == number
    for region in places.bad:
        if region.panel in names:
            inside = panel == names.index(region.panel)
            for axis in (0, 1):
                inside &= (stored[..., axis] >= region.low[axis]) & (stored[..., axis] <= region.high[axis])
            bad |= inside
        elif not region.panel:
            bad |= (
                (at[0] >= region.low[0])
                & (at[0] <= region.high[0])
                & (at[1] >= region.low[1])
                & (at[1] <= region.high[1])
            )
    return bad
